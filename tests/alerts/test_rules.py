"""Each rule raises what it is for, once an episode, and stays silent on healthy runs."""

import math
import random
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.alerts.feeds import GIB, MIB, Feed
from tuitrain import messages as m
from tuitrain.alerts.catalogue import KINDS, count_serious, severity
from tuitrain.config.schema import AlertRule, AlertsSection
from tuitrain.config.user import DEFAULT_KINDS, AlertKind

seeds = st.integers(0, 2**32)


def falling(count: int, seed: int, noise: float = 0.2) -> list[float]:
    source = random.Random(seed)
    return [
        (2.3 * math.exp(-n / 300) + 0.05) * (1 + noise * source.gauss(0, 1)) for n in range(count)
    ]


# --- the list -------------------------------------------------------------------------------------


def test_every_kind_is_named_once_and_every_limit_belongs_to_a_kind() -> None:
    names = [kind.name for kind in KINDS]
    assert len(set(names)) == len(names)
    assert set(get_args(AlertKind)) == set(names)
    assert set(get_args(AlertRule)) <= set(names)
    told = [key for kind in KINDS for key in kind.settings]
    assert sorted(told) == sorted(set(AlertsSection.model_fields) - {"off"})


def test_by_default_the_critical_kinds_and_the_end_are_told() -> None:
    critical = {kind.name for kind in KINDS if kind.severity == "critical"}
    assert set(DEFAULT_KINDS) == critical | {"ended"}
    assert severity("of another version") == "warning"
    assert count_serious(["ended", "hang", "stacks", "hot"]) == 2


@given(st.lists(st.sampled_from(get_args(AlertRule)), unique=True))
def test_a_rule_that_is_off_says_nothing(off: list[str]) -> None:
    feed = Feed(f"alerts.off={off!r}", "alerts.divergence_steps=10")
    feed.steps(falling(600, 1))
    feed.steps([50.0] * 400)
    feed.read(gpu0__temperature_c=99)
    feed.time += 60
    feed.read(gpu0__temperature_c=99)
    feed.event(m.TrainingEnded(feed.time, feed.step, "finished", "done"))
    assert set(feed.kinds) == {"divergence", "hot", "ended"} - set(off)


def test_a_rule_that_fails_is_told_once_and_the_others_go_on() -> None:
    feed = Feed("stop.monitor=train/loss")
    for _ in range(3):
        wrong: Any = {"gpu0__temperature_c": "hot"}
        feed.read(**wrong)
        feed.time += 60
        feed.event(m.TrainingEnded(feed.time, feed.step, "finished", "done"))
    assert feed.kinds == ["record", "ended"]
    assert feed.texts[0].startswith("the alert rule hot failed and is off: TypeError: ")
    assert "Traceback" in feed.alerts[0].detail


# --- learning -------------------------------------------------------------------------------------


@settings(max_examples=20)
@given(seeds)
def test_a_noisy_loss_that_falls_is_no_divergence(seed: int) -> None:
    feed = Feed()
    losses = falling(3000, seed, 0.5)
    for first in range(0, 3000, 37):
        feed.steps(losses[first : first + 37])
    assert feed.alerts == []


def test_a_spike_of_some_steps_is_no_divergence() -> None:
    feed = Feed()
    feed.steps(falling(1000, 1))
    feed.steps([1000.0] * 5 + falling(1000, 2)[800:])
    feed.steps(falling(2000, 1)[1000:])
    assert feed.alerts == []


def test_noise_at_the_bottom_of_a_perfect_fit_is_no_divergence() -> None:
    feed, source = Feed(), random.Random(3)
    feed.steps([2.0 * math.exp(-n / 20) for n in range(400)])
    feed.steps([10 ** source.uniform(-12, -6) for _ in range(3000)])
    assert feed.alerts == []


def test_a_loss_that_climbs_and_stays_is_told_once_and_again_after_it_came_down() -> None:
    feed = Feed()
    feed.steps(falling(1000, 1))
    for _ in range(10):
        feed.steps([5.0] * 100)
    assert feed.kinds == ["divergence"]
    assert "above its best" in feed.texts[0]
    feed.steps(falling(2000, 1)[1000:])
    feed.steps([5.0] * 500)
    assert feed.kinds == ["divergence"] * 2


