"""Tokens, and tasks that have a target for each position, for each pixel, or for a whole image."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from sklearn.metrics import jaccard_score, r2_score
from torch import Tensor, nn

from tests.training.test_loop import Course
from tuitrain.components import DataSpec, LossContext, Samples, Splits, Task, registry
from tuitrain.components.losses.weights import class_weights
from tuitrain.components.metric import MetricContext
from tuitrain.components.task import IGNORED
from tuitrain.config.load import parse_preset
from tuitrain.errors import PresetError, TrainingError
from tuitrain.training.build import build_components
from tuitrain.training.data.evaluation import evaluation_batches
from tuitrain.training.data.samples import first_samples
from tuitrain.training.metrics.evaluation import Evaluator
from tuitrain.training.metrics.recorder import StepRecorder
from tuitrain.training.task import find_task

OWN = """
import torch
from torch import nn
from tuitrain.components import Samples, Splits

class Rows:
    def __init__(self, samples): self.samples = samples
    def __len__(self): return len(self.samples)
    def __getitem__(self, i): return self.samples.inputs[i], self.samples.targets[i]

def text(*, held="uint8", streamed=False, vocabulary=9):
    tokens = (torch.arange(60 * 6).reshape(60, 6) * 5 % 9).to(getattr(torch, held))
    both = Samples(tokens, (tokens.long() * 2 % 9).to(torch.uint8))
    both = Rows(both) if streamed else both
    return Splits(both, both, kind="tokens", vocabulary=vocabulary)

def masks(*, shape=(4, 5), ragged=False):
    images = torch.rand(40, 1, 4, 5, generator=torch.Generator().manual_seed(0))
    targets = (images[:, 0] > 0.5).reshape(40, *shape)
    if ragged:
        targets = targets.to(torch.int16)
        targets[::3, 1:] = -100
    both = Samples(images, targets)
    return Splits(both, both, classes=("dark", "light"))

class Table(nn.Module):
    def __init__(self, spec):
        super().__init__()
        self.seen = []
        self.table = nn.Embedding(spec.vocabulary, spec.outputs)
    def forward(self, inputs):
        if not inputs.is_meta: self.seen.append(inputs.dtype)
        return self.table(inputs)
def pixels(spec): return nn.Conv2d(1, spec.outputs, 1)
def same(spec): return nn.Conv2d(1, 1, 1)
"""
TEXT = """
name = "text"
task = "language_modelling"
data.name = "dense_own:text"
model.name = "dense_own:Table"
loss.name = "cross_entropy"
optimizer.lr = 0.3
train.epochs = 4
train.batch_size = 16
"""
MASKS = """
name = "masks"
task = "segmentation"
data.name = "dense_own:masks"
model.name = "dense_own:pixels"
loss.name = "cross_entropy"
optimizer.lr = 0.5
train.epochs = 12
train.batch_size = 8
"""
SAME = """
name = "same"
task = "reconstruction"
data.name = "digits"
model.name = "dense_own:same"
loss.name = "mse"
optimizer.lr = 0.1
train.epochs = 2
train.batch_size = 256
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "dense_own.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def parts_of(folder: Path, config: str) -> Any:
    return build_components(parse_preset(config, "config.toml"), folder, lambda _text: None)


@pytest.mark.parametrize("held", ["uint8", "int16", "int64"])
@pytest.mark.parametrize(
    "way",
    ['data.mode = "tensor"', 'data.mode = "loader"\ndata.workers = 0', "data.streamed = true"],
)
def test_tokens_come_to_the_model_as_int64_on_every_way(own: Path, held: str, way: str) -> None:
    more = "data.workers = 0" if "streamed" in way else ""
    parts = parts_of(own, f'{TEXT}data.held = "{held}"\n{way}\n{more}')
    [batch] = parts.batches(0).step(0)
    evaluated = next(
        iter(
            evaluation_batches(
                parts.data.validation,
                parts.data.preparation,
                batch_size=8,
                workers=0,
                device=parts.device,
            )
        )
    )
    for inputs, targets in ((batch.inputs, batch.targets), evaluated, first_samples(
        parts.data, parts.device, 3
    )):  # fmt: skip
        assert (inputs.dtype, targets.dtype) == (torch.int64, torch.int64)
        assert torch.equal(targets, inputs * 2 % 9)
    if isinstance(parts.data.train, Samples):
        assert parts.data.train.inputs.dtype == getattr(torch, held)
        assert parts.data.train.targets.dtype == torch.uint8


def test_a_language_model_trains_and_only_ever_sees_int64(own: Path) -> None:
    course = Course(own, TEXT)
    assert course.ended.state == "finished"
    assert set(course.parts.model.seen) == {torch.int64}
    spec = course.parts.data.spec
    assert spec == DataSpec((6,), 9, kind="tokens", vocabulary=9, target_shape=(6,))
    assert course.last_evaluation["val/accuracy"] == 1.0
    assert course.points("train/accuracy")[-1] == 1.0
    nats = course.last_evaluation["val/loss"]
    assert course.last_evaluation["val/perplexity"] == pytest.approx(2.718281828**nats, rel=1e-5)


