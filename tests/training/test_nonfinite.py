"""Losses that are not finite where a run is to go on all the same."""

import math
from pathlib import Path

import pytest

from tests.process.test_damage import EXPLODING, MODULE
from tests.training.test_loop import Course
from tuitrain.messages import AlertRaised


@pytest.mark.parametrize("policy", ["skip", "ignore"])
def test_other_policies_go_on_after_an_alert(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: str
) -> None:
    (tmp_path / "exploding.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    text = EXPLODING.replace("[train]", f'[train]\nnonfinite = "{policy}"')
    course = Course(tmp_path, text)
    assert course.ended.state == "finished"
    alerts = [event.kind for event in course.events if isinstance(event, AlertRaised)]
    assert alerts == ["nonfinite"]
    losses = dict(enumerate(course.points("train/loss"), 1))
    assert list(losses) == list(range(1, 41))
    assert [step for step, loss in losses.items() if math.isnan(loss)] == (
        [7] if policy == "skip" else list(range(7, 41))
    )
