"""A frozen body's features are computed once; training, checkpoints and metrics stay the same."""

import queue
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.training.test_hooks import told_points
from tuitrain.components import DataContext, DataSpec, Samples, Splits
from tuitrain.config.load import parse_preset
from tuitrain.messages import EstimateCost, Evaluated, WorkCounted
from tuitrain.training.build import build_components
from tuitrain.training.channel import WorkerChannel
from tuitrain.training.checkpoints.files import CheckpointFolder, load_checkpoint
from tuitrain.training.checkpoints.writer import CheckpointWriter
from tuitrain.training.estimate import estimate_cost
from tuitrain.training.loop import Trainer
from tuitrain.training.modules.frozen_body import keep_features
from tuitrain.training.profiling.flops import count_work
from tuitrain.training.runtime.randomness import seed_everything
from tuitrain.training.settings.live import PendingChanges

NET = """
name = "net"
task = "classification"
{hooks}
[data]
name = "tests.training.test_frozen_body:images"
{data}
[model]
{model}
[optimizer]
lr = 0.05
[train]
epochs = 3
batch_size = 16
threads = 1
device = "cpu"
[checkpoint]
every_steps = 4
keep = 9
"""
SHUFFLENET = 'name = "torchvision.shufflenet_v2_x0_5"\nsize = 32\nfreeze = "body"'


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small products on several threads wait for each other on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def images(context: DataContext) -> Splits:
    """Return 8x8 images of 3 classes that differ in brightness."""
    del context
    random = torch.Generator().manual_seed(0)
    labels = torch.arange(72) % 3
    pixels = torch.randint(0, 60, (72, 3, 8, 8), generator=random) + labels.view(-1, 1, 1, 1) * 60
    whole = Samples(pixels.to(torch.uint8), labels)
    parts = [Samples(whole.inputs[at], whole.targets[at]) for at in (slice(48), slice(48, 72))]
    return Splits(*parts, classes=("a", "b", "c"), kind="image")


def config(model: str = SHUFFLENET, hooks: str = "", data: str = "") -> str:
    return NET.format(model=model, hooks=hooks, data=data)


class Run:
    """One run in this process, from its first step or from a checkpoint on."""

    def __init__(self, folder: Path, text: str, first: Path | None = None) -> None:
        preset = parse_preset(text, "config.toml")
        seed_everything(preset.train.seed if first is None else 1234)
        folder.mkdir(exist_ok=True)
        self.parts = build_components(preset, folder, lambda _text: None, folder)
        self.channel = WorkerChannel(queue.Queue(), queue.Queue(), 60.0)  # type: ignore[arg-type]
        self.channel.begin(1)
        checkpoints = CheckpointFolder(folder / "checkpoints")
        checkpoints.prepare()
        writer = CheckpointWriter(checkpoints, folder)
        trainer = Trainer(self.parts, self.channel, writer, text)
        if first is not None:
            trainer.state.load_state_dict(load_checkpoint(first), PendingChanges(()))
        self.reports: list[str] = []
        keep_features(self.parts, self._report)
        self.ended = trainer.run()
        self.last = load_checkpoint(folder / "checkpoints" / "last.pt")

    def _report(self, text: str) -> None:
        # How far it is follows from the clock.
        if not text.endswith("samples"):
            self.reports.append(text)

    @property
    def metrics(self) -> dict[str, float]:
        events = [numbered.event for numbered in self.channel.unacknowledged()]
        return dict([event for event in events if isinstance(event, Evaluated)][-1].metrics)


def losses(run: Run) -> dict[tuple[str, int], float]:
    points = told_points(run.channel, 0)
    return {at: value for at, value in points.items() if at[0] in ("train/loss", "grad_norm")}


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_kept_features_give_the_losses_metrics_and_weights_of_the_whole_model(
    tmp_path: Path, precision: str
) -> None:
    text = config().replace('device = "cpu"', f'device = "cpu"\nprecision = "{precision}"')
    kept = Run(tmp_path / "kept", text)
    plain = Run(
        tmp_path / "plain", text.replace("[optimizer]", "cache_features = false\n[optimizer]")
    )
    assert kept.reports == ["computing the features of the frozen body once"]
    assert plain.reports == []
    assert isinstance(kept.parts.data.train, Samples)
    assert kept.parts.data.train.inputs.shape == (48, 1024)
    assert plain.parts.data.spec.input_shape == (3, 8, 8)
    near: dict[str, Any] = {"rel": 1e-4} if precision == "fp32" else {"rel": 0.05, "abs": 0.02}
    assert losses(kept) == pytest.approx(losses(plain), **near)
    assert kept.metrics == pytest.approx(plain.metrics, **near)
    states = kept.last["model"], plain.last["model"]
    assert states[0].keys() == states[1].keys()
    for name, value in states[0].items():
        if not name.startswith("fc."):
            assert torch.equal(value, states[1][name]), name
    assert not torch.equal(states[0]["fc.weight"], build_model_state(text)["fc.weight"])


