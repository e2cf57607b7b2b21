"""What a script says, as the supervisor takes it in: no process is needed for these."""

import argparse
import json
from typing import Any

import numpy as np
import pytest

from tuitrain.messages import MetricPoints, Numbered, StepsTaken
from tuitrain.ranks import Standing
from tuitrain.script.agent import Agent
from tuitrain.script.api import Run
from tuitrain.script.media import Histogram, Image, Media, Text, media_of
from tuitrain.script.points import PointLog
from tuitrain.supervisor.intake import Unreadable
from tuitrain.supervisor.scripts.hearing import ScriptHearing
from tuitrain.supervisor.scripts.held import HeldSteps
from tuitrain.supervisor.scripts.nonfinite import NonfiniteWatch
from tuitrain.supervisor.scripts.ranks import gone_words
from tuitrain.view.run.ranktext import standing_line
from tuitrain.view.spans import plain_text


def steps(first: int, last: int, values: int) -> StepsTaken:
    points = MetricPoints("loss", first, (0.5,) * values)
    return StepsTaken(1.0, first, last, 0.0, 1.0, (points,))


def test_while_the_record_can_not_be_written_so_much_waits_and_the_rest_is_told() -> None:
    held = HeldSteps(most_values=30, clock=lambda: 7.0)
    assert held.admits(steps(1, 9, 99))
    held.holding = True
    assert held.admits(steps(10, 19, 10))
    assert not held.admits(steps(20, 29, 10))
    assert not held.admits(steps(30, 39, 10))
    assert held.admits("any other event")
    alert = held.release()
    assert alert is not None
    assert alert.text.startswith("steps 20 to 39 are not on record")
    held.holding = True
    assert held.admits(steps(40, 49, 10))
    assert held.release() is None


def test_steps_of_a_process_follow_those_that_one_before_it_told_not_what_was_printed() -> None:
    hearing = ScriptHearing()
    hearing.begin(1)
    hearing.last_step = 100_000
    begun = {"type": "WorkerStarted", "time": 1.0, "pid": 7}
    assert hearing.take(json.dumps(begun).encode()) is None
    log = PointLog()
    for _round in range(2):
        log.updates, log._sent = 5, 0
        [message] = log.take(1.0)
        heard = hearing.take(json.dumps(message).encode())
        assert isinstance(heard, Numbered)
        hearing.take(json.dumps(begun).encode())
    assert (heard.event.first_step, heard.event.last_step) == (6, 10)  # type: ignore[union-attr]


def sent(item: Media, **changed: Any) -> bytes:
    media = {**item.message(), **changed}
    return json.dumps({"type": "MediaLogged", "step": 2, "name": "it", "media": media}).encode()


def test_the_parts_of_a_scripts_steps_are_those_of_any_run_and_no_metrics_of_its_own() -> None:
    hearing = ScriptHearing()
    log = PointLog()
    log.updates = 20
    [steps] = log.take(1.0)
    split = {"step": 18, "seconds": {"data": 0.25, "rest": 0.5}, "ran_dry": 0.5}
    heard = hearing.take(json.dumps({**steps, "split": split}).encode())
    assert isinstance(heard, Numbered)
    assert isinstance(heard.event, StepsTaken)
    assert {each.name: (each.first_step, each.values) for each in heard.event.points} == {
        "step_time/data": (18, (0.25,)),
        "step_time/rest": (18, (0.5,)),
        "step_time/wall": (18, (0.75,)),
        "step_time/host_bound": (18, (0.5,)),
    }
    assert not hearing.logs
    odd = hearing.take(json.dumps({**steps, "split": {"seconds": {"loss": 1.0}}}).encode())
    assert isinstance(odd, Unreadable)
    assert "parts of a step that are none" in odd.text


def test_media_that_are_damaged_are_told_and_nothing_of_them_is_kept() -> None:
    hearing = ScriptHearing()
    image = Image(np.zeros((2, 3)))
    assert hearing.take(sent(image)) is None
    for changed in ({"width": 9}, {"width": 10**9}, {"pixels": "AAAA"}, {"kind": "image9"}):
        assert isinstance(hearing.take(sent(image, **changed)), Unreadable)
    assert [each.step for each in hearing.media] == [2]


