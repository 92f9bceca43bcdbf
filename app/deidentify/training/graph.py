"""Writes a trained network as an ONNX graph with 8-bit weights, as small and as fast as it gets on a CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from app.deidentify.training.encoder import HEADS

_OPSET: Final = 17
_FUSED: Final = "com.microsoft"
_LIMIT: Final = 63  # 7 bits: products of two 8-bit numbers overflow on processors without VNNI
_BYTE: Final = 127

State = dict[str, npt.NDArray[np.float32]]


class Builder:
    """Collects nodes and their constants."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, value: npt.NDArray[Any]) -> str:
        """Store an array and return its name."""
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, kind: str, inputs: list[str], output: str, *, fused: bool = False, **options: Any) -> str:
        """Add an operation with one output and return that output's name."""
        domain = _FUSED if fused else ""
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, domain=domain, **options))
        return output

    def dense(self, x: str, name: str, state: State) -> str:
        """``x`` times an 8-bit matrix, with a scale for each column."""
        weight = state[f"{name}.weight"]
        scale = np.maximum(np.abs(weight).max(axis=1), 1e-8).astype(np.float32) / _LIMIT
        small = np.round(weight / scale[:, None]).astype(np.int8).T
        inputs = [
            x,
            self.constant(f"{name}.w", small),
            self.constant(f"{name}.s", scale),
            self.constant(f"{name}.z", np.zeros(len(scale), np.int8)),
            self.constant(f"{name}.b", state[f"{name}.bias"]),
        ]
        return self.node("DynamicQuantizeMatMul", inputs, f"{name}.y", fused=True)

    def normed(self, x: str, skip: str, name: str, state: State, epsilon: float) -> str:
        """The norm of the sum of two inputs. The fused operation for both takes three times as long on a CPU."""
        inputs = [
            self.node("Add", [x, skip], f"{name}.sum"),
            *(self.constant(f"{name}.{k}", state[f"{name}.{k}"]) for k in ("weight", "bias")),
        ]
        return self.node("LayerNormalization", inputs, f"{name}.y", axis=-1, epsilon=epsilon)


def write(state: State, path: Path, epsilon: float = 1e-12, *, states: bool = False) -> None:
    """Write the graph: ``ids`` (batch, pieces) in; ``tags`` and ``mask`` out, as probabilities.

    With ``states`` it also tells what these follow from.
    """
    build = Builder()
    x = _embedded(build, state, epsilon)
    for i in range(1 + max(int(k.split(".")[1]) for k in state if k.startswith("layers."))):
        x = _layer(build, x, f"layers.{i}", state, epsilon)
    tags = build.node("Softmax", [_plain(build, x, "tags", state)], "tags", axis=-1)
    mask = build.node("Sigmoid", [_plain(build, x, "mask", state)], "mask")
    told = [tags, mask, *([build.node("Identity", [x], "states")] if states else [])]
    outputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", "pieces", None]) for n in told]
    ids = helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", "pieces"])
    graph = helper.make_graph(build.nodes, "tagger", [ids], outputs, build.constants)
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_FUSED, 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)


def _embedded(build: Builder, state: State, epsilon: float) -> str:
    words = state["words.weight"]
    scale = np.maximum(np.abs(words).max(axis=1, keepdims=True), 1e-8).astype(np.float32) / _BYTE
    table = build.constant("words.w", np.round(words / scale).astype(np.int8))
    small = build.node("Gather", [table, "ids"], "words.small")
    rows = build.node("Gather", [build.constant("words.s", scale), "ids"], "words.scale")
    looked = build.node("Mul", [build.node("Cast", [small], "words.float", to=TensorProto.FLOAT), rows], "words.y")
    shape = build.node("Shape", ["ids"], "ids.shape", start=1)
    zero = build.constant("zero", np.array([0], np.int64))
    places = build.node("Slice", [build.constant("places", state["places"]), zero, shape], "places.y")
    total = build.node("Add", [looked, places], "embedded")
    inputs = [total, *(build.constant(f"norm.{k}", state[f"norm.{k}"]) for k in ("weight", "bias"))]
    return build.node("LayerNormalization", inputs, "norm.y", axis=-1, epsilon=epsilon)


def _layer(build: Builder, x: str, name: str, state: State, epsilon: float) -> str:
    qkv = build.dense(x, f"{name}.qkv", state)
    parts = [f"{name}.{part}" for part in ("q", "k", "v")]
    build.nodes.append(helper.make_node("Split", [qkv], parts, name=f"{name}.split", axis=-1))
    mixed = build.node("MultiHeadAttention", parts, f"{name}.mixed", fused=True, num_heads=HEADS)
    x = build.normed(x, build.dense(mixed, f"{name}.out", state), f"{name}.norm1", state, epsilon)
    up = build.node("Gelu", [build.dense(x, f"{name}.up", state)], f"{name}.gelu", fused=True)
    return build.normed(x, build.dense(up, f"{name}.down", state), f"{name}.norm2", state, epsilon)


def _plain(build: Builder, x: str, name: str, state: State) -> str:
    """A small head, kept in 32 bits."""
    product = build.node("MatMul", [x, build.constant(f"{name}.w", state[f"{name}.weight"].T)], f"{name}.product")
    return build.node("Add", [product, build.constant(f"{name}.b", state[f"{name}.bias"])], f"{name}.logits")
