"""Faults of a user's own parts: each is told by what it is, before torch names an index."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.training.test_loop import Course
from tuitrain.components import Samples, Splits
from tuitrain.config.load import parse_preset
from tuitrain.errors import TrainingError
from tuitrain.messages import AlertRaised, Evaluated
from tuitrain.training.build import build_components
from tuitrain.training.data.checks import check_splits
from tuitrain.training.data.stream import Stream
from tuitrain.training.runtime.randomness import generator_states, restore_generators
from tuitrain.training.task import find_task

X, CLASSES = torch.randn(10, 4), ("a", "b")
Y = torch.arange(10) % 2
GOOD = Samples(X, Y)


class Drawn(torch.utils.data.Dataset[Any]):
    """Yields samples one at a time, as its transforms draw them."""

    def __len__(self) -> int:
        return 3

    def __getitem__(self, _number: int) -> tuple[torch.Tensor, int]:
        return torch.randn(4), 1


class Endless(torch.utils.data.IterableDataset[Any]):
    """Has a length, and no samples by number."""

    def __len__(self) -> int:
        return 10

    def __iter__(self) -> Iterator[Any]:
        yield X[0], 0


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (None, "its function returned None, it must return a tuitrain.components.Splits"),
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
        (Splits([(X[0], "cat")], GOOD, CLASSES), "yields a str as target, it must be a number, a"),
        (Splits(GOOD, Endless(), CLASSES), "Endless, an IterableDataset; samples must be reach"),
        (Splits(Samples(X, Y[:, None].expand(-1, 2)), GOOD, CLASSES), "of shape (2,) for each"),
        (Splits(Samples(X.to_sparse(), Y), GOOD, CLASSES), "inputs that are no plain, dense ten"),
    ],
)
def test_a_data_set_at_fault_is_told_by_what_it_is(found: Any, text: str) -> None:
    with pytest.raises(TrainingError) as caught:
        check_splits("own:data", find_task("classification"), found)
    assert str(caught.value).startswith("data.name = own:data: ")
    assert text in str(caught.value)


def test_class_numbers_become_int64_and_other_targets_floating_point() -> None:
    small = Samples(X, Y.to(torch.uint8))
    classified = check_splits("own:data", find_task("classification"), Splits(small, GOOD, CLASSES))
    assert isinstance(classified.train, Samples)
    assert classified.train.targets.dtype == torch.int64
    binary = check_splits("own:data", find_task("binary"), Splits(small, GOOD))
    assert isinstance(binary.train, Samples)
    assert binary.train.targets.dtype == torch.float32


AS_GIVEN: list[Callable[[torch.Tensor], Any]] = [
    int,
    bool,
    lambda y: np.int32(int(y)),
    lambda y: np.uint16(int(y)),
    lambda y: y.to(torch.uint8),
    lambda y: y[None],
    lambda y: [int(y)],
    lambda y: np.array([int(y)], dtype=">i4"),
]


@pytest.mark.parametrize("give", AS_GIVEN)
def test_class_numbers_of_any_type_are_the_same_whole_and_one_at_a_time(
    give: Callable[[torch.Tensor], Any],
) -> None:
    pairs = [(x.numpy()[::-1], give(y)) for x, y in zip(X, Y, strict=True)]
    found = check_splits("own:data", find_task("classification"), Splits(pairs, GOOD, CLASSES))
    inputs, targets = found.train.batch(range(10))
    assert torch.equal(inputs, X.flip(1))
    assert torch.equal(targets, Y)
    assert targets.dtype == torch.int64


@pytest.mark.parametrize("task", ["binary", "regression"])
@pytest.mark.parametrize("give", [int, float, np.float64, lambda y: y.double(), np.uint8])
def test_numbers_of_any_type_become_float32_whole_and_one_at_a_time(
    task: str, give: Callable[[torch.Tensor], Any]
) -> None:
    pairs = [(x, give(y)) for x, y in zip(X, Y, strict=True)]
    found = check_splits(
        "own:data", find_task(task), Splits(pairs, Samples(X, Y.double()), CLASSES)
    )
    _inputs, targets = found.train.batch(range(10))
    assert torch.equal(targets, Y.float())
    assert targets.dtype == torch.float32


@pytest.mark.parametrize(
    ("task", "bad", "text"),
    [
        ("classification", (X[7], 2), "has the class number 2, Splits.classes names 2: 0 to 1"),
        ("classification", (X[7], -1), "has the class number -1, Splits.classes names 2: 0 to 1"),
        ("classification", (X[7], 0.5), "has targets of torch.float32, class numbers must be wh"),
        ("classification", (X[7], torch.eye(2)[0]), "has the shape (2,) as target where others"),
        ("classification", (X[7, :3], 1), "has the shape (3,) as input where others have (4,)"),
        ("classification", (X[7] * 1j, 1), "has torch.complex64 as input where others have torch"),
        ("classification", (None, 1), "yields None as input, it must be a tensor or an array"),
        ("classification", None, "yields None, each sample must be a pair (input, target)"),
        ("binary", (X[7], -1), "has the target -1, a binary task's are from 0 to 1"),
        ("regression", (X[7], 1j), "yields a complex as target, it must be a number"),
    ],
)
def test_a_bad_sample_is_told_by_its_number(task: str, bad: Any, text: str) -> None:
    pairs = [bad if number == 7 else (X[number], int(Y[number])) for number in range(10)]
    found = check_splits("own:data", find_task(task), Splits(pairs, GOOD, CLASSES))
    with pytest.raises(TrainingError) as caught:
        found.train.batch([3, 9, 7, 1])
    assert str(caught.value).startswith(f"data.name = own:data: its training set {text}")
    assert str(caught.value).endswith("(sample 7)")


def test_a_loss_of_ones_own_may_take_minus_one_and_one() -> None:
    signs = Samples(X, 2 * Y - 1)
    found = check_splits("own:data", find_task("binary"), Splits(signs, signs), own_loss=True)
    assert found.train.targets.tolist() == (2.0 * Y - 1).tolist()
    with pytest.raises(TrainingError, match="has the target -1, a binary task's are from 0 to 1"):
        check_splits("own:data", find_task("binary"), Splits(signs, signs))


def test_a_look_at_the_first_sample_draws_nothing_from_the_run() -> None:
    before = generator_states()
    found = check_splits("own:data", find_task("classification"), Splits(Drawn(), Drawn(), CLASSES))
    after = torch.rand(3)
    restore_generators(before)
    assert torch.equal(after, torch.rand(3))
    assert isinstance(found.train, Stream)
    assert len(found.train) == 3


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
def normed(): return nn.Sequential(nn.Flatten(), nn.Linear(64, 10), nn.BatchNorm1d(10))
def squeezing():
    class Squeezing(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(64, 10)
        def forward(self, inputs):
            return self.layer(inputs.flatten(1)).squeeze()
    return Squeezing()
def frozen():
    model = normed()
    def freeze(module, _inputs):
        module.eval()
    model[2].register_forward_pre_hook(freeze)
    return model
def lazy(): return nn.Sequential(nn.Flatten(), nn.LazyLinear(8), nn.ReLU(), nn.LazyLinear(10))
def unused_lazy():
    model = normed()
    model.spare = nn.LazyLinear(3)
    model.forward = lambda inputs: model[2](model[1](model[0](inputs)))
    return model
def nowhere():
    with torch.device("meta"):
        return normed()
def each(): return nn.CrossEntropyLoss(reduction="none")
def nothing(): return lambda outputs, targets: None
def constant(): return lambda outputs, targets: torch.zeros(())
def no_optimizer(parameters, lr, weight_decay): return None
def alone(inputs, targets, draw): return inputs
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
        ({"model": "faulty:nowhere"}, "weights without numbers, on the meta device: 1.weight, 1.b"),
        ({"model": "faulty:unused_lazy"}, "did not pass through: spare.weight, spare.bias; give"),
        ({"loss": "faulty:each"}, "a tensor of shape (64,), it must return one number: the mean"),
        ({"loss": "faulty:nothing"}, "loss.name = faulty:nothing returned a NoneType, it must"),
        ({"loss": "faulty:constant"}, "returned a number that does not depend on the outputs"),
        ({"optimizer": "faulty:no_optimizer"}, "returned NoneType, not a torch.optim.Optimizer"),
        ({"data": 'augment = [{name = "faulty:alone"}]'}, "as many targets, as a tuple"),
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


# 1,437 samples: the last batch of an epoch is one sample.
ENDS_IN_ONE = PRESET.replace("max_steps = 2", "epochs = 1\nbatch_size = 359")


@pytest.mark.parametrize(
    ("model", "settings", "text"),
    [
        ("normed", "", "the last step of each epoch has a batch of one sample (1,437 samples, 359"),
        ("normed", "accumulate = 2", "(1,437 samples, 718 a step in batches of 359)"),
        (
            "squeezing",
            "",
            "model.name = faulty:squeezing can't be trained with one (model.name = fau",
        ),
        ("normed", "drop_last = true", ""),
        ("normed", "max_steps = 4", ""),
        ("frozen", "", ""),
        ("lazy", "", ""),
    ],
)
def test_a_last_batch_of_one_is_told_before_the_first_step_if_the_model_refuses_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str, settings: str, text: str
) -> None:
    (tmp_path / "faulty.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    config = ENDS_IN_ONE.format(**{**PARTS, "model": f"faulty:{model}"}) + settings
    if not text:
        assert Course(tmp_path, config).ended.state == "finished"
        return
    with pytest.raises(TrainingError) as caught:
        Course(tmp_path, config)
    assert text in str(caught.value)
    assert str(caught.value).endswith(
        "set train.drop_last = true, or take another train.batch_size"
    )
    assert not list((tmp_path / "checkpoints").glob("step-*"))


def test_lazy_layers_have_their_sizes_before_anything_counts_on_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "faulty.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    preset = parse_preset(PRESET.format(**{**PARTS, "model": "faulty:lazy"}), "config.toml")
    parts = build_components(preset, tmp_path, lambda _text: None)
    assert parts.parameters == 64 * 8 + 8 + 8 * 10 + 10
    assert all(module.training for module in parts.model.modules())


OWN_DATA = """
import torch
from torch import nn
from tuitrain.components import Samples, Splits

