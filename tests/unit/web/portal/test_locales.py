"""Which language a page is in, and what stands in its catalog."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from app.web.portal.locales import LOCALES, Formats, chosen, translations

SCRIPT = Path(__file__).parents[4] / "scripts" / "catalogs.py"


@pytest.fixture(scope="module")
def catalogs() -> ModuleType:
    """The script that keeps the catalogs."""
    spec = importlib.util.spec_from_file_location("catalogs", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("cookie", "accepted", "locale"),
    [
        ("ar", "de", "ar"),
        ("xx", "de", "de"),
        ("", "pt,fr-CA;q=0.8,en;q=0.9", "en"),
        ("", "pt,fr-CA;q=0.8,en;q=0.2", "fr"),
        ("", "tr;q=0,de;q=0.1", "de"),
        ("", "*;q=x,,;;", "en"),
        ("", "", "en"),
    ],
)
def test_choice(cookie: str, accepted: str, locale: str) -> None:
    """The cookie first, then what the browser likes best, then English; nonsense counts as nothing."""
    assert chosen(cookie, accepted) == locale


def test_only_arabic_runs_right_to_left() -> None:
    """The direction comes with the language."""
    assert {locale for locale in LOCALES if Formats(locale).direction == "rtl"} == {"ar"}


@pytest.mark.parametrize("language", [locale for locale in LOCALES if locale != "en"])
def test_every_text_is_translated(catalogs: ModuleType, language: str) -> None:
    """Each text of templates, pages and errors has a translation with the same placeholders."""
    assert catalogs.flaws(language, catalogs.extracted()) == []


@pytest.mark.parametrize("language", [locale for locale in LOCALES if locale != "en"])
def test_catalog_is_read(language: str) -> None:
    """A page in this language is not in English."""
    assert translations(language).gettext("Sign out") != "Sign out"
