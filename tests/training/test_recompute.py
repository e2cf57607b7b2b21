"""Gradient checkpointing: less memory, and every bit of the run as without it."""

import copy
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from torch import Tensor, nn

from tests.training.test_hooks import resumed
from tests.training.test_loop import Course
from tuitrain.components import DataSpec, log
from tuitrain.components.models.unet import unet
from tuitrain.config.load import parse_preset
from tuitrain.errors import PresetError, TrainingError
from tuitrain.messages import MemoryAccounted, StepsTaken
from tuitrain.tracing.recording import modules_named
from tuitrain.training.build import build_components
from tuitrain.training.checkpoints.files import load_checkpoint
from tuitrain.training.memory.footprint import estimate_footprint, recomputed_bytes
from tuitrain.training.modules.recompute import recompute_blocks, recomputed
from tuitrain.training.profiling.flops import count_work

HERE = "tests.training.test_recompute"
DIGITS = """
name = "digits"
task = "classification"
data = { name = "digits" }
model = MODEL
loss = { name = "cross_entropy" }
optimizer = { name = "adamw" }
[checkpoint]
every_steps = 2
keep = 9
[train]
epochs = 2
batch_size = 300
accumulate = 2
threads = 1
"""
HOOKS = """
hooks = [{ name = "ema" }, { name = "gradient_statistics", every_steps = 1, dead_units = true }]
"""
ON = "gradient_checkpointing = true\n"


class Odd(nn.Module):
    """A block that draws, logs, and moves buffers in every way that blocks do."""

    count: Tensor
    last: Tensor

    def __init__(self, width: int, inner: nn.Module | None) -> None:
        super().__init__()
        # Keeps vectors as buffers, which each pass moves on before it takes them.
        self.layer = nn.utils.parametrizations.spectral_norm(nn.Linear(width, width))
        self.norm = nn.BatchNorm1d(width, momentum=None)
        self.frozen = nn.BatchNorm1d(width).eval()
        self.register_buffer("count", torch.zeros(()))
        self.register_buffer("last", torch.zeros(width))
        self.inner = inner or nn.Identity()

    def forward(self, inputs: Tensor, *, scale: float) -> Tensor:
        values: Tensor = nn.functional.dropout(self.layer(inputs), 0.2, self.training)
        if self.training:
            values = values * (1 + 0.1 * random.random() + 0.1 * np.random.rand())
            values = values * torch.cos(0.01 * self.count)
            self.count += 1
            self.last = values.detach().mean(0)
        log("size", values.detach().abs().mean())
        outputs: Tensor = self.inner(self.frozen(self.norm(values))) * scale + inputs
        return outputs


