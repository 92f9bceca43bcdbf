"""The trained models: what in a text looks identifying, word by word.

One model reads English, the other every other language; a paragraph's language decides. The files are part of the
package and are checked by their SHA-256 when they are loaded. Nothing is fetched, and no text is kept.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from importlib import resources
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any, Final
from weakref import WeakKeyDictionary

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from app.deidentify.document import BARRIER, Document
from app.deidentify.modes import Mode
from app.deidentify.pieces import KINDS, Ints, Pieces, cut, marks_of, windows
from app.deidentify.scores import Floats, Scores, neighbours, spans_of, spread
from app.deidentify.spans import Span
from app.errors import ModelUnusable

ENGLISH: Final = "en"
OTHERS: Final = "xx"
SPREAD: Final = "SPREAD"  # in the manifest, beside the limits of the kinds
_MANIFEST: Final = "manifest.json"
_FILES: Final = ("model.onnx", "tokenizer.json")
_MOST: Final = 512  # windows remembered, about 10 MB
_WORD = re.compile(r"\w+")

Answer = tuple[Floats, Floats]
Stretch = tuple[str, int, int]
Tagged = tuple[Pieces, Floats, Floats]


class Recent:
    """Answers for windows read lately, so that reading a text again after masking a little costs little.

    They are found by a keyed hash under a key that only this process has, so no text is kept.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._key = secrets.token_bytes(32)
        self._most = most
        self._answers: OrderedDict[bytes, Answer] = OrderedDict()
        self._lock = Lock()  # several texts are read at a time

    def get(self, windows: Sequence[Ints], answer: Callable[[Sequence[Ints]], Iterable[Answer]]) -> list[Answer]:
        """The answers remembered for these windows, and new ones for the others."""
        names = [hashlib.blake2b(ids.tobytes(), key=self._key, digest_size=32).digest() for ids in windows]
        with self._lock:
            found = {name: self._answers[name] for name in names if name in self._answers}
        unknown = {name: ids for name, ids in zip(names, windows, strict=True) if name not in found}
        found |= zip(unknown, answer(list(unknown.values())), strict=True)
        with self._lock:
            for name in names:
                self._answers[name] = found[name]
                self._answers.move_to_end(name)
            while len(self._answers) > self._most:
                self._answers.popitem(last=False)
        return [found[name] for name in names]


@dataclass(frozen=True, slots=True, repr=False)
class Tagger:
    """One network with its tokenizer, which reads several windows at a time."""

    tokenizer: Tokenizer
    session: Any
    pool: ThreadPoolExecutor
    recent: Recent = field(default_factory=Recent)

    def read(self, stretches: Sequence[Stretch]) -> list[Tagged]:
        """The pieces of each stretch, and for each piece the probabilities of its tags and of its masks."""
        marks = marks_of(self.tokenizer)
        pieces = [cut(self.tokenizer, *stretch) for stretch in stretches]
        parts = [windows(each.ids) for each in pieces]
        wanted = [
            np.concatenate([[marks.first], each.ids[at:to], [marks.last]])
            for each, into in zip(pieces, parts, strict=True)
            for at, to, _, _ in into
        ]
        answers = iter(self.recent.get(wanted, self._answers))
        return [
            (each, *_counting(list(islice(answers, len(into))), into)) for each, into in zip(pieces, parts, strict=True)
        ]

    def _answers(self, windows: Sequence[Ints]) -> list[Answer]:
        """Of each window; the longest are read first, so that all threads are done at about the same time."""
        order = sorted(range(len(windows)), key=lambda at: -len(windows[at]))
        answers = dict(zip(order, self.pool.map(self._answer, [windows[at] for at in order]), strict=True))
        return [answers[at] for at in range(len(windows))]

    def _answer(self, ids: Ints) -> Answer:
        """One window alone, since 8-bit arithmetic takes its scale from all that is read at once."""
        tags, mask = self.session.run(None, {"ids": ids[None]})
        return tags[0], mask[0]


def _counting(answers: Sequence[Answer], parts: Sequence[tuple[int, int, int, int]]) -> Answer:
    """The answers of a stretch's windows, each with what counts of it."""
    cuts = [slice(first - at + 1, upto - at + 1) for at, _, first, upto in parts]
    tags, masks = zip(*answers, strict=True)
    return (
        np.concatenate([each[part] for each, part in zip(tags, cuts, strict=True)]),
        np.concatenate([each[part] for each, part in zip(masks, cuts, strict=True)]),
    )


