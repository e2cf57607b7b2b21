"""Work beside the screens: what is waited for, and what is said of it."""

import threading
from collections.abc import Callable

import pytest

from tests.terminal.ptys import until
from tuitrain.errors import RunBusyError, UsageError
from tuitrain.ui.background import BackgroundWork

PATIENCE_S = 60.0
Told = list[tuple[str, str]]


@pytest.fixture
def told() -> Told:
    """What was shown, each with its severity."""
    return []


@pytest.fixture
def failed() -> list[Exception]:
    """What nobody foresaw."""
    return []


@pytest.fixture
def work(told: Told, failed: list[Exception]) -> BackgroundWork:
    """Work of which all that is told is kept."""
    return BackgroundWork(
        lambda text, severity="information": told.append((text, severity)), failed.append
    )


def test_what_the_user_asked_for_is_waited_for_and_not_what_only_finds_out(
    work: BackgroundWork,
) -> None:
    assert work.wait(0)
    go, never = threading.Event(), threading.Event()
    work.look(lambda: str(never.wait(PATIENCE_S)))
    assert work.wait(0)
    work.do(lambda: str(go.wait(PATIENCE_S)))
    assert not work.wait(0)
    go.set()
    assert work.wait(PATIENCE_S)
    never.set()


def test_an_answer_is_told_and_not_waited_for(work: BackgroundWork, told: Told) -> None:
    answer = threading.Event()

    def wait_for_answer() -> str:
        answer.wait(PATIENCE_S)
        return "done"

    work.do(lambda: wait_for_answer)
    assert work.wait(PATIENCE_S) and not told
    answer.set()
    until(lambda: told, "it is told")
    assert told == [("done", "information")]


@pytest.mark.parametrize(
    ("error", "severity"), [(UsageError("no"), "error"), (RunBusyError("no"), "warning")]
)
def test_why_something_could_not_be_done_is_told(
    work: BackgroundWork, told: Told, error: Exception, severity: str
) -> None:
    work.do(failing(error))
    assert work.wait(PATIENCE_S)
    until(lambda: told, "it is told")
    assert told == [("no", severity)]


def test_what_nobody_foresaw_is_no_secret_and_holds_nobody_up(
    work: BackgroundWork, failed: list[Exception]
) -> None:
    error = ValueError("a mistake in the program")
    work.do(failing(error))
    assert work.wait(PATIENCE_S)
    until(lambda: failed, "it is told")
    assert failed == [error]


def failing(error: Exception) -> Callable[[], str]:
    def fail() -> str:
        raise error

    return fail
