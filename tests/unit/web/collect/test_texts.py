"""The form's own words stand in all five languages, whole, and every text that a screen names is there."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from babel import Locale

from app.studies.fields import LANGUAGES, SENTINELS
from app.web.collect.files import FOLDER

CATALOGS: dict[str, dict[str, Any]] = {
    language: json.loads((FOLDER / "texts" / f"{language}.json").read_text()) for language in LANGUAGES
}
ENGLISH = CATALOGS["en"]
SCRIPTS = "\n".join(path.read_text() for folder in ("form", "screens") for path in sorted((FOLDER / folder).iterdir()))
SCRIPTS += (FOLDER / "app.js").read_text()
PLACEHOLDER = re.compile(r"\{\w+\}")
# Texts are named as t("name"), or handed on as "flaw_name" and the like; those of states are put together.
NAMED = re.compile(r'\bt\("(\w+)"|"((?:flaw|warn|pin|enrol|token|state)_\w+)"')
STATES = {f"state_{state}" for state in ("waiting", "sending", "sent", "refused", "lost")}
STATES |= {f"state_{state}_files" for state in ("waiting", "refused", "lost")}
QUOTED = re.compile(r'"(\w+)"')


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_language_has_every_text(language: str) -> None:
    """No more and no fewer than English, and none left as it is in English where it is a sentence."""
    catalog = CATALOGS[language]

    assert catalog.keys() == ENGLISH.keys()
    assert [name for name, text in catalog.items() if text == ENGLISH[name] and len(str(text).split()) > 2] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_plurals_and_placeholders_are_whole(language: str) -> None:
    """Each count has a form of its own where the language has one, and each form can say what English says."""
    forms = {*Locale.parse(language).plural_form.tags, "other"}
    for name, text in CATALOGS[language].items():
        english = ENGLISH[name]
        if isinstance(english, str):
            assert set(PLACEHOLDER.findall(text)) == set(PLACEHOLDER.findall(english)), name
            continue
        assert forms - {"many"} <= text.keys() <= {*forms, "zero"}, name
        assert set(PLACEHOLDER.findall(text["other"])) == set(PLACEHOLDER.findall(english["other"])), name


def test_screens_name_texts_that_exist_and_all_of_them() -> None:
    """A missing text would break a screen in the field; one that nothing names has no reader."""
    named = {name for pair in NAMED.findall(SCRIPTS) for name in pair if name}

    assert named <= ENGLISH.keys()
    assert ENGLISH.keys() <= {*QUOTED.findall(SCRIPTS), *STATES, *SENTINELS}
