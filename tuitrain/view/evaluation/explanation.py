"""What decided about a sample, or which columns matter, as text that goes to a terminal as it is.

Pure functions of the answers of `tuitrain.training.explaining`.
"""

from collections.abc import Mapping, Sequence
from math import isnan
from typing import Any

from tuitrain.view.evaluation.predictions import plain_image, prediction_words
from tuitrain.view.format import display_width, metric_value, sanitise, table
from tuitrain.view.images.cells import Cell
from tuitrain.view.images.colours import blend
from tuitrain.view.images.graphics import Depth
from tuitrain.view.images.sheet import Canvas, Captioned, picture_lines
from tuitrain.view.osc import coloured_cells
from tuitrain.view.spans import plain_text, wrap_plain

_MOST_ROWS = 30
_BAR = 20
_FOR, _AGAINST, _TEXT = (235, 70, 35), (45, 105, 245), (255, 255, 255)
_LEAST = 0.1
"""Of the strongest attribution: what is weaker has no mark."""
_FAR = 0.05
"""A sum that misses more of the difference than this is not to be trusted."""


def explanation_lines(answer: Mapping[str, Any], canvas: Canvas) -> list[str]:
    """Return what decided about a sample.

    Args:
        answer: of a question about one.
        canvas: what it is drawn on; without colours signs stand for them.
    """
    if "pictures" in answer:
        body = _pictures(answer, canvas)
    elif "words" in answer:
        body = _words(answer, canvas)
    else:
        body = _columns(answer["columns"])
    said = f"{sanitise(answer['sample'])}: {prediction_words(answer['prediction'])}"
    about = f"{sanitise(answer['explained'])} is {metric_value(answer['score'])}"
    return [*_wrapped(said, canvas), *_wrapped(about, canvas), "", *body, "",
            *_wrapped(_trust(answer), canvas)]  # fmt: skip


def importance_lines(answer: Mapping[str, Any], canvas: Canvas) -> list[str]:
    """Return what a table's columns are worth to its main figure."""
    columns = answer["columns"]
    most = max((abs(column["mean"]) for column in columns), default=0.0)
    rows = [
        [
            sanitise(column["column"]),
            metric_value(column["mean"]),
            "-" if column["deviation"] is None else metric_value(column["deviation"]),
            _bar(column["mean"], most),
        ]
        for column in columns[:_MOST_ROWS]
    ]
    name, times = answer["metric"], answer["repeats"]
    head = f"{name} is {metric_value(answer['value'])} on {answer['samples']:,} samples"
    what = "falls" if answer["larger_is_better"] else "rises"
    again = f"mean and deviation of {times} times" if times > 1 else "once"
    text = table(["COLUMN", "IMPORTANCE", "DEVIATION", ""], rows, ["left", "right", "right"])
    about = f"{head}; it {what} by so much with a column mixed up ({again})"
    return [*_wrapped(about, canvas), "",
            *text.splitlines(), *_rest(len(columns))]  # fmt: skip


def _wrapped(text: str, canvas: Canvas) -> list[str]:
    return [plain_text(line) for line in wrap_plain(text, canvas.width)]


def _trust(answer: Mapping[str, Any]) -> str:
    """Return how far the attributions are to be trusted."""
    method = answer["method"]
    if method == "grad-cam":
        height, width = answer["layer_size"]
        return (
            f"by Grad-CAM of the layer {sanitise(answer['layer'])}, {width}x{height} places: where "
            "its outputs speak for it, without a measure of what they leave out"
        )
    if method == "occlusion":
        side = answer["window"]
        return (
            f"by occlusion: how much lower the score is with {side}x{side} pixels covered by "
            f"{answer['baseline']}; patches are covered one at a time, and do not add up"
        )
    total, difference = answer["sum"], answer["difference"]
    missed = abs(answer["delta"]) / abs(difference) if difference else abs(answer["delta"])
    said = (
        f"by integrated gradients in {answer['steps']} steps from {answer['baseline']}, whose "
        f"score is {metric_value(answer['baseline_score'])}: the attributions sum to "
        f"{metric_value(total)}, the scores differ by {metric_value(difference)} (delta "
        f"{metric_value(answer['delta'])}, {missed:.1%})"
    )
    return said if missed <= _FAR else f"{said}; that is far: take more --steps"


# --- images ---------------------------------------------------------------------------------------


