"""All settings of a run on a screen of their own."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot

from tests.ui.apps import play
from tests.ui.makers import falling, new_run, train
from tests.ui.screens import screen_text, told, wait_for, wait_for_golden, wait_for_text
from tuitrain.config.load import load_found, to_toml
from tuitrain.config.presets import find_preset
from tuitrain.runs.directory import RunDirectory
from tuitrain.view.run.settings import setting_lines, setting_rows, settings_text
from tuitrain.view.spans import line_width


@pytest.fixture
def run(root: Path) -> RunDirectory:
    """Make a run of a shipped preset, with another rate."""
    run = new_run(root, "mine", preset="digits-cnn")
    text = to_toml(load_found(find_preset("digits-cnn"), ("optimizer.lr=0.5",)))
    run.config_path.write_text(text)
    train(run, falling(31))
    return run


def show(run: RunDirectory, steps: Any, **options: Any) -> None:
    play(run.path.parent, lambda app: app.opener.open_of_run("settings", run), steps, **options)


def test_what_is_not_as_in_the_preset_stands_out_is_filtered_and_copied(
    run: RunDirectory, root: Path
) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "1 not as in the preset")
        await pilot.press("d")
        await wait_for_text(pilot, "* optimizer.lr  0.5   preset: 0.")
        await wait_for_text(pilot, " 1 of ")
        await pilot.press("d", "slash", *"optimizer", "down")
        await wait_for_text(pilot, "optimizer.name")
        await wait_for(pilot, lambda: "train.epochs" not in screen_text(pilot.app), "the filter")
        await pilot.press("c")
        await wait_for(pilot, lambda: "settings" in told(pilot.app), "they were copied")
        copied = (root.parent / "copied.txt").read_text(encoding="utf-8")
        assert "optimizer.lr = 0.5\n" in copied and "train.epochs" not in copied
        await pilot.press("q")
        await wait_for(pilot, lambda: type(pilot.app.screen).__name__ == "HomeScreen")

    show(run, steps)


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
def test_a_preset_that_is_gone_is_told(root: Path, size: tuple[int, int]) -> None:
    run = new_run(root, "mine", preset="gone")
    train(run, falling(31))

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "The preset can't be read here")
        await wait_for_text(pilot, "train.epochs")
        await wait_for_golden(pilot, f"settings-{size[0]}x{size[1]}")
        await pilot.press("d")
        await wait_for(pilot, lambda: "can't be read here" in told(pilot.app))

    show(run, steps, size=size)


def test_only_what_is_asked_for_is_listed() -> None:
    own, preset = {"a.x": "1", "a.y": "2", "name": '"mine"'}, {"a.x": "1", "a.y": "3", "b.z": "4"}
    assert [row.key for row in setting_rows(own, preset, only_changed=True)] == ["a.y", "b.z"]
    assert [row.key for row in setting_rows(own, preset, "A. 2")] == ["a.y"]
    assert not any(row.changed for row in setting_rows(own, None))
    assert settings_text(setting_rows(own, preset)) == 'a.x = 1\na.y = 2\nname = "mine"\n'


@given(
    st.dictionaries(st.text("ab.", max_size=30), st.text("ab 01[]", max_size=90), max_size=5),
    st.integers(40, 120),
)
def test_settings_fit_and_none_is_cut(own: dict[str, str], width: int) -> None:
    lines = setting_lines(setting_rows(own, {}), width)
    assert len(lines) >= len(own)
    assert all(line_width(line) <= width for line in lines)
