"""Curves as pictures on terminals that show them, and of braille on those that do not."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.process.conftest import Cli
from tests.terminal.pictures import KITTY_ANSWERS, SIXEL_ANSWERS, PictureTerminal
from tests.terminal.ptys import Terminal
from tests.ui.run_makers import STEPS, training

Open = Callable[..., Terminal]
QUESTION = b"\x1b[16t\x1b[c"
BLUE, ORANGE = (0x56, 0xB4, 0xE9), (0xE6, 0x9F, 0x00)
"""Of train and val, in the theme that is used at first."""
SIZE = (100, 30)


@pytest.fixture
def recorded(cli: Cli) -> str:
    """A run that nobody works on."""
    return training(cli.runs, "recorded").id


def seen(terminal: Terminal) -> PictureTerminal:
    screen = PictureTerminal()
    screen.write(terminal.written)
    return screen


def counted(terminal: Terminal) -> dict[tuple[int, int, int], int]:
    """Return how many pixels have the colours of curves, about: sixels count in percent."""
    screen, found = seen(terminal), dict.fromkeys((BLUE, ORANGE), 0)
    for y in range(0, SIZE[1] * 20, 2):
        for x in range(0, SIZE[0] * 10, 2):
            pixel = screen.pixel(x, y)
            for colour in found:
                near = pixel and all(abs(a - b) <= 3 for a, b in zip(pixel, colour, strict=True))
                found[colour] += bool(near)
    return found


@pytest.mark.parametrize("kind", ["kitty", "sixel"])
def test_curves_are_pictures_in_the_colours_of_the_theme_and_dialogs_lie_over_text(
    cli: Cli, recorded: str, open_terminal: Open, kind: str, tmp_path: Path
) -> None:
    config = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    terminal = open_terminal(cli, "attach", recorded, "--graphics", "auto", size=SIZE, **config)
    answers = KITTY_ANSWERS if kind == "kitty" else SIXEL_ANSWERS
    terminal.wait(lambda: QUESTION in terminal.written, "it asks the terminal")
    terminal.send(answers)
    terminal.wait_text(f"step {STEPS}/400")
    terminal.wait(lambda: counted(terminal)[ORANGE] > 20, "the curve of validation")
    terminal.wait(lambda: counted(terminal)[BLUE] > 100, "the curve of training")
    terminal.send(b"/")
    terminal.wait_text("Show metrics that match")
    terminal.wait(lambda: counted(terminal)[BLUE] == 0, "no picture below a question")
    terminal.wait(
        lambda: any("\u2800" < text < "\u28ff" for text in seen(terminal).text.values()),
        "braille in place of the picture",
    )
    terminal.send(b"\x1b")
    terminal.wait(lambda: counted(terminal)[BLUE] > 100, "the pictures again")
    terminal.send(b"\x03")
    assert terminal.wait_end() == 0
    assert terminal.modes() == terminal.modes_before
    assert not seen(terminal).pictures
    again = open_terminal(cli, "attach", recorded, size=SIZE, **config)
    again.wait(lambda: QUESTION in again.written, "it is remembered")


def test_watching_the_logs_of_others_takes_the_same_option(
    cli: Cli, open_terminal: Open, tmp_path: Path
) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "metrics.csv").write_text("step,loss\n1,0.5\n2,0.4\n")
    terminal = open_terminal(cli, "watch", str(logs), "--graphics", "auto", size=SIZE)
    terminal.wait(lambda: QUESTION in terminal.written, "it asks the terminal")


@pytest.mark.parametrize("graphics", ["auto", "off", None])
def test_curves_are_braille_where_the_terminal_says_nothing_or_nobody_asks(
    cli: Cli, recorded: str, open_terminal: Open, graphics: str | None
) -> None:
    options = () if graphics is None else ("--graphics", graphics)
    terminal = open_terminal(cli, "attach", recorded, *options, size=SIZE)
    terminal.wait_text(f"step {STEPS}/400")
    terminal.wait(lambda: any("\u2800" < each < "\u28ff" for each in terminal.text), "braille")
    assert (QUESTION in terminal.written) is (graphics == "auto")
    terminal.send(b"\x03")
    assert terminal.wait_end() == 0
    assert "\U0010eeee" not in terminal.text
    assert b"\x1bP0;1;0q" not in terminal.written


@pytest.mark.parametrize(
    ("options", "settings", "words"),
    [
        (("--ascii",), {}, "ASCII alone"),
        ((), {"NO_COLOR": "1"}, "without colours"),
        ((), {"STY": "1.screen"}, "GNU screen"),
    ],
)
def test_pictures_that_can_not_be_shown_are_refused_with_the_reason(
    cli: Cli,
    recorded: str,
    open_terminal: Open,
    options: tuple[str, ...],
    settings: dict[str, str],
    words: str,
) -> None:
    terminal = open_terminal(cli, "attach", recorded, "--graphics", "sixel", *options, **settings)
    assert terminal.wait_end() == 2
    assert words in terminal.text
