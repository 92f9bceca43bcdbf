"""The engine: a whole record at once, its estimate, and what it refuses to do without."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import app.deidentify
from app.deidentify import engine as engines
from app.deidentify import risk
from app.deidentify.engine import Engine, analyse_all
from app.deidentify.labels import Labeller
from app.deidentify.modes import Mode, Using
from app.deidentify.reading import Flag
from app.deidentify.spans import Level
from app.errors import ModelUnusable

MODELS = Path(app.deidentify.__path__[0]) / "models"
TEXT = "My name is Tariq al-Abbadi and my brother Sufian lives in Raqqa. Call him: +962 70 555 0148."


@pytest.fixture(scope="module")
def engine() -> Engine:
    """The engine as it ships."""
    return Engine.load(Using.MODELS)


def test_a_name_of_one_answer_is_found_in_the_others() -> None:
    """Whatever the order of the answers."""
    texts = ["then zubayr slept. we saw drissi there", "they called me drissi. i am zubayr's brother", ""]

    first, second, third = analyse_all(texts)

    assert "drissi" in [texts[0][s.start : s.end] for s in first]
    assert "drissi" in [texts[1][s.start : s.end] for s in second]
    assert third == []


def test_reading_finds_the_same_as_analysing(engine: Engine) -> None:
    """The estimate comes on top."""
    read = engine.read([TEXT])

    assert read.spans == [engine.analyse(TEXT)]
    assert 0 < read.risk < 1
    assert read.flags == ()


@pytest.mark.parametrize("mode", list(Mode))
def test_what_the_models_leave_holds_nothing_more_for_them(engine: Engine, mode: Mode) -> None:
    """Masking and reading once more finds nothing, and changes nothing."""
    texts = [
        TEXT,
        "my cousin they call him the baker he went with farid to the river and he never came back from tabqa",
    ]
    for text in texts:
        clean = Labeller().replace(text, engine.analyse(text, mode=mode))
        again = engine.analyse(clean, mode=mode)

        assert [span for span in again if span.level is Level.DIRECT] == []
        assert Labeller().replace(clean, again) == clean


def test_rules_alone_say_so() -> None:
    """Whoever reads such a draft is told."""
    assert Engine.load(Using.RULES).read([TEXT]).flags == (Flag.RULES_ONLY,)


def test_an_unknown_language_is_said(engine: Engine) -> None:
    """And raises the estimate."""
    somali = "Waxaan ahay nin dhalinyaro ah oo ka soo jeeda magaalada, waxaan ku biiray kooxda markii aan ahaa toban."

    read = engine.read([TEXT, somali])

    assert read.flags == (Flag.UNKNOWN_LANGUAGE,)
    assert read.risk > engine.read([TEXT]).risk


@pytest.mark.parametrize("using", list(Using))
@pytest.mark.parametrize("mode", list(Mode))
def test_nothing_that_raises_the_risk_lowers_the_estimate(using: Using, mode: Mode) -> None:
    """More that looks identifying, more found with little certainty, a longer text; it stays a probability."""
    weights = risk.weights(using, mode)
    few = risk.Features(0.1, 0.5, 6.0, 1.0, 0.0, 0.0, 0.0)

    for name in ("expected", "weak", "words", "doubts"):
        assert 0 < weights.chance(few) <= weights.chance(replace(few, **{name: 9.0})) < 1, name
    assert weights.chance(few) < weights.chance(replace(few, unfamiliar=1.0))


@pytest.mark.parametrize("name", ["en/model.onnx", "xx/tokenizer.json", "manifest.json"])
@pytest.mark.parametrize("done", ["missing", "changed"])
def test_a_missing_or_changed_model_file_is_refused(
    name: str, done: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine does not fall back to rules, and says which file it is."""
    folder = tmp_path / "models"
    shutil.copytree(MODELS, folder)
    file = folder / name
    if done == "missing":
        file.unlink()
    elif name.endswith(".json") and "/" not in name:
        file.write_bytes(file.read_bytes().replace(b'"en/model.onnx": "', b'"en/model.onnx": "0'))
    else:
        file.write_bytes(file.read_bytes()[:-1] + b"\0")
    monkeypatch.setattr("app.deidentify.model.resources.files", lambda _package: tmp_path)

    with pytest.raises(ModelUnusable, match=name.rpartition("/")[2].split(".")[0] if done == "missing" else "model"):
        engines.Engine.load(Using.MODELS)
