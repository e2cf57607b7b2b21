"""Faults of a user's own parts: each is told by what it is, before torch names an index."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.test_loop import Course
from tuitrain.errors import TrainingError
from tuitrain.training.data.checks import check_splits
from tuitrain.training.randomness import generator_states, restore_generators
from tuitrain.training.samples import Samples, Splits

X, CLASSES = torch.randn(10, 4), ("a", "b")
Y = torch.arange(10) % 2
GOOD = Samples(X, Y)


class Drawn(torch.utils.data.Dataset[Any]):
    """Yields samples one at a time, as its transforms draw them."""

    def __len__(self) -> int:
        return 3

    def __getitem__(self, _number: int) -> tuple[torch.Tensor, int]:
        return torch.randn(4), 1


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (None, "its function returned None, it must return a tuitrain.training.samples.Splits"),
        ((GOOD, GOOD), "its function returned a tuple, it must"),
        (Splits(GOOD, GOOD), "Splits.classes is empty, a classification task needs"),
        (Splits(GOOD, 3, CLASSES), "its validation set is an int, it must be a"),
        (Splits(GOOD, [], CLASSES), "its validation set is empty"),
        (Splits(Samples(X[:0], Y[:0]), GOOD, CLASSES), "its training set is empty"),
        (Splits(Samples(X, Y[:9]), GOOD, CLASSES), "its training set has 10 inputs and 9 targets"),
        (Splits(Samples(X, X[:, 0]), GOOD, CLASSES), "has targets of torch.float32, class numbers"),
        (Splits(Samples(X, Y + 1), GOOD, CLASSES), "the class number 2, Splits.classes names 2: 0"),
        (Splits(Samples(X, Y - 1), GOOD, CLASSES), "its training set has the class number -1"),
        (Splits(GOOD, Samples(X, Y.tolist()), CLASSES), "a list for targets, it must be a tensor"),
        (Splits(GOOD, [X[0]], CLASSES), "yields a torch.Tensor, each sample must be a pair"),
        (Splits([(object(), 1)], GOOD, CLASSES), "yields an object as input, it must be a tensor"),
    ],
)
def test_a_data_set_at_fault_is_told_by_what_it_is(found: Any, text: str) -> None:
    with pytest.raises(TrainingError) as caught:
        check_splits("own:data", "classification", found)
    assert str(caught.value).startswith("data.name = own:data: ")
    assert text in str(caught.value)


def test_class_numbers_become_int64_and_other_targets_floating_point() -> None:
    small = Samples(X, Y.to(torch.uint8))
    classified = check_splits("own:data", "classification", Splits(small, GOOD, CLASSES))
    assert isinstance(classified.train, Samples)
    assert classified.train.targets.dtype == torch.int64
    binary = check_splits("own:data", "binary", Splits(small, GOOD))
    assert isinstance(binary.train, Samples)
    assert binary.train.targets.dtype == torch.float32


def test_a_look_at_the_first_sample_draws_nothing_from_the_run() -> None:
    before = generator_states()
    found = check_splits("own:data", "classification", Splits(Drawn(), Drawn(), CLASSES))
    after = torch.rand(3)
    restore_generators(before)
    assert torch.equal(after, torch.rand(3))
    assert isinstance(found.train, Drawn)


MODULE = """
import torch
from torch import nn

def narrow(): return nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
def two():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(64, 10)
        def forward(self, inputs):
            return self.layer(inputs.flatten(1)), 1
    return Two()
def each(): return nn.CrossEntropyLoss(reduction="none")
def nothing(): return lambda outputs, targets: None
def constant(): return lambda outputs, targets: torch.zeros(())
def no_optimizer(parameters, lr, weight_decay): return None
def cut(images, draw): return images[:, :, :4]
"""
PRESET = """
name = "own"
task = "classification"
[data]
name = "digits"
{data}
[model]
name = "{model}"
[loss]
name = "{loss}"
[optimizer]
name = "{optimizer}"
[train]
max_steps = 2
"""
PARTS = {"data": "", "model": "mlp", "loss": "cross_entropy", "optimizer": "adamw"}


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ({"model": "faulty:narrow"}, "outputs of shape (64, 3) for 64 samples of 10 classes, it"),
        ({"model": "faulty:two"}, "model.name = faulty:two gives a tuple, it must give a tensor"),
        ({"loss": "faulty:each"}, "a tensor of shape (64,), it must return one number: the mean"),
        ({"loss": "faulty:nothing"}, "loss.name = faulty:nothing returned a NoneType, it must"),
        ({"loss": "faulty:constant"}, "returned a number that does not depend on the outputs"),
        ({"optimizer": "faulty:no_optimizer"}, "returned NoneType, not a torch.optim.Optimizer"),
        ({"data": 'augment = [{name = "faulty:cut"}]'}, "come to shape (1, 4, 8) from (1, 8, 8)"),
    ],
)
def test_a_part_that_does_not_fit_the_others_is_told_in_the_first_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: dict[str, str], text: str
) -> None:
    (tmp_path / "faulty.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(TrainingError) as caught:
        Course(tmp_path, PRESET.format(**{**PARTS, **part}))
    assert text in str(caught.value)
    assert not list((tmp_path / "checkpoints").glob("step-*"))
