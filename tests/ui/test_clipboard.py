import os
from pathlib import Path

import pytest

from tuitrain.errors import UsageError
from tuitrain.ui.clipboard import copy_text
from tuitrain.view.osc import LIMIT_BYTES


def copy(
    text: str, path: Path, term: str = "xterm-256color", **environ: str
) -> tuple[str, list[str]]:
    written: list[str] = []
    told = copy_text(
        text, written.append, path, {**os.environ, "TERM": term, "TMUX": "", **environ}
    )
    return told, written


@pytest.mark.parametrize(
    ("text", "term", "environ", "said"),
    [
        ("a\n", "xterm-256color", {}, "sent to the terminal, which may refuse it; also in "),
        ("a\n", "tmux-256color", {"TMUX": "/nowhere/at/all,1,0"}, "which may refuse it; also in "),
        ("a\n", "linux", {}, "saved in "),
        ("x" * (LIMIT_BYTES + 1), "xterm-256color", {}, "saved in "),
    ],
)
def test_no_more_is_said_of_a_copy_than_is_known(
    tmp_path: Path, text: str, term: str, environ: dict[str, str], said: str
) -> None:
    path = tmp_path / "new" / "copied.txt"
    told, written = copy(text, path, term, **environ)
    assert said + str(path) in told
    assert bool(written) is told.startswith("sent")
    assert path.read_text() == text
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_folder_that_can_not_be_written_leaves_what_else_there_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "copied.txt"
    assert copy("a", path)[0] == "sent to the terminal, which may refuse it"
    with pytest.raises(UsageError, match=r"can't be copied: no clipboard here, and .*copied.txt"):
        copy("a", path, "linux")
