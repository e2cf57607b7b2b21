"""A data set in figures: sizes, classes, ranges, what is missing or in both parts, and samples.

Pure functions from the answer of `tuitrain.training.inspection` to lines; pictures are drawn by
`tuitrain.view.images`.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tuitrain.lang import term, tr
from tuitrain.units import NOTHING, size
from tuitrain.view.bars import progress_bar
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.chart.spark import sparkline
from tuitrain.view.chart.ticks import short_number
from tuitrain.view.format import Align, display_width, pad, sanitise, shorten, table
from tuitrain.view.images.pixels import Image
from tuitrain.view.images.sheet import Canvas, Captioned, picture_lines
from tuitrain.view.spans import Span, SpanLine, plain_text, wrap_plain

_PARTS = ("train", "validation")
_KINDS = {"image": term("images"), "table": term("rows"), "other": term("samples")}
_MOST_CLASSES = 20
_MOST_CHANNELS = 8
_MOST_BAR = 24
_NAME_WIDTH = 20
_SPARK_WIDTH = 32

Row = tuple[str, int, int]
"""A name, and how many samples of both parts it has."""


def data_lines(answer: Mapping[str, Any], width: int | None, look: TerminalStyle) -> list[SpanLine]:
    """Return all that is known of a data set but its samples.

    Args:
        answer: what the inspection said.
        width: in cells; None: as wide as it comes.
        look: what the terminal can show.
    """
    wide = width or 80
    blocks = [
        wrap_plain(_about(answer), wide),
        _part_lines(answer),
        _class_lines(answer, wide, look),
        _target_lines(answer, wide, look),
        _channel_lines(answer),
        _token_lines(answer, wide),
        _warning_lines(answer, wide),
    ]
    return [line for block in blocks if block for line in (*block, ())][:-1]


def _about(answer: Mapping[str, Any]) -> str:
    kind = _KINDS.get(answer["kind"], answer["kind"])
    shape, dtype = _shape(answer["input_shape"]), answer["parts"]["train"]["inputs"]["dtype"]
    words = [tr("{data}: {kind} of {shape}", data=answer["data"], kind=tr(kind), shape=shape)]
    words.append(tr("as {dtype}", dtype=dtype))
    if answer["vocabulary"]:
        words.append(tr("{n:,} tokens", n=answer["vocabulary"]))
    if answer["classes"]:
        words.append(tr("{n} classes", n=len(answer["classes"])))
    else:
        words.append(tr("targets of {shape}", shape=_shape(answer["target_shape"] or ())))
    if answer["augmentations"]:
        words.append(tr("augmented by {names}", names=", ".join(answer["augmentations"])))
    words.append(tr("normalised") if answer["normalized"] else tr("not normalised"))
    return tr(", ").join(words)


def _shape(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or tr("one number")


# --- sizes and ranges -----------------------------------------------------------------------------


def _part_lines(answer: Mapping[str, Any]) -> list[SpanLine]:
    rows = [[name, *_part_cells(answer["parts"][name])] for name in _PARTS]
    heads = [tr("PART"), tr("SAMPLES"), tr("SIZE"), "MIN", "MAX", "NAN", tr("INFINITE")]
    lines = _table(heads, rows)
    for name in _PARTS:
        part = answer["parts"][name]
        if part["read"] < part["samples"]:
            text = "figures of {name} are from {n:,} samples spread over the set"
            lines.append((Span(tr(text, name=name, n=part["read"]), "quiet"),))
    return lines


def _part_cells(part: Mapping[str, Any]) -> list[str]:
    inputs = part["inputs"]
    return [
        f"{part['samples']:,}",
        NOTHING if part["bytes"] is None else size(part["bytes"]),
        _number(inputs["min"]),
        _number(inputs["max"]),
        f"{inputs['nan']:,}" if inputs["nan"] else NOTHING,
        f"{inputs['infinite']:,}" if inputs["infinite"] else NOTHING,
    ]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[SpanLine]:
    """Return a table whose first column is text and whose others are numbers."""
    align: list[Align] = ["left"]
    align += ["right"] * (len(heads) - 1)
    text = table(heads, rows, align)
    head, *lines = text.splitlines()
    return [(Span(head, "quiet"),), *((Span(line),) for line in lines)]


def _number(value: float | None) -> str:
    return NOTHING if value is None else short_number(float(value))


def _channel_lines(answer: Mapping[str, Any]) -> list[SpanLine]:
    """Return mean and deviation of each channel or feature, of both parts side by side."""
    train, validation = (answer["parts"][name]["inputs"]["channels"] for name in _PARTS)
    if not train:
        return []
    what = tr("CHANNEL") if answer["kind"] == "image" else tr("FEATURE")
    keys = ("mean", "deviation", "min", "max")
    rows = [
        [
            str(place),
            *(_number(one[key]) for key in keys),
            *(_number(other[key]) for key in keys[:2]),
        ]
        for place, (one, other) in enumerate(zip(train, validation, strict=True))
    ]
    means = (tr("MEAN"), tr("DEVIATION"))
    heads = [what, *means, "MIN", "MAX", *(f"VAL {each}" for each in (means[0], tr("DEV")))]
    lines = _table(heads, rows[:_MOST_CHANNELS])
    more = _channels(answer) - len(rows[:_MOST_CHANNELS])
    if more > 0:
        text = "and {more:,} more; --json has them up to {most}"
        lines.append((Span(tr(text, more=more, most=len(rows)), "quiet"),))
    return lines


def _channels(answer: Mapping[str, Any]) -> int:
    return int(answer["input_shape"][0]) if answer["input_shape"] else 1


# --- classes and targets --------------------------------------------------------------------------


def _class_lines(answer: Mapping[str, Any], width: int, look: TerminalStyle) -> list[SpanLine]:
    classes = answer["classes"]
    if not classes:
        return []
    rows: list[Row] = [
        (sanitise(str(each["name"])), int(each["train"]), int(each["validation"]))
        for each in classes
    ]
    lines = _bars(tr("CLASS"), rows[:_MOST_CLASSES], width, look, most=_largest(rows))
    if len(rows) > _MOST_CLASSES:
        few, *_, many = sorted(rows, key=lambda row: row[1])
        words = tr(
            "and {more:,} more; of all, {few} has fewest training samples ({least:,}), {many} "
            "most ({largest:,})",
            more=len(rows) - _MOST_CLASSES,
            few=few[0],
            least=few[1],
            many=many[0],
            largest=many[1],
        )
        lines += wrap_plain(words, width, "quiet")
    return lines


def _target_lines(answer: Mapping[str, Any], width: int, look: TerminalStyle) -> list[SpanLine]:
    """Return a histogram of each target that is a number."""
    lines: list[SpanLine] = []
    train, validation = (answer["parts"][name]["targets"]["outputs"] for name in _PARTS)
    for place, (one, other) in enumerate(zip(train, validation, strict=True)):
        if place >= _MOST_CHANNELS:
            words = tr("and {n:,} more targets", n=len(train) - place)
            lines.append((Span(words, "quiet"),))
            break
        name = tr("TARGET") if len(train) == 1 else f"{tr('TARGET')} {place}"
        counts = (one["histogram"], other["histogram"])
        rows: list[Row] = list(zip(_bin_labels(one), *counts, strict=True))
        lines += _bars(name, rows, width, look, most=_largest(rows))
        figures = {key: _number(one[key]) for key in ("mean", "deviation", "min", "max")}
        text = "mean {mean}, deviation {deviation}, from {min} to {max}"
        lines.append((Span(tr(text, **figures)),))
    return lines


def _bin_labels(target: Mapping[str, Any]) -> list[str]:
    low, high = target["bins"]
    number = len(target["histogram"])
    edges = (short_number(low + (high - low) * place / number) for place in range(number))
    return [tr("from {edge}", edge=edge) for edge in edges]


def _largest(rows: Sequence[Row]) -> tuple[int, int]:
    return max(row[1] for row in rows), max(row[2] for row in rows)


def _bars(
    head: str, rows: Sequence[Row], width: int, look: TerminalStyle, most: tuple[int, int]
) -> list[SpanLine]:
    """Return counts of both parts, each with a bar that is full for the part's largest."""
    names = min(_NAME_WIDTH, max(display_width(each) for each in (head, *(r[0] for r in rows))))
    parts = (tr("TRAIN"), tr("VALIDATION"))
    digits = max(
        *map(display_width, parts), *(len(f"{number:,}") for row in rows for number in row[1:])
    )
    bar = min(_MOST_BAR, (width - names - 2 * digits - 8) // 2)
    lines: list[SpanLine] = [
        (Span(f"{pad(head, names)}  {_cell(parts[0], digits, bar)}", "quiet"),
         Span(pad(parts[1], digits, "right"), "quiet"))
    ]  # fmt: skip
    for name, *numbers in rows:
        label = shorten(name, names)
        spans = [Span(label + " " * (names - display_width(label)) + "  ", "label")]
        for place, number in enumerate(numbers):
            spans.append(Span(f"{number:>{digits},}"))
            spans.append(Span(_bar(number, most[place], bar, look) + "  ", f"line{place}"))
        lines.append(tuple(spans))
    return lines


def _cell(text: str, digits: int, bar: int) -> str:
    return pad(text, digits, "right") + " " * (bar + 3 if bar > 0 else 2)


def _bar(number: int, most: int, width: int, look: TerminalStyle) -> str:
    return f" {progress_bar(number / most if most else 0.0, width, look)}" if width > 0 else ""


def _token_lines(answer: Mapping[str, Any], width: int) -> list[SpanLine]:
    lines: list[SpanLine] = []
    for name in _PARTS:
        tokens = answer["parts"][name]["inputs"]["tokens"]
        if tokens:
            names = tokens["texts"] or [str(token) for token, _number in tokens["frequent"]]
            frequent = ", ".join(
                f"{_token_name(name)} ({number:,})"
                for name, (_token, number) in zip(names, tokens["frequent"], strict=True)
            )
            words = tr(
                "{part}: {different:,} different tokens of {total:,}; most frequent: {frequent}",
                part=name,
                different=tokens["different"],
                total=tokens["total"],
                frequent=frequent,
            )
            lines += wrap_plain(words, width)
    return lines


def _token_name(text: str) -> str:
    """Return a token as it can be told from its neighbours in a line."""
    if not text:
        return tr("padding")
    return sanitise(text) if text.isprintable() and text.strip() == text else repr(text)


# --- what to look at ------------------------------------------------------------------------------


def _warning_lines(answer: Mapping[str, Any], width: int) -> list[SpanLine]:
    return [line for text in _warnings(answer) for line in wrap_plain(text, width, "alert")]


def _warnings(answer: Mapping[str, Any]) -> Iterator[str]:
    found = answer["duplicates"]
    if found["in_both"]:
        pairs = ", ".join(f"{one} = {other}" for one, other in found["pairs"])
        share = found["in_both"] / answer["parts"]["validation"]["read"]
        yield tr(
            "! {n:,} validation inputs ({share:.1%}) are in the training set as well: the "
            "validation figures would be too good (training = validation: {pairs})",
            n=found["in_both"],
            share=share,
            pairs=pairs,
        )
    for part in _PARTS:
        if number := found[f"within_{part}"]:
            yield tr("! {n:,} inputs are in {part} more than once", n=number, part=part)
        inputs = answer["parts"][part]["inputs"]
        if inputs["nan"] or inputs["infinite"]:
            yield tr(
                "! {part} has {nan:,} missing (NaN) and {infinite:,} infinite numbers, NaN in "
                "{samples_with_nan:,} samples: the loss would be NaN",
                part=part,
                **{key: inputs[key] for key in ("nan", "infinite", "samples_with_nan")},
            )
        empty = [str(each["name"]) for each in answer["classes"] if not each[part]]
        if empty:
            more = tr(" and {n} more", n=len(empty) - 5) if len(empty) > 5 else ""
            names = ", ".join(empty[:5]) + more
            yield tr("! {part} has no sample of {names}", part=part, names=names)
    for place, channel in enumerate(answer["parts"]["train"]["inputs"]["channels"]):
        if channel["deviation"] == 0:
            value = _number(channel["mean"])
            text = "! channel or feature {place} is {value} in every sample"
            yield tr(text, place=place, value=value)


# --- samples --------------------------------------------------------------------------------------


def sample_lines(answer: Mapping[str, Any], canvas: Canvas, look: TerminalStyle) -> list[str]:
    """Return the samples as text that goes to the terminal as it is.

    Pictures are drawn, rows are a table, series are curves of a line, tokens are text where it is
    known and else numbers.
    """
    samples = answer["samples"]
    if not samples:
        return []
    title = "training samples as they come in the first epoch"
    if answer["augmentations"]:
        title += ", augmented"
    return [title, *_sample_body(samples, answer["kind"], canvas, look)]


def _sample_body(
    samples: Sequence[Mapping[str, Any]], kind: str, canvas: Canvas, look: TerminalStyle
) -> list[str]:
    if "image" in samples[0]:
        lines = picture_lines([_captioned(sample) for sample in samples], canvas)
        channels = samples[0]["image"]["of_channels"]
        return [*lines, f"channel 0 of {channels}"] if channels not in (1, 3) else lines
    if "tokens" in samples[0]:
        return [line for sample in samples for line in _token_text(sample, canvas.width)]
    if kind == "series":
        return [
            f"{sparkline(sample['values'], min(_SPARK_WIDTH, canvas.width), look)}  "
            f"{_named(sample)}"
            for sample in samples
        ]
    return _row_table(samples, canvas.width)


def _captioned(sample: Mapping[str, Any]) -> Captioned:
    found = sample["image"]
    data = base64.b64decode(found["data"])
    image = Image(found["width"], found["height"], found["channels"], data)
    return Captioned(image, _named(sample))


def _named(sample: Mapping[str, Any]) -> str:
    return f"{_target(sample['target'])}  #{sample['number']}"


def _target(target: Any) -> str:
    if isinstance(target, str):
        return sanitise(target)
    if isinstance(target, list):
        return " ".join(short_number(float(value)) for value in target[:4]) + (
            " ..." if len(target) > 4 else ""
        )
    return short_number(float(target))


def _token_text(sample: Mapping[str, Any], width: int) -> list[str]:
    """Return a sample's text, and its target: a class, or the tokens that are wanted."""
    words = " ".join(map(str, sample["tokens"]))
    if sample["text"] is not None:
        words = _in_line(sample["text"])
    if sample["target_text"] is None:
        texts = [f"#{sample['number']} {_target(sample['target'])}: {words}"]
    else:
        texts = [f"#{sample['number']}: {words}", f"wanted: {_in_line(sample['target_text'])}"]
    return [plain_text(line) for text in texts for line in wrap_plain(text, width)]


def _in_line(text: str) -> str:
    """Return a text with its line ends and tabs as one sees them in source."""
    return text.replace("\n", "\\n").replace("\t", "\\t")


def _row_table(samples: Sequence[Mapping[str, Any]], width: int) -> list[str]:
    """Return a row a sample, with as many features as fit."""
    features = len(samples[0]["values"])
    while True:
        heads = ["SAMPLE", "TARGET", *(f"[{place}]" for place in range(features))]
        rows = [
            [f"#{each['number']}", _target(each["target"]),
             *(short_number(value) for value in each["values"][:features])]
            for each in samples
        ]  # fmt: skip
        text = table(heads, rows, ["right"] * len(heads))
        if features <= 1 or max(map(display_width, text.splitlines())) <= width:
            break
        features -= 1
    more = len(samples[0]["values"]) - features
    return [*text.splitlines(), *([f"and {more} more features"] if more else [])]
