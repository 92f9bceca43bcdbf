from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from app.deidentify.spans import Kind
from app.deidentify.training import texts, variation
from app.deidentify.training.corpora import GROUPS, corpus
from app.deidentify.training.texts import Marked, Part

MATERIAL = Path(__file__).parents[5] / "shared" / "deid"
PARTS = (
    Part("My brother "),
    Part("Farid Haddad", Kind.PERSON, direct=True),
    Part(" left "),
    Part("Berlin", Kind.LOC),
    Part(" at "),
    Part("21", Kind.DEM),
    Part(", in 2015."),
)
MARKED = Marked("w-001-en-written", "en", "written", PARTS)


def test_a_file_is_read_into_its_parts(tmp_path: Path) -> None:
    """Marks become parts, everything else stays as it is."""
    file = tmp_path / "w-001-en-written.txt"
    body = "My brother {{PERSON:D|Farid Haddad}} left {{LOC:Q|Berlin}} at {{DEM:Q|21}}, in 2015."
    file.write_text(f"id: w-001\nlanguage: en-GB\nstyle: written\n\n{body}", "utf-8")

    assert texts.read(file) == MARKED


def test_court_cases_teach_nothing_about_what_the_guidelines_keep(tmp_path: Path) -> None:
    """Countries and lone years that the benchmark masks are neither to mask nor to keep."""
    text = "Mr Orhan Kaya of Turkey complained in 2015."
    spans = [[3, 13, "PERSON", "D", "1"], [17, 23, "LOC", "Q", "2"], [38, 42, "DATETIME", "Q", "3"]]
    file = tmp_path / "cases.json"
    file.write_text(json.dumps([{"id": "1", "text": text, "annotators": [spans]}]), "utf-8")
    (case,) = texts.benchmark(file)

    assert case.text == text
    assert [(p.text, p.kind, p.unsure) for p in case.parts if p.kind or p.unsure] == [
        ("Orhan Kaya", Kind.PERSON, False),
        ("Turkey", None, True),
        ("2015", None, True),
    ]


def test_named_entities_become_marks(tmp_path: Path) -> None:
    """Persons and places are learnt, countries and numbers left unsure."""
    file = tmp_path / "ehri_en.txt"
    lines = ["Anna B-PER", "Gelb I-PER", "of O", "Kittsee B-LOC", "in O", "Austria B-LOC", "and O", "51 O"]
    file.write_text("\n".join(lines * 100) + "\n", "utf-8")
    read = texts.ehri(file, "en")[0].parts

    assert read[:2] == (Part("Anna Gelb ", Kind.PERSON, direct=True), Part("of "))
    assert read[4] == Part("Austria ", unsure=True)
    assert read[6] == Part("51 ", unsure=True)


def test_variations_repeat_by_their_seed() -> None:
    """A training can be repeated."""
    first, second, other = (variation.vary(MARKED, Random(seed)) for seed in (7, 7, 11))

    assert first == second
    assert first != other


@pytest.mark.parametrize("seed", range(20))
def test_variations_keep_every_mark(seed: int) -> None:
    """A mark is renamed, misheard or hidden, but never lost, moved or given another kind."""
    varied = variation.vary(MARKED, Random(seed))

    assert len(varied.parts) == len(PARTS)
    for old, new in zip(PARTS, varied.parts, strict=True):
        hidden = old.kind is not None and set(new.text) == {"\f"}
        assert hidden or (new.kind, new.direct, new.unsure) == (old.kind, old.direct, old.unsure)


def test_a_new_name_is_the_same_through_the_text() -> None:
    """The model learns that a repeated name is one name."""
    twice = [*PARTS, Part(" "), Part("farid", Kind.PERSON, direct=True)]
    for seed in range(20):
        renamed = variation.rename(twice, "en", Random(seed))
        assert renamed[1].text.split()[0].lower() == renamed[-1].text.lower()
        assert renamed[1].text[0].isupper()


def test_kunya_words_stay_when_names_change() -> None:
    """Abu and al- tell that a name follows."""
    kunya = [Part("Abu Hamza al-Tunisi", Kind.PERSON, direct=True)]

    for seed in range(20):
        words = variation.rename(kunya, "en", Random(seed))[0].text
        assert words.startswith("Abu ")
        assert " al-" in words


@pytest.mark.parametrize("seed", range(10))
def test_a_transcript_has_no_capitals_and_no_punctuation(seed: int) -> None:
    """As a recogniser writes."""
    heard = "".join(p.text for p in variation.transcript(PARTS, "en", Random(seed)))

    assert heard == heard.lower()
    assert not set(heard) & set(".,")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "zero"),
        (21, "twenty one"),
        (100, "one hundred"),
        (343, "three hundred and forty three"),
        (4300, "four thousand three hundred"),
        (12_007, "twelve thousand and seven"),
    ],
    ids=str,
)
def test_numbers_in_words(value: int, words: str) -> None:
    """Recognisers write numbers as they are said."""
    assert variation.english(value) == words


def test_digits_of_a_code_are_said_one_by_one() -> None:
    """A number that begins with zero is no quantity."""
    assert variation.in_words("0744", "en", Random(1)) in ("oh seven four four", "zero seven four four")


@pytest.mark.skipif(not (MATERIAL / "train").is_dir(), reason="no marked testimonies at ../shared/deid/train")
@pytest.mark.parametrize("group", GROUPS)
def test_held_out_texts_are_not_learnt(group: str) -> None:
    """Figures are of texts, and of writers, that the model has not seen."""
    parts = corpus(group, MATERIAL)
    held = {m.text for m in parts.held}

    assert len(held) > 40
    assert not held & {m.text for s in parts.sources for m in s.texts}


@pytest.mark.skipif(not (MATERIAL / "train").is_dir(), reason="no marked testimonies at ../shared/deid/train")
def test_everything_is_learnt_on_request() -> None:
    """For the last training, after thresholds and figures are known."""
    some, every = (corpus("en", MATERIAL, everything=flag) for flag in (False, True))

    assert not every.held
    assert {m.text for m in some.held} <= {m.text for s in every.sources for m in s.texts}
