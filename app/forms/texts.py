"""What a form says of itself, beside the texts of its questionnaire, in the five languages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

from babel import Locale

from app.studies.fields import LANGUAGES

__all__ = ["LANGUAGE_NAMES", "Texts", "countries", "text"]

Texts = Mapping[str, str]

# How clients list the languages of a form: by their own names, with the code that XLSForms ask for.
LANGUAGE_NAMES: Final = {
    "en": "English (en)",
    "ar": "العربية (ar)",
    "fr": "Français (fr)",
    "de": "Deutsch (de)",
    "tr": "Türkçe (tr)",
}


@cache
def _all() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(
        files("app.forms").joinpath("data", "texts.json").read_text(encoding="utf-8")
    )
    return found


def text(name: str) -> Texts:
    """One of the texts, by language."""
    return dict(_all()[name])


def countries(codes: tuple[str, ...]) -> dict[str, Texts]:
    """The names of countries by code, as the Unicode CLDR has them; the code itself where it has none."""
    names = {language: Locale.parse(language).territories for language in LANGUAGES}
    return {code: {language: names[language].get(code, code) for language in LANGUAGES} for code in codes}
