"""Values and terms that a model or a loss tells: as curves of their own, in training and after."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.test_loop import LINE, Course
from tuitrain.components import log
from tuitrain.components.logged import sending_to
from tuitrain.errors import TrainingError
from tuitrain.messages import StepsTaken
from tuitrain.training.metrics.named import NamedValues, outside_graphs

OWN = """
import torch
from torch import nn
from tuitrain.components import log

class Line(nn.Linear):
    name = "mean"
    def __init__(self, spec):
        super().__init__(1, 1)
        self.calls = 0
    def forward(self, inputs):
        self.calls += 1
        if self.name:
            log(self.name, inputs.mean())
            if self.training and self.calls % 2:
                log("seldom", self.calls)
            log("size", float(len(inputs)))
            log("size", float(len(inputs)) + 2)
        return super().forward(inputs)

class Quiet(Line): name = ""
class Bad(Line): name = "K L!"

def in_terms(outputs, targets):
    error = (outputs - targets).square().mean()
    return {"error": error, "size": 0.25 * outputs.abs().mean()}
def in_one(outputs, targets):
    parts = in_terms(outputs, targets)
    return parts["error"] + parts["size"]
def terms(): return in_terms
def mse(): return in_one
def empty(): return lambda outputs, targets: {}
def named(): return lambda outputs, targets: {"Re construction": outputs.mean()}
def many(): return lambda outputs, targets: {"a": outputs.mean(), "b": outputs}
def number(): return lambda outputs, targets: {"a": 1.0}
def constant(): return lambda outputs, targets: {"a": torch.zeros(())}
"""


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "told_code.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path))


def config(loss: str = "mse", model: str = "told_code:Line") -> str:
    text = LINE.replace('name = "mse"', f'name = "{loss}"').replace("hidden = [8]", "")
    return text.replace('name = "mlp"', f'name = "{model}"') + "threads = 1\n"


def metric_points(course: Course, name: str) -> dict[int, float]:
    found: dict[int, float] = {}
    for event in course.events:
        for points in event.points if isinstance(event, StepsTaken) else ():
            if points.name == name:
                steps = points.steps or range(
                    points.first_step, points.first_step + len(points.values)
                )
                found |= dict(zip(steps, points.values, strict=True))
    return found


def test_what_a_model_logs_is_a_curve_and_a_mean_over_the_validation_set(tmp_path: Path) -> None:
    course = Course(tmp_path, config() + "batch_size = 12\naccumulate = 3")
    parts = course.parts
    means = metric_points(course, "aux/mean")
    assert sorted(means) == list(range(1, course.ended.step + 1))
    # Steps of 36, 36 and 28 samples: the last in batches of 12, 12 and 4.
    plan, batches = parts.data.plan, parts.batches(0)
    for step in range(plan.steps_per_epoch):
        inputs = torch.cat([batch.inputs for batch in batches.step(step)])
        assert means[step + 1] == pytest.approx(inputs.mean().item(), abs=1e-6)
    sizes = metric_points(course, "aux/size")
    assert sizes[1] == 13.0
    assert sizes[3] == pytest.approx((13 * 12 + 13 * 12 + 5 * 4) / 28)
    validation = parts.data.preparation.evaluate(parts.data.validation.inputs)
    last = course.last_evaluation
    assert last["val/aux/mean"] == pytest.approx(validation.mean().item(), abs=1e-6)
    assert last["val/aux/size"] == len(validation) + 1
    assert "val/aux/seldom" not in last


def test_a_step_that_logs_nothing_has_no_point(tmp_path: Path) -> None:
    course = Course(tmp_path, config() + "batch_size = 25")
    seldom = metric_points(course, "aux/seldom")
    assert 0 < len(seldom) < course.ended.step
    quiet = Course(tmp_path / "quiet", config(model="told_code:Quiet"))
    assert not [name for name in quiet.last_evaluation if "aux" in name]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_terms_of_a_loss_are_curves_and_their_sum_is_minimised(
    tmp_path: Path, precision: str
) -> None:
    more = f'batch_size = 12\naccumulate = 3\nprecision = "{precision}"'
    terms = Course(tmp_path / "terms", config("told_code:terms") + more)
    whole = Course(tmp_path / "whole", config("told_code:mse") + more)
    for one, other in zip(
        terms.parts.model.parameters(), whole.parts.model.parameters(), strict=True
    ):
        assert torch.equal(one, other)
    assert terms.points("train/loss") == whole.points("train/loss")
    error, size = metric_points(terms, "train/loss_error"), metric_points(terms, "train/loss_size")
    sums = [error[step] + size[step] for step in error]
    assert sums == pytest.approx(
        terms.points("train/loss"), rel=1e-2 if precision == "bf16" else 1e-5
    )
    last = terms.last_evaluation
    total = last["val/loss_error"] + last["val/loss_size"]
    assert total == pytest.approx(last["val/loss"], rel=1e-2 if precision == "bf16" else 1e-5)
    assert whole.last_evaluation["val/loss"] == last["val/loss"]


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        ("empty", "loss.name = told_code:empty returned an empty dict"),
        ("named", "returned a term called 'Re construction', its name must be lower-case"),
        ("many", "returned a tensor of shape (100,) as 'b', each term must be a tensor of one"),
        ("number", "returned a float as 'a', each term must be a tensor of one number"),
        ("constant", "returned a number that does not depend on the outputs"),
    ],
)
def test_terms_that_can_not_be_summed_or_shown_are_told(
    tmp_path: Path, loss: str, said: str
) -> None:
    with pytest.raises(TrainingError) as caught:
        Course(tmp_path, config(f"told_code:{loss}") + "batch_size = 100")
    assert said in str(caught.value)


def test_a_bad_name_ends_the_run_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"log: the name 'K L!' can't be shown, it must be"):
        Course(tmp_path, config(model="told_code:Bad"))


@pytest.mark.parametrize(
    "value", ["text", None, torch.zeros(2), torch.zeros((), dtype=torch.cfloat)]
)
def test_only_one_number_can_be_logged(value: Any) -> None:
    with pytest.raises(TrainingError, match=r"^aux/kl was told .*, it must be one number$"):
        NamedValues().log("kl", value, 0, 0)


def test_names_that_grow_without_end_are_refused() -> None:
    values = NamedValues()
    with pytest.raises(TrainingError, match="'at_500' would be the 501th name"):
        for number in range(501):
            values.log(f"at_{number}", 1.0, 0, 0)


def test_outside_of_training_nobody_listens_and_a_value_is_kept_as_it_was() -> None:
    log("No name at all", "no number")  # type: ignore[arg-type]
    values, scale = NamedValues(), torch.ones(1)
    with sending_to(lambda name, value: values.log(name, value, 0, 0)):
        log("scale", scale)
        scale.fill_(5)
        log("nan", math.nan)
    log("scale", scale)
    found = values.read([1], [1], 7)
    assert found["aux/scale"] == ([7], [1.0])
    assert math.isnan(found["aux/nan"][1][0])


@pytest.mark.filterwarnings("ignore:The .grad attribute")  # torch hides it, in its own way
def test_a_compiled_model_logs_too() -> None:
    class Net(torch.nn.Linear):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            outputs = super().forward(inputs)
            log("mean", outputs.mean())
            return outputs * 2

    net, values = Net(1, 1), NamedValues()
    compiled = torch.compile(net, backend="eager")
    sink = outside_graphs(lambda name, value: values.log(name, value, 0, 0))
    inputs = torch.ones(3, 1)
    with sending_to(sink):
        outputs = compiled(inputs)
        compiled(inputs)
    assert torch.equal(outputs, torch.nn.Linear.forward(net, inputs) * 2)
    assert values.read([1], [3], 1)["aux/mean"][1] == [outputs.mean().item() / 2]
