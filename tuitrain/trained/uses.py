"""What can be done with a trained model by a command, as a list that a screen shows.

Data alone: which command, in which words, and what its command line is at first. A command is
added here in one entry.
"""

import shlex
from dataclasses import dataclass

from tuitrain.errors import UsageError

PROGRAM = "tuitrain"


@dataclass(frozen=True, slots=True)
class Use:
    """One command on a run's model."""

    name: str
    """As the list calls it."""
    words: str
    """What it does, in a sentence."""
    template: str
    """Its command line without the program; `{run}` and `{path}` are filled in."""
    path: str = ""
    """The question for the file or folder it needs; empty: it needs none."""


USES = (
    Use("predict", "Say what the model makes of files of your own.",
        "predict {run} {path}", "Predict which image, folder, table or file of texts?"),
    Use("explain", "Show what in a sample a prediction rests on.",
        "explain {run} {path}", "Explain the prediction of which image, table or text file?"),
    Use("plot", "Draw curves, confusion and calibration into a file.",
        "plot {run} -o {run}.png"),
    Use("report", "Put settings, curves, figures and mistakes into one page.",
        "report {run} -o {run}.html"),
    Use("export", "Write the model for programs without tuitrain.",
        "export-model {run} --format onnx -o {run}.onnx"),
    Use("demo", "Try the model in a browser, until it is ended here.",
        "demo {run}"),
    Use("serve", "Answer requests over HTTP, until it is ended here.",
        "serve {run}"),
    Use("evaluate", "Evaluate it on samples from another place.",
        "evaluate {run} --data {path}", "Evaluate on which folder or table?"),
)  # fmt: skip
"""In the order shown."""


def command_line(use: Use, run: str, path: str = "", options: tuple[str, ...] = ()) -> str:
    """Return the command line that does it, as it can be typed in a shell.

    Args:
        use: what is done.
        run: the run's id.
        path: what it is done to, where it needs that.
        options: added at the end, as where the runs are kept.
    """
    filled = use.template.format(run=shlex.quote(run), path=shlex.quote(path))
    return " ".join([PROGRAM, filled, *map(shlex.quote, options)])


def command_words(line: str) -> list[str]:
    """Return the words of a command line behind the program's name.

    Raises:
        UsageError: it is none of this program, or no command line.
    """
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise UsageError(f"a quotation mark has no end ({error})") from error
    if words[:1] != [PROGRAM] or len(words) < 2:
        raise UsageError(f"the line must begin with {PROGRAM} and a command: no shell reads it")
    return words[1:]
