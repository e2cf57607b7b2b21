"""From picking a preset to the stopped run by keys alone, in tmux, as a user sees it."""

import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.conftest import ENDLESS, Cli, until
from tests.terminal.conftest import TUITRAIN, terminal_environ
from tests.ui.run_makers import training

TMUX = shutil.which("tmux")
pytestmark = pytest.mark.skipif(TMUX is None, reason="tmux is not installed")


class Tmux:
    """A tmux server of the test's own, with one window."""

    def __init__(self, cli: Cli, folder: Path) -> None:
        self._socket = str(folder / "tmux.socket")
        self._cli = cli

    def start(self, *arguments: str, size: tuple[int, int] = (100, 30)) -> None:
        """Run `tuitrain` in a new window; when it ends, the window says so and stays."""
        command = f"{shlex.join([*TUITRAIN, *arguments])}; echo left: $?; exec cat"
        columns, rows = map(str, size)
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", columns, "-y", rows, command)

    def _tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            [str(TMUX), "-S", self._socket, *arguments],
            env=terminal_environ(self._cli),
            cwd=self._cli.folder,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names; a text of several letters is typed."""
        for key in keys:
            self._tmux("send-keys", key)

    @property
    def screen(self) -> str:
        """What a user sees."""
        return self._tmux("capture-pane", "-p")

    @property
    def buffer(self) -> str:
        """What `prefix ]` pastes."""
        return self._tmux("show-buffer")

    def wait(self, text: str) -> str:
        """Wait until the screen shows a text; return the screen."""
        try:
            until(lambda: text in self.screen, repr(text))
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.screen}") from error
        return self.screen

    def close(self) -> None:
        """End the server and all that is in it."""
        subprocess.run([str(TMUX), "-S", self._socket, "kill-server"], check=False)


@pytest.fixture
def tmux(cli: Cli, tmp_path: Path) -> Iterator[Tmux]:
    server = Tmux(cli, tmp_path)
    yield server
    server.close()


def test_pick_launch_watch_pause_change_leave_attach_and_stop_by_keys(cli: Cli, tmux: Tmux) -> None:
    (cli.folder / "presets").mkdir()
    cli.preset(ENDLESS, "presets/endless.toml")

    tmux.start()
    tmux.wait("presets")
    # The list may be longer than the screen: what is looked for is found by its name.
    tmux.press("/", "endl")
    tmux.wait("endless")
    tmux.press("Enter")
    tmux.wait("launch endless")
    tmux.press("Enter")
    first = tmux.wait("space pause")
    run = cli.wait_only()
    run.wait_step(run.step + 200)
    until(lambda: tmux.screen != first, "the curve moves")

    tmux.press("Space")
    tmux.wait("(space resumes)")
    step = run.state().step
    assert f"step {step:,}/" in tmux.screen
    tmux.press("Space")
    run.wait_state("running")
    run.wait_step(step + 20)

    tmux.press("l")
    tmux.wait("Learning rate from the next step on")
    tmux.press("2e-4", "Enter")
    tmux.wait("optimizer.lr 0.001 -> 0.0002")
    tmux.wait("lr      2.000e-04")

    tmux.press("q")
    tmux.wait("runs: 1 live")
    tmux.press("q")
    tmux.wait("left: 0")
    tmux.close()
    run.wait_step(run.step + 50)

    tmux.start("attach", "last", size=(80, 24))
    tmux.wait("space pause")
    tmux.wait("loss")
    tmux.press("s")
    tmux.wait("Stop ")
    tmux.press("y")
    tmux.wait("stopped")
    run.wait_end()
    tmux.press("q")
    tmux.wait("runs: 0 live")
    tmux.press("q")
    tmux.wait("left: 0")


def test_leaving_brings_the_screen_before_back(tmux: Tmux) -> None:
    tmux.start()
    tmux.wait("no runs yet")
    tmux.press("C-c")
    assert "presets" not in tmux.wait("left: 0")


def test_what_is_copied_is_in_tmuxs_buffer_with_the_settings_it_comes_with(
    cli: Cli, tmux: Tmux
) -> None:
    run = training(cli.runs, "recorded")
    run.log_path.write_text("".join(f"line {number}\n" for number in range(5)))
    tmux.start("attach", run.id)
    tmux.wait("R resume")
    tmux.press("L")
    tmux.wait("line 4")
    tmux.press("y")
    tmux.wait("5 lines copied to tmux's buffer")
    assert tmux.buffer.splitlines() == [f"line {number}" for number in range(5)]
    tmux.press("C-c")
    tmux.wait("left: 0")
