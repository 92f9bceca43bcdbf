"""Which texts each model group learns from, and which are held out to choose thresholds by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.deidentify.training import texts
from app.deidentify.training.batches import Source
from app.deidentify.training.texts import Marked

OWN: Final = Path(__file__).parent / "texts"
GROUPS: Final = ("en", "xx")  # English; all other languages
_HELD: Final = {"en": ("asrb", "famb"), "xx": ("eub",)}  # all texts of these writers
_HALF: Final = {"en": (), "xx": ("arb",)}  # every other text of these
_TAB_SHARE: Final = 0.3  # court cases are unlike testimonies: a third in each epoch
_EHRI_SHARE: Final = {"en": 0.06, "de": 0.02, "fr": 0.5, "nl": 0.5}
_ENGLISH_SHARE: Final = 0.12  # of English texts, for the multilingual model


@dataclass(frozen=True, slots=True)
class Corpus:
    """Texts to learn from and texts held out."""

    sources: tuple[Source, ...]
    held: tuple[Marked, ...]


def corpus(group: str, material: Path, *, everything: bool = False) -> Corpus:
    """The texts of a group; with ``everything`` also the held-out ones. ``material`` holds train, tab, ehri."""
    marked = texts.folder(material / "train")
    mine = [m for m in marked if (m.language == "en") == (group == "en")]
    held = [] if everything else [m for m in mine if _held(m, group)]
    names = {m.name for m in held}
    own = [m for m in texts.folder(OWN) if (m.language == "en") == (group == "en")]
    sources = [Source([m for m in mine if m.name not in names] + own)]
    sources += [Source(read, _EHRI_SHARE[code]) for code, read in _ehri(group, material)]
    if group == "en":
        sources.append(Source(texts.benchmark(material / "tab" / "train.json"), _TAB_SHARE))
    else:
        sources.append(Source([m for m in marked if m.language == "en"], _ENGLISH_SHARE))
    return Corpus(tuple(sources), tuple(held))


def _held(marked: Marked, group: str) -> bool:
    if marked.writer in _HELD[group]:
        return True
    return marked.writer in _HALF[group] and int(marked.name.split("-")[1]) % 2 == 1


def _ehri(group: str, material: Path) -> Sequence[tuple[str, list[Marked]]]:
    codes = [c for c in _EHRI_SHARE if (c == "en") == (group == "en")]
    return [(c, texts.ehri(material / "ehri" / f"ehri_{c}.txt", c)) for c in codes]