def build_model_state(text: str) -> dict[str, torch.Tensor]:
    preset = parse_preset(text, "config.toml")
    seed_everything(preset.train.seed)
    return build_components(preset, Path(), lambda _text: None).model.state_dict()


HOOKS = ('{ name = "ema", decay = 0.9 }', '{ name = "samples", number = 2 }')


@pytest.mark.parametrize("hooks", ["", *HOOKS])
def test_a_run_on_kept_features_goes_on_exactly(tmp_path: Path, hooks: str) -> None:
    text = config(hooks=f"hooks = [{hooks}]")
    whole = Run(tmp_path / "whole", text)
    first = tmp_path / "whole" / "checkpoints" / "step-00000004.pt"
    again = Run(tmp_path / "again", text, first)
    assert whole.reports == again.reports == ["computing the features of the frozen body once"]
    assert (whole.ended.step, again.ended.step) == (9, 9)
    assert again.last["digest"] == whole.last["digest"]
    assert again.last["metrics"] == whole.last["metrics"]
    assert told_points(again.channel, 4) == told_points(whole.channel, 4)


class Dropping(nn.Module):
    """Dropout in its body, and directly before its head."""

    def __init__(self, spec: DataSpec) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Flatten(), nn.Linear(192, 8), nn.Dropout(0.5), nn.BatchNorm1d(8), nn.ReLU()
        )
        self.drop = nn.Dropout(0.25)
        self.head = nn.Linear(8, spec.outputs)
        self.body.requires_grad_(False)
        self.frozen_before = "head"

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.head(self.drop(self.body(inputs)))
        return out


class Pooled(Dropping):
    """Something follows its last layer."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return super().forward(inputs).relu()


class Trained(Dropping):
    """Its body trains too."""

    def __init__(self, spec: DataSpec) -> None:
        super().__init__(spec)
        self.body.requires_grad_(True)


OWN = 'name = "tests.training.test_frozen_body:{}"'


def test_dropout_before_the_head_stays_and_dropout_within_the_body_is_off(tmp_path: Path) -> None:
    run = Run(tmp_path, config(OWN.format("Dropping")))
    words = "computing the features of the frozen body once, dropout within it is off"
    assert run.reports == [words]
    assert int(run.last["model"]["body.3.num_batches_tracked"]) == 0
    assert run.parts.model.training
    features = torch.full((1000, 8), 4.0)
    with torch.no_grad():
        assert len(run.parts.model(features).unique(dim=0)) > 1
        assert len(run.parts.model.eval()(features).unique(dim=0)) == 1


@pytest.mark.parametrize(
    ("model", "hooks", "data", "reason"),
    [
        (SHUFFLENET, "", 'augment = [{ name = "flip" }]', "data.augment makes other samples"),
        (SHUFFLENET, 'hooks = [{ name = "mixup" }]', "", "hooks.mixup may need all of the model"),
        (SHUFFLENET, "", "memory_share = 1e-9", "more than data.memory_share of the free memory"),
        (OWN.format("Pooled"), "", "", "the last layer gives is not yet what the model gives"),
        (OWN.format("Trained"), "", "", "more than the layer head trains"),
    ],
)
def test_where_features_do_not_stay_the_same_the_whole_model_runs_and_the_reason_is_told(
    tmp_path: Path, model: str, hooks: str, data: str, reason: str
) -> None:
    parts = build_components(
        parse_preset(config(model, hooks, data), "x"), tmp_path, lambda _text: None
    )
    reports: list[str] = []
    keep_features(parts, reports.append)
    [told] = reports
    assert told.startswith("the features of the frozen body are computed at each step: ")
    assert reason in told
    assert parts.data.spec.input_shape == (3, 8, 8)
    assert parts.head is None


def test_resizing_is_no_matter_of_chance(tmp_path: Path) -> None:
    run = Run(tmp_path, config(data='augment = [{ name = "resize", size = 12 }]'))
    assert run.reports == ["computing the features of the frozen body once"]
    assert run.parts.data.spec.input_shape == (1024,)


def test_accounts_of_work_and_memory_are_of_what_runs(tmp_path: Path) -> None:
    parts = build_components(parse_preset(config(), "x"), tmp_path, lambda _text: None)
    keep_features(parts, lambda _text: None)
    work = count_work(parts)
    assert isinstance(work, WorkCounted)
    # The products of 1,024 features with 3 classes: forward, and the gradient of the weights.
    assert work.flops_per_sample == 2 * 2 * 1024 * 3
    estimate: Any = estimate_cost(EstimateCost(config(), str(tmp_path))).estimate
    assert estimate.data_bytes == 72 * (1024 * 4 + 8)
    assert estimate.activations_bytes == 16 * 1024 * 4
