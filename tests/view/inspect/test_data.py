"""A data set in figures and samples: what is told, and that it fits."""

import base64
from typing import Any

import pytest

from tests.view.inspect.golden import check_lines
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.images.sheet import Canvas
from tuitrain.view.inspect.data import data_lines, sample_lines
from tuitrain.view.spans import plain_text

PLAIN = TerminalStyle(colour=False)


def part(samples: int, read: int, nan: int) -> dict[str, Any]:
    channel = {"mean": 0.4734, "deviation": 0.25, "min": 0.0, "max": 1.0}
    inputs = {
        "dtype": "float32", "min": 0.0, "max": 1.0, "nan": nan, "infinite": 0,
        "samples_with_nan": min(nan, 2), "channels": [channel] * 3, "tokens": None,
    }  # fmt: skip
    targets: dict[str, Any] = {"dtype": "int64", "outputs": []}
    return {"samples": samples, "read": read, "bytes": None, "inputs": inputs, "targets": targets}


def answer(**more: Any) -> dict[str, Any]:
    classes = [
        {"name": f"class {place}", "train": 3 * place, "validation": place} for place in range(30)
    ]
    pixels = base64.b64encode(bytes(range(0, 256, 4))).decode()
    image = {"width": 8, "height": 8, "channels": 1, "of_channels": 4, "data": pixels}
    samples = [{"number": place, "target": "a\x1b[2J", "image": image} for place in range(5)]
    return {
        "data": "mine:photos", "kind": "image", "input_shape": [4, 8, 8], "target_shape": [],
        "vocabulary": None, "normalized": True, "augmentations": ["flip"], "classes": classes,
        "parts": {"train": part(5000, 2048, 3), "validation": part(500, 500, 0)},
        "duplicates": {"in_both": 5, "pairs": [[3, 1]], "within_train": 2, "within_validation": 0},
        "samples": samples, **more,
    }  # fmt: skip


@pytest.mark.parametrize(("width", "ascii"), [(80, False), (60, True)])
def test_the_figures_fit_the_terminal(width: int, ascii: bool) -> None:
    lines = data_lines(answer(), width, TerminalStyle(ascii=ascii, colour=False))
    check_lines(f"data-{width}", lines, width)


def test_targets_that_are_numbers_are_histograms() -> None:
    target = {
        "mean": 0.5, "deviation": 0.3, "min": 0.0, "max": 1.0, "bins": [0.0, 1.0],
        "histogram": list(range(10)),
    }  # fmt: skip
    found = answer(classes=[])
    for each in found["parts"].values():
        each["targets"]["outputs"] = [target]
    text = "\n".join(plain_text(line) for line in data_lines(found, 80, PLAIN))
    assert "from 0.9" in text and "mean 0.5, deviation 0.3" in text


def drawn(found: dict[str, Any], width: int = 80) -> list[str]:
    return sample_lines(found, Canvas(width, "ascii", 0, {}), PLAIN)


@pytest.mark.parametrize("width", [20, 60, 80, 200])
def test_images_are_drawn_with_their_classes_and_nothing_acts_on_the_terminal(width: int) -> None:
    lines = drawn(answer(), width)
    assert lines[-1] == "channel 0 of 4"
    assert sum(line.count("#4") for line in lines if "x1b" in line) == 1
    assert all(line.isprintable() and len(line) <= width for line in lines[1:])
    assert "@@" in "".join(lines)


def test_rows_are_a_table_with_as_many_features_as_fit() -> None:
    rows = [{"number": 7, "target": 1.5, "values": [place / 3 for place in range(40)]}]
    lines = drawn(answer(kind="table", samples=rows), 60)
    assert max(map(len, lines)) <= 60
    assert lines[-1].startswith("and ") and lines[2].split()[:3] == ["#7", "1.5", "0"]


def test_series_are_curves_and_tokens_are_numbers_or_text() -> None:
    series = [{"number": 7, "target": [1.0, 2.0], "values": [0.0, 1.0, 4.0]}]
    assert drawn(answer(kind="series", samples=series))[1].endswith("1 2  #7")
    plain = {"number": 7, "target": "yes", "text": None, "target_text": None}
    tokens = [{**plain, "tokens": list(range(64))}]
    lines = drawn(answer(kind="tokens", samples=tokens), 40)
    assert lines[1].startswith("#7 yes: 0 1 2") and max(map(len, lines[1:])) <= 40
    named = [{**tokens[0], "text": "such\na text\x1b[2J"}]
    assert drawn(answer(kind="tokens", samples=named))[1] == "#7 yes: such\\na text\\x1b[2J"
    wanted = [{**tokens[0], "text": "abc", "target_text": "bcd"}]
    assert drawn(answer(kind="tokens", samples=wanted))[1:] == ["#7: abc", "wanted: bcd"]
    assert drawn(answer(samples=[])) == []
