"""Metrics that a preset adds to those of its task."""

import math
from pathlib import Path

import pytest
import torch
from sklearn import metrics as sklearn
from torch import Tensor, nn

from tests.training.test_hooks import DIGITS
from tests.training.test_loop import LINE, Course
from tuitrain.components import MetricContext, registry
from tuitrain.config.catalogue import read_catalogue
from tuitrain.config.load import parse_preset, to_toml
from tuitrain.errors import PresetError, TrainingError
from tuitrain.training.checkpoints.files import load_checkpoint
from tuitrain.training.task import find_task

CPU = torch.device("cpu")
MACRO = {"average": "macro", "zero_division": 0}


def value_of(name: str, task: str, outputs: Tensor, targets: Tensor, **options: int) -> float:
    classes = outputs.shape[1] if outputs.ndim > targets.ndim else 1
    build = registry.metric.find(name)
    found = build(MetricContext(find_task(task), classes, CPU), **options)
    for batch in (slice(0, 7), slice(7, None)):
        found.add(outputs[batch], targets[batch])
    return float(found.value())


@pytest.mark.parametrize("task", ["classification", "binary"])
def test_metrics_of_classes_are_scikit_learns(task: str) -> None:
    generator = torch.Generator().manual_seed(3)
    if task == "binary":
        outputs = torch.randn(60, generator=generator)
        targets = torch.randint(0, 2, (60,), generator=generator).float()
        predicted, true = (outputs > 0).long(), targets.long()
    else:
        outputs = torch.randn(60, 9, generator=generator)
        # Class 7 is only predicted, and class 8 is neither there nor predicted.
        outputs[:, 8] = -9
        targets = torch.randint(0, 7, (60,), generator=generator)
        predicted, true = outputs.argmax(1), targets
    wanted = {
        "f1_macro": sklearn.f1_score(true, predicted, **MACRO),
        "precision_macro": sklearn.precision_score(true, predicted, **MACRO),
        "recall_macro": sklearn.recall_score(true, predicted, **MACRO),
        "iou_mean": sklearn.jaccard_score(true, predicted, **MACRO),
    }
    for name, value in wanted.items():
        assert value_of(name, task, outputs, targets) == pytest.approx(value), name
    recalls = sklearn.recall_score(true, predicted, average=None, labels=true.unique())
    found = value_of("balanced_accuracy", task, outputs, targets)
    assert found == pytest.approx(recalls.mean())
    if task == "classification":
        labels = list(range(9))
        for k in (1, 3):
            top = sklearn.top_k_accuracy_score(true, outputs, k=k, labels=labels)
            assert value_of("top_k", task, outputs, targets, k=k) == pytest.approx(top)
        five = value_of("top_k", task, outputs, targets, k=5)
        assert value_of("top5", task, outputs, targets) == five


@pytest.mark.parametrize("name", ["top5", "f1_macro", "iou_mean", "perplexity"])
def test_pixels_and_tokens_that_count_nowhere_are_left_out(name: str) -> None:
    generator = torch.Generator().manual_seed(4)
    scores = torch.randn(20, 6, 3, 5, generator=generator)
    targets = torch.randint(0, 6, (20, 3, 5), generator=generator)
    targets[::2, 1] = -100
    targets[1::2, 2] = 255
    kept = (targets >= 0) & (targets < 6)
    flat = scores.movedim(1, -1)[kept]
    wanted = value_of(name, "classification", flat, targets[kept])
    assert value_of(name, "classification", scores, targets) == pytest.approx(wanted)
    if name == "perplexity":
        loss = nn.functional.cross_entropy(flat, targets[kept])
        assert wanted == pytest.approx(math.exp(loss), rel=1e-5)


def test_metrics_of_numbers_are_those_of_the_regression() -> None:
    outputs, targets = torch.randn(30, 2), torch.randn(30, 2)
    build = {name: registry.metric.find(name) for name in ("mae", "rmse", "r2")}
    tally = find_task("regression").accumulator(2, CPU)
    tally.add(outputs, targets)
    for name, make in build.items():
        found = make(MetricContext(find_task("regression"), 2, CPU))
        found.add(outputs, targets)
        assert found.value() == pytest.approx(tally.metrics()[name])


@pytest.mark.parametrize("name", [info.name for info in read_catalogue().of_kind("metric")])
def test_a_metric_says_in_its_source_what_it_says_itself_and_is_nan_of_nothing(name: str) -> None:
    info = read_catalogue().find("metric", name)
    assert info is not None
    task = "regression" if info.targets == ("numbers",) else "classification"
    made = registry.metric.find(name)(MetricContext(find_task(task), 9, CPU))
    assert made.larger_is_better is info.larger_is_better
    if info.targets != ("numbers",):
        assert math.isnan(made.value())


OWN = """
import torch
from tuitrain.components import Metric

class ShareOf(Metric):
    larger_is_better = True
    def __init__(self, run, *, number=0):
        self.number, self.sums = number, torch.zeros(2, device=run.device)
        assert len(run.classes) == run.outputs == 10
    def add(self, outputs, targets):
        hit = outputs.argmax(1) == self.number
        self.sums += torch.stack([hit.sum(), torch.ones_like(hit).sum()])
    def value(self): return self.sums[0] / self.sums[1]
class Fails(ShareOf):
    def add(self, outputs, targets): raise KeyError("none")
class Text(ShareOf):
    def value(self): return "much"
class Lacks:
    def add(self, outputs, targets): pass
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "metric_code.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.usefixtures("own")
def test_added_metrics_are_evaluated_and_decide_which_checkpoint_is_best(tmp_path: Path) -> None:
    metrics = """
