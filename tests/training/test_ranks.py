"""What ranks share out and put together again, and what they agree on."""

import queue
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.training.worlds import on_ranks, worlds
from tuitrain.config.load import parse_preset
from tuitrain.messages import Command, Evaluate, Pause, Profile, SaveCheckpoint, Stop
from tuitrain.ranks import Board, Phase
from tuitrain.training.boundary import Boundary, BoundaryPlanner
from tuitrain.training.build import build_components
from tuitrain.training.channel import WorkerChannel
from tuitrain.training.data.schedule import BatchSchedule
from tuitrain.training.distributed.agent import OrphanDeadline
from tuitrain.training.distributed.agreement import AgreedPlanner
from tuitrain.training.distributed.beat import Beat, Slot, Word
from tuitrain.training.distributed.channel import QuietChannel
from tuitrain.training.distributed.steps import merge_named
from tuitrain.training.distributed.world import World, share
from tuitrain.training.metrics.evaluation import Evaluator
from tuitrain.training.runtime.randomness import seed_everything
from tuitrain.training.settings.live import LiveSettings, PendingChanges
from tuitrain.training.triggers import Triggers

SIZES = st.integers(1, 12)
RANKS = st.integers(2, 5)


@given(st.integers(1, 60), SIZES, st.integers(1, 3), st.integers(0, 6), RANKS, st.integers(0, 90))
def test_every_sample_of_a_step_is_some_ranks_and_counts_as_much_as_any_other(
    samples: int, size: int, accumulate: int, at_once: int, ranks: int, step: int
) -> None:
    plan = BatchSchedule(samples, size, accumulate, False, 0, at_once if at_once < size else 0)
    first, end = plan.slices(step)[0][0], plan.slices(step)[-1][1]
    parts = [replace(plan, rank=rank, ranks=ranks).own_parts(step) for rank in range(ranks)]
    assert len({len(each) for each in parts}) == 1
    every = [part for each in parts for part in each]
    assert all(part.end > part.first for part in every)
    taken = [n for part in every if part.samples for n in range(part.first, part.end)]
    assert sorted(taken) == list(range(first, end))
    for part in every:
        # Gradients are averaged over the ranks.
        assert part.share / ranks == pytest.approx(part.samples / (end - first))


@given(st.integers(0, 1000), st.integers(1, 17))
def test_shares_follow_one_another_and_differ_by_one_at_most(number: int, size: int) -> None:
    shares = [share(number, rank, size) for rank in range(size)]
    assert [low for low, _high in shares] == [0, *(high for _low, high in shares[:-1])]
    assert shares[-1][1] == number
    lengths = [high - low for low, high in shares]
    assert max(lengths) - min(lengths) <= 1


# --- evaluation -----------------------------------------------------------------------------------

LINE = """
name = "line"
task = "regression"
[data]
name = "linear"
samples = 5005
noise = 0.3
[model]
name = "mlp"
hidden = [8]
[loss]
name = "huber"
[train]
batch_size = 60
"""
MOONS = """
name = "moons"
task = "binary"
metrics = ["f1_macro", "balanced_accuracy"]
[data]
name = "moons"
samples = 5005
[model]
name = "mlp"
hidden = [8]
[loss]
name = "bce_with_logits"
[train]
batch_size = 60
"""
DIGITS = """
name = "digits"
task = "classification"
metrics = ["top5", "f1_macro", "iou_mean", "perplexity"]
[data]
name = "digits"
[model]
name = "mlp"
hidden = [16]
[loss]
name = "cross_entropy"
"""
AUTOENCODER = """
name = "conv_autoencoder"
task = "reconstruction"
[data]
name = "digits"
[model]
name = "conv_autoencoder"
[loss]
name = "mse"
"""
TOKENS = """
name = "tokens"
task = "language_modelling"
[data]
name = "text_file"
length = 16
[model]
name = "gpt"
width = 16
layers = 1
heads = 2
[loss]
name = "cross_entropy"
"""


def evaluator(config: str, folder: Path, world: World) -> Evaluator:
    preset = parse_preset(config, "config.toml")
    seed_everything(0)
    return Evaluator(build_components(preset, folder, lambda _text: None, world=world))


@pytest.fixture
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize(
    "config", [LINE, MOONS, DIGITS, AUTOENCODER, TOKENS], ids=lambda text: text.split('"')[1]
)
def test_an_evaluation_in_shares_gives_what_one_rank_gives(tmp_path: Path, config: str) -> None:
    # 1,001 samples of the made-up sets: no sample is counted twice or left out.
    alone = evaluator(config, tmp_path, World()).run(37)
    for size in (2, 3):
        each = [evaluator(config, tmp_path, world) for world in worlds(size)]
        for found in on_ranks([partial(one.run, 37) for one in each]):
            assert found.counts == alone.counts
            assert found.metrics == pytest.approx(alone.metrics, rel=1e-12, abs=1e-12)
            assert found.metrics["val/loss"] == alone.metrics["val/loss"]


@pytest.mark.usefixtures("one_thread")
def test_more_ranks_than_batches_evaluate_as_one_does(tmp_path: Path) -> None:
    alone = evaluator(LINE, tmp_path, World()).run(600)
    each = [evaluator(LINE, tmp_path, world) for world in worlds(3)]
    for found in on_ranks([partial(one.run, 600) for one in each]):
        assert found.metrics == pytest.approx(alone.metrics, rel=1e-12)


# --- what is agreed on ----------------------------------------------------------------------------

PRESET = """
name = "line"
task = "regression"
[data]
name = "linear"
[model]
name = "linear"
[loss]
name = "mse"
[train]
evaluate_every_steps = 500
"""
TOTAL = 1000


