"""Which pages an evaluation has, and the line that names them."""

import pytest

from tuitrain.view.results.pages import page_at, page_bar, pages_of
from tuitrain.view.spans import line_width, plain_text

CLASSES = ("summary", "classes", "confusion", "curves", "calibration", "worst", "samples")


@pytest.mark.parametrize(("family", "pages"), [
    ("classes", CLASSES),
    ("numbers", ("summary", "scatter", "residuals", "worst", "samples")),
    ("pixels", ("summary", "classes", "worst", "samples")),
    ("tokens", ("summary", "worst", "samples")),
    ("other", ("summary", "worst", "samples")),
])  # fmt: skip
def test_each_kind_of_targets_has_its_pages(family: str, pages: tuple[str, ...]) -> None:
    assert pages_of(family, counted=True, sampled=True) == pages
    assert pages_of(family, counted=True, sampled=False) == pages[:-1]


def test_without_counts_there_is_no_table_of_classes() -> None:
    assert "classes" not in pages_of("classes", counted=False, sampled=False)


def test_the_line_names_all_pages_or_where_there_is_no_room_the_one_in_sight() -> None:
    pages = pages_of("classes", counted=True, sampled=True)
    assert plain_text(page_bar(pages, "curves", 100)).split() == [
        "1", "summary", "2", "classes", "3", "confusion", "4", "curves", "5", "calibration",
        "6", "worst", "7", "samples",
    ]  # fmt: skip
    assert plain_text(page_bar(pages, "curves", 40)).split() == [
        "1", "2", "3", "4", "curves", "5", "6", "7"
    ]  # fmt: skip


@pytest.mark.parametrize("width", [100, 40])
def test_a_name_that_is_clicked_is_its_page(width: int) -> None:
    pages = pages_of("classes", counted=True, sampled=True)
    line = page_bar(pages, "curves", width)
    text = "".join(span.text for span in line)
    assert page_at(pages, "curves", width, text.index("curves")) == "curves"
    assert page_at(pages, "curves", width, text.index("5")) == "calibration"
    assert page_at(pages, "curves", width, line_width(line)) is None