class OddNetwork(nn.Module):
    """Two such blocks in a list."""

    def __init__(self, spec: DataSpec) -> None:
        super().__init__()
        self.first = nn.Linear(64, 16)
        self.blocks = nn.ModuleList([Odd(16, nn.Linear(16, 16)), Odd(16, None)])
        self.head = nn.Linear(16, spec.outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        values = self.first(inputs.flatten(1))
        for block in self.blocks:
            values = block(values, scale=0.5)
        outputs: Tensor = self.head(values)
        return outputs


class NamesItsBlocks(OddNetwork):
    """Says itself what is computed again."""

    def checkpointed_blocks(self) -> list[nn.Module]:
        return [self.blocks[1]]


MODELS = {
    "vit": '{ name = "vit", patch = 4, width = 12, depth = 2, heads = 2, hidden = 16 }',
    "resnet": '{ name = "resnet", widths = [4, 8], blocks = 1 }',
    "own": f'{{ name = "{HERE}:OddNetwork" }}',
    "hooks": '{ name = "resnet", widths = [4, 8], blocks = 1 }',
    "named": f'{{ name = "{HERE}:NamesItsBlocks" }}',
}


def config_of(model: str, more: str = "") -> str:
    text = DIGITS.replace("MODEL", MODELS.get(model, model)) + more
    short = model in ("resnet", "hooks")
    text = text.replace("epochs = 2", "max_steps = 2") if short else text
    return HOOKS + text if model == "hooks" else text


def curves(course: Course) -> dict[str, list[float]]:
    taken = [event for event in course.events if isinstance(event, StepsTaken)]
    names = {part.name for event in taken for part in event.points}
    own = ("train/", "aux/", "grad_norm")
    return {name: course.points(name) for name in names if name.startswith(own)}


@pytest.mark.parametrize("model", MODELS)
def test_every_bit_is_as_without(tmp_path: Path, model: str) -> None:
    plain = Course(tmp_path / "plain", config_of(model))
    again = Course(tmp_path / "again", config_of(model, ON))
    assert len(recomputed(again.parts.model)) == (1 if model == "named" else 2)
    one, other = (
        load_checkpoint(tmp_path / name / "checkpoints" / "last.pt") for name in ("plain", "again")
    )
    assert list(one["model"]) == list(other["model"])
    assert one["digest"] == other["digest"]
    assert one["metrics"] == other["metrics"]
    told = curves(plain)
    assert told == curves(again)
    assert str(one["hooks"]) == str(other["hooks"])
    assert any(name.endswith("dead_units") for name in told) is (model == "hooks")
    assert ("aux/size" in told) is (model in ("own", "named"))


class RunsOut(nn.Module):
    """Has no room for its second pass."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
        self.passes = 0

    def forward(self, inputs: Tensor) -> Tensor:
        self.passes += 1
        if self.passes == 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        outputs: Tensor = self.norm(inputs)
        return outputs


def test_memory_that_runs_out_on_the_way_back_leaves_the_buffers_there() -> None:
    model = nn.Sequential(RunsOut(), RunsOut())
    recompute_blocks(model, True, "it")
    before = [id(buffer) for buffer in model.buffers()]
    loss = model(torch.rand(3, 4)).sum()
    with pytest.raises(torch.OutOfMemoryError):
        loss.backward()
    assert [id(buffer) for buffer in model.buffers()] == before
    counts = [buffer.item() for name, buffer in model.named_buffers() if "num_batches" in name]
    assert counts == [1, 1]


def _unet() -> nn.Module:
    return unet(DataSpec((3, 32, 32), 2, target_shape=(32, 32)), channels=(4, 8, 8))


@pytest.mark.parametrize(
    ("build", "blocks"), [(torchvision.models.mobilenet_v3_small, 13), (_unet, 7)]
)
def test_a_network_computes_the_same_bits_again(
    build: Callable[[], nn.Module], blocks: int
) -> None:
    network = build()
    again = copy.deepcopy(network)
    assert recompute_blocks(again, True, "it") == blocks
    # A copy computes its own blocks again, not those that it was copied from.
    again = copy.deepcopy(again)
    images = torch.rand(3, 3, 32, 32)
    for model in (network, again):
        torch.manual_seed(2)
        model(images).square().sum().backward()
    for one, other in zip(network.parameters(), again.parameters(), strict=True):
        assert torch.equal(_gradient(one), _gradient(other))
    for one, other in zip(network.buffers(), again.buffers(), strict=True):
        assert torch.equal(one, other)
    assert [*network.state_dict()] == [*again.state_dict()]


def _gradient(parameter: Tensor) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad


@pytest.mark.parametrize("first", ["", ON])
def test_a_run_goes_on_exactly_with_it_and_without(tmp_path: Path, first: str) -> None:
    other = "" if first else ON
    Course(tmp_path, config_of("own", first))
    whole = load_checkpoint(tmp_path / "checkpoints" / "last.pt")
    again, _points = resumed(tmp_path, config_of("own", other), 2)
    assert (whole["step"], again["step"]) == (6, 6)
    assert again["digest"] == whole["digest"]


def test_a_kept_graph_is_computed_again_from_the_same_numbers() -> None:
    torch.manual_seed(1)
    model = OddNetwork(DataSpec((1, 8, 8), 10))
    recompute_blocks(model, True, "it")
    outputs = model(torch.rand(6, 1, 8, 8)).square().mean()
    before = {name: tensor.clone() for name, tensor in model.named_buffers()}
    states = (random.getstate(), np.random.get_state()[2], torch.get_rng_state())
    gradients = []
    for _pass in range(2):
        model.zero_grad()
        outputs.backward(retain_graph=True)
        gradients.append([p.grad for p in model.parameters() if p.grad is not None])
    assert all(torch.equal(*pair) for pair in zip(*gradients, strict=True))
    assert all(torch.equal(before[name], tensor) for name, tensor in model.named_buffers())
    assert states[:2] == (random.getstate(), np.random.get_state()[2])
    assert torch.equal(states[2], torch.get_rng_state())


def parts_of(folder: Path, config: str, *told: list[str]) -> Any:
    report = told[0].append if told else (lambda _text: None)
    return build_components(parse_preset(config, "config.toml"), folder, report)


def test_the_account_of_memory_says_what_is_saved_and_what_is_computed_again(
    tmp_path: Path,
) -> None:
    plain = Course(tmp_path / "plain", config_of("vit").replace("epochs = 2", "max_steps = 4"))
    again = Course(tmp_path / "again", config_of("vit", ON).replace("epochs = 2", "max_steps = 4"))
    accounts = [
        next(event.account for event in course.events if isinstance(event, MemoryAccounted))
        for course in (plain, again)
    ]
    kept, less = (account.measured.activations_bytes or 0 for account in accounts)
    expected = estimate_footprint(again.parts, 300).activations_bytes
    assert 0 < less < 0.8 * kept
    assert "computed again" in accounts[1].activations_source
    assert less == pytest.approx(expected, rel=0.1)
    # One of two blocks is there whole while it is computed again.
    assert less > recomputed_bytes(again.parts, 300) > 0.2 * less
    assert recomputed_bytes(plain.parts, 300) == 0


def test_work_counts_once(tmp_path: Path) -> None:
    told: list[str] = []
    both = [parts_of(tmp_path, config_of("vit", more), told) for more in ("", ON)]
    counts = [count_work(parts) for parts in both]
    assert counts[0] is not None
    assert counts[1] is not None
    assert counts[0].flops_per_sample == counts[1].flops_per_sample > 0
    assert "the backward pass computes 2 blocks of the model again" in told
    assert len(recomputed(both[1].model)) == 2


def test_a_profile_marks_modules_in_both_passes(tmp_path: Path) -> None:
    parts = parts_of(tmp_path, config_of("vit", ON))
    with torch.profiler.profile() as profile, modules_named({"model": parts.model}):
        parts.model(torch.rand(4, 1, 8, 8)).sum().backward()
    names = [event.name for event in profile.events() or ()]
    block = [name for name in names if name.endswith("blocks.0.attention (Sequential)")]
    assert len(block) == 2
    assert len([name for name in names if name.endswith("blocks.0 (EncoderBlock)")]) == 1


@pytest.mark.parametrize(
    ("pattern", "blocks"),
    [("blocks.*", ["blocks.0", "blocks.1"]), ("*.1", ["blocks.1"]), ("head", ["head"])],
)
def test_a_pattern_names_the_modules(tmp_path: Path, pattern: str, blocks: list[str]) -> None:
    wanted = f'gradient_checkpointing = "{pattern}"\n'
    parts = parts_of(tmp_path, config_of("vit" if pattern != "*.1" else "own", wanted))
    names = {module: name for name, module in parts.model.named_modules()}
    assert [names[forward.block] for forward in recomputed(parts.model)] == blocks


@pytest.mark.parametrize(
    ("model", "more", "words"),
    [
        ('{ name = "mlp" }', ON, "mlp has no repeated blocks .*; leave it out, give a pattern"),
        ("vit", 'gradient_checkpointing = "block.*"\n', r"such a name; did you mean blocks"),
        ("vit", 'gradient_checkpointing = ""\n', "train.gradient_checkpointing.* true, false or a"),
        ("vit", f"{ON}compile = true\n", "gradient_checkpointing.* needs train.compile = false"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    tmp_path: Path, model: str, more: str, words: str
) -> None:
    with pytest.raises((TrainingError, PresetError), match=words):
        parts_of(tmp_path, config_of(model, more))
