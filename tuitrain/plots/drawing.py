"""Figures as files of matplotlib: PNG, SVG and PDF.

The only module that imports matplotlib; knows panels, and nothing of runs.
"""

import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tuitrain.extras import require
from tuitrain.plots.panels import (
    COLOURS,
    Figure,
    LinePanel,
    MatrixPanel,
    Panel,
    Picture,
    PicturePanel,
    Trace,
    finite,
)
from tuitrain.units import time_unit
from tuitrain.view.format import shorten

_DASHES = ("-", (0, (5, 2)), (0, (1, 1.5)))
_DPI = 150
_SIZES = {LinePanel: (5.8, 3.6), MatrixPanel: (6.4, 5.6), PicturePanel: (9.6, 1.9)}
"""Inches of one panel; of pictures those of a row."""
_ALONE = 1.3
"""One chart alone is so much larger."""
_PICTURES_A_ROW = 6
_MOST_NUMBERS, _MOST_NAMES, _MOST_NAME = 20, 60, 18
"""Classes of a table that has room for numbers, and for names; characters of a name."""
_MOST_WORDS = 8
"""Of more events the lines alone are drawn."""
_CROWD = 14
"""Of more lines those that lie behind are paler."""
_LEGEND_ROW, _NOTE_ROW, _TITLE_ROW, _LETTER = 0.2, 0.16, 0.4, 0.085
"""Inches."""
_LONG_TIMES = ((2 * 3600.0, 3600.0, "h"), (2 * 60.0, 60.0, "min"))
_FALLBACK_FONTS = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "WenQuanYi Zen Hei", "Hiragino Sans", "PingFang SC",
    "Arial Unicode MS",
)  # fmt: skip
"""For letters that matplotlib's own font lacks, where one of them is there."""
_STYLE = {
    "axes.grid": True, "grid.alpha": 0.25, "axes.spines.top": False, "axes.spines.right": False,
    "font.size": 9, "axes.titlesize": 10, "legend.fontsize": 8, "axes.titleweight": "bold",
    "svg.fonttype": "path", "pdf.fonttype": 42, "axes.axisbelow": True, "svg.hashsalt": "tuitrain",
    "text.parse_math": False,
}  # fmt: skip


def require_library(ending: str) -> None:
    """Refuse what can't be drawn here, before any work is done for it.

    Raises:
        UsageError: matplotlib is not installed.
    """
    require("matplotlib", "plots", f"a plot as .{ending}, unlike one as .html,")


def write_drawing(figure: Figure, path: Path, ending: str) -> None:
    """Write a figure.

    Args:
        figure: what to draw.
        path: the file, whatever it is called.
        ending: png, svg or pdf.

    Raises:
        UsageError: matplotlib is not installed.
        OSError: the file can't be written.
    """
    require_library(ending)
    import matplotlib
    from matplotlib import font_manager
    from matplotlib.figure import Figure as Sheet

    there = set(font_manager.get_font_names())
    fonts = ["DejaVu Sans", *(name for name in _FALLBACK_FONTS if name in there)]
    # A file says nothing of when it was made, so that the same data give the same file.
    undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
    with matplotlib.rc_context({**_STYLE, "font.family": fonts}), warnings.catch_warnings():
        # A letter that no font here has is drawn as a box.
        warnings.filterwarnings("ignore", r"Glyph \d+", UserWarning)
        sheet = Sheet(figsize=_size(figure), layout="constrained", dpi=_DPI)
        _draw(sheet, figure)
        sheet.savefig(path, format=ending, metadata=undated.get(ending))


def _size(figure: Figure) -> tuple[float, float]:
    """Return width and height of all, in inches."""
    columns, rows = _grid(figure.panels)
    width, height = _SIZES[type(figure.panels[0])]
    first = figure.panels[0]
    if isinstance(first, PicturePanel):
        height *= max(1, math.ceil(len(first.pictures) / _PICTURES_A_ROW))
    elif isinstance(first, LinePanel) and first.square:
        height = width * 0.9
    alone = _ALONE if len(figure.panels) == 1 and isinstance(first, LinePanel) else 1.0
    width, height = columns * width * alone, rows * height * alone
    return width, height + _TITLE_ROW + _below(figure, width)