class NoCargo:
    """Brings nothing."""

    def load(self) -> list[float]:
        return []

    def slot(self) -> Slot:
        return Slot()

    def say(self) -> None:
        return None

    def take(self, met: Any, said: list[Any]) -> None:
        pass

    def most_steps(self) -> int:
        return 7


def channel_of(rank: int) -> WorkerChannel:
    unused: Any = queue.Queue()
    return QuietChannel() if rank else WorkerChannel(unused, unused, 60.0)


class Rank:
    """A rank that takes steps which do nothing."""

    def __init__(self, world: World) -> None:
        preset = parse_preset(PRESET, "preset.toml")
        settings = LiveSettings.begin(preset, lambda *_: 1.0, TOTAL)
        triggers = Triggers(preset.train, settings, BatchSchedule(640, 64, 1, False, 0))
        self.channel = channel_of(world.rank)
        self.planner = AgreedPlanner(BoundaryPlanner(self.channel, triggers), world, NoCargo())

    def train(self, at: dict[int, Command]) -> list[tuple[int, Boundary, list[Command]]]:
        """Train to a stop; `at` says what comes in after which step."""
        met, step = [], 0
        while True:
            if step in at:
                self.channel.put_command(at[step])
            if self.planner.reached(step):
                due = self.planner.decide(
                    step,
                    evaluated_step=step,
                    saved_step=0,
                    writing=False,
                    total_steps=TOTAL,
                    pending=PendingChanges(()),
                )
                told = list(iter(self.planner.next_command, None))
                met.append((step, due, told))
                self.planner.until(due.next_step)
                if due.end or any(isinstance(each, Stop) for each in told):
                    return met
            step += 1


def test_all_ranks_hear_the_same_at_the_same_step_whoever_is_told() -> None:
    ranks = [Rank(world) for world in worlds(3)]
    told: list[dict[int, Command]] = [
        {10: Pause(3), 11: Profile(4, 5), 60: Evaluate(7)},
        {30: SaveCheckpoint(0)},
        {100: Stop(0, "this process got SIGTERM")},
    ]
    met = on_ranks([partial(rank.train, at) for rank, at in zip(ranks, told, strict=True)])
    assert met[1] == met[2]
    assert [step for step, _due, _told in met[0]] == [step for step, _due, _told in met[1]]
    heard = [command for _step, _due, told in met[0] for command in told]
    assert heard == [
        Pause(3), Profile(4, 5), SaveCheckpoint(0), Evaluate(7), Stop(0, "rank 2 got SIGTERM"),
    ]  # fmt: skip
    # Rank 0 alone takes profiles.
    assert [c for _step, _due, told in met[1] for c in told] == [heard[0], *heard[2:]]
    [evaluates] = [step for step, due, _told in met[2] if due.evaluate]
    assert 60 <= evaluates <= 67
    last = met[0][-1][0]
    assert 100 <= last <= 107


def test_beats_come_by_steps_that_rank_0_chooses_and_no_faster_than_there_is_room() -> None:
    now = [0.0]
    beats = [Beat(world, clock=lambda: now[0]) for world in worlds(2)]
    word = Word(save=False, collect=False, orphaned=False, has_commands=False)
    spans, step = [], 0
    for _beat in range(6):
        met = on_ranks([partial(beat.meet, step, word, Slot(), [1.0], 90) for beat in beats])
        assert met[0] == met[1]
        assert met[0].sums == (2.0,)
        assert beats[0].due_step == beats[1].due_step
        spans.append(beats[0].due_step - step)
        step = beats[0].due_step
        for beat in beats:
            beat.go_on()
        now[0] += 0.001 * spans[-1]
    # A step takes 1 ms: 200 of them would make a beat.
    assert spans == [1, 8, 64, 90, 90, 90]


def test_what_ranks_tell_by_name_is_meant_by_their_samples() -> None:
    one = {"train/loss_kl": ([5, 6], [1.0, 2.0])}
    other = {"train/loss_kl": ([5], [4.0]), "aux/only": ([6], [3.0])}
    merged = merge_named([(one, [2, 2]), (other, [1, 0])], 5)
    assert merged == {"train/loss_kl": ([5, 6], [2.0, 2.0]), "aux/only": ([], [])}


@pytest.mark.parametrize(
    ("phases", "step_s", "most_s"),
    [
        (("step", "beat"), 0.1, OrphanDeadline.STUCK_S),
        (("step", "beat"), 8.0, 16.0),
        (("beat", "checkpoint"), 0.1, 60.0),
        (("evaluation", "beat"), 0.1, 60.0),
        (("starting", "starting"), 0.1, 0.0),
    ],
)
def test_ranks_without_a_supervisor_are_ended_once_they_get_no_further(
    tmp_path: Path, phases: tuple[Phase, Phase], step_s: float, most_s: float
) -> None:
    now = [0.0]
    board = Board.create(tmp_path / "ranks" / "board", 2)
    deadline = OrphanDeadline(board, lambda: now[0])

    def ended(*, orphaned: bool, seconds: float) -> bool:
        now[0] += seconds
        return deadline.is_over(orphaned=orphaned)

    for step in range(1, 9 if phases[0] != "starting" else 0):
        board.put(0, step, "step")
        board.put(1, step, "step")
        assert not ended(orphaned=False, seconds=step_s)
    for rank, phase in enumerate(phases):
        board.put(rank, 9 if phase != "starting" else 0, phase)
    # Whoever watches is in no hurry while there is a supervisor.
    assert not ended(orphaned=False, seconds=step_s)
    assert not ended(orphaned=False, seconds=100.0)
    assert not ended(orphaned=True, seconds=0.0)
    assert not most_s or not ended(orphaned=True, seconds=0.9 * most_s)
    assert ended(orphaned=True, seconds=0.2 * most_s + 0.1)