def test_a_class_a_pixel_trains_and_its_counts_are_pixels(own: Path) -> None:
    course = Course(own, MASKS)
    assert course.last_evaluation["val/mean_iou"] > 0.9
    counts = [event.counts for event in course.events if hasattr(event, "counts")][-1]
    assert counts.classes == ("dark", "light")
    assert sum(counts.support) == 40 * 4 * 5


def test_a_classifications_images_are_their_own_targets_in_a_reconstruction(own: Path) -> None:
    course = Course(own, SAME)
    inputs, targets = first_samples(course.parts.data, course.parts.device, 4)
    assert targets is inputs
    assert course.parts.data.spec.target_shape == (1, 8, 8)
    assert course.parts.data.spec.outputs == 64
    assert course.points("train/mse") == pytest.approx(course.points("train/loss"))


def pair(task: str) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(5)
    if task == "reconstruction":
        targets = 1000 + torch.rand(12, 2, 3, 3, generator=generator)
        return targets + 0.1 * torch.randn(12, 2, 3, 3, generator=generator), targets
    shape = (12, 7) if task == "language_modelling" else (12, 5, 6)
    targets = torch.randint(0, 4, shape, generator=generator)
    targets[torch.rand(shape, generator=generator) < 0.2] = IGNORED
    targets[8:] = IGNORED
    return torch.randn(12, 5, *shape[1:], generator=generator), targets


def naive(task: str, outputs: Tensor, targets: Tensor) -> dict[str, float]:
    if task == "reconstruction":
        true, made = targets.flatten(1).double(), outputs.flatten(1).double()
        explained = r2_score(true, made, multioutput="variance_weighted")
        return {"mse": float((true - made).square().mean()), "variance_explained": explained}
    kept = targets != IGNORED
    chosen, true = outputs.argmax(1)[kept], targets[kept]
    found = {"accuracy": float((chosen == true).double().mean())}
    if task == "segmentation":
        labels = sorted({*true.tolist(), *chosen.tolist()})
        return found | {"mean_iou": jaccard_score(true, chosen, labels=labels, average="macro")}
    nats = float(nn.CrossEntropyLoss()(outputs, targets))
    return found | {"perplexity": 2.718281828459**nats, "bits_per_token": nats / 0.69314718056}


@pytest.mark.parametrize("task", ["language_modelling", "segmentation", "reconstruction"])
def test_metrics_are_those_of_all_that_counts_however_it_is_batched(task: str) -> None:
    outputs, targets = pair(task)
    found: Task = find_task(task)
    tally = found.accumulator(18 if task == "reconstruction" else 5, torch.device("cpu"))
    for first in range(0, 12, 5):
        tally.add(outputs[first : first + 5], targets[first : first + 5])
    assert tally.metrics() == pytest.approx(naive(task, outputs, targets), rel=1e-5)


@pytest.mark.parametrize("task", ["language_modelling", "segmentation", "reconstruction"])
def test_a_steps_metric_needs_none_of_its_outputs_until_the_flush(task: str) -> None:
    outputs, targets = pair(task)
    recorder = StepRecorder(find_task(task))
    for size in (3, 5):
        recorder.add_batch(outputs[:size], targets[:size], size)
        recorder.add_step(0.0, 0.1, 1)
    assert recorder.kept_bytes <= 16
    wanted = [
        naive(task, outputs[:size], targets[:size])[find_task(task).train_metric]
        for size in (3, 5)
    ]  # fmt: skip
    assert recorder.flush(1).measured == pytest.approx(wanted, rel=1e-5)


def test_the_loss_of_an_evaluation_is_the_mean_over_what_counts_not_over_batches(
    own: Path,
) -> None:
    parts = parts_of(own, TEXT)
    held = parts.data.validation
    targets = held.targets.long()
    targets[:10, 1:] = IGNORED
    targets[20:24] = IGNORED
    parts.data = replace(parts.data, validation=Samples(held.inputs, targets))
    whole = Evaluator(parts).run(60).metrics
    pieces = Evaluator(parts).run(4).metrics
    assert pieces == pytest.approx(whole, rel=1e-5)