def _below(figure: Figure, width: float) -> float:
    """Return the height of what lies below all charts, in inches."""
    rows = math.ceil(len(figure.legend) / _legend_columns(figure, width))
    return (rows * _LEGEND_ROW + 0.15 if rows else 0.0) + _NOTE_ROW * len(figure.notes)


def _grid(panels: Sequence[Panel]) -> tuple[int, int]:
    """Return columns and rows."""
    number = len(panels)
    if isinstance(panels[0], PicturePanel):
        return 1, number
    columns = 1 if number == 1 else 2 if number <= 8 else 3
    return columns, math.ceil(number / columns)


def _legend_columns(figure: Figure, width: float) -> int:
    """Return how many entries there is room for beside each other."""
    longest = max((len(label) for label, _ in figure.legend), default=1)
    return max(1, int(width / ((longest + 8) * _LETTER)))


def _draw(sheet: Any, figure: Figure) -> None:
    sheet.suptitle(figure.title, fontsize=12)
    below = _below(figure, sheet.get_figwidth())
    main, foot = sheet, None
    if below:
        whole = sheet.get_figheight()
        main, foot = sheet.subfigures(2, 1, height_ratios=(whole - below, below))
    columns, rows = _grid(figure.panels)
    if isinstance(figure.panels[0], PicturePanel):
        parts = main.subfigures(rows, columns, squeeze=False).ravel()
    else:
        parts = main.subplots(rows, columns, squeeze=False).ravel()
    for part in parts[len(figure.panels) :]:
        part.axis("off")
    for part, panel in zip(parts, figure.panels, strict=False):
        if isinstance(panel, LinePanel):
            _draw_lines(part, panel, own_legend=not figure.legend)
        elif isinstance(panel, MatrixPanel):
            _draw_matrix(part, panel)
        else:
            _draw_pictures(part, panel)
    if foot is not None:
        _draw_foot(foot, figure)


def _draw_foot(foot: Any, figure: Figure) -> None:
    """Put what all charts share below them: the legend, and what there is to say."""
    if figure.notes:
        foot.text(0.5, 0.02, "\n".join(figure.notes), ha="center", va="bottom", fontsize=7.5,
                  color="0.35")  # fmt: skip
    if figure.legend:
        from matplotlib.lines import Line2D

        handles = [Line2D([], [], **_look(style), linewidth=1.8) for _label, style in figure.legend]
        _put_legend(
            foot, handles, [label for label, _style in figure.legend], loc="upper center",
            ncols=_legend_columns(figure, foot.get_figure(root=True).get_figwidth()),
        )  # fmt: skip


def _put_legend(place: Any, handles: Sequence[Any], labels: Sequence[str], **options: Any) -> None:
    """Put a legend; matplotlib would leave out labels that begin with an underscore."""
    legend = place.legend(handles, [str(number) for number in range(len(labels))], **options)
    for text, label in zip(legend.get_texts(), labels, strict=True):
        text.set_text(label)


