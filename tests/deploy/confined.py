"""Runs a command under the filters of system calls that a unit asks for: ``confined.py UNIT[:DROP-IN] COMMAND...``.

It needs no running systemd: the unit is read here, systemd-analyze knows what its groups of calls mean, and libseccomp,
which systemd uses too, makes the filters.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

NO_NEW_PRIVILEGES = 38
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
EQUAL, MASKED = 4, 7
# Of include/uapi/linux/sched.h.
NAMESPACES = {
    "mnt": 0x00020000,
    "uts": 0x04000000,
    "ipc": 0x08000000,
    "user": 0x10000000,
    "pid": 0x20000000,
    "net": 0x40000000,
    "cgroup": 0x02000000,
}
WRITE_AND_RUN, RUN = 6, 4
FAMILIES = 46


class Argument(ctypes.Structure):
    """``struct scmp_arg_cmp``."""

    _fields_ = (("at", ctypes.c_uint), ("how", ctypes.c_int), ("one", ctypes.c_uint64), ("two", ctypes.c_uint64))


class Filter:
    """One filter; what no rule names is answered with ``otherwise``."""

    def __init__(self, otherwise: int) -> None:
        self._lib = ctypes.CDLL("libseccomp.so.2")
        self._lib.seccomp_init.restype = ctypes.c_void_p
        self._context = ctypes.c_void_p(self._lib.seccomp_init(ctypes.c_uint32(otherwise)))

    def rule(self, action: int, call: str, *arguments: Argument) -> None:
        """Answer a call so; one that this machine does not know is passed over."""
        number = self._lib.seccomp_syscall_resolve_name(call.encode())
        if number < 0:
            return
        given = (Argument * max(1, len(arguments)))(*arguments)
        if self._lib.seccomp_rule_add_array(self._context, ctypes.c_uint32(action), number, len(arguments), given):
            raise OSError(call)

    def load(self) -> None:
        """From now on, for this process and whatever it starts."""
        if self._lib.seccomp_load(self._context):
            raise OSError


def main() -> None:
    """Read the unit, load the filters, run the command."""
    unit: dict[str, list[str]] = {}
    for file in sys.argv[1].split(":"):
        for line in Path(file).read_text(encoding="ascii").splitlines():
            name, _, value = line.partition("=")
            unit.setdefault(name, []).append(value)
    filters = [_written_code(), _families(unit), _namespaces(unit), _calls(unit)]
    if ctypes.CDLL(None).prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0):
        raise OSError
    for each in filters:
        each.load()
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606  the test's own words


def _calls(unit: dict[str, list[str]]) -> Filter:
    allowed = _expanded("@default")
    for line in unit["SystemCallFilter"]:
        named = set().union(*map(_expanded, line.removeprefix("~").split()))
        allowed = allowed - named if line.startswith("~") else allowed | named
    made = Filter(ERRNO | errno.EPERM)
    # The last filter is loaded while those before it hold.
    for call in sorted(allowed | {"execve", "seccomp"}):
        made.rule(ALLOW, call)
    return made


def _expanded(word: str) -> set[str]:
    if not word.startswith("@"):
        return {word}
    command = ["systemd-analyze", "--no-pager", "syscall-filter", word]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    words = (line.strip() for line in told.splitlines()[1:])
    return set().union(*(_expanded(each) for each in words if each and not each.startswith("#")))


def _families(unit: dict[str, list[str]]) -> Filter:
    allowed = {int(getattr(socket, name)) for name in " ".join(unit["RestrictAddressFamilies"]).split()}
    made = Filter(ALLOW)
    for family in set(range(FAMILIES)) - allowed:
        made.rule(ERRNO | errno.EAFNOSUPPORT, "socket", Argument(0, EQUAL, family, 0))
    return made


def _namespaces(unit: dict[str, list[str]]) -> Filter:
    line = unit["RestrictNamespaces"][-1]
    made = Filter(ALLOW)
    made.rule(ERRNO | errno.ENOSYS, "clone3")
    for name, flag in NAMESPACES.items():
        if line == "yes" or name not in line.split():
            for call, at in (("unshare", 0), ("clone", 0), ("setns", 1)):
                made.rule(ERRNO | errno.EPERM, call, Argument(at, MASKED, flag, flag))
    return made


def _written_code() -> Filter:
    """As MemoryDenyWriteExecute, which every unit has."""
    made = Filter(ALLOW)
    made.rule(ERRNO | errno.EPERM, "mmap", Argument(2, MASKED, WRITE_AND_RUN, WRITE_AND_RUN))
    made.rule(ERRNO | errno.EPERM, "mprotect", Argument(2, MASKED, RUN, RUN))
    return made


if __name__ == "__main__":
    main()
