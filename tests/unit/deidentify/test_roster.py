"""The record's own names, in every spelling a text may have."""

# ruff: noqa: RUF001 - names in other scripts look alike on purpose

from __future__ import annotations

import pytest

from app.deidentify.engine import KnownNames, analyse

CASES = [
    ("Tariq Mahmoud", "we spoke to tarik in the yard", "tarik"),
    ("Mohammed Khalil", "ثم جاء محمد إلى البيت", "محمد"),
    ("محمد", "Dann kam Muhammed nach Hause", "Muhammed"),
    ("Магомед Исаев", "and magomed was there", "magomed"),
    ("Савелий", "они видели Савелия вчера", "Савелия"),
    ("Gülsüm", "sonra gülsümün evine gittik", "gülsümün"),
    ("خالد", "قالوا لي وخالد معهم", "خالد"),
    ("Abdelilah", "where is abdel ilah they ask", "abdel ilah"),
    ("abdel ilah", "where is abdelilah they ask", "abdelilah"),
    ("Hope", "and Hope was standing there", "Hope"),
    ("Şükrü", "then sukru left us", "sukru"),
    ("Zejd Hodžić", "and hodzic took the car", "hodzic"),
]


def uncovered(text: str, secret: str, names: KnownNames) -> str:
    """The letters of ``secret`` that stay readable."""
    at = text.index(secret)
    covered = {i for s in analyse(text, names=names) for i in range(s.start, s.end)}
    return "".join(c for i, c in enumerate(secret, at) if i not in covered and c.isalnum())


@pytest.mark.parametrize(("known", "text", "secret"), CASES)
def test_a_known_person_is_found(known: str, text: str, secret: str) -> None:
    """Through transliteration, misspelling, splitting, clitics and case endings."""
    assert uncovered(text, secret, KnownNames(persons=(known,))) == ""


def test_a_known_place_is_found_without_its_diacritics() -> None:
    """Places are matched like persons."""
    assert uncovered("we stayed near karkamis then", "karkamis", KnownNames(places=("Karkamış",))) == ""


def test_a_known_code_is_found_whatever_separates_it() -> None:
    """Codes are compared by letters and digits."""
    assert uncovered("it was kh 77-x one", "kh 77-x", KnownNames(codes=("KH77X",))) == ""


def test_a_known_name_that_is_a_word_leaves_the_word_alone() -> None:
    """Where capitals tell them apart, hope stays and Hope goes."""
    text = "She had hope. And then Hope came, without hope."

    masked = [text[s.start : s.end] for s in analyse(text, names=KnownNames(persons=("Hope",)))]

    assert masked == ["Hope"]
