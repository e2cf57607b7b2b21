"""The losses: what they compute, what they count, and what they refuse."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor
from torch.nn import functional

from tuitrain.components import DataSpec, LossContext
from tuitrain.components.losses.classification import bce_with_logits, cross_entropy, focal, nll
from tuitrain.errors import TrainingError

TARGETS = torch.tensor([0] * 6 + [1] * 3 + [2])
SCORES = torch.randn(10, 3, generator=torch.Generator().manual_seed(0))


def context(targets: Tensor = TARGETS, classes: int = 3) -> LossContext:
    task = "classification" if classes else "binary"
    return LossContext(DataSpec((4,), max(1, classes)), task, classes, lambda: targets)


def test_balanced_weights_are_those_of_scikit_learn() -> None:
    expected = compute_class_weight("balanced", classes=np.arange(3), y=TARGETS.numpy())
    loss = cross_entropy(context(), class_weights="balanced")
    assert loss.weight.numpy() == pytest.approx(expected)
    value = functional.cross_entropy(SCORES, TARGETS, torch.tensor(expected).float())
    assert loss(SCORES, TARGETS).item() == pytest.approx(value.item())
    without = cross_entropy(context(), class_weights="balanced", ignore_index=2)
    assert without.weight.tolist() == pytest.approx([9 / 12, 9 / 6, 0])


def test_a_yes_that_is_rarer_counts_for_more() -> None:
    targets = torch.tensor([1.0] * 2 + [0.0] * 8)
    assert bce_with_logits(context(targets, 0), pos_weight="balanced").pos_weight == 4
    assert focal(context(targets, 0), alpha="balanced").alpha == pytest.approx(0.8)
    many = bce_with_logits(context(torch.tensor([[1.0, 0], [0, 0], [0, 1], [0, 0.0]]), 0),
                           pos_weight="balanced")  # fmt: skip
    assert many.pos_weight.tolist() == [3, 3]


def test_what_is_ignored_does_not_count() -> None:
    targets = torch.cat([TARGETS, torch.tensor([-1])])
    scores = torch.cat([SCORES, torch.full((1, 3), 9.0)])
    loss = cross_entropy(context(), ignore_index=-1)
    assert loss(scores, targets) == pytest.approx(functional.cross_entropy(SCORES, TARGETS).item())


def test_focal_without_focus_is_cross_entropy_and_with_it_as_published() -> None:
    plain = functional.cross_entropy(SCORES, TARGETS)
    assert focal(context(), gamma=0.0)(SCORES, TARGETS).item() == pytest.approx(plain.item())
    shares = functional.one_hot(TARGETS, 3).float()
    loss = focal(context(), alpha=[1.0, 2.0, 3.0], gamma=2.0)
    right = SCORES.softmax(1)[torch.arange(10), TARGETS]
    expected = ((TARGETS + 1) * (1 - right) ** 2 * -right.log()).mean().item()
    assert loss(SCORES, TARGETS).item() == pytest.approx(expected)
    assert loss(SCORES, shares).item() == pytest.approx(expected)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_of_yes_or_no_is_as_published_and_has_a_slope_where_all_is_right(
    gamma: float,
) -> None:
    scores, targets = SCORES[:, 0], (TARGETS > 0).float()
    yes = scores.sigmoid()
    right = torch.where(targets > 0, yes, 1 - yes)
    alpha = torch.where(targets > 0, 0.25, 0.75)
    expected = (alpha * (1 - right) ** gamma * -right.log()).mean()
    loss = focal(context(targets, 0), alpha=0.25, gamma=gamma)
    assert loss(scores, targets).item() == pytest.approx(expected.item(), rel=1e-5)
    sure = torch.full((10,), 200.0, requires_grad=True)
    loss(sure, torch.ones(10)).backward()
    assert torch.isfinite(sure.grad).all()


def test_nll_takes_log_probabilities_alone() -> None:
    logs = SCORES.log_softmax(1)
    expected = functional.cross_entropy(SCORES, TARGETS).item()
    assert nll(context())(logs, TARGETS).item() == pytest.approx(expected)
    assert nll(context())(logs.bfloat16(), TARGETS).isfinite()
    with pytest.raises(TrainingError, match=r"add up to .*: end the model in torch\.nn\.LogSoftm"):
        nll(context())(SCORES, TARGETS)


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: cross_entropy(context(), class_weights=[1.0, 2.0]), "class_weights has 2 numbers"),
        (
            lambda: cross_entropy(context(TARGETS[:9]), class_weights="balanced"),
            "has no sample of class 2",
        ),
        (lambda: focal(context(), alpha=0.25), "with 3 classes it must be a list"),
        (lambda: focal(context(TARGETS, 0), alpha=[1.0]), "must be a number within 0 and 1"),
        (
            lambda: bce_with_logits(context(torch.ones(4), 0), pos_weight="balanced"),
            "only one of yes and no",
        ),
    ],
)
def test_weights_that_do_not_fit_are_told(build: Callable[[], Any], said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        build()


def test_weights_follow_the_type_of_the_outputs() -> None:
    for kind in (torch.float64, torch.bfloat16):
        loss = cross_entropy(context(), class_weights="balanced")
        assert loss(SCORES.to(kind), TARGETS).dtype == kind