def wide(*, kind="float32", outputs=2):
    x = torch.randn(40, 3, generator=torch.Generator().manual_seed(0)).to(getattr(torch, kind))
    y = x[:, :1] * torch.arange(1, outputs + 1).to(x.dtype)
    return Splits(Samples(x, y), Samples(x[:9], y[:9]))
def unmeasured():
    splits = wide()
    inputs = splits.validation.inputs.clone()
    inputs[3] = float("nan")
    return Splits(splits.train, Samples(inputs, splits.validation.targets))
def double(): return nn.Linear(3, 2).double()
"""
WIDE = """
name = "wide"
task = "regression"
[data]
name = "many:wide"
normalize = false
[model]
name = "mlp"
hidden = [4]
[loss]
name = "huber"
[train]
epochs = 2
batch_size = 8
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("normalize = false", "normalize = true\noutputs = 3"),
        ("normalize = false", 'normalize = true\nkind = "float64"'),
        ("normalize = false", 'mode = "loader"\nworkers = 0\nkind = "float16"'),
        ('"mlp"\nhidden = [4]', '"many:double"'),
    ],
)
def test_outputs_follow_from_the_targets_and_types_from_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str
) -> None:
    (tmp_path / "many.py").write_text(OWN_DATA)
    monkeypatch.syspath_prepend(tmp_path)
    course = Course(tmp_path, WIDE.replace(old, new))
    assert course.ended.state == "finished"
    assert course.parts.data.spec.outputs == (3 if "= 3" in new else 2)
    evaluated = [event for event in course.events if isinstance(event, Evaluated)]
    assert set(evaluated[-1].metrics) == {"val/loss", "val/mae", "val/rmse", "val/r2"}


def test_a_validation_that_gives_no_number_is_told_once_and_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "many.py").write_text(OWN_DATA)
    monkeypatch.syspath_prepend(tmp_path)
    course = Course(tmp_path, WIDE.replace("many:wide", "many:unmeasured"))
    told = [event for event in course.events if isinstance(event, AlertRaised)]
    assert [(event.kind, event.text) for event in told] == [
        (
            "nonfinite",
            "after step 5: val/loss is nan, so that no checkpoint can be the best by it: look for "
            "NaN in the validation set",
        )
    ]
    assert course.ended.reason == (
        "2 epochs done; no checkpoint is the best, as val/loss was never a finite number"
    )