def _look(style: int) -> dict[str, Any]:
    colour = COLOURS[style % len(COLOURS)]
    return {"color": colour, "linestyle": _DASHES[style // len(COLOURS) % len(_DASHES)]}


# --- lines --------------------------------------------------------------------------------------


def _draw_lines(axes: Any, panel: LinePanel, *, own_legend: bool) -> None:
    scale, unit = _time_scale(panel)
    log = panel.log and any(
        value > 0 for trace in panel.traces for value in finite(trace.y)
    )  # fmt: skip
    if panel.diagonal:
        axes.axline((0, 0), slope=1, color="0.6", linewidth=0.8, linestyle=":")
    handles = []
    crowd = 0.35 if len(panel.traces) <= _CROWD else 0.12
    for trace in panel.traces:
        handle = _draw_trace(axes, trace, _along(trace, panel, scale), log, crowd)
        if trace.label:
            handles.append((handle, trace.label))
    _draw_events(axes, panel, scale)
    axes.set_title(panel.title, loc="left")
    label = panel.x_label if panel.axis is None else _AXIS_LABELS[panel.axis]
    axes.set_xlabel(label.format(unit=unit))
    axes.set_ylabel(panel.y_label)
    _set_limits(axes, panel, log)
    if panel.note or (panel.log and not log):
        note = panel.note or "no value is above 0: not logarithmic"
        axes.annotate(note, (1, 1.01), xycoords="axes fraction", ha="right", fontsize=7.5,
                      color="0.35")  # fmt: skip
    if own_legend and len(handles) > 1:
        _put_legend(axes, [h for h, _ in handles], [label for _, label in handles], loc="best")


def _draw_events(axes: Any, panel: LinePanel, scale: float) -> None:
    """Draw what happened as lines, with words where they are few."""
    for event in panel.events:
        x = event.place(panel.axis or "step") / scale
        axes.axvline(x, color="0.45", linewidth=0.8, linestyle=(0, (4, 3)))
        if len(panel.events) <= _MOST_WORDS:
            axes.annotate(
                shorten(event.text, 24), (x, 0.98), xycoords=("data", "axes fraction"),
                xytext=(2, 0), textcoords="offset points", rotation=90, va="top", fontsize=6.5,
                color="0.35",
            )  # fmt: skip


_AXIS_LABELS = {"step": "step", "epoch": "epoch", "time": "time in training, {unit}"}


def _set_limits(axes: Any, panel: LinePanel, log: bool) -> None:
    if log:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(_plain_powers())
        axes.yaxis.set_minor_formatter(_plain_powers())
    if panel.x_range:
        axes.set_xlim(*panel.x_range)
    if panel.y_range and not log:
        axes.set_ylim(*panel.y_range)
    if panel.square:
        axes.set_aspect("equal", adjustable="box")
    if panel.axis == "step":
        from matplotlib.ticker import FuncFormatter, MaxNLocator

        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _place: f"{value:,.0f}"))


def _plain_powers() -> Any:
    """Return what writes the numbers of a logarithmic axis as they are: 0.01, not a formula.

    Matplotlib's own are formulas, and no text here is read as one.
    """
    from matplotlib.ticker import LogFormatter

    class PlainPowers(LogFormatter):
        def __call__(self, x: float, pos: int | None = None) -> str:
            # Where there is no room for a label, matplotlib's is empty.
            return f"{x:g}" if super().__call__(x, pos) else ""

    return PlainPowers(minor_thresholds=(2, 0.5))


def _time_scale(panel: LinePanel) -> tuple[float, str]:
    """Return the unit of a time axis: its seconds, and its name."""
    if panel.axis != "time":
        return 1.0, ""
    most = max((max(finite(t.place("time")), default=0.0) for t in panel.traces), default=0.0)
    for least_s, unit_s, name in _LONG_TIMES:
        if most >= least_s:
            return unit_s, name
    return time_unit(most)


def _along(trace: Trace, panel: LinePanel, scale: float) -> tuple[float, ...]:
    return tuple(value / scale for value in trace.place(panel.axis or "step"))


def _draw_trace(axes: Any, trace: Trace, x: Sequence[float], log: bool, crowd: float) -> Any:
    """Draw a trace, and return what stands for it in a legend.

    Args:
        axes: where.
        trace: what.
        x: its places on the axis.
        log: leave out what has no logarithm.
        crowd: how strong what lies behind is.
    """
    y = [value if not log or value > 0 else math.nan for value in trace.y]
    look = _look(trace.style)
    if trace.form == "points":
        return axes.scatter(x, y, s=9, alpha=0.5, color=look["color"], linewidths=0)
    alpha, strength = (crowd, 0.8) if trace.faint else (1.0, 0.9 if trace.thin else 1.6)
    look["linestyle"] = "-" if trace.faint else look["linestyle"]
    if trace.low:
        low = [value if not log or value > 0 else math.nan for value in trace.low]
        axes.fill_between(x, low, trace.high, color=look["color"], alpha=0.15, linewidth=0)
    marker = "o" if trace.marked else None
    (line,) = axes.plot(x, y, alpha=alpha, linewidth=strength, marker=marker, markersize=4, **look)
    alone = [at for at in range(len(y)) if _is_alone(y, at)]
    if alone and not trace.marked:
        axes.plot([x[at] for at in alone], [y[at] for at in alone], "o", markersize=2.5,
                  color=look["color"], alpha=alpha)  # fmt: skip
    if trace.lost:
        places = set(trace.lost)
        at = [place for place, step in zip(x, trace.x, strict=True) if step in places]
        axes.plot(at, [0.012] * len(at), "|", markersize=5, color=look["color"],
                  transform=axes.get_xaxis_transform(), clip_on=False)  # fmt: skip
    return line


