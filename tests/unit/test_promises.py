"""The documents promise nothing that no test shows."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"`(?P<file>[a-z0-9_/]+\.py)?::(?P<test>test_[a-z0-9_]+)`")
ROW = re.compile(r"^\| (?P<promise>.+?) \| (?P<shown>`.+) \|$", re.MULTILINE)


@cache
def names_in(file: str) -> frozenset[str]:
    """The names of the tests in a file under ``tests``."""
    tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def rows(document: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """Each promise of a document with the tests it names; a bare ``::test`` is of the file named before it."""
    found = []
    for row in ROW.finditer((ROOT / document).read_text(encoding="utf-8")):
        file, named = "", []
        for match in NAMED.finditer(row["shown"]):
            file = match["file"] or file
            named.append((file, match["test"]))
        found.append((row["promise"], named))
    return found


@pytest.mark.parametrize("document", ["README.md", "SECURITY.md"])
def test_every_named_test_exists(document: str) -> None:
    """A promise whose test was renamed or removed is found here."""
    missing = [
        f"{file}::{test}"
        for _, named in rows(document)
        for file, test in named
        if not (ROOT / "tests" / file).is_file() or test not in names_in(file)
    ]

    assert rows(document)
    assert missing == []


@pytest.mark.parametrize("document", ["README.md", "SECURITY.md"])
def test_every_promise_names_a_test(document: str) -> None:
    """A row without a test is a wish."""
    assert [promise for promise, named in rows(document) if not named] == []
