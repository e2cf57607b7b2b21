"""A sample beside a list: its picture, text or values, and what the model said."""

import base64
from typing import Any

import pytest

from tuitrain.analysis.mistakes import SampleRow
from tuitrain.view.chart.figure import Size, TerminalStyle
from tuitrain.view.images.pixels import Image
from tuitrain.view.images.spans import picture_spans
from tuitrain.view.results.recorded import recorded_lines
from tuitrain.view.results.samples import heading, row_lines, sample_lines
from tuitrain.view.spans import line_width, plain_text

COLOUR, PLAIN = TerminalStyle(), TerminalStyle(ascii=True, colour=False)
MISTAKE = SampleRow(7, "a\x1b.png", "cat", "dog", "probability", 0.731)
ROOM = Size(30, 20)
LIKELY = [("dog", 0.731), ("cat", 0.2)]
PIXELS = {
    "width": 4, "height": 4, "channels": 1, "of_channels": 1,
    "data": base64.b64encode(bytes(range(0, 256, 16))).decode(),
}  # fmt: skip


def text(form: dict[str, Any] | None, size: Size = ROOM, **options: Any) -> list[str]:
    row, look = options.get("row", MISTAKE), options.get("look", COLOUR)
    lines = sample_lines(row, form, LIKELY, options.get("note", ""), size, look)
    assert max((line_width(line) for line in lines), default=0) <= size.width
    return [plain_text(line) for line in lines]


def test_a_row_says_how_sure_what_and_which() -> None:
    other = SampleRow(8, None, "horse", "cat", "probability", 0.5)
    assert [plain_text(line) for line in row_lines([MISTAKE, other])] == [
        "  73.1 %  cat   as dog  #7 a\\x1b.png",
        "  50.0 %  horse as cat  #8",
    ]
    error = SampleRow(3, None, "2.5", "-0.5", "error", 3.0)
    assert plain_text(row_lines([error])[0]).split() == ["3.000", "2.5", "as", "-0.5", "#3"]
    loss = SampleRow(3, None, "", "", "loss", 3.0)
    assert plain_text(row_lines([loss])[0]).split() == ["3.000", "#3"]
    assert row_lines([]) == []
    assert (heading("mistakes", 0), heading("mistakes", 1200)) == (
        "mistakes: none", "mistakes: 1,200",
    )  # fmt: skip


def test_a_picture_stands_above_what_was_said_and_beside_it_where_rows_are_few() -> None:
    high = text({"image": PIXELS, "target": "cat"})
    assert high[0].startswith("▀") and "true cat" in high
    low = text({"image": PIXELS, "target": "cat"}, Size(40, 8))
    assert len(low) <= 8
    assert "▀" in low[1] and "true cat" in low[1]
    plain = text({"image": PIXELS, "target": "cat"}, look=PLAIN)
    assert all(line.isascii() for line in plain)


@pytest.mark.parametrize(("form", "expected"), [
    ({"text": "to be\nor", "tokens": [1], "target": "cat"}, "to be\\nor"),
    ({"text": "to", "target_text": "be\x1b", "tokens": [1], "target": [2]}, "wanted: be\\x1b"),
    ({"text": None, "tokens": [5, 6], "target": "cat"}, "5 6"),
    ({"values": [1.0, 2.5], "columns": {"length\x1b": "2.5"}, "target": "cat"},
     "length\\x1b 2.5"),
    ({"values": [1.0, 2.5], "columns": {}, "target": "cat"}, "1 2.5"),
])  # fmt: skip
def test_texts_and_rows_are_read(form: dict[str, Any], expected: str) -> None:
    assert expected in "\n".join(text(form))


def test_what_is_not_known_says_why() -> None:
    assert text(None, note="being read ...")[0] == "being read ..."
    assert "true cat" in text(None)


def test_the_likeliest_classes_have_bars() -> None:
    lines = text(None)
    assert any(line.startswith("dog") and line.endswith("73%") for line in lines)


@pytest.mark.parametrize(("columns", "rows", "width"), [(4, 9, 4), (9, 9, 8), (2, 1, 2), (0, 5, 0)])
def test_a_picture_grows_by_whole_numbers_within_its_room(
    columns: int, rows: int, width: int
) -> None:
    image = Image(4, 4, 3, bytes(48))
    lines = picture_spans(image, columns, rows, COLOUR)
    assert len(lines) <= rows
    assert {line_width(line) for line in lines} == ({width} if width else set())


def test_cells_of_one_colour_are_one_span() -> None:
    (line, _next) = picture_spans(Image(4, 4, 3, bytes(48)), 4, 2, COLOUR)
    assert [(span.text, span.style) for span in line] == [("▀▀▀▀", "#000000 on #000000")]


def test_recorded_samples_have_pictures_side_by_side_and_texts_below() -> None:
    image = Image(4, 4, 1, bytes(16))
    samples = [
        {"input": image, "output": image},
        {"input": {"kind": "text", "text": "a\x1b\nb"},
         "output": {"kind": "numbers", "shape": [20], "values": [0.5] * 20}},
    ]  # fmt: skip
    lines = [plain_text(line) for line in recorded_lines(samples, 60, COLOUR)]
    assert lines[0].split() == ["#0", "input", "#0", "output"]
    assert len(lines[1].split()) == 2
    assert "  a\\x1b" in lines and "  b" in lines
    assert any(line.endswith("... (20)") for line in lines)
    for line in recorded_lines(samples, 30, PLAIN):
        assert line_width(line) <= 32
        assert plain_text(line).isascii()
