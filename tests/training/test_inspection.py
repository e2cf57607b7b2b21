"""What is found out about a preset before it trains: its model, its data, rates and batch sizes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tuitrain.components import DataSpec, Samples, Splits
from tuitrain.config.load import parse_preset
from tuitrain.errors import TrainingError
from tuitrain.training.build import build_components
from tuitrain.training.inspection import batch_size
from tuitrain.training.inspection.answers import Inspected
from tuitrain.training.inspection.batch_size import Tried, find_batch_size
from tuitrain.training.inspection.data import describe_data
from tuitrain.training.inspection.figures import class_counts, digests, find_duplicates
from tuitrain.training.inspection.layers import read_layers
from tuitrain.training.inspection.learning_rate import find_learning_rate
from tuitrain.training.inspection.model import describe_model

HERE = __name__
LINES = """
name = "lines"
task = "regression"
data = { name = "linear", samples = 200, normalize = false }
model = { name = "linear" }
optimizer = { name = "sgd", lr = 0.05 }
train = { batch_size = 16, threads = 1 }
"""
OWN = """
name = "own"
task = "classification"
data = {{ name = "{here}:spoiled", normalize = false }}
model = {{ name = "{here}:nested" }}
train = {{ batch_size = 4, threads = 1 }}
"""


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(6, 6)
        self.act = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.act(self.inner(x))


class Nested(nn.Module):
    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.rnn = nn.LSTM(2, 6, batch_first=True)
        self.blocks = nn.Sequential(*(Block() for _ in range(3)))
        self.blocks[2].inner.weight = self.blocks[0].inner.weight
        self.unused = nn.Linear(3, 3)
        self.head = nn.Linear(6, outputs)
        self.head.bias.requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        # A tensor of its own on the CPU: the meta device alone would not do.
        weights = torch.ones(x.shape[1]) / x.shape[1]
        return self.head((self.blocks(self.rnn(x)[0]) * weights[:, None]).sum(1))


def nested(spec: DataSpec) -> nn.Module:
    return Nested(spec.outputs)


def refusing(spec: DataSpec) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Sequential(nn.Linear(5, spec.outputs)))


def spoiled() -> Splits:
    """Three of the validation samples are training samples; one number is missing."""
    inputs = torch.arange(40 * 10, dtype=torch.float32).reshape(40, 5, 2)
    inputs[:, 1, :] = 7.0
    inputs[3, 0, 1] = torch.nan
    held = torch.cat([inputs[:3], inputs[:3] + 1000])
    return Splits(
        Samples(inputs, torch.arange(40) % 2), Samples(held, torch.zeros(6).long()),
        classes=("even", "odd", "never"), kind="series",
    )  # fmt: skip


Look = Callable[..., Inspected]


@pytest.fixture
def look(tmp_path: Path) -> Look:
    def make(config: str) -> Inspected:
        return Inspected(parse_preset(config, "preset"), tmp_path, lambda _text: None)

    return make


def test_a_model_is_told_layer_by_layer_with_shapes_numbers_and_arithmetic(look: Look) -> None:
    found = describe_model(look(OWN.format(here=HERE)))
    rows = {row["path"]: row for row in found["layers"]}
    assert rows["rnn"]["shapes"] == ((4, 5, 6), (1, 4, 6), (1, 4, 6))
    assert rows["blocks.1"]["depth"] == 2
    assert rows["blocks.1.inner"]["multiply_adds"] == 5 * 6 * 6
    assert [rows[f"blocks.{place}.inner"]["shared"] for place in range(3)] == [False, False, True]
    assert rows["unused"]["shapes"] == () and rows["unused"]["calls"] == 0
    assert (rows["head"]["trainable"], rows["head"]["frozen"]) == (18, 3)
    lstm = 4 * 6 * (2 + 6) + 2 * 4 * 6
    assert rows["rnn"]["trainable"] == lstm
    assert found["parameters"] == {
        "total": lstm + 2 * 36 + 3 * 6 + 12 + 18 + 3,
        "trainable": lstm + 2 * 36 + 3 * 6 + 12 + 18,
        "frozen": 3,
    }
    # Recurrent layers are fused where the numbers are fakes: then it is said what is left out.
    assert found["uncounted"] == ["LSTM"]
    assert found["memory"]["total_bytes"] > found["memory"]["activations_bytes"] > 0


def test_what_a_step_takes_is_that_of_one_rank(look: Look) -> None:
    digits = (
        'name = "x"\ntask = "classification"\n[data]\nname = "digits"\n[model]\nname = "vit"\n'
        'depth = 3\n[loss]\nname = "cross_entropy"\n[train]\nbatch_size = 64\ndevice = "cpu"\n'
    )
    alone, ddp, fsdp = (
        describe_model(look(digits + more))["memory"]
        for more in ("", "ranks = 4", 'ranks = 4\nstrategy = "fsdp"')
    )
    assert [each["ranks"] for each in (alone, ddp, fsdp)] == [1, 4, 4]
    assert {each["batch_size"] for each in (alone, ddp, fsdp)} == {64}
    # Weights cast for a pass are all that does not grow with the batch.
    assert ddp["activations_bytes"] == pytest.approx(alone["activations_bytes"] / 4, rel=0.1)
    for part in ("parameters_bytes", "gradients_bytes", "optimizer_bytes"):
        assert ddp[part] == alone[part]
        assert fsdp[part] == -(-alone[part] // 4)
    # A block and what is outside of blocks are whole while they compute.
    gathered = fsdp["activations_bytes"] - ddp["activations_bytes"]
    assert alone["parameters_bytes"] / 3 < gathered < alone["parameters_bytes"]


def test_a_recurrent_layer_is_counted_where_no_tensor_lies_elsewhere(look: Look) -> None:
    config = OWN.format(here=HERE).replace(":nested", ":plain_rnn")
    found = describe_model(look(config))
    assert found["uncounted"] == []
    assert found["layers"][1]["multiply_adds"] == 5 * 4 * 6 * (2 + 6)


class Last(nn.Module):
    def forward(self, x: Any) -> torch.Tensor:
        last: torch.Tensor = x[0][:, -1]
        return last


def plain_rnn(spec: DataSpec) -> nn.Module:
    return nn.Sequential(nn.LSTM(2, 6, batch_first=True), Last(), nn.Linear(6, spec.outputs))


def test_a_model_that_refuses_its_batch_is_told_with_the_layer_that_does(look: Look) -> None:
    inspected = look(OWN.format(here=HERE).replace(":nested", ":refusing"))
    parts = build_components(inspected.preset, inspected.data_directory, inspected.report)
    with pytest.raises(TrainingError, match=r"a batch of 4x5x2 in its layer 1\.0 \(Linear\)"):
        read_layers(parts, 4)


def test_a_data_set_is_told_with_what_is_missing_empty_and_in_both_parts(look: Look) -> None:
    found = describe_data(look(OWN.format(here=HERE)), samples=2, read=10)
    train = found["parts"]["train"]
    assert (train["samples"], train["inputs"]["nan"], train["inputs"]["samples_with_nan"]) == (
        40, 1, 1,
    )  # fmt: skip
    assert train["inputs"]["channels"][1]["deviation"] == 0
    assert found["classes"][2] == {"name": "never", "train": 0, "validation": 0}
    assert found["classes"][0]["validation"] == 6
    assert found["duplicates"]["in_both"] == 3
    assert found["duplicates"]["pairs"] == [[0, 0], [1, 1], [2, 2]]
    assert [len(sample["values"]) for sample in found["samples"]] == [5, 5]
    assert {sample["target"] for sample in found["samples"]} <= {"even", "odd"}


class OneAtATime:
    def __len__(self) -> int:
        return 100

    def __getitem__(self, number: int) -> tuple[torch.Tensor, int]:
        return torch.tensor([float(number), 1.0]), number % 2


def streamed() -> Splits:
    return Splits(OneAtATime(), OneAtATime(), classes=("even", "odd"))


def test_of_a_set_that_is_read_one_at_a_time_so_many_samples_are_read(look: Look) -> None:
    config = OWN.format(here=HERE).replace(":spoiled", ":streamed")
    found = describe_data(look(config), samples=1, read=25)
    train = found["parts"]["train"]
    assert (train["samples"], train["read"], train["bytes"]) == (100, 25, None)
    assert (train["inputs"]["min"], train["inputs"]["max"]) == (0.0, 96.0)
    assert found["duplicates"]["pairs"][1] == [4, 4]


def test_samples_are_those_of_the_first_epoch_after_augmentation(look: Look) -> None:
    config = """
    name = "d"
    task = "classification"
    data = { name = "digits", augment = [{ name = "flip", probability = 0.999 }] }
    model = { name = "linear" }
    train = { threads = 1 }
    """
    flipped, plain = (
        describe_data(look(text), samples=3, read=0)["samples"]
        for text in (config, config.replace("0.999", "0.0"))
    )
    assert [each["number"] for each in flipped] == [each["number"] for each in plain]
    assert [each["image"]["data"] for each in flipped] != [each["image"]["data"] for each in plain]
    assert (plain[0]["image"]["width"], plain[0]["image"]["channels"]) == (8, 1)


def test_targets_that_are_numbers_have_histograms_with_the_same_bins(look: Look) -> None:
    found = describe_data(look(LINES), samples=0, read=0)
    [train], [validation] = (
        found["parts"][name]["targets"]["outputs"] for name in ("train", "validation")
    )
    assert train["bins"] == validation["bins"]
    assert sum(train["histogram"]) + sum(validation["histogram"]) == 200
    assert found["samples"] == [] and found["classes"] == []


def test_counts_leave_out_what_is_no_class_and_equal_samples_are_found() -> None:
    assert class_counts(torch.tensor([[0, 2], [-100, 2]]), 3) == [1, 0, 2]
    assert class_counts(torch.tensor([0.0, 1.0, 1.0]), 2) == [1, 2]
    one, other = digests(torch.eye(3)), digests(torch.eye(3)[[2, 0]] * 1.0)
    assert find_duplicates(one, other).pairs == [(2, 0), (0, 1)]


def test_the_range_test_raises_the_rate_evenly_and_stops_when_it_diverges(look: Look) -> None:
    found = find_learning_rate(look(LINES), low=1e-4, high=1e6, steps=60, minutes=1.0)
    ratios = [b / a for a, b in zip(found["rates"], found["rates"][1:], strict=False)]
    assert found["rates"][0] == pytest.approx(1e-4)
    assert max(ratios) == pytest.approx(min(ratios))
    assert len(found["losses"]) == len(found["rates"]) < 60
    assert "the loss is" in found["stopped"]


def test_a_range_test_ends_when_its_time_is_over(look: Look) -> None:
    found = find_learning_rate(look(LINES), low=1e-4, high=1.0, steps=50, minutes=0.0)
    assert (len(found["losses"]), found["stopped"]) == (1, "its time was over")


def test_batch_sizes_are_doubled_up_to_the_training_set_and_timed(look: Look) -> None:
    found = find_batch_size(
        look(LINES), first=16, most=None, steps=2, minutes=1.0, memory_bytes=None
    )
    assert [each["batch_size"] for each in found["tried"]] == [16, 32, 64, 128, 160]
    assert all(each["fits"] and each["samples_per_s"] > 0 for each in found["tried"])
    memory = [each["memory_bytes"] for each in found["tried"]]
    assert memory == sorted(memory)


def test_on_a_cpu_a_size_that_would_not_fit_is_foreseen_and_the_one_that_does_is_tried(
    look: Look,
) -> None:
    measured = find_batch_size(
        look(LINES), first=16, most=64, steps=1, minutes=1.0, memory_bytes=None
    )["tried"]
    held = measured[1]["memory_bytes"]
    # Room for a batch of 48 and a little more, of which nine tenths are used.
    each = (measured[1]["memory_bytes"] - measured[0]["memory_bytes"]) / 16
    room = (held + 17 * each) / batch_size.MARGIN
    parts = build_components(
        parse_preset(LINES, "preset"), look(LINES).data_directory, lambda _text: None
    )
    there = batch_size.measure_held(parts).held_bytes
    found = find_batch_size(
        look(LINES), first=16, most=None, steps=1, minutes=1.0, memory_bytes=int(room) - there
    )["tried"]
    assert [(row["batch_size"], row["fits"]) for row in found] == [
        (16, True), (32, True), (64, False), (48, True),
    ]  # fmt: skip
    assert found[2]["step_s"] is None and found[2]["note"].startswith("not tried")


class Full(nn.Linear):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if len(x) > 42:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")
        return super().forward(x)


def full(_spec: DataSpec) -> nn.Module:
    return Full(1, 1)


def test_memory_that_runs_out_is_caught_and_smaller_sizes_are_tried(look: Look) -> None:
    config = LINES.replace('model = { name = "linear" }', f'model = {{ name = "{HERE}:full" }}')
    found = find_batch_size(
        look(config), first=16, most=None, steps=1, minutes=1.0, memory_bytes=None
    )["tried"]
    assert [(row["batch_size"], row["fits"]) for row in found] == [
        (16, True), (32, True), (64, False), (56, False), (40, True),
    ]  # fmt: skip
    assert found[2]["note"] == "out of memory"


def test_the_line_through_two_sizes_needs_two_that_grow() -> None:
    assert batch_size._line([Tried(8, True, 100)]) is None
    assert batch_size._line([Tried(8, True, 100), Tried(16, True, 100)]) is None
    assert batch_size._line([Tried(8, True, 100), Tried(16, True, 180)]) == (20, 10)
