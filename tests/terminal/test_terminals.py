"""What is written to terminals of each kind, byte by byte."""

import random
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.process.conftest import Cli, until
from tests.terminal.conftest import TUITRAIN, terminal_environ
from tests.terminal.ptys import CURSOR, LEFT, Terminal, colours
from tests.ui.run_makers import STEPS, training

Open = Callable[..., Terminal]


@pytest.fixture
def recorded(cli: Cli) -> str:
    """A run that nobody works on."""
    return training(cli.runs, "recorded").id


@pytest.mark.parametrize("term", ["xterm", "linux", "screen-256color", "tmux-256color", "vt100"])
def test_every_kind_of_terminal_gets_the_run_and_is_left_clean(
    cli: Cli, recorded: str, open_terminal: Open, term: str
) -> None:
    terminal = open_terminal(cli, "attach", recorded, TERM=term)
    terminal.wait_text(f"step {STEPS}/400")
    terminal.wait_text("accuracy")
    terminal.send(b"\x03")
    assert terminal.wait_end() == 0
    assert terminal.modes() == terminal.modes_before
    assert LEFT in terminal.written and CURSOR in terminal.written
    if term in ("linux", "vt100"):
        assert terminal.written.isascii()


@pytest.mark.parametrize("how", ["option", "remembered", "with"])
def test_the_mouse_can_be_left_to_the_terminal(
    cli: Cli, recorded: str, open_terminal: Open, how: str
) -> None:
    folder = cli.folder / "config"
    if how == "remembered":
        (folder / "tuitrain").mkdir(parents=True)
        (folder / "tuitrain" / "interface.toml").write_text("mouse = false\n")
    options = ("--no-mouse",) if how == "option" else ()
    terminal = open_terminal(cli, "attach", recorded, *options, XDG_CONFIG_HOME=str(folder))
    terminal.wait_text(f"step {STEPS}/400")
    assert (b"\x1b[?1000h" in terminal.written) is (how == "with")
    terminal.send(b"\x03")
    assert terminal.wait_end() == 0


@pytest.mark.parametrize(
    ("arguments", "settings"),
    [((), {"LANG": "C"}), ((), {"LANG": "C", "LC_ALL": "POSIX"}), (("--ascii",), {})],
)
def test_only_ascii_is_written_where_the_locale_has_no_more(
    cli: Cli,
    recorded: str,
    open_terminal: Open,
    arguments: tuple[str, ...],
    settings: dict[str, str],
) -> None:
    terminal = open_terminal(cli, "attach", recorded, *arguments, size=(160, 48), **settings)
    terminal.wait_text(f"step {STEPS}/400")
    terminal.wait_text("samples_per_s")
    # Each opens another screen: of one that closes, what was under it may be on the line before.
    keys = ((b"q", "runs:"), (b"?", "topics to read"), (b"\x10", "Search"))
    for key, text in keys:
        since = len(terminal.written)
        terminal.send(key)
        terminal.wait_text(text, since)
    terminal.send(b"\x03")
    assert terminal.wait_end() == 0
    assert terminal.written.isascii()


def test_without_colour_none_is_set_and_no_grey_either(
    cli: Cli, recorded: str, open_terminal: Open
) -> None:
    terminal = open_terminal(cli, "attach", recorded, size=(120, 40), NO_COLOR="1")
    terminal.wait_text(f"step {STEPS}/400")
    terminal.wait_text("accuracy")
    terminal.send(b"\x03")
    terminal.wait_end()
    assert colours(terminal.written) == set()


def test_a_terminal_of_sixteen_colours_gets_no_others(
    cli: Cli, recorded: str, open_terminal: Open
) -> None:
    terminal = open_terminal(cli, "attach", recorded, TERM="xterm")
    terminal.wait_text(f"step {STEPS}/400")
    terminal.send(b"\x03")
    terminal.wait_end()
    assert not re.search(rb"\x1b\[[0-9;]*[34]8;[25];", terminal.written)


def test_a_storm_of_sizes_ends_with_a_whole_screen(
    cli: Cli, recorded: str, open_terminal: Open
) -> None:
    terminal = open_terminal(cli, "attach", recorded)
    terminal.wait_text(f"step {STEPS}/400")
    rng = random.Random(7)
    for _ in range(60):
        terminal.resize(rng.randint(1, 250), rng.randint(1, 70))
    since = len(terminal.written)
    terminal.resize(100, 30)
    terminal.wait_text("what happened", since)
    terminal.wait_text("? help", since)
    terminal.send(b"\x03")
    assert terminal.wait_end() == 0
    assert terminal.modes() == terminal.modes_before


def test_nothing_is_sent_where_nothing_is_new(cli: Cli, recorded: str, open_terminal: Open) -> None:
    import time

    terminal = open_terminal(cli, "attach", recorded)
    terminal.wait_text("what happened")
    seen = [-1]

    def is_quiet() -> bool:
        before, seen[0] = seen[0], len(terminal.written)
        time.sleep(2.0)
        return before == len(terminal.written)

    until(is_quiet, "two seconds without a byte")


@pytest.mark.parametrize("term", ["dumb", "", "unknown"])
def test_a_terminal_that_can_not_move_its_cursor_is_refused_in_words(
    cli: Cli, open_terminal: Open, term: str
) -> None:
    terminal = open_terminal(cli, TERM=term)
    assert terminal.wait_end() == 2
    assert "can't show the interface" in terminal.text
    assert b"\x1b[?1049h" not in terminal.written


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize("arguments", [(), ("attach", "last")])
def test_without_a_terminal_it_says_so_and_names_what_works(
    cli: Cli, arguments: tuple[str, ...]
) -> None:
    done = subprocess.run(
        [*TUITRAIN, *arguments],
        env=terminal_environ(cli),
        cwd=cli.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "needs a terminal" in done.stderr and "tuitrain run PRESET" in done.stderr
    assert done.stdout == ""


@pytest.mark.usefixtures("recorded")
def test_a_run_that_does_not_exist_is_named_before_the_screen_changes(
    cli: Cli, open_terminal: Open
) -> None:
    terminal = open_terminal(cli, "attach", "nothing")
    assert terminal.wait_end() == 2
    assert "nothing" in terminal.text
    assert b"\x1b[?1049h" not in terminal.written


def test_a_folder_of_runs_that_is_missing_is_an_empty_home(
    cli: Cli, open_terminal: Open, tmp_path: Path
) -> None:
    terminal = open_terminal(cli, "--runs-dir", str(tmp_path / "none"))
    terminal.wait_text("no runs yet")
    terminal.send(b"q")
    assert terminal.wait_end() == 0
