"""A model's table: what is shown, what is folded, and that it fits."""

from typing import Any

import pytest

from tests.view.inspect.golden import check_lines
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.inspect.model import model_lines
from tuitrain.view.spans import plain_text


def layer(
    path: str, kind: str, shape: list[int], trainable: int = 0, **more: Any
) -> dict[str, Any]:
    depth = path.count(".") + 1 if path else 0
    shapes = [shape] if shape else []
    plain = {"path": path, "type": kind, "depth": depth, "shapes": shapes, "frozen": 0}
    return {
        **plain,
        "trainable": trainable,
        "shared": False,
        "multiply_adds": 0,
        "calls": 1,
        **more,
    }


def answer() -> dict[str, Any]:
    blocks = [
        row
        for place in range(12)
        for row in (
            layer(f"encoder.layers.{place}", "Block", [64, 196, 384], 1_774_464),
            layer(f"encoder.layers.{place}.attention", "Attention", [64, 196, 384], 591_360),
            layer(f"encoder.layers.{place}.mlp", "MLP", [64, 196, 384], 1_183_104,
                  multiply_adds=231_211_008),
        )
    ]  # fmt: skip
    rows = [
        layer(
            "", "Transformer", [64, 1000], 21_300_000, frozen=384_000, multiply_adds=4_250_000_000
        ),
        layer("embedding", "Embedding", [64, 196, 384], 0, frozen=384_000),
        layer("encoder", "Encoder", [64, 196, 384], 21_293_568),
        layer("encoder.layers", "ModuleList", [], 21_293_568, calls=0),
        *blocks,
        layer(
            "odd \x1b[2J name", "Linear", [64, 1000], 6_432, shared=True, shapes=[[64, 1000], [2]]
        ),
    ]
    memory = {
        "batch_size": 64, "parameters_bytes": 86_000_000, "gradients_bytes": 85_000_000,
        "optimizer_bytes": 170_000_000, "activations_bytes": 3_000_000_000, "buffers_bytes": 0,
        "data_bytes": 0, "total_bytes": 3_341_000_000,
    }  # fmt: skip
    return {
        "model": "mine:vit", "batch_size": 64, "input_shape": [64, 3, 224, 224], "layers": rows,
        "parameters": {"total": 21_684_000, "trainable": 21_300_000, "frozen": 384_000},
        "loss_parameters": 0, "multiply_adds": 4_250_000_000, "uncounted": ["LSTM"],
        "memory": memory, "dtype": "float32", "precision": "bf16", "device": "cuda:0",
        "device_name": None,
    }  # fmt: skip


@pytest.mark.parametrize(("width", "ascii"), [(80, False), (60, True)])
def test_the_table_fits_the_terminal(width: int, ascii: bool) -> None:
    lines = model_lines(answer(), width, TerminalStyle(ascii=ascii, colour=False))
    check_lines(f"model-{width}", lines, width)


def test_equal_blocks_are_one_row_until_they_are_unfolded_and_depth_hides_what_is_inside() -> None:
    look = TerminalStyle(colour=False)
    folded, unfolded, flat = (
        "\n".join(plain_text(line) for line in model_lines(answer(), None, look, **options))
        for options in ({}, {"unfold": True}, {"depth": 1})
    )
    assert "0..11 Block x12" in folded and folded.count("attention") == 1
    assert unfolded.count("attention") == 12
    assert "Block" not in flat and "encoder Encoder" in flat
