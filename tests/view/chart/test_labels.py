import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuitrain.view.chart.labels import series_labels, shorten_apart

NAMES = st.lists(
    st.lists(st.text("ab/", max_size=3), min_size=1, max_size=5).map("/".join), unique=True
)


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["train/loss", "val/loss"], ["train", "val"]),
        (["train/loss"], ["train"]),
        (["lr"], ["lr"]),
        (["loss", "train/loss"], ["loss", "train"]),
        (["loss", "loss/loss"], ["loss", "loss/loss"]),
        (["train/layers/conv1/grad", "train/layers/conv2/grad"], ["conv1", "conv2"]),
        (["train/net/a/w/grad", "val/net/a/w/grad"], ["train", "val"]),
        (["train/a/loss", "train/b/c/loss", "train/loss"], ["a", "b", "loss"]),
        (
            [f"{split}/net/{layer}/grad" for split in ("train", "val") for layer in "ab"],
            ["train/a", "train/b", "val/a", "val/b"],
        ),
    ],
)
def test_series_are_called_by_the_fewest_parts_that_differ(
    names: list[str], labels: list[str]
) -> None:
    assert list(series_labels(tuple(names)).values()) == labels


@given(NAMES)
def test_any_names_of_one_chart_have_labels_that_differ(names: list[str]) -> None:
    labels = series_labels(tuple(names))
    assert len(set(labels.values())) == len(names)


@pytest.mark.parametrize(
    ("texts", "cut"),
    [
        (["a long label", "b"], ["a lon...", "b"]),
        (["older run train", "older run val"], ["old...in", "old...al"]),
        (["same same one here", "same same two here"], ["same same one...", "same same two..."]),
    ],
)
def test_labels_that_are_cut_still_differ(texts: list[str], cut: list[str]) -> None:
    assert shorten_apart(texts, 8 if len(texts[0]) < 18 else 16) == cut