def test_negative_and_missing_losses_are_no_reason() -> None:
    feed = Feed()
    feed.steps([-n / 10 for n in range(500)])
    feed.steps([math.nan, math.inf] * 300)
    assert feed.alerts == []
    feed.steps([80.0] * 300)
    assert feed.kinds == ["divergence"]


def test_a_plateau_is_told_once_until_there_is_a_better_value() -> None:
    feed = Feed("alerts.plateau_evaluations=3", "alerts.plateau_min_delta=0.01")
    for loss in (1.0, 0.5, 0.495, 0.5, math.nan, 0.6, 0.7, 0.8):
        feed.evaluate(loss=loss)
    assert feed.texts == [
        "val/loss has not improved for 3 evaluations: best 0.5 at step 0, now 0.6"
    ]
    for loss in (0.3, 0.4, 0.4, 0.4, 0.4):
        feed.evaluate(loss=loss)
    assert feed.kinds == ["plateau"] * 2


def test_a_converged_metric_that_wobbles_is_one_plateau_however_long_it_lasts() -> None:
    feed = Feed()
    draw = random.Random(0)
    for _ in range(3000):
        feed.evaluate(loss=draw.gauss(0.1, 0.002))
    assert feed.kinds == ["plateau"]
    for _ in range(200):
        feed.evaluate(loss=draw.gauss(0.05, 0.002))
    assert feed.kinds == ["plateau"] * 2


def test_a_metric_of_training_is_its_mean_since_the_last_evaluation() -> None:
    feed = Feed("alerts.plateau_evaluations=2", "stop.monitor=train/loss")
    for losses in ([3.0, 1.0], [1.0, 1.0], [0.5, 1.7], [1.0, 1.2]):
        feed.steps(losses)
        feed.evaluate(loss=0.1)
    assert feed.texts == [
        "train/loss has not improved for 2 evaluations: best 1 at step 4, now 1.1"
    ]


def test_a_run_that_gives_up_sooner_says_so_itself() -> None:
    feed = Feed("alerts.plateau_evaluations=3", "stop.patience=3")
    for _ in range(8):
        feed.evaluate(loss=1.0)
    assert feed.alerts == []


# --- memory ---------------------------------------------------------------------------------------


def test_a_leak_is_told_with_its_slope_and_the_time_left() -> None:
    feed = Feed()
    feed.memory(2 * GIB + 30 * MIB * second for second in range(600))
    assert feed.kinds == ["creep"]
    # 44 GiB are free of 64; 30 MiB a second fill them in 25 minutes.
    assert feed.texts[0] == (
        "host memory of the worker grows by 3.0 MiB a step (1.8 GiB a minute): full in 25 min"
    )


def test_a_leak_that_stops_and_begins_again_is_told_again() -> None:
    feed = Feed()
    feed.memory(2 * GIB + 30 * MIB * second for second in range(600))
    feed.memory([20 * GIB] * 700)
    feed.memory(20 * GIB + 30 * MIB * second for second in range(600))
    assert feed.kinds == ["creep"] * 2


@settings(max_examples=10)
@given(seeds)
def test_garbage_that_is_collected_now_and_then_is_no_creep(seed: int) -> None:
    source = random.Random(seed)
    feed = Feed("alerts.creep_hours=1000")
    feed.memory(
        3 * GIB + 40 * MIB * (second % 30) + source.gauss(0, 2 * MIB) for second in range(1500)
    )
    assert feed.alerts == []


def test_caches_that_fill_at_the_start_and_single_jumps_are_no_creep() -> None:
    feed = Feed("alerts.creep_hours=1000")
    feed.memory(GIB + min(second, 100) * 200 * MIB for second in range(600))
    feed.memory([30 * GIB] * 300)
    feed.memory([31 * GIB] * 900)
    assert feed.alerts == []


def test_a_slow_leak_is_told_by_what_it_has_taken() -> None:
    feed = Feed("alerts.creep_hours=0.01", "alerts.creep_share=0.01")
    feed.memory(2 * GIB + MIB * second for second in range(1200))
    assert feed.kinds == ["creep"]


