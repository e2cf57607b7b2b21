"""The flame tree as text: a row a depth, a cell's width its time, names inside the cells.

Pure functions from the digest's tree to spans; knows nothing of keys or screens.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuitrain.lang import tr
from tuitrain.units import share_text, us_text
from tuitrain.view.format import display_width, sanitise, shorten
from tuitrain.view.spans import Span, SpanLine, wrap_plain

Node = Mapping[str, Any]
Path = tuple[int, ...]
"""Which part to take at each depth, from the root on."""

_STYLES = {
    "operator": "box0",
    "runtime": "box3",
    "module": "box1",
    "python": "boxquiet",
    "mark": "box2",
    "step": "boxquiet",
    "thread": "boxquiet",
}
"""Boxes that are filled where there are colours; each has an edge at its left all the same."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One node where it is drawn."""

    path: Path
    left: int
    width: int


def node_at(root: Node, path: Path) -> Node:
    """Return the node that a path leads to."""
    for part in path:
        root = root["parts"][part]
    return root


def lay_out(root: Node, focus: Path, width: int, rows: int) -> list[list[Cell]]:
    """Return the cells of each row: the focused node as wide as the screen, its parts below it.

    What would be narrower than a cell is left out.

    Args:
        root: the whole tree.
        focus: the node that fills the first row.
        width: cells of the screen.
        rows: how many rows there is room for.
    """
    found = [[Cell(focus, 0, width)]]
    scale = width / max(1e-9, node_at(root, focus)["us"])
    starts: dict[Path, float] = {focus: 0.0}
    while len(found) < rows:
        below: list[Cell] = []
        for cell in found[-1]:
            at = starts[cell.path]
            for number, part in enumerate(node_at(root, cell.path)["parts"]):
                left, right = round(at * scale), round((at + part["us"]) * scale)
                path = (*cell.path, number)
                starts[path] = at
                at += part["us"]
                if right > left:
                    below.append(Cell(path, left, min(right, width) - left))
        below = [cell for cell in below if cell.width > 0]
        if not below:
            break
        found.append(below)
    return found


def flame_lines(
    root: Node, cells: Sequence[Sequence[Cell]], cursor: Path, width: int, *, ascii: bool
) -> list[SpanLine]:
    """Return the rows; the cell under the cursor is marked and of its own style."""
    return [_row(root, row, cursor, width, ascii=ascii) for row in cells]


def _row(root: Node, row: Sequence[Cell], cursor: Path, width: int, *, ascii: bool) -> SpanLine:
    spans: list[Span] = []
    at = 0
    for cell in row:
        if cell.left > at:
            spans.append(Span(" " * (cell.left - at)))
        node = node_at(root, cell.path)
        here = cell.path == cursor
        edge = (">" if ascii else "▶") if here else ("|" if ascii else "▏")
        style = "picked" if here else _STYLES.get(node["kind"], "")
        spans.append(Span(_label(node, edge, cell.width), style))
        at = cell.left + cell.width
    if at < width:
        spans.append(Span(" " * (width - at)))
    return tuple(spans)


def _label(node: Node, edge: str, width: int) -> str:
    room = width - 1
    name = short_name(node)
    text = name if display_width(name) <= room else shorten(name, room) if room > 5 else name[:room]
    if display_width(text) > room:
        text = ""
    return edge + text + " " * (room - display_width(text))


def short_name(node: Node) -> str:
    """Return what stands in a cell: of a python call its function, of an operator its own name."""
    name = sanitise(node["name"])
    if node["kind"] == "python":
        return name.rpartition(": ")[2]
    return name.rpartition("::")[2] if node["kind"] == "operator" else name


def cursor_lines(root: Node, focus: Path, cursor: Path, width: int) -> list[SpanLine]:
    """Return all about the node under the cursor: its name, its time, its shares."""
    node, whole = node_at(root, cursor), step_us(root)
    inside = sum(part["us"] for part in node["parts"])
    # All threads together may work longer than the step takes.
    share = (
        tr(", {share} of it", share=share_text(node["us"] / whole))
        if 0 < node["us"] <= whole
        else ""
    )
    facts = [
        tr("{time} per step", time=us_text(node["us"])) + share,
        tr("self {time}", time=us_text(max(0.0, node["us"] - inside))),
    ]
    if node["device_us"]:
        facts.append(tr("{time} on the device", time=us_text(node["device_us"])))
    if focus:
        facts.append(tr("inside {name}", name=short_name(node_at(root, focus[:-1]))))
    name = wrap_plain(node["name"], width - 1, "strong")[:2]
    return [
        *((Span(" "), *line) for line in name),
        *((Span(" "), *line) for line in wrap_plain("; ".join(facts), width - 1)[:2]),
    ]


def step_us(root: Node) -> float:
    """Return what a step takes: the root is the step, or it and other threads beside it."""
    steps = [root, *root["parts"]]
    return float(next((node["us"] for node in steps if node["kind"] == "step"), root["us"]))


def move(cells: Sequence[Sequence[Cell]], cursor: Path, key: str) -> Path:
    """Return the cell that an arrow leads to; the same one where there is none."""
    depth = next((i for i, row in enumerate(cells) if any(c.path == cursor for c in row)), 0)
    row = cells[depth]
    place = next((i for i, cell in enumerate(row) if cell.path == cursor), 0)
    if key in ("left", "right"):
        place = min(len(row) - 1, max(0, place + (1 if key == "right" else -1)))
        return row[place].path
    if key == "up":
        return cells[depth - 1][0].path if depth == 1 else cursor[:-1] if depth else cursor
    below = cells[depth + 1] if depth + 1 < len(cells) else ()
    return next((cell.path for cell in below if cell.path[:-1] == cursor), cursor)