def _pictures(answer: Mapping[str, Any], canvas: Canvas) -> list[str]:
    pictures = {picture["name"]: plain_image(picture) for picture in answer["pictures"]}
    if canvas.graphics == "ascii":
        shown = [Captioned(pictures["input"], "image"),
                 Captioned(pictures["strength"], "what decided")]  # fmt: skip
        return picture_lines(shown, canvas)
    what = "red: for it" if answer["method"] == "grad-cam" else "red: for it, blue: against"
    shown = [Captioned(pictures["input"], "image"), Captioned(pictures["attributions"], what)]
    return picture_lines(shown, canvas)


# --- columns and words ----------------------------------------------------------------------------


def _columns(columns: Sequence[Mapping[str, Any]]) -> list[str]:
    order = sorted(columns, key=lambda column: -abs(column["attribution"]))
    most = abs(order[0]["attribution"]) if order else 0.0
    rows = [
        [sanitise(c["column"]), _cell(c["value"]), metric_value(c["attribution"]),
         _bar(c["attribution"], most)]
        for c in order[:_MOST_ROWS]
    ]  # fmt: skip
    text = table(["COLUMN", "VALUE", "ADDS", ""], rows, ["left", "right", "right"])
    return [*text.splitlines(), *_rest(len(order))]


def _rest(number: int) -> list[str]:
    more = number - _MOST_ROWS
    return [f"and {more:,} weaker ones; --json has all"] if more > 0 else []


def _cell(value: str | float) -> str:
    if isinstance(value, str):
        return sanitise(value) or "(unknown)"
    return metric_value(value)


def _bar(value: float, most: float) -> str:
    """Return signs in number as a value is to the largest."""
    if not most or isnan(value):
        return ""
    return ("+" if value > 0 else "-") * round(abs(value) / most * _BAR)


def _words(answer: Mapping[str, Any], canvas: Canvas) -> list[str]:
    words = answer["words"]
    if not words:
        return ["the text has no word"]
    shares = _shares([word["attribution"] for word in words])
    texts = [sanitise(word["word"]) for word in words]
    if canvas.graphics == "ascii" or not canvas.depth:
        lines = _signed(texts, shares, answer["between"], canvas.width)
    else:
        lines = _coloured(texts, shares, answer["between"], canvas.width, canvas.depth)
    order = sorted(words, key=lambda word: -abs(word["attribution"]))[:10]
    most = abs(order[0]["attribution"])
    rows = [
        [_visible(word["word"]), metric_value(word["attribution"]), _bar(word["attribution"], most)]
        for word in order
    ]
    return [*lines, "", *table(["STRONGEST", "ADDS", ""], rows, ["left", "right"]).splitlines()]


def _shares(values: Sequence[float]) -> list[float]:
    most = max(abs(value) for value in values)
    return [value / most if most else 0.0 for value in values]


def _visible(text: str) -> str:
    """Return a text, with what is only space in quotation marks."""
    return sanitise(text) if text.strip() else repr(text)


def _signed(texts: Sequence[str], shares: Sequence[float], between: str, width: int) -> list[str]:
    """Return texts with signs beneath: one for weak, as many as the text is long for strong."""
    pairs = []
    for text, share in zip(texts, shares, strict=True):
        cells = display_width(text)
        number = max(1, round(abs(share) * cells)) if abs(share) >= _LEAST else 0
        pairs.append((text, (("+" if share > 0 else "-") * number).ljust(cells)))
    lines: list[str] = []
    for row in _rows(texts, between, width):
        lines.append(between.join(pairs[place][0] for place in row))
        lines.append(between.join(pairs[place][1] for place in row).rstrip())
    return lines


def _coloured(
    texts: Sequence[str], shares: Sequence[float], between: str, width: int, depth: Depth
) -> list[str]:
    """Return texts on colours: red speaks for the class, blue against."""
    lines = []
    for row in _rows(texts, between, width):
        cells: list[Cell] = []
        for place in row:
            cells += [Cell(between)] if between and cells else []
            share = shares[place]
            if abs(share) < _LEAST:
                cells.append(Cell(texts[place]))
            else:
                back = blend((0, 0, 0), _FOR if share > 0 else _AGAINST, abs(share))
                cells.append(Cell(texts[place], _TEXT, back))
        lines.append(coloured_cells(tuple(cells), depth))
    return [*lines, "red: for it, blue: against"]


def _rows(texts: Sequence[str], between: str, width: int) -> list[list[int]]:
    """Return which texts stand in each line."""
    rows: list[list[int]] = [[]]
    used = 0
    for place, text in enumerate(texts):
        cells = display_width(text) + (len(between) if rows[-1] else 0)
        if rows[-1] and used + cells > width:
            rows.append([])
            used, cells = 0, display_width(text)
        rows[-1].append(place)
        used += cells
    return rows