metrics = [
    "f1_macro", { name = "top_k", k = 3 }, { name = "top_k", k = 2, label = "top2" },
    { name = "metric_code:ShareOf", number = 4 }, "metric_code:ShareOf",
]
hooks = [{ name = "ema" }]
""".replace('"metric_code:ShareOf",\n', '{ name = "metric_code:ShareOf", label = "zeros" },\n')
    course = Course(tmp_path, f'{metrics}{DIGITS}monitor = "val/f1_macro"')
    last = course.last_evaluation
    names = {"f1_macro", "top_k", "top2", "share_of", "zeros"}
    assert {f"val/{name}" for name in names} <= last.keys()
    assert {f"ema/{name}" for name in names} <= last.keys()
    assert last["val/accuracy"] <= last["val/top2"] <= last["val/top_k"] <= 1
    assert course.parts.preset.checkpoint.mode == "max"
    state = load_checkpoint(tmp_path / "checkpoints" / "best.pt")
    assert state["best"]["value"] == state["metrics"]["val/f1_macro"]


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    ("metrics", "more", "said"),
    [
        ('["metric_code:Fails"]', "", "metrics: one of fails can't count outputs of shape (300, "),
        ('["metric_code:Text"]', "", "metrics: the value of text is a str, it must be one number"),
        ('["metric_code:Lacks"]', "", "returned Lacks, which has no value and no larger_is_better"),
        ('["metric_code:Gone"]', "", "has no 'Gone', needed as metric"),
        (
            '["metric_code:ShareOf"]',
            'monitor = "val/share_of"',
            "checkpoint.mode = min, but metric_code:ShareOf says that larger is better: set "
            "checkpoint.mode = max",
        ),
        ('[{ name = "top_k", k = 10 }]', "", "the top 10 of 10 classes are always right"),
        ("[]", 'monitor = "val/aux/kl"', "checkpoint.monitor = val/aux/kl: evaluations give val/l"),
    ],
)
def test_a_metric_that_can_not_be_measured_is_told_before_the_first_epoch_ends(
    tmp_path: Path, metrics: str, more: str, said: str
) -> None:
    with pytest.raises(TrainingError) as caught:
        Course(tmp_path, f"metrics = {metrics}{DIGITS}{more}")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        ('["top_5"]', 'metrics[0].name: found "top_5", which is no metric; did you mean top5'),
        ("[3]", "metrics[0]: found 3, must be a name or a table with a name"),
        ('"top5"', 'metrics: found "top5", must be a list of names, or of tables with a name'),
        ('["f1_macro", { name = "top_k", k = 0 }]', "metrics[1].k: found 0, must be a whole"),
        ('[{ name = "top_k", size = 1 }]', "metrics[0].size: unknown key with metric top_k"),
        (
            '["mae"]',
            'metrics[0].name: found "mae", which needs targets that are numbers, those of task = '
            '"classification" are classes, mixable',
        ),
        ('["top5", "top5"]', "metrics[1].label: val/top5 is what metrics[0] gives already"),
        ('[{ name = "top5", label = "loss" }]', "metrics[0].label: val/loss is what the task"),
        ('[{ name = "top5", label = "Top 5" }]', 'metrics[0].label: found "Top 5", must be'),
    ],
)
def test_a_metric_that_does_not_fit_is_refused_at_the_door(metrics: str, said: str) -> None:
    with pytest.raises(PresetError) as caught:
        parse_preset(f"metrics = {metrics}{DIGITS}", "x.toml")
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("monitor", "metrics", "mode"),
    [
        ("val/top5", '["top5"]', "max"),
        ("val/perplexity", '["perplexity"]', "min"),
        ("val/best", '[{ name = "f1_macro", label = "best" }]', "max"),
        ("val/aux/kl", "[]", "min"),
        ("val/aux/encoder/accuracy", "[]", "max"),
        ("val/top5", "[]", None),
        ("val/loss_kl", "[]", None),
    ],
)
def test_an_added_metric_can_be_watched_the_right_way_round(
    monitor: str, metrics: str, mode: str | None
) -> None:
    text = f'metrics = {metrics}{DIGITS}monitor = "{monitor}"\n[stop]\nmonitor = "{monitor}"'
    if mode is None:
        with pytest.raises(PresetError, match="which is no metric of a classification run"):
            parse_preset(text, "x.toml")
        return
    preset = parse_preset(text, "x.toml")
    assert (preset.checkpoint.mode, preset.stop.mode) == (mode, mode)
    assert parse_preset(to_toml(preset), "config.toml") == preset


def test_terms_of_a_loss_of_ones_own_can_be_watched() -> None:
    text = LINE.replace('name = "mse"', 'name = "own:loss"')
    preset = parse_preset(text, "x.toml", ["checkpoint.monitor=val/loss_kl"])
    assert (preset.checkpoint.monitor, preset.checkpoint.mode) == ("val/loss_kl", "min")