class TermsOfLoss(nn.Module):
    def forward(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        loss = nn.functional.cross_entropy(outputs, targets)
        return {"once": loss, "more": loss * 2}


def test_the_terms_of_an_evaluations_loss_add_up_to_it(own: Path) -> None:
    parts = parts_of(own, f"{MASKS}data.ragged = true")
    parts.loss = TermsOfLoss()
    found = Evaluator(parts).run(7).metrics
    assert found["val/loss_once"] + found["val/loss_more"] == pytest.approx(found["val/loss"])
    assert found == pytest.approx(Evaluator(parts).run(40).metrics)


def test_a_step_in_several_batches_is_that_of_one_whatever_counts_in_each(own: Path) -> None:
    config = f"{MASKS}data.ragged = true\ntrain.max_steps = 3\ntrain.threads = 1\n"
    whole = Course(own, config.replace("batch_size = 8", "batch_size = 12"))
    small = config.replace("batch_size = 8", "batch_size = 4\ntrain.accumulate = 3")
    parts = Course(own / "more", small)
    assert parts.points("train/loss") == pytest.approx(whole.points("train/loss"), rel=1e-5)
    assert len(parts.points("train/loss")) == 3


def test_balanced_weights_count_the_pixels_that_count_in_however_few_bits() -> None:
    targets = torch.tensor([[0, 0, 156], [1, 0, 1]], dtype=torch.uint8)
    spec = DataSpec((1, 2, 3), 157, target_shape=(2, 3))
    with pytest.raises(TrainingError, match="no sample of class 2"):
        class_weights(LossContext(spec, "segmentation", 157, lambda: targets), "balanced", "w")
    few = torch.tensor([[0, 0, -100], [1, 0, 1]], dtype=torch.int8)
    weights = class_weights(LossContext(spec, "segmentation", 2, lambda: few), "balanced", "w")
    assert weights is not None
    assert weights.tolist() == pytest.approx([5 / 6, 5 / 4])
    every = torch.arange(157, dtype=torch.uint8)
    weights = class_weights(LossContext(spec, "segmentation", 157, lambda: every), "balanced", "w")
    assert weights is not None
    assert weights.tolist() == pytest.approx([1.0] * 157)


@pytest.mark.parametrize("task", ["language_modelling", "segmentation"])
@pytest.mark.parametrize(
    "name",
    ["f1_macro", "precision_macro", "recall_macro", "balanced_accuracy", "iou_mean", "top_k"],
)
def test_metrics_of_classes_take_each_place_that_counts_as_a_sample(task: str, name: str) -> None:
    outputs, targets = pair(task)
    options = {"k": 2} if name == "top_k" else {}
    context = MetricContext(find_task(task), 5, torch.device("cpu"))
    places = registry.metric.find(name)(context, **options)
    places.add(outputs, targets)
    kept = targets.flatten() != IGNORED
    rows = outputs.movedim(1, -1).reshape(-1, 5)[kept]
    single = MetricContext(find_task("classification"), 5, torch.device("cpu"))
    flat = registry.metric.find(name)(single, **options)
    flat.add(rows, targets.flatten()[kept])
    assert places.value() == pytest.approx(flat.value())


@pytest.mark.parametrize("task", ["language_modelling", "segmentation", "reconstruction"])
@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_mixing_is_refused_where_targets_are_many(task: str, name: str) -> None:
    given = {"language_modelling": TEXT, "segmentation": MASKS, "reconstruction": SAME}[task]
    with pytest.raises(PresetError, match=f'found "{name}", which needs targets that are mixable'):
        parse_preset(f'hooks = [{{ name = "{name}" }}]\n{given}', "config.toml")


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (f'{TEXT}data.held = "float32"', "inputs of torch.float32: where Splits.kind is tokens"),
        (f"{TEXT}data.vocabulary = 5", r"has the token 8, Splits.vocabulary says 5: 0 to 4 \(samp"),
        (f"{MASKS}data.shape = [20]", r"shape \(20,\) for each sample, a segmentation target"),
        (MASKS.replace("dense_own:pixels", "linear"),
         r"gives outputs of shape \(8, 2\) for 8 samples of 2 classes, it must give \(8, 2, 4"),
        (SAME.replace("dense_own:same", "cnn"), None),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told(own: Path, config: str, said: str | None) -> None:
    if said is None:
        assert Course(own, config).ended.state == "finished"
        return
    with pytest.raises(TrainingError, match=said):
        Course(own, config)


@pytest.mark.parametrize("classes_last", [True, False])
@pytest.mark.parametrize("deterministic", [True, False])
def test_cross_entropy_of_places_is_torchs_however_they_lie(
    classes_last: bool, deterministic: bool
) -> None:
    outputs, targets = pair("segmentation")
    if classes_last:
        outputs = outputs.contiguous(memory_format=torch.channels_last)
    context = LossContext(DataSpec((1,), 5), "segmentation", 5, lambda: targets)
    torch.use_deterministic_algorithms(deterministic)
    try:
        found = registry.loss.find("cross_entropy")(context)(outputs, targets)
    finally:
        torch.use_deterministic_algorithms(False)
    assert float(found) == pytest.approx(float(nn.CrossEntropyLoss()(outputs, targets)))


def test_a_text_without_a_vocabulary_is_refused() -> None:
    from tuitrain.training.data.checks import check_splits

    both = Samples(torch.zeros(4, 3, dtype=torch.int64), torch.zeros(4, 3, dtype=torch.int64))
    with pytest.raises(TrainingError, match="vocabulary is missing, a language_modelling"):
        check_splits("own", find_task("language_modelling"), Splits(both, both, kind="tokens"))
