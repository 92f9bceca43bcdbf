from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.deidentify.spans import Kind
from app.deidentify.training.batches import Source
from app.deidentify.training.corpora import Corpus
from app.deidentify.training.texts import Marked, Part

torch = pytest.importorskip("torch", reason="torch is needed for training only")
pytest.importorskip("onnx", reason="onnx is needed for training only")

WORDS = ["<s>", "</s>", "<mask>", "<unk>", "i", "saw", "yusuf", "today"]
CORPUS = Corpus(
    (
        Source(
            [Marked("a", "fr", "asr", (Part("i saw "), Part("yusuf", Kind.PERSON, direct=True), Part(" today ")) * 299)]
        ),
    ),
    (),
)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a network of four layers, trained by nobody, which has read two epochs."""
    from app.deidentify.training import distil, encoder
    from app.deidentify.training.fit import Plan

    where = tmp_path_factory.mktemp("teacher")
    vocabulary = {word: number for number, word in enumerate(WORDS)}
    model = {"type": "WordLevel", "vocab": vocabulary, "unk_token": "<unk>"}
    tokenizer = {"version": "1.0", "added_tokens": [], "pre_tokenizer": {"type": "Whitespace"}, "model": model}
    (where / "tokenizer.json").write_text(json.dumps(tokenizer), "utf-8")
    torch.manual_seed(1)
    average = encoder.Tagger(encoder.Shape(len(WORDS), 4, 1e-12)).state_dict()
    torch.save({"average": average}, where / "checkpoint.pt")
    distil.teach(where, CORPUS, 2, Plan(0, 0))
    return where


def stored(teacher: Path, number: int) -> dict[str, Any]:
    """An epoch's answers."""
    with np.load(teacher / f"epoch-{number:03}.npz") as found:
        return dict(found)


def test_a_student_starts_from_every_other_layer(teacher: Path, tmp_path: Path) -> None:
    """Of four layers it gets the second and the last, and everything else as it is."""
    from app.deidentify.training import distil

    had = torch.load(teacher / "checkpoint.pt", weights_only=True)["average"]
    has = distil.student(teacher, 2, tmp_path).state_dict()

    assert all(torch.equal(has[f"layers.{i}.up.weight"], had[f"layers.{old}.up.weight"]) for i, old in ((0, 1), (1, 3)))
    assert torch.equal(has["tags.weight"], had["tags.weight"])
    assert not any(name.startswith("layers.2.") for name in has)
    assert (tmp_path / "tokenizer.json").read_bytes() == (teacher / "tokenizer.json").read_bytes()


def test_what_a_teacher_says_is_stored_as_it_says_it(teacher: Path) -> None:
    """Probabilities and states of each piece, beside the marks, within what 8 bits leave of them."""
    from app.deidentify.training import encoder

    tagger = encoder.Tagger(encoder.Shape(len(WORDS), 4, 1e-12)).eval()
    tagger.load_state_dict(torch.load(teacher / "checkpoint.pt", weights_only=True)["average"])
    epoch = stored(teacher, 0)
    with torch.no_grad():
        states = tagger.states(torch.from_numpy(epoch["ids"][:1]).long())
        said, masked = tagger.heads(states)

    assert np.abs(epoch["said"][:1] - said.softmax(-1).numpy()).max() < 0.02
    assert np.abs(epoch["masked"][:1] - masked.sigmoid().numpy()).max() < 0.02
    assert np.abs(epoch["states"][:1] - states.numpy()).mean() < 0.05
    assert epoch["direct"].max() == 1


def test_a_teacher_goes_on_where_it_stopped(teacher: Path) -> None:
    """Epochs that are stored stay, a missing one is read as it would have been."""
    from app.deidentify.training import distil
    from app.deidentify.training.fit import Plan

    before, kept = stored(teacher, 1), (teacher / "epoch-000.npz").stat().st_mtime_ns
    (teacher / "epoch-001.npz").unlink()
    distil.teach(teacher, CORPUS, 2, Plan(0, 0))

    assert (teacher / "epoch-000.npz").stat().st_mtime_ns == kept
    assert all(np.array_equal(before[name], column) for name, column in stored(teacher, 1).items())


def test_a_student_comes_nearer_to_its_teacher(teacher: Path, tmp_path: Path) -> None:
    """A few steps on the stored answers make the loss smaller, and a checkpoint of them is left."""
    from app.deidentify.training import distil, fit

    plan = fit.Plan(steps=8, rate=1e-3, batch=1)
    student, lessons = distil.student(teacher, 2, tmp_path), distil.taught(teacher, plan)
    lesson = next(lessons(0))
    before = float(lesson(student).detach())
    fit.fit(student, lessons, plan, tmp_path)

    assert float(lesson(student).detach()) < before
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["step"] == plan.steps


def test_without_stored_answers_nothing_is_learnt(tmp_path: Path) -> None:
    """It says which step is missing."""
    from app.deidentify.training import distil
    from app.deidentify.training.fit import Plan

    with pytest.raises(FileNotFoundError, match="teach"):
        next(distil.taught(tmp_path, Plan(1, 1e-3))(0))
