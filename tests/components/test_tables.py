"""The small data sets: what they hold, and that the held-out part is the same for everybody."""

from pathlib import Path

import pytest
import torch

from tuitrain.components import DataContext, Splits
from tuitrain.components.datasets.bundled import breast_cancer, diabetes, iris, wine
from tuitrain.components.datasets.synthetic import linear, moons

TABLES = {
    "iris": (iris, 150, 4, 3),
    "wine": (wine, 178, 13, 3),
    "breast_cancer": (breast_cancer, 569, 30, 2),
    "diabetes": (diabetes, 442, 10, 0),
}
CONTEXT = DataContext(Path(), lambda _text: None)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_split_with_each_class_in_its_share(name: str) -> None:
    build, samples, features, classes = TABLES[name]
    splits: Splits = build(CONTEXT)
    train, held = splits.train, splits.validation
    assert len(train) + len(held) == samples
    assert len(held) == pytest.approx(0.2 * samples, abs=1)
    assert train.inputs.shape[1:] == held.inputs.shape[1:] == (features,)
    assert len(splits.classes) == classes
    again = build(CONTEXT)
    assert torch.equal(held.inputs, again.validation.inputs)
    if classes:
        both = torch.bincount(torch.cat([train.targets, held.targets]), minlength=classes)
        assert (torch.bincount(held.targets, minlength=classes) - both * 0.2).abs().max() < 1
    else:
        assert 0.25 <= train.targets.min() < train.targets.max() <= 3.46


def test_points_a_spacing_apart_are_split_in_order_and_drawn_ones_at_random() -> None:
    splits = linear(CONTEXT, samples=50, slope=0.7, intercept=0.3, spacing=0.02)
    x = torch.cat([splits.train.inputs, splits.validation.inputs])[:, 0]
    assert torch.allclose(x, torch.arange(0, 1, 0.02))
    assert len(splits.validation) == 10
    assert torch.allclose(splits.train.targets, 0.7 * x[:40] + 0.3)
    drawn = linear(CONTEXT, samples=50)
    assert drawn.validation.inputs.max() > drawn.train.inputs.min()


def test_moons_are_two_classes_of_one_size() -> None:
    splits = moons(CONTEXT, samples=200)
    targets = torch.cat([splits.train.targets, splits.validation.targets])
    assert targets.sum() == 100
    assert splits.classes == ("upper", "lower")
