"""A figure as a page: driven by its keys and its pointer in a browser, and harmless."""

import math
import re
from pathlib import Path

import pytest

from tests.plots.browser import opened
from tests.plots.makers import recorded_run
from tuitrain.plots.curves import CurveChoices, curve_figure
from tuitrain.plots.page.charts import ChartData, pictures_markup
from tuitrain.plots.page.write import figure_page
from tuitrain.plots.panels import Figure, LinePanel, Picture, PicturePanel, Trace
from tuitrain.runs.reader import RunReader
from tuitrain.view.images.pixels import Image
from tuitrain.view.images.png import from_png, to_png

EVIL = "</script><script>alert(1)</script>模型 & \"'"


def a_panel(label: str = "train") -> LinePanel:
    traces = (
        Trace(label, 0, (1, 2, 3, 4), (1.0, math.nan, 100.0, 10.0), lost=(2,)),
        Trace("val", 1, (2, 4), (5.0, 2.0)),
    )
    return LinePanel("loss", "step", "loss", traces, axis="step")


def test_nothing_of_a_run_can_act_on_the_page(tmp_path: Path) -> None:
    panel = a_panel(EVIL)
    picture = Picture((EVIL,), True, text=EVIL)
    figure = Figure(EVIL, (panel, PicturePanel(EVIL, (picture,), EVIL)), ((EVIL, 0),), (EVIL,))
    text = figure_page(figure)
    assert text.count("<script") == 2 and "<script>alert" not in text
    assert not re.search(r"(src|href)=[\"']?(http|//)", text)
    (tmp_path / "a.html").write_text(text, encoding="utf-8")
    with opened(tmp_path / "a.html") as page:
        assert page.title() == EVIL
        assert page.locator("#legend button").inner_text() == EVIL


def test_what_is_not_finite_is_null_in_the_data_of_a_page() -> None:
    data = ChartData()
    data.add(a_panel())
    assert '"y":[1,null,100,10]' in data.to_json()


def test_images_lie_in_the_page(tmp_path: Path) -> None:
    image = Image(2, 1, 3, bytes([255, 0, 0, 0, 0, 255]))
    assert from_png(to_png(image)) == image
    markup = pictures_markup(PicturePanel("", (Picture(("a",), False, image),)))
    assert 'src="data:image/png;base64,' in markup
    (tmp_path / "a.html").write_text(figure_page(
        Figure("", (PicturePanel("", (Picture(("a",), False, image),)),))
    ), encoding="utf-8")  # fmt: skip
    with opened(tmp_path / "a.html") as page:
        assert page.evaluate("document.images[0].naturalWidth") == 2


@pytest.fixture
def overlaid(tmp_path: Path) -> Path:
    """Return a page with two runs' curves."""
    runs = [
        recorded_run(
            tmp_path / "runs", f"r{n}",
            {"train/loss": [1.0 / n, 0.5, 0.1 * n, 0.01] * 3, "val/loss": [1.0] * 12},
            f"lr = 0.{n}\n",
        )
        for n in (1, 2)
    ]  # fmt: skip
    readers = [RunReader(run) for run in runs]
    path = tmp_path / "a.html"
    path.write_text(figure_page(curve_figure(readers, CurveChoices())), encoding="utf-8")
    for reader in readers:
        reader.close()
    return path


def test_a_chart_follows_the_pointer_the_legend_the_scale_and_the_zoom(overlaid: Path) -> None:
    with opened(overlaid) as page:
        chart = page.locator("[data-chart]").first
        image, lines = chart.locator("svg[role=img]"), chart.locator("path.line")
        assert lines.count() == 4
        image.hover(position={"x": 300, "y": 100})
        readout = chart.locator(".readout")
        assert "step" in readout.inner_text() and "lr=0.2 val" in readout.inner_text()

        page.get_by_role("button", name="lr=0.2").click()
        assert lines.count() == 2
        page.get_by_role("button", name="lr=0.2").click()
        page.get_by_role("button", name="lr=0.2").dblclick()
        assert lines.count() == 2
        assert page.get_by_role("button", name="lr=0.1").get_attribute("aria-pressed") == "false"

        before = lines.first.get_attribute("d")
        chart.get_by_role("button", name="log").click()
        assert lines.first.get_attribute("d") != before

        box = image.bounding_box()
        page.mouse.move(box["x"] + 150, box["y"] + 90)
        page.mouse.down()
        page.mouse.move(box["x"] + 260, box["y"] + 90)
        page.mouse.up()
        whole = chart.get_by_role("button", name="whole")
        assert whole.is_visible()
        zoomed = lines.first.get_attribute("d")
        whole.click()
        assert lines.first.get_attribute("d") != zoomed and not whole.is_visible()

        chart.get_by_role("combobox").select_option("time")
        assert "time in training" in image.text_content()


@pytest.mark.parametrize("width", [360, 1400])
def test_a_page_is_as_wide_as_its_window(overlaid: Path, width: int) -> None:
    with opened(overlaid, viewport={"width": width, "height": 700}) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
