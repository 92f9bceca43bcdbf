from __future__ import annotations

import gc
import json
import pickle
import re
import shutil
import weakref
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from app.deidentify import model
from app.deidentify.document import Document
from app.deidentify.engine import RULES, analyse
from app.deidentify.model import Models, Recent
from app.deidentify.modes import Mode
from app.deidentify.pieces import KINDS, Ints
from app.deidentify.scores import Floats, neighbours, spread
from app.deidentify.spans import Kind, Level
from app.errors import ModelUnusable

FOLDER = Path(model.__file__).parent / "models"
ENGLISH = (
    "My name is Yusuf Haddad, I was born on 3 March 1991 in Manbij. They called me Abu Tire.\n\n"
    "My brother Khalid, a baker, worked with Doctor Salim near the mill. Call me at +44 7700 900123."
)
GERMAN = "Ich heiße Jonas Weber und komme aus Chemnitz. Mein Bruder Tobias ist Schlosser, und wir waren drei Kinder."


@pytest.fixture(scope="module")
def models() -> Models:
    """The models that ship."""
    return model.load()


def surfaces(models: Models, text: str, mode: Mode, language: str) -> dict[str, Kind]:
    """What is masked, and as what."""
    document = Document(text, language)
    return {document.text[s.start : s.end]: s.kind for s in models.recogniser(mode)(document)}


@pytest.mark.parametrize("mode", list(Mode), ids=lambda mode: mode.value)
def test_names_in_english(models: Models, mode: Mode) -> None:
    """Names, an alias, a place and a date of birth are found without any rule."""
    found = surfaces(models, ENGLISH, mode, "en")

    assert {"Yusuf Haddad", "Abu Tire", "Khalid"} <= {s for s, kind in found.items() if kind is Kind.PERSON}
    assert found["Manbij"] is Kind.LOC
    assert found["3 March 1991"] is Kind.DATETIME


def test_names_without_capitals_and_punctuation(models: Models) -> None:
    """A recogniser's output is read as well."""
    found = surfaces(models, ENGLISH.lower().replace(",", "").replace(".", ""), Mode.BALANCED, "en")

    assert {"yusuf haddad", "abu tire", "khalid", "manbij"} <= found.keys()


def test_names_in_another_language(models: Models) -> None:
    """The other model reads what is not English."""
    found = surfaces(models, GERMAN, Mode.STRICT, "de")

    assert {"Jonas Weber", "Tobias", "Chemnitz"} <= found.keys()


def test_each_paragraph_is_read_by_the_model_of_its_language(models: Models) -> None:
    """A change of language in the middle of a text changes the model."""
    scores = models.scores(Document(f"{ENGLISH}\n\n{GERMAN}\n\n{ENGLISH}", "en"))

    assert scores.english[0]
    assert scores.english[-1]
    assert not scores.english.all()


def test_a_birth_date_is_direct_and_a_town_is_not(models: Models) -> None:
    """The level tells what a miss costs."""
    document = Document(ENGLISH, "en")
    levels = {document.text[s.start : s.end]: s.level for s in models.recogniser(Mode.STRICT)(document)}

    assert levels["Yusuf Haddad"] is Level.DIRECT
    assert levels["3 March 1991"] is Level.DIRECT
    assert levels["Manbij"] is Level.QUASI


def test_strict_masks_all_that_balanced_masks(models: Models) -> None:
    """Whoever asks for more care never gets less."""
    document = Document(ENGLISH, "en")
    strict, balanced = ({i for s in models.recogniser(m)(document) for i in range(s.start, s.end)} for m in Mode)

    assert balanced <= strict


def test_spans_are_sorted_disjoint_and_whole_words(models: Models) -> None:
    """What a recogniser yields can be replaced as it is."""
    document = Document(ENGLISH, "en")
    spans = models.recogniser(Mode.STRICT)(document)

    assert all(a.end <= b.start for a, b in pairwise(spans))
    assert all(0.0 <= s.score <= 1.0 for s in spans)
    assert not any(document.text[s.end : s.end + 1].isalnum() for s in spans)
    assert not any(document.text[s.start - 1 : s.start].isalnum() for s in spans)


@pytest.mark.parametrize(
    "text", ["", "\n\n", ".", "[PERSON-01]", "\u200b"], ids=["empty", "lines", "dot", "label", "zero-width"]
)
def test_nothing_to_read(models: Models, text: str) -> None:
    """A text without words has no spans."""
    assert models.recogniser(Mode.STRICT)(Document(text)) == []


def test_labels_are_left_alone(models: Models) -> None:
    """What was masked already is no word any more."""
    document = Document("I went with [PERSON-01] to [PLACE-02] in [DATE-01: 2015] and then home.", "en")

    assert not any("\f" in document.text[s.start : s.end] for s in models.recogniser(Mode.STRICT)(document))


def test_same_text_same_scores(models: Models) -> None:
    """Reading twice gives the same, so two readers of a draft see the same."""
    first, second = (models.scores(Document(ENGLISH * 5, "en")) for _ in range(2))

    assert first.mask.tolist() == second.mask.tolist()
    assert first.kinds.tolist() == second.kinds.tolist()


