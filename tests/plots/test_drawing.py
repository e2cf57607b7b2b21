"""Files of matplotlib: each kind of figure in each format, whatever names are in it."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.plots.makers import classified, evaluation
from tuitrain.errors import UsageError
from tuitrain.plots.drawing import write_drawing
from tuitrain.plots.evaluated import evaluated_figure
from tuitrain.plots.panels import Figure, LinePanel, Panel, Picture, PicturePanel, Trace
from tuitrain.view.images.pixels import Image

pytest.importorskip("matplotlib", reason="the extra plots is not installed")

NAN = float("nan")
EVIL = "_$x$ <script>模型 \\frac"
BEGINNINGS = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}
LINES = LinePanel(
    EVIL, "step", EVIL,
    (
        Trace(EVIL, 0, (1, 2, 3), (1.0, NAN, 2.0), (0.5, NAN, 1.0), (2.0, NAN, 3.0), (2,)),
        Trace("b", 9, (1, 2), (NAN, NAN)),
        Trace("c", 20, (), ()),
    ),
    axis="step", log=True,
)  # fmt: skip
PICTURES = PicturePanel("", (
    Picture((EVIL,), True, Image(2, 2, 3, bytes(12))),
    Picture(("b",), False, values=(1.0, NAN, 2.0)),
    Picture(("c",), False, text=f"{EVIL} " * 40),
))  # fmt: skip
CONFUSED = evaluated_figure("confusion", [evaluation(classified(300, 24))], ["one"]).panels


@pytest.mark.parametrize("ending", BEGINNINGS)
@pytest.mark.parametrize(
    "panels", [[LINES] * 2, [PICTURES], CONFUSED], ids=["lines", "pictures", "table"]
)
def test_a_figure_is_a_file_of_each_format(
    tmp_path: Path, ending: str, panels: Sequence[Panel]
) -> None:
    legend = ((EVIL, 0), ("b", 9)) if len(panels) > 1 else ()
    figure = Figure(EVIL, tuple(panels), legend, (EVIL,))
    first, second = tmp_path / "1", tmp_path / "2"
    write_drawing(figure, first, ending)
    assert first.read_bytes().startswith(BEGINNINGS[ending])
    write_drawing(figure, second, ending)
    assert first.read_bytes() == second.read_bytes()


def test_without_matplotlib_it_is_refused_with_what_installs_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError, match=r"unlike one as \.html, needs .*tuitrain\[plots\]"):
        write_drawing(Figure("", (LINES,)), tmp_path / "a.png", "png")


def test_numbers_of_a_logarithmic_axis_are_plain(tmp_path: Path) -> None:
    import matplotlib

    panel = replace(LINES, traces=(Trace("a", 0, (1, 2, 3), (0.01, 1.0, 200.0)),))
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        write_drawing(Figure("", (panel,)), tmp_path / "a.svg", "svg")
    assert "mathdefault" not in (tmp_path / "a.svg").read_text("utf-8")


def test_values_that_have_no_logarithm_are_drawn_all_the_same(tmp_path: Path) -> None:
    trace = Trace("a", 0, (1, 2, 3), (-1.0, 0.0, -2.0))
    panel = replace(LINES, traces=(trace,))
    write_drawing(Figure("", (panel,)), tmp_path / "a.png", "png")
    assert (tmp_path / "a.png").stat().st_size > 1000
