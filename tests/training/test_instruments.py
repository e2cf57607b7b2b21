"""What only measures can't end a run, whatever it raises: it is told once, and left out."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.test_loop import LINE, Course
from tuitrain.messages import (
    AlertRaised,
    CommandDone,
    CostEstimate,
    EstimateCost,
    MemoryAccounted,
    Profile,
)
from tuitrain.tracing import capture
from tuitrain.training.estimate import estimate_cost
from tuitrain.training.instruments import Instrument
from tuitrain.training.memory import saved_tensors, watch
from tuitrain.training.memory.allocator import HostAllocator
from tuitrain.training.optimization.nonfinite import are_finite
from tuitrain.training.profiling import profiler
from tuitrain.training.profiling.timing import HostClock

CONFIG = LINE + "batch_size = 10\ngrad_norm_every = 1"


def weights(course: Course) -> list[torch.Tensor]:
    return [p.detach() for p in course.parts.model.parameters()]


def alerts(course: Course) -> list[str]:
    told = [event for event in course.events if isinstance(event, AlertRaised)]
    assert {event.kind for event in told} <= {"record"}
    return [event.text.partition(" failed and is left out, the run goes on: ")[0] for event in told]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[torch.Tensor]:
    return weights(Course(tmp_path_factory.mktemp("plain"), CONFIG))


@pytest.mark.parametrize(
    ("owner", "name", "told"),
    [
        (watch, "measure_held", "the account of memory"),
        (watch, "held_tensors", "the account of memory"),
        (saved_tensors, "held_bytes", "the account of memory"),
        (HostAllocator, "readings", "the account of memory"),
        (HostClock, "mark", "the split of steps into stages"),
        (HostClock, "seconds", "the split of steps into stages"),
        (torch.linalg, "vector_norm", "the norm of the gradients"),
    ],
)
def test_an_instrument_that_raises_is_told_once_and_the_run_is_the_same(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    undisturbed: list[torch.Tensor],
    owner: Any,
    name: str,
    told: str,
) -> None:
    def fails(*_given: Any) -> None:
        raise SystemExit(3) if name == "held_bytes" else NotImplementedError("no storage")

    monkeypatch.setattr(owner, name, fails)
    course = Course(tmp_path, CONFIG, timing_share=1.0)
    assert (course.ended.state, course.ended.reason) == ("finished", "3 epochs done")
    assert alerts(course) == [told]
    assert all(map(torch.equal, weights(course), undisturbed))


MODULE = """
import os, sys, torch
from torch import nn

class Looked(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(10, 4, sparse=True)
        self.last = nn.Linear(4, 1)
    def forward(self, inputs):
        return self.last(self.table(inputs.long().abs().clamp(max=9)).mean(1))

class Differentiated(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(1, 1)
    def forward(self, inputs):
        slope = torch.func.grad(lambda x: self.layer(x).sum())(inputs)
        return self.layer(inputs) + slope

TABLES = {}
class Tabled(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(1, 1)
    def forward(self, inputs):
        for key in (len(inputs), "all"):
            if key not in TABLES:
                TABLES[key] = torch.ones(1, device=inputs.device)
        return self.layer(inputs * TABLES[len(inputs)] * TABLES["all"])

class Forking(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.calls = nn.Linear(1, 1), 0
    def forward(self, inputs):
        self.calls += 1
        if self.calls == 5 and not os.fork():
            sys.exit(7)
        return self.layer(inputs)

def sgd(parameters, *, lr, weight_decay): return torch.optim.SGD(parameters, lr=lr)
def plain_loss(): return nn.functional.mse_loss
"""


def own(folder: Path, monkeypatch: pytest.MonkeyPatch, model: str) -> str:
    """Return the preset of a run with a model of the user's own."""
    (folder / "looked_at.py").write_text(MODULE)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "looked_at", raising=False)
    config = CONFIG.replace('"mlp"\nhidden = [8]', f'"looked_at:{model}"')
    return config.replace('"sgd"', '"looked_at:sgd"').replace('"mse"', '"looked_at:plain_loss"')


def test_sparse_gradients_are_trained_with_and_accounted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = Course(tmp_path, own(tmp_path, monkeypatch, "Looked"))
    assert (course.ended.state, alerts(course)) == ("finished", [])
    [account] = [event.account for event in course.events if isinstance(event, MemoryAccounted)]
    # The rows that a batch looked up, their int64 numbers, and the last layer's five numbers.
    assert account.measured.gradients_bytes > 4 * 5 + 8
    assert len(course.points("grad_norm")) == 30


def test_a_model_that_forbids_the_account_s_hooks_is_trained_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = Course(tmp_path, own(tmp_path, monkeypatch, "Differentiated"))
    assert (course.ended.state, course.ended.step) == ("finished", 30)
    assert alerts(course) == ["the account of memory"]
    assert course.points("train/loss")[-1] < course.points("train/loss")[0]


def test_tables_that_a_model_keeps_elsewhere_are_never_without_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The last batch of an epoch is of two: as small as those that only shapes are asked of.
    config = own(tmp_path, monkeypatch, "Tabled").replace("batch_size = 10", "batch_size = 14")
    told = estimate_cost(EstimateCost(config, str(tmp_path)))
    assert isinstance(told.estimate, CostEstimate)
    assert Course(tmp_path, config).ended.state == "finished"


def test_a_process_that_a_part_forks_and_that_raises_is_not_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = Course(tmp_path, own(tmp_path, monkeypatch, "Forking"))
    assert (course.ended.state, course.ended.step) == ("finished", 30)
    assert os.waitstatus_to_exitcode(os.waitpid(-1, 0)[1]) == 7


def outcomes(course: Course) -> list[tuple[str, str]]:
    done = [event for event in course.events if isinstance(event, CommandDone)]
    return [(event.outcome, event.text) for event in done]


@pytest.mark.parametrize("what", ["modules_named", "record_step", "Trace"])
def test_a_profile_that_raises_is_refused_and_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    def fails(*_given: Any, **_named: Any) -> None:
        raise AttributeError("not this one")

    monkeypatch.setattr(profiler if what == "modules_named" else capture, what, fails)
    course = Course(tmp_path, CONFIG, Profile(1, 3, "p1", False))
    assert course.ended.state == "finished"
    assert outcomes(course) == [("refused", "no profile: not this one")]
    assert not list((tmp_path / "profiles").iterdir())


def test_a_run_whose_loss_is_a_plain_function_can_be_profiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = Course(tmp_path, own(tmp_path, monkeypatch, "Looked"), Profile(1, 2, "p1", False))
    assert [outcome for outcome, _text in outcomes(course)] == ["done"]


def test_an_instrument_is_left_out_once_it_has_failed() -> None:
    told: list[str] = []
    instrument = Instrument("the gauge", lambda text, _trace: told.append(text))
    assert instrument.look(lambda: 3, 0) == 3
    assert instrument.look(lambda: 1 // 0, 0) == 0
    assert instrument.look(lambda: 3, 0) == 0
    assert told == [
        "the gauge failed and is left out, the run goes on: ZeroDivisionError: integer division or "
        "modulo by zero"
    ]


def test_numbers_of_any_layout_are_looked_at_for_being_finite() -> None:
    sparse = torch.eye(3).to_sparse()
    assert are_finite([sparse, {"own": 1}, torch.tensor([1, 2])])
    assert not are_finite([sparse / 0])
    assert not are_finite([torch.tensor(complex("nan"))])