def test_growth_of_device_memory_is_told_once_for_all_its_readings() -> None:
    feed = Feed()
    for second in range(700):
        feed.steps([1.0] * 10, 0.1)
        used = 10 * GIB + 20 * MIB * second
        gpu = {"gpu0__memory_used_bytes": used, "gpu0__memory_total_bytes": 80 * GIB}
        feed.read(gpu0__worker_bytes=used, **gpu)
        torch = {"torch/allocated_bytes": used - GIB}
        feed.event(m.WorkerMeasured(feed.time, feed.step, torch))
    assert feed.kinds == ["creep"]
    assert feed.texts[0].startswith("device memory grows by 2.0 MiB a step (1.2 GiB a minute): ")


def test_what_grows_in_a_pause_is_not_counted() -> None:
    feed = Feed("alerts.creep_warmup_s=5", "alerts.creep_window_s=20")
    for _ in range(20):
        feed.memory(GIB + 20 * MIB * second for second in range(12))
        feed.event(m.TrainingPaused(feed.time, feed.step, "by command"))
    assert feed.alerts == []


# --- speed ----------------------------------------------------------------------------------------


@settings(max_examples=20)
@given(seeds)
def test_steps_of_uneven_length_are_no_slow_down(seed: int) -> None:
    feed, source = Feed(), random.Random(seed)
    for _ in range(2000):
        feed.steps([1.0] * 20, 0.01 * source.lognormvariate(0, 0.5))
    assert feed.alerts == []


def test_a_slow_down_is_told_once_and_again_after_it_was_over() -> None:
    feed = Feed()
    for step_s in (0.01, 0.05, 0.01, 0.05):
        for _ in range(4000 if step_s == 0.01 else 200):
            feed.steps([1.0] * 10, step_s)
    assert feed.kinds == ["slowdown"] * 2
    assert feed.texts[0] == (
        "steps have become slow: 50 ms each over the last 60 s of training, 5.0 times the run's "
        "median of 10 ms"
    )


def test_smaller_batches_by_the_run_itself_are_no_slow_down() -> None:
    feed = Feed()
    for _ in range(2000):
        feed.steps([1.0] * 10, 0.01)
    feed.event(m.BatchSplit(feed.time, feed.step, 64, 32, 2, "memory ran out"))
    for _ in range(2000):
        feed.steps([1.0] * 10, 0.05)
    assert feed.alerts == []


# --- the machine ----------------------------------------------------------------------------------


def watch(feed: Feed, seconds: int, **readings: float) -> None:
    for _ in range(seconds):
        feed.time += 1
        feed.read(**readings)


def test_a_gpu_that_is_throttled_for_long_is_told_once_an_episode() -> None:
    feed = Feed()
    for _ in range(50):
        watch(feed, 5, gpu0__throttled=1)
        watch(feed, 5, gpu0__throttled=0)
    assert feed.alerts == []
    for _ in range(2):
        watch(feed, 100, gpu0__throttled=0, gpu1__throttled=1, gpu1__temperature_c=84)
        watch(feed, 100, gpu0__throttled=0, gpu1__throttled=0)
    assert (
        feed.texts
        == [
            "GPU 1 has been throttled for 30 s: its clock is reduced because of heat or power "
            "(84 C)"
        ]
        * 2
    )


def test_a_hot_gpu_is_told_once_until_it_is_clearly_cooler() -> None:
    feed = Feed()
    for celsius in (85, 91, 89, 91, 86, 95, 80, 92):
        watch(feed, 30, gpu0__temperature_c=celsius)
    assert feed.texts == [
        "GPU 0 is hot: 91 C, the limit is 90 C",
        "GPU 0 is hot: 92 C, the limit is 90 C",
    ]


def test_a_disk_without_room_for_two_checkpoints_is_nearly_full() -> None:
    feed = Feed()
    disk = {"host__disk_total_bytes": 100 * GIB}
    watch(feed, 20, host__disk_free_bytes=9 * GIB, **disk)
    assert feed.alerts == []
    saved = m.CheckpointSaved(feed.time, 1, "a.pt", ("last",), "", int(5 * GIB), 0.0, 0.0, {})
    feed.event(saved)
    for free in (9.0, 10.5, 9.0, 12.0, 1.0):
        watch(feed, 20, host__disk_free_bytes=free * GIB, **disk)
    assert feed.texts == [
        "the run's disk is nearly full: 9.0 GiB of 100 GiB free; a checkpoint takes 5.0 GiB, and "
        "training pauses without room",
        "the run's disk is nearly full: 1.0 GiB of 100 GiB free; a checkpoint takes 5.0 GiB, and "
        "training pauses without room",
    ]


