from pathlib import Path

import pytest
import torch

from tests.training.test_loop import Course
from tuitrain.components import DataSpec, Samples
from tuitrain.errors import TrainingError
from tuitrain.training.task import find_task


@pytest.mark.parametrize("task", ["regression", "binary"])
@pytest.mark.parametrize("shape", [(6,), (6, 1)])
def test_a_column_of_targets_means_the_same_as_a_row_of_them(
    task: str, shape: tuple[int, ...]
) -> None:
    scores = torch.tensor([-2.0, -1.0, 0.5, 1.0, 2.0, 3.0])
    targets = torch.tensor([0.0, 1.0, 0.0, 1.0, 1.0, 1.0]).reshape(shape)
    found = find_task(task)
    outputs = found.shape_outputs(scores[:, None], targets)
    assert outputs.shape == targets.shape
    tally = found.accumulator(1, torch.device("cpu"))
    tally.add(outputs, targets)
    whole = tally.metrics()[found.train_metric]
    steps = found.measure_steps([outputs[:4], outputs[4:]], [targets[:4], targets[4:]])
    assert (4 * steps[0] + 2 * steps[1]) / 6 == pytest.approx(whole)
    right = ((scores > 0).float() == targets.flatten()).float().mean()
    error = (scores - targets.flatten()).abs().mean()
    assert whole == pytest.approx(float(right if task == "binary" else error))


def test_a_model_that_gives_too_many_numbers_is_refused_with_both_shapes() -> None:
    task = find_task("regression")
    with pytest.raises(TrainingError, match=r"\(8, 3\) for targets of shape \(8,\)"):
        task.shape_outputs(torch.zeros(8, 3), torch.zeros(8))


MULTI = """
import torch
from tuitrain.components import Samples, Splits, Task

class Multi(Task):
    'Any number of several labels a sample.'
    metrics, train_metric, larger_is_better = ("accuracy",), "accuracy", ("accuracy",)

    def target_range(self, own_loss): return 0, 1
    def measure_steps(self, outputs, targets):
        return [float(((o > 0) == (t > 0.5)).float().mean()) for o, t in zip(outputs, targets)]
    def accumulator(self, outputs, device): return Hits()

class Hits:
    def __init__(self): self.right = self.number = 0
    def add(self, outputs, targets):
        assert outputs.shape == targets.shape == (len(outputs), 3)
        self.right += int(((outputs > 0) == (targets > 0.5)).sum())
        self.number += targets.numel()
    def metrics(self): return {"accuracy": self.right / self.number}
    def counts(self): return None

class Silent(Multi):
    metrics = ("accuracy", "f1")
class Blank(Task): pass
def broken(): return 3

def data_of_tokens(*, kind="tokens"):
    tokens = torch.arange(80)[:, None].repeat(1, 5) % 7
    both = Samples(tokens, (tokens[:, :3] > 3).float())
    return Splits(both, both, kind=kind, vocabulary=7)
def embedding(spec, seen=[]):
    seen.append(spec)
    class Mean(torch.nn.EmbeddingBag):
        def forward(self, inputs): return super().forward(inputs.long())
    return torch.nn.Sequential(Mean(spec.vocabulary, 4), torch.nn.Linear(4, spec.outputs))
def upside_down(inputs, targets, draw, *, share=0.5):
    flipped = draw.chance(share)
    turned = torch.where(flipped[:, None], -inputs, inputs)
    return turned, torch.where(flipped[:, None], 1 - targets, targets)

def data(*, high=1.0):
    x = torch.randn(80, 3, generator=torch.Generator().manual_seed(0))
    y = (x > 0).float() * high
    return Splits(Samples(x[16:], y[16:]), Samples(x[:16], y[:16]))
"""
MULTI_RUN = """
name = "multi"
task = "multi_label:Multi"
data.name = "multi_label:data"
model.name = "linear"
loss.name = "bce_with_logits"
optimizer.lr = 0.1
train.epochs = 3
train.batch_size = 16
checkpoint.monitor = "val/accuracy"
"""


@pytest.fixture
def multi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "multi_label.py").write_text(MULTI)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_a_task_of_ones_own_in_one_file_trains_and_is_evaluated(multi: Path) -> None:
    course = Course(multi, MULTI_RUN)
    assert (course.ended.state, course.ended.step) == ("finished", 12)
    assert course.parts.data.spec.outputs == 3
    measured = course.points("train/accuracy")
    assert len(measured) == 12
    assert measured[-1] > measured[0]
    assert {"val/loss", "val/accuracy"} == set(course.last_evaluation)
    assert course.last_evaluation["val/accuracy"] > 0.8


def test_a_data_set_says_what_its_samples_are_and_the_models_builder_knows_it(multi: Path) -> None:
    tokens = MULTI_RUN.replace(":data", ":data_of_tokens").replace('"linear"', "OWN")
    course = Course(multi, tokens.replace("OWN", '"multi_label:embedding"'))
    spec = course.parts.data.spec
    assert spec == DataSpec((5,), 3, kind="tokens", vocabulary=7, target_shape=(3,))
    assert course.ended.state == "finished"
    assert Course(multi, MULTI_RUN).parts.data.spec == DataSpec(
        (3,), 3, kind="table", target_shape=(3,)
    )
    assert DataSpec((1, 8, 8), 10).kind == "other"


@pytest.mark.parametrize("mode", ["tensor", "loader"])
def test_an_augmentation_may_change_the_targets_too(multi: Path, mode: str) -> None:
    augment = 'data.augment = [{ name = "multi_label:upside_down", share = 1.0 }]'
    course = Course(multi, f'{MULTI_RUN}\n{augment}\ndata.mode = "{mode}"\ndata.workers = 0')
    samples = course.parts.data.train
    assert isinstance(samples, Samples)
    # The points are turned round with their labels, so the same line parts them still.
    assert course.last_evaluation["val/accuracy"] > 0.8
    [batch] = course.parts.batches(0).step(0)
    assert batch.targets.mean() != samples.targets[:16].mean()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Multi", "Blank", "task = multi_label:Blank does not say which train_metric"),
        ("Multi", "broken", "task = multi_label:broken returned int, not a tuitrain.components."),
        ("Multi", "Nothing", "the module 'multi_label' has no 'Nothing', needed as task"),
        ("Multi", "Silent", "task = multi_label:Silent: evaluations give no f1, which its metrics"),
        ("val/accuracy", "val/f1", "checkpoint.monitor = val/f1: a multi_label:Multi run gives "
                                   "val/loss, val/accuracy, train/loss, train/accuracy"),
        (":data", ":data_of_tokens\"\ndata.kind = \"token",
         "Splits.kind is 'token', allowed: image, table, tokens, series, other"),
        ("epochs = 3", "epochs = 3\ndata.high = 2.0", "a multi_label:Multi task's are from 0 to 1"),
    ],
)  # fmt: skip
def test_what_a_task_of_ones_own_lacks_is_told(multi: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        Course(multi, MULTI_RUN.replace(old, new))
