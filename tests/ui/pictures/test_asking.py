"""What a terminal answers, and how curves are then drawn."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.terminal.pictures import KITTY_ANSWERS, SIXEL_ANSWERS
from tuitrain.ui.pictures.asking import Kind, Shown, choose
from tuitrain.ui.preferences import Wanted
from tuitrain.view.chart.pixels import CellPixels

CELL = CellPixels(10, 20)


@contextmanager
def terminal(answer: bytes) -> Iterator[int]:
    """A terminal that answers once it is asked."""
    master, slave = os.openpty()

    def reply() -> None:
        asked = b""
        while not asked.endswith(b"\x1b[c"):
            asked += os.read(master, 1024)
        os.write(master, answer)

    thread = threading.Thread(target=reply, daemon=True)
    thread.start()
    yield slave
    thread.join()
    os.close(slave)
    os.close(master)


def chosen(answer: bytes, wanted: Wanted = "auto", **environ: str) -> Shown:
    with terminal(answer) as slave:
        return choose(wanted, environ, slave, slave)


@pytest.mark.parametrize(
    ("answer", "kind", "cell"),
    [
        (KITTY_ANSWERS, "kitty", CELL),
        (KITTY_ANSWERS.replace(b"6;20;10", b"6;40;20"), "kitty", CellPixels(12, 24)),
        (SIXEL_ANSWERS, "sixel", CELL),
        (b"\x1b_Gi=1;OK\x1b\\\x1bP>|WezTerm 2024\x1b\\\x1b[6;20;10t\x1b[?65;4;6c", "sixel", CELL),
        (b"\x1bP>|foot(1.20)\x1b\\\x1b[?62;4;22c", None, CellPixels()),
        (b"\x1b[?64;22c", None, CellPixels()),
        (b"", None, CellPixels()),
    ],
    ids=["kitty", "large cells", "foot", "kitty without placeholders", "no size", "none", "silent"],
)
def test_the_terminal_says_what_it_shows(
    answer: bytes, kind: Kind | None, cell: CellPixels
) -> None:
    shown = chosen(answer)
    assert (shown.kind, shown.cell) == (kind, cell)
    assert bool(shown.why_not) is (kind is None)


def test_what_is_asked_for_by_name_is_believed_and_screen_is_not_asked() -> None:
    assert chosen(b"\x1b[?64;22c", "kitty").kind == "kitty"
    assert choose("auto", {"STY": "1"}, -1, -1).why_not.startswith("GNU screen")
    assert choose("off", {}, -1, -1) == Shown(None)


@pytest.mark.parametrize(
    ("says", "kind"),
    [
        ("1\tkitty(0.42) xterm-kitty\t256,RGB", "kitty"),
        ("0\tkitty(0.42) xterm-kitty\t256,RGB", None),
        ("1\tkitty(0.42) xterm-kitty\t256", None),
        ("1\tXTerm(390) xterm-256color\tRGB", None),
    ],
    ids=["allowed", "forbidden", "without all colours", "another terminal outside"],
)
def test_inside_tmux_it_is_tmux_that_knows(
    says: str, kind: Kind | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmux = tmp_path / "tmux"
    tmux.write_text(f"#!/bin/sh\nprintf '{says}\\n'\n")
    tmux.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    shown = chosen(b"\x1b[?1;2c", TMUX="/tmp/tmux-0/default,1,0")
    assert shown.kind == kind
    assert ("allow-passthrough" in shown.why_not) is (kind is None)