@pytest.mark.parametrize(
    ("data", "layout", "size"),
    [
        (np.zeros((4, 6)), "", (6, 4, 1)),
        (np.zeros((4, 6, 3), np.uint8), "", (6, 4, 3)),
        (np.zeros((3, 4, 6)), "", (6, 4, 3)),
        (np.zeros((1, 4, 6), bool), "", (6, 4, 1)),
        (np.zeros((3, 4, 3)), "hwc", (4, 3, 3)),
        (np.zeros((4, 4, 5)), "", (5, 4, 3)),
        (np.zeros((2048, 10, 4)), "", (5, 1024, 3)),
    ],
)
def test_an_image_is_taken_in_the_usual_layouts_and_is_bounded(
    data: Any, layout: str, size: tuple[int, int, int]
) -> None:
    image = Image(data, layout=layout)
    assert not image.problem
    assert (image.width, image.height, image.channels) == size


@pytest.mark.parametrize(
    "data", [np.zeros((2, 2, 7)), np.zeros(3), np.array(["x"]), object(), None]
)
def test_what_is_no_image_says_so_and_harms_nothing(data: Any) -> None:
    assert Image(data).problem.startswith("an image was left out: ")


def test_values_beyond_an_images_range_are_cut_off_and_nothing_else() -> None:
    message = Image(np.array([[-1.0, 0.5, 2.0, np.nan]])).message()
    hearing = ScriptHearing()
    hearing.take(sent(Image(np.array([[-1.0, 0.5, 2.0, np.nan]]))))
    assert message["width"] == 4
    assert hearing.media[0].png.startswith(b"\x89PNG")


@pytest.mark.parametrize("values", [[1, 2, [3.0, float("nan")]], np.array([1, 2, 3, np.inf])])
def test_a_histogram_counts_what_is_finite(values: Any) -> None:
    buckets = Histogram(values, bins=2).message()["buckets"]
    assert buckets == [(1.0, 2.0, 1.0), (2.0, 3.0, 2.0)]
    assert Histogram([float("nan")]).problem


def test_a_step_of_any_kind_is_taken_and_what_is_none_loses_nothing() -> None:
    log = PointLog()
    for value, step in enumerate([np.int64(3), 4.0, "x", 10**30, object(), None]):
        log.log([("loss", float(value))], step)
    [message] = log.take(1.0)
    [points] = json.loads(json.dumps(message))["points"]
    assert points["values"] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert points["first_step"] == 3
    assert "is no step" in log.problem


def test_settings_that_are_none_are_a_type_error_at_once() -> None:
    run = Run(Agent(), "")
    assert repr(run) == "<tuitrain run that is not watched>"
    for config in ({"lr": 0.1}, argparse.Namespace(lr=0.1)):
        run.configure(config)
    with pytest.raises(TypeError, match="config is a mapping, or what argparse returns, not int"):
        run.configure(5)


def test_lists_of_media_have_a_name_each_and_what_waits_is_bounded() -> None:
    log = PointLog()
    values = {"own": [Text("a"), Text("b")], "number": 1.0, "plain": "c"}
    assert [name for name, _item in media_of(values)] == ["own/0", "own/1"]
    large = Text("a")
    large.size_bytes = 48 << 20
    assert not log.log_media([("first", large)], None)
    assert "some were left out" in log.log_media([("second", large)], None)
    assert [each["name"] for each in log.take_media(1.0)] == ["first"]


def test_ranks_are_told_of_in_a_line() -> None:
    ranks = [Standing(0, 11, 41, "step", 1.0), Standing(1, 12, 38, "step", 1.0)]
    assert not standing_line(ranks[:1], (), 80)
    [line] = standing_line(ranks, (), 80)
    assert plain_text(line) == " rank 1 is behind, in step 38; 2 of 2 ranks train, in step 41"
    [line] = standing_line(ranks, {1}, 80)
    assert plain_text(line) == " rank 1 is gone, in step 38; 1 of 2 ranks train, in step 41"
    words = gone_words(ranks[1:], ranks, [])
    assert words == "rank 1 (process 12) is gone, in step 38; still there: 0"


def test_a_loss_that_is_not_finite_is_told_once_an_episode() -> None:
    watch = NonfiniteWatch()

    def told(first: int, *values: float, name: str = "train/loss") -> list[str]:
        last = first + len(values) - 1
        points = (MetricPoints(name, first, values),)
        return [a.text for a in watch.recorded(StepsTaken(1.0, first, last, 0.0, 1.0, points))]

    nan, inf = float("nan"), float("inf")
    assert told(1, 0.5, 0.4) == []
    assert told(3, 0.3, inf, nan) == ["train/loss is inf at step 4; the script goes on"]
    assert told(6, nan) == told(7, 0.5, nan) == []
    assert told(9, *[0.5] * 100, nan) == ["train/loss is nan at step 109; the script goes on"]
    assert told(110, nan, name="grad_norm") == []
    assert told(110, nan, name="val_loss_epoch") != []
