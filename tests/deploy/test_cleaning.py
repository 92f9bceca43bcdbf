"""Attachments are cleaned where the deployment's files say how the service runs, and within what they give it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import yaml

from app.cleaning import office
from app.cleaning.limits import COST, FOLDER
from app.settings import Settings
from tests.deploy.files import DEPLOY, ROOT, program, run

WEB = DEPLOY / "systemd/testimony-web.service"
OFFICE = DEPLOY / "systemd/testimony-web.service.d/office-files.conf"
GIB = 1 << 30
# What a web node needs beside cleaning: the parent with what they share, and each process while it works.
SERVICE, PROCESS = GIB >> 1, GIB >> 2
# As in the unit: a user without rights, a /proc of which parts are covered, no devices, nothing that can be written.
AROUND = (
    *(
        "--unshare-user",
        "--uid",
        "65534",
        "--gid",
        "65534",
        "--unshare-pid",
        "--die-with-parent",
        "--ro-bind",
        "/",
        "/",
    ),
    *("--dev", "/dev", "--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys"),
)
CLEAN = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from app.cleaning.cleaner import cleaning
from app.errors import CannotBeCleaned
from tests import attachments

for name in ("document", "office", "photograph", "mp4"):
    try:
        with cleaning([getattr(attachments, name)()]) as copy:
            print(name, copy.noun, sum(map(len, copy.pieces())) > 0)
    except CannotBeCleaned as refused:
        print(name, refused.detail)
"""
TRY = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from app.cleaning import cleaner
cleaner.TRIAL_SECONDS = 1.0
print(bool(cleaner._sandbox()))
"""


def under(units: list[Path], program_text: str) -> str:
    """What a program of Python says under the filters of a unit and its drop-in, and in surroundings such as theirs."""
    bubblewrap, _ = program("bwrap"), program("systemd-analyze")
    confined = (sys.executable, ROOT / "tests/deploy/confined.py", ":".join(map(str, units)))
    seen = [part for unit in units for part in ("--ro-bind", unit, unit)]
    done = run(bubblewrap, *AROUND, *seen, *confined, sys.executable, "-c", program_text)
    assert done.returncode == 0, done.stderr
    return done.stdout


def cleaned(*units: Path) -> list[str]:
    """What becomes of some attachments there."""
    program("mat2")
    return under([*units], CLEAN).splitlines()


def test_a_web_node_under_systemd_cleans_what_needs_no_sandbox() -> None:
    """Office files it refuses, and says why; as in a container whose engine forbids namespaces."""
    assert cleaned(WEB) == [
        "document document True",
        "office Office files cannot be cleaned here: mat2 or bubblewrap is missing.",
        "photograph image True",
        "mp4 recording True",
    ]


def test_with_its_drop_in_it_cleans_office_files_too() -> None:
    """The filters leave room for the sandbox and for mat2 in it."""
    assert cleaned(WEB, OFFICE) == [
        "document document True",
        "office document True",
        "photograph image True",
        "mp4 recording True",
    ]


@pytest.mark.parametrize("left_out", ["mount", "umount2", "pivot_root", "capset", "AF_NETLINK", "net", "user"])
def test_the_drop_in_allows_no_more_than_the_sandbox_needs(left_out: str, tmp_path: Path) -> None:
    """Without any one of these there is none; and bubblewrap that waits for good keeps nobody waiting."""
    less = tmp_path / "less.conf"
    less.write_text(re.sub(rf"(?m)^([^#\n]*?[ =]){left_out}\b", r"\1", OFFICE.read_text()))

    assert under([WEB, less], TRY) == "False\n"


def test_memory_suffices_for_everything_that_is_cleaned_at_once() -> None:
    """That is one file, under systemd and in a container."""
    needed = SERVICE + Settings.model_fields["web_processes"].default * PROCESS + COST
    given = re.search(r"(?m)^MemoryMax=(\d+)G$", WEB.read_text())
    web = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["web1"]

    assert given is not None
    assert int(given[1]) * GIB >= needed
    assert int(web["mem_limit"].removesuffix("g")) * GIB >= needed


def test_a_cleaner_that_takes_too_much_memory_takes_no_node_along() -> None:
    """Otherwise systemd would stop the whole unit."""
    assert "OOMPolicy=continue" in WEB.read_text().splitlines()


def test_the_folder_in_memory_holds_the_largest_office_file() -> None:
    """Packed, unpacked, and packed again."""
    assert 2 * office.MOST_BYTES + office.MOST_UNPACKED <= FOLDER
