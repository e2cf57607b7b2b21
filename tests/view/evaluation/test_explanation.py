"""Explanations as they stand in a terminal: signs in place of colours, and how far to trust."""

import base64
from typing import Any

import pytest

from tuitrain.view.evaluation.explanation import explanation_lines, importance_lines
from tuitrain.view.images.sheet import Canvas

ASCII = Canvas(60, "ascii", 0, {})
COLOURS = Canvas(60, "blocks", 24, {})
SUMMED = {
    "method": "integrated-gradients", "steps": 50, "baseline": "the mean row",
    "baseline_score": 0.5, "sum": 1.99, "difference": 2.0, "delta": -0.01,
}  # fmt: skip
SAID = {
    "sample": "in/a\x1b.csv row 1", "explained": "the score of the class yes", "score": 2.5,
    "prediction": {"classes": [{"class": "yes", "probability": 0.9}]},
}  # fmt: skip


def lines_of(answer: dict[str, Any], canvas: Canvas = ASCII) -> list[str]:
    return explanation_lines({**SAID, **SUMMED, **answer}, canvas)


def test_columns_stand_by_the_size_of_what_they_add() -> None:
    columns = [
        {"column": "size", "value": 3.5, "attribution": -0.5},
        {"column": "city", "value": "B", "attribution": 2.0},
        {"column": "side", "value": "", "attribution": 0.0},
    ]
    lines = lines_of({"columns": columns})
    assert lines[:2] == ["in/a\\x1b.csv row 1: yes 90.0%", "the score of the class yes is 2.500"]
    assert [line.split() for line in lines[4:7]] == [
        ["city", "B", "2.000", "+" * 20],
        ["size", "3.500", "-0.5000", "-" * 5],
        ["side", "(unknown)", "0.0000"],
    ]
    told = " ".join(lines[8:])
    assert "sum to 1.990, the scores differ by 2.000 (delta -0.0100, 0.5%)" in told
    assert "--steps" not in told
    assert max(map(len, lines)) <= 60


def test_a_sum_that_misses_much_says_what_to_do() -> None:
    told = " ".join(lines_of({"columns": [], "sum": 1.5, "delta": -0.5}))
    assert "25.0%); that is far: take more --steps" in told


def test_words_have_signs_in_ascii_and_colours_elsewhere() -> None:
    words = [
        {"word": word, "attribution": value}
        for word, value in (("not", -1.0), ("so", 0.01), ("good", 0.5), ("\x1b", 0.2))
    ]
    answer = {"words": words, "between": " "}
    lines = lines_of(answer)
    assert lines[3:5] == ["not so good \\x1b", "---    ++   +"]
    coloured = lines_of(answer, COLOURS)[3]
    assert coloured.startswith("\x1b[0;38;2;255;255;255;48;2;45;105;245mnot\x1b[0m ")
    assert "\x1b[0m so " in coloured
    assert "blue: against" in lines_of(answer, COLOURS)[4]
    long = lines_of({"words": words * 20, "between": " "})
    assert max(map(len, long)) <= 60
    assert "the text has no word" in lines_of({"words": [], "between": " "})


@pytest.mark.parametrize(("canvas", "what"), [(ASCII, "what decided"), (COLOURS, "red: for it, b")])
def test_an_image_stands_beside_what_decided(canvas: Canvas, what: str) -> None:
    grey = base64.b64encode(bytes([255]) * 16).decode()
    colour = base64.b64encode(bytes([200, 0, 0]) * 16).decode()
    size = {"width": 4, "height": 4}
    pictures = [
        {"name": "input", "channels": 1, "data": grey, **size},
        {"name": "attributions", "channels": 3, "data": colour, **size},
        {"name": "strength", "channels": 1, "data": grey, **size},
    ]
    lines = lines_of({"pictures": pictures, "method": "occlusion", "window": 2}, canvas)
    caption = next(line for line in lines if line.startswith("image"))
    assert what in caption
    assert "2x2 pixels covered by the mean row" in " ".join(lines)
    cam = {"method": "grad-cam", "layer": "body.3\x1b", "layer_size": [4, 6]}
    told = " ".join(lines_of({"pictures": pictures, **cam}, canvas))
    assert "Grad-CAM of the layer body.3\\x1b, 6x4 places" in told


def test_importances_are_told_with_their_figure() -> None:
    columns = [
        {"column": "size", "mean": 0.2, "deviation": 0.05, "values": [0.15, 0.25]},
        {"column": "city", "mean": -0.1, "deviation": None, "values": [-0.1]},
    ]
    answer = {"metric": "val/accuracy", "value": 0.9, "larger_is_better": True, "repeats": 2,
              "samples": 1200, "columns": columns}  # fmt: skip
    lines = importance_lines(answer, ASCII)
    assert " ".join(lines[:2]).startswith("val/accuracy is 0.9000 on 1,200 samples; it falls by")
    rows = [line.split() for line in lines[-2:]]
    assert rows[0] == ["size", "0.2000", "0.0500", "+" * 20]
    assert rows[1] == ["city", "-0.1000", "-", "-" * 10]