def test_every_word_of_a_long_text_is_read_once(models: Models) -> None:
    """Windows neither skip a word nor read one twice."""
    document = Document(f"{ENGLISH}\n\n" * 40, "en")
    scores = models.scores(document)

    assert [document.text[a:b] for a, b in zip(scores.starts, scores.ends, strict=True)][:3] == ["My", "name", "is"]
    assert len(scores.starts) == 40 * len(models.scores(Document(ENGLISH, "en")).starts)
    assert (scores.starts[1:] >= scores.ends[:-1]).all()


def test_a_text_is_forgotten_with_its_document(models: Models) -> None:
    """Scores of a testimony must not outlive it."""
    document = Document(ENGLISH, "en")
    models.scores(document)
    gone = weakref.ref(document)
    del document
    gc.collect()

    assert gone() is None


def test_masking_with_rules_and_model_again_finds_no_name(models: Models) -> None:
    """The engine reads what is left until nothing more is found."""
    recognisers = (*RULES, models.recogniser(Mode.STRICT))
    clean = list(ENGLISH)
    for span in analyse(ENGLISH, language="en", recognisers=recognisers):
        clean[span.start : span.end] = "\f" * (span.end - span.start)

    assert analyse("".join(clean), language="en", recognisers=recognisers) == []


def test_thresholds_for_every_kind_and_mode() -> None:
    """The manifest says from which probability on each kind is masked; strict never later than balanced."""
    thresholds = json.loads((FOLDER / "manifest.json").read_text("utf-8"))["thresholds"]

    assert thresholds.keys() == {"en", "xx"}
    for table in thresholds.values():
        assert all(0 < table["strict"][kind] <= table["balanced"][kind] < 1 for kind in KINDS)


@pytest.mark.parametrize("name", ["en/model.onnx", "en/tokenizer.json", "xx/model.onnx", "xx/tokenizer.json"])
def test_a_changed_file_is_refused(tmp_path: Path, name: str) -> None:
    """One changed byte, and nothing is read with it."""
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
    content = bytearray((tmp_path / name).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / name).write_bytes(content)

    with pytest.raises(ModelUnusable, match=name.partition("/")[2]):
        model.load(tmp_path)


@pytest.mark.parametrize("name", ["manifest.json", "en/model.onnx", "xx/tokenizer.json"])
def test_a_missing_file_is_refused(tmp_path: Path, name: str) -> None:
    """No silent fall-back to rules."""
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
    (tmp_path / name).unlink()

    with pytest.raises(ModelUnusable, match="cannot be read"):
        model.load(tmp_path)


def test_a_sure_word_takes_its_unsure_neighbours_along() -> None:
    """``Abu Ali the Lawyer`` goes as a whole; another kind, or a word beyond the end of the sentence, does not."""
    score = np.array([0.9, 0.2, 0.9, 0.2, 0.2, 0.04], np.float32)
    kinds = np.array([0, 0, 0, 1, 0, 0])
    near = np.array([True, True, True, False, True])
    limit, ratio = np.full(6, 0.4, np.float32), np.full(6, 0.5, np.float32)

    assert spread(score, kinds, near, limit, ratio).tolist() == [True, True, True, False, False, False]
    assert spread(score, kinds, near, limit, ratio * 2).tolist() == [True, False, True, False, False, False]


def test_sentences_end_between_words() -> None:
    """A comma joins, a full stop, a line and a label do not."""
    text = "one, two. three\nfour\ffive"
    starts, ends = np.array([[m.start(), m.end()] for m in re.finditer(r"\w+", text)]).T

    assert neighbours(text, starts, ends).tolist() == [True, False, False, False]


def test_what_was_read_lately_is_not_read_again() -> None:
    """The engine reads a text several times; only what changed costs."""
    read: list[int] = []

    def answer(windows: Sequence[Ints]) -> list[tuple[Floats, Floats]]:
        read.extend(int(ids[0]) for ids in windows)
        return [(np.full((1, 1), ids[0], np.float32), np.zeros((1, 1), np.float32)) for ids in windows]

    recent = Recent(most=2)
    for numbers in ((1, 2), (1, 3, 3), (1, 2)):
        answers = recent.get([np.array([number]) for number in numbers], answer)
        assert [mask.item() for mask, _ in answers] == list(numbers)

    assert read == [1, 2, 3, 2]


def test_a_remembered_answer_does_not_show_what_was_read() -> None:
    """A core file holds no pieces of a text read before."""
    recent = Recent()
    ids = np.arange(1000, 1200)
    recent.get([ids], lambda _: [(np.zeros((1, 1), np.float32), np.zeros((1, 1), np.float32))])

    assert ids.tobytes() not in pickle.dumps({name: held for name, held in vars(recent).items() if name != "_lock"})


def test_texts_read_at_the_same_time_get_their_own_answers() -> None:
    """However little is remembered, nobody is told that an answer is gone or what was said of another window."""
    recent = Recent(1)

    def ask(number: int) -> bool:
        windows = [np.array([number, at]) for at in range(3)]
        told = recent.get(windows, lambda some: [(each.astype(np.float32),) * 2 for each in some])
        return [said.tolist() for said, _ in told] == [[number, at] for at in range(3)]

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(ask, [1, 2, 1, 3] * 50))


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"files": {}, "thresholds": {}}'])
def test_a_broken_manifest_is_refused(tmp_path: Path, content: str) -> None:
    """A model without its limits would mask at random."""
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
    (tmp_path / "manifest.json").write_text(content, "utf-8")

    with pytest.raises(ModelUnusable, match="manifest"):
        model.load(tmp_path)