def _is_alone(y: Sequence[float], at: int) -> bool:
    """Return whether a point has a gap, or nothing, on both of its sides: no line shows it."""
    before, after = y[at - 1] if at else math.nan, y[at + 1] if at + 1 < len(y) else math.nan
    return not math.isnan(y[at]) and math.isnan(before) and math.isnan(after)


# --- tables and pictures ------------------------------------------------------------------------


def _draw_matrix(axes: Any, panel: MatrixPanel) -> None:
    """Draw a table of counts; how dark a cell is is its share of its row."""
    shares = [[n / max(1, sum(row)) for n in row] for row in panel.counts]
    number = len(panel.counts)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.grid(visible=False)
    axes.set_title(panel.title, loc="left")
    axes.set_xlabel("predicted" + (f"\n{panel.note}" if panel.note else ""))
    axes.set_ylabel("true")
    names = [shorten(name, _MOST_NAME) for name in panel.names]
    size = 8 if number <= _MOST_NUMBERS else 5
    if number <= _MOST_NAMES:
        is_long = max(map(len, names)) > 2
        axes.set_xticks(range(number), names, rotation=90 if is_long else 0, fontsize=size)
        axes.set_yticks(range(number), names, fontsize=size)
    if number > _MOST_NUMBERS:
        return
    for row, counts in enumerate(panel.counts):
        for column, count in enumerate(counts):
            if count:
                colour = "white" if shares[row][column] > 0.55 else "black"
                axes.text(column, row, f"{count:,}", ha="center", va="center", color=colour,
                          fontsize=8 if number <= 10 else 6)  # fmt: skip


def _draw_pictures(part: Any, panel: PicturePanel) -> None:
    rows = max(1, math.ceil(len(panel.pictures) / _PICTURES_A_ROW))
    if panel.title:
        part.suptitle(panel.title, fontsize=10)
    if panel.note:
        part.supxlabel(panel.note, fontsize=7.5, color="0.35")
    cells = part.subplots(rows, _PICTURES_A_ROW, squeeze=False).ravel()
    for axes in cells[len(panel.pictures) :]:
        axes.axis("off")
    for axes, picture in zip(cells, panel.pictures, strict=False):
        _draw_picture(axes, picture)


def _draw_picture(axes: Any, picture: Picture) -> None:
    colour = COLOURS[1] if picture.wrong else "black"
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set(visible=True, color=colour if picture.wrong else "0.8",
                  linewidth=2.2 if picture.wrong else 0.8)  # fmt: skip
    axes.set_title("\n".join(shorten(line, 24) for line in picture.caption), fontsize=7,
                   color=colour, fontweight="bold" if picture.wrong else "normal")  # fmt: skip
    if picture.image is not None:
        import numpy as np

        image = picture.image
        pixels = np.frombuffer(image.data, np.uint8)
        shape = (image.height, image.width, image.channels)
        axes.imshow(pixels.reshape(shape).squeeze(), cmap="gray", vmin=0, vmax=255)
    elif not picture.words:
        axes.plot(picture.values, color=colour, linewidth=1)
    else:
        axes.text(0.03, 0.95, _wrapped(picture.words), va="top", fontsize=6,
                  transform=axes.transAxes, clip_on=True)  # fmt: skip


def _wrapped(text: str) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, 26)[:9])
