"""k-fold: each sample is held out once, with each class in its share, for sets of both kinds."""

import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.data import Dataset

from tuitrain.components import Samples, Splits
from tuitrain.config.load import parse_preset
from tuitrain.errors import PresetError, TrainingError
from tuitrain.training.data.checks import check_splits
from tuitrain.training.data.folds import assign_folds, hold_out
from tuitrain.training.data.targets import all_targets
from tuitrain.training.task import find_task

CLASSES = torch.tensor([0] * 50 + [1] * 20 + [2] * 7)


class Listed(Dataset[tuple[Tensor, int]]):
    """Yields samples one at a time."""

    def __init__(self, numbers: range, listed: bool) -> None:
        self.numbers = numbers
        if listed:
            self.targets = CLASSES[list(numbers)].tolist()

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, place: int) -> tuple[Tensor, int]:
        number = self.numbers[place]
        return torch.tensor([float(number)]), int(CLASSES[number])


def splits_of(kind: str) -> Splits:
    whole = len(CLASSES)
    if kind == "memory":
        inputs = torch.arange(whole).float()[:, None]
        parts: list[Any] = [Samples(inputs[10:], CLASSES[10:]), Samples(inputs[:10], CLASSES[:10])]
    else:
        parts = [Listed(range(10, whole), kind == "listed"), Listed(range(10), kind == "listed")]
    splits = Splits(parts[0], parts[1], classes=("a", "b", "c"))
    return check_splits("own", find_task("classification"), splits)


def values(part: Any) -> tuple[list[float], list[int]]:
    if isinstance(part, Samples):
        return part.inputs[:, 0].tolist(), part.targets.tolist()
    inputs, targets = part.batch(range(len(part)))
    return inputs[:, 0].tolist(), targets.tolist()


@pytest.mark.parametrize("kind", ["memory", "listed", "unlisted"])
def test_over_the_folds_each_sample_is_held_out_once(kind: str) -> None:
    said: list[str] = []
    seen: list[float] = []
    for number in range(1, 6):
        found = hold_out(splits_of(kind), f"{number}/5", 3, said.append)
        (train, _), (held, labels) = values(found.train), values(found.validation)
        assert sorted(train + held) == list(range(len(CLASSES)))
        assert len(held) in (15, 16)
        assert labels == CLASSES[[int(value) for value in held]].tolist()
        if kind != "unlisted":
            assert [labels.count(each) for each in (0, 1)] == [10, 4]
            assert labels.count(2) in (1, 2)
        seen += held
    assert sorted(seen) == list(range(len(CLASSES)))
    assert bool(said) is (kind == "unlisted")


def test_folds_follow_from_the_seed_alone() -> None:
    one, again, other = (assign_folds(CLASSES, 5, seed) for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("kind", ["memory", "listed", "unlisted"])
def test_targets_of_a_fold_are_those_of_its_samples(kind: str) -> None:
    part = hold_out(splits_of(kind), "2/5", 0, lambda _text: None).train
    assert all_targets(part, lambda _text: None).tolist() == values(part)[1]


def test_more_folds_than_samples_are_refused() -> None:
    with pytest.raises(TrainingError, match=r"data.fold = 1/78: the data set has 77 samples"):
        hold_out(splits_of("memory"), "1/78", 0, lambda _text: None)


@pytest.mark.parametrize("fold", ["0/5", "6/5", "1/1", "a/b", "2", 3])
def test_what_is_no_fold_is_refused(fold: Any) -> None:
    preset = 'name="a"\ntask="regression"\ndata.name="linear"\nmodel.name="linear"\n'
    with pytest.raises(PresetError, match=r"data.fold: found .*, must be K/N"):
        parse_preset(preset, "x", [f"data.fold={fold!r}"])


def test_the_option_is_the_key_of_the_preset() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tuitrain", "run", "iris", "--fold", "2/5", "--print-config"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert 'fold = "2/5"' in done.stdout