def test_shared_memory_matters_only_to_loaders() -> None:
    feed = Feed()
    full = {"host__shm_used_bytes": 63 * MIB, "host__shm_total_bytes": 64 * MIB}
    watch(feed, 20, host__loaders=0, **full)
    assert feed.alerts == []
    watch(feed, 20, host__loaders=2, **full)
    assert feed.kinds == ["shm"]


# --- processes ------------------------------------------------------------------------------------


def test_loaders_that_are_missing_while_steps_are_taken_have_died() -> None:
    feed = Feed("data.workers=4")
    for count in (0, 4, 8, 4):
        feed.steps([1.0] * 10)
        watch(feed, 3, host__loaders=count)
    assert feed.alerts == []
    watch(feed, 20, host__loaders=3)
    assert feed.texts == ["loader workers died: 3 of 4 are left"]
    feed.event(m.TrainingEnded(feed.time, 9, "failed", DIED))
    assert feed.kinds == ["loaders", "ended"]


def test_loaders_that_end_with_the_run_or_in_a_pause_are_not_missed() -> None:
    feed = Feed("data.workers=4")
    feed.steps([1.0] * 10)
    watch(feed, 3, host__loaders=4)
    feed.event(m.TrainingPaused(feed.time, 10, "by command"))
    watch(feed, 30, host__loaders=0)
    feed.steps([1.0] * 10)
    watch(feed, 3, host__loaders=4)
    watch(feed, 3, host__loaders=0)
    feed.event(m.TrainingEnded(feed.time, 20, "finished", "1 epoch done"))
    watch(feed, 30, host__loaders=0)
    assert feed.texts == ["the run is finished: 1 epoch done"]


DIED = "RuntimeError: DataLoader worker (pid 4242) is killed by signal: Bus error. It is possible"


def test_torchs_words_about_a_dead_loader_come_with_what_to_do() -> None:
    feed = Feed()
    feed.event(m.TrainingEnded(feed.time, 9, "failed", DIED))
    assert feed.kinds == ["loaders", "ended"]
    assert "DataLoader worker (pid 4242) is killed by signal: Bus error" in feed.texts[0]
    assert "/dev/shm was full" in feed.texts[0]


def test_the_signal_that_ended_a_loader_is_looked_for_in_the_cause() -> None:
    feed = Feed()
    outer = "RuntimeError: DataLoader worker (pid(s) 4242, 4243) exited unexpectedly"
    cause = "RuntimeError: DataLoader worker (pid 4242) is killed by signal: Killed. "
    feed.event(m.TrainingEnded(feed.time, 9, "failed", outer, f"{cause}\n...\n{outer}"))
    assert "(pid 4242) is killed by signal: Killed" in feed.texts[0]
    assert "memory runs out" in feed.texts[0]
    bare = Feed()
    bare.event(m.TrainingEnded(bare.time, 9, "failed", outer))
    assert "4242, 4243) exited unexpectedly; worker.log may say why" in bare.texts[0]


def test_a_loader_that_died_while_its_batch_was_taken_is_known_by_where_torch_failed() -> None:
    feed = Feed()
    trace = 'File "torch/multiprocessing/reductions.py", line 543, in rebuild_storage_fd'
    reason = "ConnectionResetError: [Errno 104] Connection reset by peer"
    feed.event(m.TrainingEnded(feed.time, 9, "failed", reason, trace))
    assert feed.kinds == ["loaders", "ended"]
    assert f"could not be taken over ({reason})" in feed.texts[0]


def test_a_pause_is_no_end_and_an_end_is_told_once() -> None:
    feed = Feed()
    feed.event(m.TrainingEnded(feed.time, 9, "paused", "released"))
    assert feed.alerts == []
    for _ in range(2):
        feed.event(m.TrainingEnded(feed.time, 9, "stopped", "by command"))
    assert feed.texts == ["the run was stopped: by command"]


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS])
def test_every_alert_says_what_it_means(kind: str) -> None:
    [found] = [each for each in KINDS if each.name == kind]
    assert found.meaning.endswith(".")
    assert found.severity in ("info", "warning", "critical")
