from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.ui.apps import play
from tests.ui.screens import wait_for, wait_for_text
from tuitrain.errors import UsageError
from tuitrain.ui.screens.dialogs import Ask, Confirm

NOTHING = object()


def check(text: str) -> str:
    if not text.isdigit():
        raise UsageError(f"{text!r} is no number: [bold]digits[/bold] are allowed")
    return text


def ask(tmp_path: Path, dialog: Any, *keys: str, shown: str = "") -> Any:
    """Return what a dialog answers to keys; NOTHING while it is still open."""
    answers: list[Any] = []

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for(pilot, lambda: pilot.app.screen is dialog)
        await pilot.press(*keys)
        if shown:
            await wait_for_text(pilot, shown)
        else:
            await wait_for(pilot, lambda: answers)

    play(tmp_path / "runs", lambda app: app.push_screen(dialog, answers.append), steps)
    return answers[0] if answers else NOTHING


@pytest.mark.parametrize(
    ("key", "answer"), [("y", True), ("n", False), ("escape", False), ("q", False)]
)
def test_only_y_means_yes(tmp_path: Path, key: str, answer: bool) -> None:
    assert ask(tmp_path, Confirm("Really?", "do it"), key) is answer


def test_enter_takes_the_marked_answer_which_is_no_at_first(tmp_path: Path) -> None:
    assert ask(tmp_path, Confirm("Really?", "do it"), "enter") is False
    assert ask(tmp_path, Confirm("Really?", "do it"), "tab", "enter") is True
    assert ask(tmp_path, Confirm("Really?", "do it"), "left", "right", "enter") is False


def test_other_keys_answer_no_question(tmp_path: Path) -> None:
    dialog = Confirm("Delete [red]all[/red]?", "do it")
    assert ask(tmp_path, dialog, "space", "x", shown="Delete [red]all[/red]?") is NOTHING


def test_a_line_is_taken_with_enter_and_left_with_escape(tmp_path: Path) -> None:
    assert ask(tmp_path, Ask("How many?"), *"42", "enter") == "42"
    assert ask(tmp_path, Ask("How many?", value="7"), "enter") == "7"
    assert ask(tmp_path, Ask("How many?", value="7"), *"42", "enter") == "42"
    assert ask(tmp_path, Ask("How many?", value="7"), "escape") is None


def test_a_line_that_will_not_do_is_not_taken_and_says_why(tmp_path: Path) -> None:
    fault = "'x' is no number: [bold]digits[/bold] are allowed"
    assert ask(tmp_path, Ask("How many?", check=check), *"x", shown=fault) is NOTHING
    assert ask(tmp_path, Ask("How many?", check=check), *"x", "enter", shown=fault) is NOTHING
    assert ask(tmp_path, Ask("?", check=check), *"x", "enter", "backspace", *"5", "enter") == "5"


def test_a_dialog_fits_a_small_terminal(tmp_path: Path) -> None:
    dialog = Confirm("A question that takes some lines. " * 6, "answer it")

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "y answer it")
        await wait_for_text(pilot, "A question that takes")

    play(tmp_path / "runs", lambda app: app.push_screen(dialog), steps, size=(60, 20))
