"""A model as a table of its layers, with totals and the memory it will take.

Pure functions from the answer of `tuitrain.training.inspection` to lines.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from tuitrain.lang import tr
from tuitrain.messages import MemoryParts
from tuitrain.units import NOTHING, count
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.format import display_width, pad, sanitise, shorten
from tuitrain.view.memory.text import footprint_lines
from tuitrain.view.spans import Span, SpanLine, wrap_plain

_LABEL_WIDTH = 15
_LEAST_NAME = 26
"""Cells of a layer's name that other columns give way for."""
_LEAST_REPEATS = {True: 2, False: 3}
"""Equal layers in a row that are shown as one: of those with layers inside, and of others."""


@dataclass(slots=True)
class _Node:
    """A layer with those inside it."""

    row: Mapping[str, Any]
    inside: list["_Node"] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Its own part of the path."""
        return str(self.row["path"]).rpartition(".")[2]

    def form(self) -> tuple[object, ...]:
        """Return what is equal for layers that are shown as one."""
        row = self.row
        own = tuple(str(row[key]) for key in ("type", "shapes", "trainable", "frozen",
                                              "multiply_adds", "calls", "shared"))  # fmt: skip
        return (*own, *((each.name, each.form()) for each in self.inside))


@dataclass(frozen=True, slots=True)
class _Shown:
    """One line of the table as texts."""

    name: str
    output: str
    parameters: str
    frozen: str
    multiply_adds: str


def model_lines(
    answer: Mapping[str, Any],
    width: int | None,
    look: TerminalStyle,
    *,
    depth: int | None = None,
    unfold: bool = False,
) -> list[SpanLine]:
    """Return the layers, totals and memory of a model.

    Args:
        answer: what the inspection said.
        width: in cells; None: as wide as it comes.
        look: what the terminal can show.
        depth: of the modules inside each other that are shown; None: all.
        unfold: show equal layers in a row one by one.
    """
    root = _tree(answer["layers"])
    name = sanitise(f"{answer['model']} ({root.row['type']})")
    most = depth if depth is not None else len(answer["layers"])
    rows = [_shown(root, name), *_inside(root, most, unfold, "  ")]
    lines = _table(rows, width, has_frozen=answer["parameters"]["frozen"] > 0)
    wide = width or 80
    ranks = answer["memory"].get("ranks", 1)
    batch = answer["memory"]["batch_size"]
    title = (
        tr("memory of a step of each of {n} ranks in batches of {batch}, estimated", n=ranks,
           batch=batch)
        if ranks > 1
        else tr("memory of a step in batches of {batch}, estimated", batch=batch)
    )  # fmt: skip
    return [
        *lines,
        (),
        *_totals(answer, wide),
        (),
        *wrap_plain(title, wide, "strong"),
        *footprint_lines(_memory(answer["memory"]), wide, look),
    ]


def _memory(told: Mapping[str, Any]) -> MemoryParts:
    return MemoryParts(**{each.name: told[each.name] for each in fields(MemoryParts)})


def _tree(rows: Sequence[Mapping[str, Any]]) -> _Node:
    nodes = {str(row["path"]): _Node(row) for row in rows}
    for path, node in nodes.items():
        if path:
            nodes[path.rpartition(".")[0]].inside.append(node)
    return nodes[""]


def _inside(node: _Node, depth: int, unfold: bool, indent: str) -> Iterator[_Shown]:
    """Yield the layers inside another, equal ones in a row as one."""
    if depth < 1:
        return
    for group in _groups(node.inside, unfold):
        first = group[0]
        name = first.name if len(group) == 1 else f"{first.name}..{group[-1].name}"
        times = "" if len(group) == 1 else f" x{len(group)}"
        yield _shown(first, sanitise(f"{indent}{name} {first.row['type']}{times}"))
        yield from _inside(first, depth - 1, unfold, indent + "  ")


def _groups(nodes: Sequence[_Node], unfold: bool) -> Iterator[list[_Node]]:
    group: list[_Node] = []
    for node in nodes:
        if group and node.form() == group[0].form() and not unfold:
            group.append(node)
            continue
        yield from _as_one_or_each(group)
        group = [node]
    yield from _as_one_or_each(group)


def _as_one_or_each(group: list[_Node]) -> Iterator[list[_Node]]:
    if group and len(group) >= _LEAST_REPEATS[bool(group[0].inside)]:
        yield group
    else:
        yield from ([node] for node in group)


def _shown(node: _Node, name: str) -> _Shown:
    row = node.row
    parameters = row["trainable"] + row["frozen"]
    number = f"{parameters:,}" if parameters else NOTHING
    return _Shown(
        name=name,
        output=_shapes(row["shapes"]),
        parameters=tr("{number} shared", number=number) if row["shared"] else number,
        frozen=f"{row['frozen']:,}" if row["frozen"] else NOTHING,
        multiply_adds=count(row["multiply_adds"]) if row["multiply_adds"] else NOTHING,
    )


def _shapes(shapes: Sequence[Sequence[int]]) -> str:
    if not shapes:
        return NOTHING
    more = f" +{len(shapes) - 1}" if len(shapes) > 1 else ""
    return "x".join(map(str, shapes[0])) + more if shapes[0] else f"{tr('number')}{more}"


def _table(rows: Sequence[_Shown], width: int | None, *, has_frozen: bool) -> list[SpanLine]:
    columns = ["output", "parameters", *(["frozen"] if has_frozen else []), "multiply_adds"]
    head = _Shown(tr("LAYER"), tr("OUTPUT"), tr("PARAMETERS"), tr("FROZEN"), tr("MULT-ADDS"))
    shown = [head, *rows]
    longest = max(display_width(row.name) for row in shown)
    while True:
        widths = {key: max(display_width(getattr(row, key)) for row in shown) for key in columns}
        rest = sum(cells + 2 for cells in widths.values())
        # The least telling go first where there is no room: what is frozen, then the shapes.
        if width is None or width - rest >= min(longest, _LEAST_NAME) or len(columns) < 3:
            break
        columns.remove("frozen" if "frozen" in columns else "output")
    room = longest if width is None else max(1, min(longest, width - rest))
    return [_line(row, room, widths, "quiet" if row is head else "") for row in shown]


def _line(row: _Shown, room: int, widths: Mapping[str, int], style: str) -> SpanLine:
    name = shorten(row.name, room)
    spans = [Span(name + " " * (room - display_width(name)), style or "label")]
    for key, cells in widths.items():
        text = getattr(row, key)
        gap = " " * (cells - display_width(text))
        spans.append(Span(f"  {text}{gap}" if key == "output" else f"  {gap}{text}", style))
    return tuple(spans)


def _totals(answer: Mapping[str, Any], width: int) -> list[SpanLine]:
    parameters, batch = answer["parameters"], answer["batch_size"]
    each = answer["multiply_adds"]
    told = [
        (tr("parameters"), f"{parameters['total']:,}{_trainable(parameters)}"),
        (
            tr("multiply-adds"),
            tr("{sample} a sample, {batch} a batch, forward", sample=count(each),
               batch=count(each * batch)),
        ),
        (tr("input"), "x".join(map(str, answer["input_shape"]))),
        (tr("numbers"), f"{answer['dtype']}, train.precision {answer['precision']}"),
        (tr("device"), _device(answer)),
    ]  # fmt: skip
    if answer["loss_parameters"]:
        words = tr("{n:,} trainable", n=answer["loss_parameters"])
        told.insert(1, (tr("of the loss"), words))
    if answer["uncounted"]:
        kinds = sanitise(", ".join(answer["uncounted"]))
        words = tr("the arithmetic of {kinds}", kinds=kinds)
        told.insert(2, (tr("not counted"), words))
    return [
        (Span(pad(label if not place else "", _LABEL_WIDTH), "label"), *line)
        for label, text in told
        for place, line in enumerate(wrap_plain(text, width - _LABEL_WIDTH))
    ]


def _trainable(parameters: Mapping[str, int]) -> str:
    if not parameters["frozen"]:
        return tr(", all trainable") if parameters["total"] else ""
    return tr(": {trainable:,} trainable, {frozen:,} frozen", **parameters)


def _device(answer: Mapping[str, Any]) -> str:
    if answer["device_name"] is None:
        return tr("{device}, which this machine does not have", device=answer["device"])
    return f"{answer['device']}, {answer['device_name']}"
