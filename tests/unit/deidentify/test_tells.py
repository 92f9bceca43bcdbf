"""What a clean text tells a reader about somebody."""

from __future__ import annotations

import tomllib
from importlib import resources

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from app.deidentify.tells import Tell, TellKind, tells
from app.web.portal import words
from app.web.portal.locales import LOCALES

LISTS = tomllib.loads((resources.files("app.deidentify") / "data" / "tells.toml").read_text(encoding="utf-8"))


def said(text: str) -> set[tuple[str, str]]:
    """Kinds and values."""
    return {(each.kind.value, each.value) for each in tells(text)}


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ("[AGE: 18-24]", {("age", "18-24")}),
        ("[DATE-01: 2015]", {("year", "2015")}),
        ("[DATE-02: 2014-2015]", {("year", "2014-2015")}),
        ("[PLACE-02: town in northern Syria]", {("region", "northern Syria")}),
        ("[PLACE-03]", set()),
        ("[DATE-03]", set()),
        ("[PERSON-01: brother]", set()),
        ("[PERSON-02: commander]", set()),
        ("[ORG-01: prison]", set()),
        ("[NUMBER-01: hundreds]", set()),
        ("[DETAIL-01: occupation]", set()),
        ("[CODE-01]", set()),
        ("[CUT: distinctive event]", set()),
    ],
)
def test_labels_tell_what_their_details_say_of_the_speaker(label: str, told: set[tuple[str, str]]) -> None:
    """Age, year and region; not who else occurs, nor what kind of thing is hidden."""
    assert said(f"then {label} and so on") == told


@pytest.mark.parametrize(
    "text",
    [
        "I was a driver for the Syrians in 2015",
        "كنت سائقا مع السوريين في ٢٠١٥",
        "j'étais chauffeur avec les Syriens en 2015",
        "ich war Fahrer bei den Syrern, 2015",
        "ik was chauffeur bij de Syriërs in 2015",
        "я был водителем при сирийцах, 2015",
        "2015'te Suriyelilerin şoförüydüm",
    ],
    ids=["en", "ar", "fr", "de", "nl", "ru", "tr"],
)
def test_seven_languages_tell_the_same(text: str) -> None:
    """So releases compare across languages, inflected or not, in whatever digits."""
    assert said(text) == {("role", "driver"), ("country", "SY"), ("year", "2015")}


@pytest.mark.parametrize(
    "text",
    [
        "we were friends in the northern part",
        "about 20155 people and 15 cars",
        "das wird finster",
        "он обратился к нам в девять часов",
        "the institute has a chair",
    ],
    ids=["plain", "numbers", "german", "russian", "english"],
)
def test_common_words_tell_nothing(text: str) -> None:
    """Stems don't reach into words that only begin alike."""
    assert said(text) == set()


@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    """Saying a thing twice tells no more, in whatever case."""
    once = tells(text)

    assert tells(f"{text} \n {text}") == once
    assert all(isinstance(each, Tell) for each in once)


@pytest.mark.parametrize("locale", sorted(LOCALES))
def test_every_value_has_words(locale: str) -> None:
    """The pages can name each kind, each role and each country in every language."""
    assert set(words.TELLS) == set(TellKind)
    assert set(words.ROLES_TOLD) == set(LISTS["role"])
    assert set(LISTS["country"]) <= set(Locale(locale).territories)
