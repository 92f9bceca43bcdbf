"""Fine-tunes a model on marked texts: resumable, and quiet while others measure."""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any, Final

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from app.deidentify.training import encoder, vocabulary
from app.deidentify.training.batches import UNSURE, batches, epoch
from app.deidentify.training.corpora import Corpus
from app.deidentify.training.encoder import Tagger

_WARM: Final = 60
_CLIP: Final = 1.0
_DECAY: Final = 0.01
_POSITIVE: Final = 2.0  # a missed piece costs twice as much as a masked one
_AVERAGE: Final = 0.99  # weights are averaged over about a hundred steps
_EVERY: Final = 50  # steps between checkpoints

Lesson = Callable[[Tagger], Tensor]  # the loss of a network on one batch
Lessons = Callable[[int], Iterator[Lesson]]  # lessons for ever, for one who has taken so many steps


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast to learn; the ``frozen`` lowest layers stay as they are."""

    steps: int
    rate: float
    batch: int = 8
    seed: int = 1
    frozen: int = 0
    pause: Path | None = None

    def rest(self) -> None:
        """Wait while the file ``pause`` is there."""
        while self.pause is not None and self.pause.exists():
            time.sleep(1)


def start(group: str, out: Path, corpus: Corpus, most: int) -> tuple[Tagger, Tokenizer]:
    """The pre-trained network of a group; its tokenizer is written to ``out``."""
    torch.manual_seed(1)
    target = out / "tokenizer.json"
    if group == "en":
        tagger, file = encoder.english()
        target.write_bytes(file.read_bytes())
    else:
        full = json.loads(vocabulary.source().read_text(encoding="utf-8"))
        if target.exists():
            keep = vocabulary.numbers(full, json.loads(target.read_text(encoding="utf-8")))
        else:
            texts = [m.text for s in corpus.sources for m in s.texts]
            keep = vocabulary.kept(full, vocabulary.corpus([*texts, *(t.lower() for t in texts)]), most)
            target.write_text(json.dumps(vocabulary.shrink(full, keep), ensure_ascii=False), encoding="utf-8")
        tagger = encoder.multilingual(keep)
    tokenizer = Tokenizer.from_file(str(target))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tagger, tokenizer


def continue_from(tagger: Tagger, checkpoint: Path) -> None:
    """Take the averaged weights of another training with the same vocabulary."""
    tagger.load_state_dict(torch.load(checkpoint, weights_only=True)["average"])


def losses(tagger: Tagger, ids: Tensor, tags: Tensor, direct: Tensor) -> Tensor:
    """What the marks say of a batch."""
    with torch.autocast("cpu", torch.bfloat16):
        said, masked = tagger(ids)
    return against_marks(said, masked, tags, direct)


def against_marks(said: Tensor, masked: Tensor, tags: Tensor, direct: Tensor) -> Tensor:
    """Of the tags (cross-entropy) and of the masks (binary), summed."""
    sure = tags != UNSURE
    wanted = torch.stack([tags > 0, direct == 1], dim=-1).float()
    weight = torch.tensor(_POSITIVE)
    mask = functional.binary_cross_entropy_with_logits(masked.float()[sure], wanted[sure], pos_weight=weight)
    return functional.cross_entropy(said.float()[sure], tags[sure]) + mask


def marked(tokenizer: Tokenizer, corpus: Corpus, plan: Plan) -> Lessons:
    """Lessons from marked texts; after a resumption with another seed, so that nothing need be read twice."""

    def lessons(done: int) -> Iterator[Lesson]:
        for number in range(10**6):
            windows = list(epoch(tokenizer, corpus.sources, f"{plan.seed}/{done}/{number}"))
            random.Random(f"{plan.seed}/{done}/{number}").shuffle(windows)  # noqa: S311 - order of training
            for ids, tags, direct in batches(windows, plan.batch):
                rows = [torch.from_numpy(each) for each in (ids, tags, direct)]
                yield partial(losses, ids=rows[0], tags=rows[1], direct=rows[2])

    return lessons


def fit(tagger: Tagger, lessons: Lessons, plan: Plan, out: Path) -> None:
    """Learn; a checkpoint in ``out`` is continued. The averaged weights are written beside each checkpoint."""
    for parameter in tagger.lowest(plan.frozen):
        parameter.requires_grad_(requires_grad=False)
    learnt = [p for p in tagger.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learnt, lr=plan.rate, weight_decay=_DECAY)
    average = {k: v.clone() for k, v in tagger.state_dict().items()}
    step = _resume(out, tagger, optimizer, average)
    torch.manual_seed(plan.seed + step)
    tagger.train()
    began = time.monotonic()
    recent: list[float] = []
    for lesson in lessons(step):
        if step >= plan.steps:
            break
        plan.rest()
        for group in optimizer.param_groups:
            group["lr"] = plan.rate * _pace(step, plan.steps)
        loss = lesson(tagger)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call, unused-ignore]
        torch.nn.utils.clip_grad_norm_(learnt, _CLIP)
        optimizer.step()
        step += 1
        _blend(average, tagger, step)
        recent.append(float(loss.detach()))
        if step % _EVERY == 0 or step == plan.steps:
            _save(out, tagger, optimizer, average, step)
            line = {"step": step, "loss": round(fmean(recent), 4), "seconds": round(time.monotonic() - began)}
            with (out / "log.jsonl").open("a", encoding="utf-8") as log:
                log.write(json.dumps(line) + "\n")
            recent.clear()


def _pace(step: int, steps: int) -> float:
    return min((step + 1) / _WARM, max(0.02, (steps - step) / (steps - min(_WARM, steps - 1))))


def _blend(average: dict[str, Tensor], tagger: Tagger, step: int) -> None:
    keep = min(_AVERAGE, 1 - 1 / math.sqrt(step + 1))
    for name, value in tagger.named_parameters():
        if value.requires_grad:
            average[name].lerp_(value.detach(), 1 - keep)


def _save(out: Path, tagger: Tagger, optimizer: torch.optim.Optimizer, average: dict[str, Tensor], step: int) -> None:
    state: dict[str, Any] = {
        "step": step,
        "tagger": tagger.state_dict(),
        "optimizer": optimizer.state_dict(),
        "average": average,
    }
    partial = out / "checkpoint.partial"
    torch.save(state, partial)
    partial.replace(out / "checkpoint.pt")


def _resume(out: Path, tagger: Tagger, optimizer: torch.optim.Optimizer, average: dict[str, Tensor]) -> int:
    file = out / "checkpoint.pt"
    if not file.exists():
        return 0
    state = torch.load(file, weights_only=True)
    tagger.load_state_dict(state["tagger"])
    optimizer.load_state_dict(state["optimizer"])
    for name, value in state["average"].items():
        average[name].copy_(value)
    return int(state["step"])
