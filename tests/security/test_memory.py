"""What processes hold in memory is theirs alone, for other processes of the same user too."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.deploy.files import ROOT, program, run
from tests.serving import free_port

# As a user without rights, so that it is the processes that refuse and being root helps nobody.
NOBODY = ("--unshare-user", "--uid", "65534", "--gid", "65534", "--unshare-pid", "--die-with-parent")
PEEK = """
import os, signal, subprocess, sys, time
from pathlib import Path

def family(pid):
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in family(int(child)))]

def readable(pid):
    try:
        os.close(os.open(f"/proc/{pid}/mem", os.O_RDONLY))
    except PermissionError:
        return False
    return True

program = [sys.executable, "-m", "app"]
subprocess.run([*program, "init"], check=True, stdout=subprocess.DEVNULL)
bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
started = [subprocess.Popen([*program, command]) for command in ("serve", "worker")]
until = time.monotonic() + 40
while time.monotonic() < until:
    found = [pid for process in started for pid in family(process.pid)]
    if len(found) >= 3 and not any(map(readable, found)):
        break
    time.sleep(0.1)
print(len(found), [readable(pid) for pid in found], readable(bystander.pid))
for process in (*started, bystander):
    process.kill()
"""


def test_no_process_of_the_same_user_reads_the_memory_of_the_service(tmp_path: Path) -> None:
    """Server, web processes and worker refuse it; another program of that user does not."""
    data = str(tmp_path / "data")
    settings = {"DATA": data, "PORT": str(free_port()), "WEB_PROCESSES": "1", "DEIDENTIFY": "rules"}

    done = run(
        *(
            program("bwrap"),
            *NOBODY,
            "--bind",
            "/",
            "/",
            "--dev",
            "/dev",
            "--proc",
            "/proc",
            "--bind",
            tmp_path,
            tmp_path,
        ),
        *("--chdir", ROOT, sys.executable, "-c", PEEK),
        **{f"TESTIMONY_{name}": value for name, value in settings.items()},
    )

    assert done.stdout == "3 [False, False, False] True\n", done.stderr
