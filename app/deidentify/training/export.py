"""Puts a trained network into the package: 8-bit graph, tokenizer, hashes and thresholds in the manifest."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Final

import torch

from app.deidentify.model import SPREAD
from app.deidentify.modes import Mode
from app.deidentify.pieces import KINDS
from app.deidentify.training import manifest
from app.deidentify.training.graph import write

_FIRST: Final = {Mode.STRICT: 0.1, Mode.BALANCED: 0.4}  # until thresholds are chosen


def export(out: Path, models: Path, group: str) -> None:
    """Write the averaged weights of the checkpoint in ``out`` to ``models``/``group`` and name them in the manifest."""
    target = models / group
    target.mkdir(parents=True, exist_ok=True)
    average = torch.load(out / "checkpoint.pt", weights_only=True)["average"]
    write({name: value.numpy() for name, value in average.items()}, target / "model.onnx")
    tokenizer = {**json.loads((out / "tokenizer.json").read_text("utf-8")), "truncation": None, "padding": None}
    (target / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":")), "utf-8")
    found = manifest.read(models)
    for name in ("model.onnx", "tokenizer.json"):
        found["files"][f"{group}/{name}"] = hashlib.sha256((target / name).read_bytes()).hexdigest()
    first = {mode.value: dict.fromkeys(KINDS, limit) | {SPREAD: 0.5} for mode, limit in _FIRST.items()}
    found["thresholds"].setdefault(group, first)
    manifest.save(models, found)
