from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from app.deidentify.pieces import TAGS

torch = pytest.importorskip("torch", reason="torch is needed for training only")
pytest.importorskip("onnx", reason="onnx is needed for training only")


def test_the_graph_says_what_the_network_says(tmp_path: Path) -> None:
    """Writing in 8 bits changes probabilities by little, for any number of rows and pieces."""
    from app.deidentify.training import encoder, graph

    torch.manual_seed(1)
    tagger = encoder.Tagger(encoder.Shape(500, 2, 1e-12)).eval()
    graph.write({name: value.numpy() for name, value in tagger.state_dict().items()}, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])

    for shape in ((1, 7), (3, 256)):
        ids = torch.randint(0, 500, shape)
        with torch.no_grad():
            tags, mask = tagger(ids)
        said = session.run(None, {"ids": ids.numpy()})
        assert said[0].shape == (*shape, TAGS)
        assert np.abs(said[0] - tags.softmax(-1).numpy()).max() < 0.02
        assert np.abs(said[1] - mask.sigmoid().numpy()).max() < 0.02


def test_four_bits_become_weights() -> None:
    """A block of 4-bit numbers: low halves first, eight is zero, times the block's scale."""
    from app.deidentify.training import encoder

    block = np.zeros(1, np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)]))
    block["scale"] = 0.5
    block["nibbles"][0, 0] = 0x9F
    weights = encoder._dequantised(block.reshape(1, 1))

    assert weights.shape == (1, 32)
    assert weights[0, 0] == 3.5
    assert weights[0, 16] == 0.5
    assert weights[0, 1] == -4.0
