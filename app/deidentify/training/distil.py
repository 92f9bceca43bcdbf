"""A small network learns what a larger one has learnt: the teacher's answers are stored first, then learnt from."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from app.deidentify.training import graph
from app.deidentify.training.batches import Labelled, epoch
from app.deidentify.training.corpora import Corpus
from app.deidentify.training.encoder import Shape, Tagger
from app.deidentify.training.fit import Lesson, Lessons, Plan, against_marks

_EPSILON: Final = 1e-12
_MARKS: Final = 0.5  # what the marks count for beside the teacher's answers
_TOKENIZER: Final = "tokenizer.json"
_GRAPH: Final = "teacher.onnx"


def student(teacher: Path, layers: int, out: Path) -> Tagger:
    """A network of evenly chosen layers of the teacher's; its tokenizer is copied to ``out``."""
    weights = _weights(teacher)
    full = _depth(weights)
    chosen = {round((i + 1) * full / layers) - 1: i for i in range(layers)}
    state = {}
    for name, value in weights.items():
        part, _, rest = name.partition(".")
        if part != "layers":
            state[name] = value
        elif int(rest.partition(".")[0]) in chosen:
            number, _, what = rest.partition(".")
            state[f"layers.{chosen[int(number)]}.{what}"] = value
    # A teacher's doubts are rich enough to learn from without dropout.
    tagger = Tagger(Shape(len(weights["words.weight"]), layers, _EPSILON, dropout=0.0))
    tagger.load_state_dict(state)
    shutil.copyfile(teacher / _TOKENIZER, out / _TOKENIZER)
    return tagger


def teach(teacher: Path, corpus: Corpus, epochs: int, plan: Plan) -> None:
    """Store in ``teacher`` what it says of varied texts, a file for each epoch; those that are there stay.

    It answers in 8 bits, which is several times as fast as training and is how it would ship.
    """
    graph.write({k: v.numpy() for k, v in _weights(teacher).items()}, teacher / _GRAPH, states=True)
    session = onnxruntime.InferenceSession(teacher / _GRAPH, providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(str(teacher / _TOKENIZER))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    for number in range(epochs):
        file = teacher / f"epoch-{number:03}.npz"
        if not file.exists():
            rows = []
            for window in epoch(tokenizer, corpus.sources, f"{plan.seed}/{number}"):
                plan.rest()
                rows.append(_answered(session, window))
            _store(file, {name: np.stack([row[name] for row in rows]) for name in rows[0]})


def _answered(session: Any, window: Labelled) -> dict[str, Any]:
    """A window with its marks and with the teacher's probabilities and states."""
    said, masked, states = (answer[0].astype(np.float16) for answer in session.run(None, {"ids": window.ids[None]}))
    marks = {"tags": window.tags.astype(np.int8), "direct": window.direct.astype(np.int8)}
    return {"ids": window.ids.astype(np.int32), **marks, "said": said, "masked": masked, "states": states}


def _store(file: Path, columns: Mapping[str, Any]) -> None:
    """All or nothing, so that an epoch that was broken off is read anew."""
    unfinished = file.with_suffix(".partial")
    with unfinished.open("wb") as written:
        np.savez(written, **columns)
    unfinished.replace(file)


def taught(teacher: Path, plan: Plan) -> Lessons:
    """Lessons from the teacher's stored answers; FileNotFoundError if there are none."""

    def lessons(done: int) -> Iterator[Lesson]:
        for number in count(done):
            files = sorted(teacher.glob("epoch-*.npz"))
            if not files:
                raise FileNotFoundError(f"no stored answers in {teacher}: run the step teach first")
            with np.load(files[number % len(files)]) as stored:
                rows = dict(stored)
            order = list(range(len(rows["ids"])))
            random.Random(f"{plan.seed}/{number}").shuffle(order)  # noqa: S311 - order of training
            for at in range(0, len(order) - plan.batch + 1, plan.batch):
                some = order[at : at + plan.batch]
                yield partial(_loss, batch={name: torch.from_numpy(column[some]) for name, column in rows.items()})

    return lessons


def _loss(tagger: Tagger, batch: Mapping[str, Tensor]) -> Tensor:
    """How far states and answers are from the teacher's, and answers from the marks."""
    with torch.autocast("cpu", torch.bfloat16):
        states = tagger.states(batch["ids"].long())
        said, masked = tagger.heads(states)
    wanted, tags, masks = (batch[name].float() for name in ("states", "said", "masked"))
    apart = functional.mse_loss(states.float(), wanted) / wanted.var()
    answers = functional.cross_entropy(said.float().flatten(0, 1), tags.flatten(0, 1))
    hidden = functional.binary_cross_entropy_with_logits(masked.float(), masks)
    marks = against_marks(said, masked, batch["tags"].long(), batch["direct"].long())
    return apart + answers + hidden + _MARKS * marks


def _weights(teacher: Path) -> dict[str, Tensor]:
    """The averaged weights of the teacher's checkpoint."""
    found: dict[str, Tensor] = torch.load(teacher / "checkpoint.pt", weights_only=True)["average"]
    return found


def _depth(weights: Mapping[str, Tensor]) -> int:
    return 1 + max(int(name.split(".")[1]) for name in weights if name.startswith("layers."))
