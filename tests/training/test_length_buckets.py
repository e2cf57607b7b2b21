"""Texts of similar length come together, cut to the longest of a batch; nothing else changes."""

import csv
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.training.test_hooks import resumed, told_points
from tests.training.test_loop import Course
from tuitrain.components import DataSpec, Samples, registry
from tuitrain.training.checkpoints.files import load_checkpoint
from tuitrain.training.data.batches import Batch, TensorBatches
from tuitrain.training.data.loader import LoaderBatches
from tuitrain.training.data.schedule import BatchSchedule, by_length
from tuitrain.training.data.transform import BatchTransform

TEXTS = """
name = "texts"
task = "classification"
[data]
name = "text_csv"
path = "texts.csv"
length = 24
bucket = 8
mode = "{mode}"
workers = 0
[model]
name = "gru"
width = 8
dropout = 0.1
[train]
epochs = 2
batch_size = 8
accumulate = 2
threads = 1
device = "cpu"
[checkpoint]
every_steps = 2
keep = 9
"""


def texts(folder: Path, samples: int = 70) -> None:
    """Write texts of 1 to 22 words, of two labels."""
    with (folder / "texts.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        for number in range(samples):
            label = "ab"[number % 2]
            writer.writerow([" ".join([label * 2, "word"] * (1 + number * 7 % 11)), label])


LENGTHS = st.lists(st.integers(1, 40), min_size=1, max_size=400)


@given(LENGTHS, st.integers(1, 9), st.integers(0, 3))
def test_every_sample_comes_once_and_buckets_are_of_similar_length(
    given_lengths: list[int], bucket: int, epoch: int
) -> None:
    lengths = torch.tensor(given_lengths)
    plan = BatchSchedule(len(lengths), 3, 1, False, 5, lengths=lengths, bucket=bucket)
    order = plan.order(epoch)
    assert sorted(order.tolist()) == list(range(len(lengths)))
    assert torch.equal(order, plan.order(epoch))
    other = BatchSchedule(len(lengths), 7, 2, True, 5, lengths=lengths, bucket=bucket)
    assert torch.equal(order, other.order(epoch))
    # Within a stretch that is sorted as a whole, no two buckets overlap in their lengths.
    spans = [(int(lengths[part].min()), int(lengths[part].max()))
             for part in torch.split(order[: 50 * bucket], bucket)]  # fmt: skip
    spans.sort()
    assert all(one[1] <= other[0] for one, other in pairwise(spans))


def test_buckets_come_in_another_order_in_each_epoch() -> None:
    lengths = torch.arange(100)
    orders = [by_length(torch.arange(100), lengths, 10, seed) for seed in (1, 2)]
    assert not torch.equal(*orders)
    assert orders[0].view(10, 10).sort(0)[0].tolist() == torch.arange(100).view(10, 10).tolist()


def batches_of(found: list[Batch]) -> list[tuple[list[list[int]], list[int], float]]:
    return [(batch.inputs.tolist(), batch.targets.tolist(), batch.share) for batch in found]


@pytest.mark.parametrize("at_once", [0, 2])
def test_both_ways_cut_each_batch_to_its_longest_and_lose_no_token(at_once: int) -> None:
    lengths = torch.tensor([1 + number * 7 % 9 for number in range(30)])
    inputs = (torch.arange(12) < lengths[:, None]).to(torch.int16) * 5
    plan = BatchSchedule(30, 4, 2, False, 3, at_once, lengths=lengths, bucket=4)
    preparation = BatchTransform(seed=3, statistics=None, augment=(), channels_last=False)
    preparation.input_type = torch.int64
    samples = Samples(inputs, torch.arange(30))
    held = TensorBatches(samples, plan, preparation)
    streamed = LoaderBatches(
        samples, plan, preparation, workers=0, first_step=0, end_step=8, device=torch.device("cpu")
    )
    for step in range(8):
        found = held.step(step)
        for batch in found:
            wanted = lengths[batch.targets]
            assert batch.inputs.shape == (batch.samples, int(wanted.max()))
            assert torch.equal((batch.inputs != 0).sum(1), wanted)
        assert batches_of(found) == batches_of(streamed.step(step))
    streamed.close()


@pytest.mark.parametrize("name", ["lstm", "gru", "rnn", "transformer"])
def test_a_models_outputs_do_not_depend_on_the_filling_behind_a_text(name: str) -> None:
    torch.manual_seed(0)
    model = registry.model.find(name)(DataSpec((16,), 3, "tokens", 20)).eval()
    tokens = torch.randint(1, 20, (4, 16))
    tokens[:, 9:] = 0
    with torch.no_grad():
        assert torch.allclose(model(tokens), model(tokens[:, :9]), atol=1e-5)


@pytest.mark.parametrize("mode", ["tensor", "loader"])
def test_a_run_on_buckets_goes_on_exactly(tmp_path: Path, mode: str) -> None:
    texts(tmp_path)
    config = TEXTS.format(mode=mode)
    course = Course(tmp_path, config)
    whole = load_checkpoint(tmp_path / "checkpoints" / "last.pt")
    again, points = resumed(tmp_path, config, 2)
    assert (whole["step"], again["step"]) == (8, 8)
    assert again["digest"] == whole["digest"]
    assert points == told_points(course.link, 2)
