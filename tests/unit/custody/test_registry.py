from __future__ import annotations

from pathlib import Path

import pytest

from app.custody.base import KeyKind
from app.custody.registry import open_custody
from app.errors import CustodyUnavailable


@pytest.mark.parametrize(
    ("role", "usable"),
    [("web", {"pepper-1", "kk-1"}), ("worker", {"worker-1", "kk-1"}), ("operator", {"pepper-1", "worker-1", "kk-1"})],
)
def test_a_role_opens_its_groups(custody_folder: Path, role: str, usable: set[str]) -> None:
    """The fragment decides which keys the process can use."""
    operator = open_custody(f"file:{custody_folder}#operator")
    names = ("pepper-1", "worker-1", "kk-1")
    for name in names:
        operator.create(name, KeyKind.WRAP)

    custody = open_custody(f"file:{custody_folder}#{role}")

    assert {name for name in names if custody.has(name)} == usable


def test_a_folder_may_have_blanks(tmp_path: Path) -> None:
    """The path is percent-decoded as in any URL."""
    custody = open_custody(f"file:{tmp_path}/with%20blank#operator")

    custody.create("kk-1", KeyKind.WRAP)

    assert (tmp_path / "with blank" / "kk.keys").exists()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "custody",
        "/var/lib/custody#web",
        "http://custody#web",
        "file:/custody",
        "file:/custody#admin",
        "file:custody#web",
        "file://host/custody#web",
        "file:/custody?x=1#web",
    ],
)
def test_any_other_url_is_refused(url: str) -> None:
    """An unknown scheme, role or host, or a relative path, is an error at the start."""
    with pytest.raises(CustodyUnavailable):
        open_custody(url)