class Models:
    """The models of the package, ready to read."""

    def __init__(self, taggers: Mapping[str, Tagger], manifest: Mapping[str, Any]) -> None:
        self._taggers = taggers
        self._manifest = manifest
        self._known: WeakKeyDictionary[Document, Scores] = WeakKeyDictionary()

    def recogniser(self, mode: Mode) -> Callable[[Document], list[Span]]:
        """A recogniser that masks as the mode demands."""
        return partial(self._recognise, mode=mode)

    def scores(self, document: Document) -> Scores:
        """What the models say of each word; computed once for a document."""
        if document not in self._known:
            self._known[document] = self._read(document)
        return self._known[document]

    def _read(self, document: Document) -> Scores:
        text, segments = _seen(document), list(_segments(document))
        parts: dict[int, tuple[Any, ...]] = {}
        for group, tagger in self._taggers.items():
            mine = [(start, end) for start, end, which in segments if which == group]
            tagged = tagger.read([(text, start, end) for start, end in mine])
            for (start, end), each in zip(mine, tagged, strict=True):
                parts[start] = _words(text, start, end, group, each)
        return _joined([parts[start] for start, _, _ in segments])

    def _recognise(self, document: Document, *, mode: Mode) -> list[Span]:
        scores = self.scores(document)
        tables = [self._manifest["thresholds"][group][mode.value] for group in (OTHERS, ENGLISH)]
        limits = np.array([[table[kind] for kind in KINDS] for table in tables], np.float32)
        ratios = np.array([table[SPREAD] for table in tables], np.float32)
        group = scores.english.astype(np.int64)
        near = neighbours(document.text, scores.starts, scores.ends)
        masked = spread(scores.mask, scores.kinds, near, limits[group, scores.kinds], ratios[group])
        return list(spans_of(document.text, scores, masked))


def _seen(document: Document) -> str:
    """The text as the models read it: as it was spelt, with form feeds for what is hidden."""
    return "".join(b if b == BARRIER else a for a, b in zip(document.view.spelt, document.text, strict=True))


def _words(text: str, start: int, end: int, group: str, tagged: Tagged) -> tuple[Any, ...]:
    """The columns of ``Scores`` for one stretch."""
    pieces, tags, mask = tagged
    found = [m.span() for m in _WORD.finditer(text, start, end)]
    starts, ends = np.array(found, dtype=np.int64).reshape(-1, 2).T
    first = np.searchsorted(pieces.ends, starts, side="right")
    last = np.maximum(np.searchsorted(pieces.starts, ends, side="left"), first + 1)
    worst = _within(np.maximum, mask, first, last)
    kinds = _within(np.add, tags[:, 1::2] + tags[:, 2::2], first, last).argmax(axis=1)
    opening = tags[np.minimum(first, len(tags) - 1)]
    rows = np.arange(len(starts))
    opens = opening[rows, 1 + 2 * kinds] > opening[rows, 2 + 2 * kinds]
    return starts, ends, worst[:, 0], worst[:, 1], kinds, opens, np.full(len(starts), group == ENGLISH)


def _joined(parts: Sequence[tuple[Any, ...]]) -> Scores:
    if not parts:
        none = np.empty(0)
        return Scores(*(none.astype(t) for t in (int, int, np.float32, np.float32, int, bool, bool)))
    return Scores(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _within(combine: Any, values: Floats, first: Ints, last: Ints) -> Floats:
    """``values`` of the pieces from ``first`` up to ``last``, combined, for each word."""
    padded = np.concatenate([values, np.zeros((2, values.shape[1]), np.float32)])
    pairs = np.stack([first, last], axis=1).ravel()
    if not len(pairs):
        return padded[:0]
    joined: Floats = combine.reduceat(padded, pairs, axis=0)[::2]
    return joined


def _segments(document: Document) -> Iterator[tuple[int, int, str]]:
    """Stretches of the view that one model reads."""
    start, group = 0, ""
    for word in document.words:
        now = ENGLISH if word.language == ENGLISH and word.familiar else OTHERS
        if group and now != group:
            yield start, word.start, group
            start = word.start
        group = now
    if group:
        yield start, len(document.text), group


def load(folder: Path | None = None, *, threads: int = 2) -> Models:
    """The models in ``folder``, by default the package's own.

    ModelUnusable if a file is missing or is not the one that the manifest names: nothing falls back to less.
    """
    where = folder or Path(str(resources.files("app.deidentify") / "models"))
    manifest = _manifest(where / _MANIFEST)
    content = {name: _checked(where / name, digest) for name, digest in manifest["files"].items()}
    pool = ThreadPoolExecutor(threads, "model")
    taggers = {
        group: Tagger(
            Tokenizer.from_buffer(content[f"{group}/tokenizer.json"]), _session(content[f"{group}/model.onnx"]), pool
        )
        for group in (ENGLISH, OTHERS)
    }
    return Models(taggers, manifest)


def _manifest(path: Path) -> dict[str, Any]:
    """The manifest, if it names every file and every limit."""
    try:
        found: dict[str, Any] = json.loads(_content(path))
        tables = [found["thresholds"][group][mode.value] for group in (OTHERS, ENGLISH) for mode in Mode]
        whole = all(isinstance(table[name], float) for table in tables for name in (*KINDS, SPREAD))
        if (
            not whole
            or not {f"{group}/{name}" for group in (OTHERS, ENGLISH) for name in _FILES} <= found["files"].keys()
        ):
            raise ModelUnusable("the manifest of the models lacks something")
    except (ValueError, KeyError, TypeError) as error:
        raise ModelUnusable("the manifest of the models is broken") from error
    return found


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelUnusable(f"model file {path.name} cannot be read") from error


def _checked(path: Path, digest: str) -> bytes:
    content = _content(path)
    if hashlib.sha256(content).hexdigest() != digest:
        raise ModelUnusable(f"model file {path.parent.name}/{path.name} is not the one that belongs here")
    return content


def _session(content: bytes) -> Any:
    """A session whose every answer takes one thread: two windows at a time are done sooner than each by two."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
