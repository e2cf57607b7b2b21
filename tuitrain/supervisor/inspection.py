"""Asks about a preset what only torch can tell: a child process answers, as JSON lines.

The child leads a process group of its own and ends with this process, whichever way that ends; no
run is made. Knows questions and answers as plain data, and nothing of what they mean.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal, NoReturn

from tuitrain.config.data_path import with_whole_path
from tuitrain.config.load import to_toml
from tuitrain.config.schema import Preset
from tuitrain.errors import TuitrainError
from tuitrain.supervisor.launch import code_folders

Kind = Literal[
    "model",
    "data",
    "learning_rate",
    "batch_size",
    "evaluation",
    "prediction",
    "explanation",
    "demonstration",
    "export_model",
    "samples",
    "service",
]

_MODULE = "tuitrain.training.inspection"
_SURVEY = "tuitrain.userdata"
_PACKAGE = Path(__file__).parents[2]


class InspectionError(TuitrainError):
    """What was asked has no answer; the text says why."""


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to find out about a preset."""

    kind: Kind
    preset: Preset
    """Resolved."""
    data_directory: Path
    code_folders: tuple[str, ...] = ()
    """Put first on the child's import path, for a user's own code."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of this kind of question, as JSON data."""

    @classmethod
    def of(
        cls, kind: Kind, preset: Preset, data: Path, preset_folder: Path, **options: Any
    ) -> "Question":
        """Return the question about a preset whose code and data lie in a folder, or in this one.

        Raises:
            UsageError: nothing lies at the path of the data.
        """
        folders = [preset_folder, Path.cwd()]
        located = with_whole_path(preset, [*folders, data])
        return cls(kind, located, data.absolute(), code_folders(preset, folders), options)

    def to_json(self) -> str:
        """Return it on one line."""
        plain = {
            "kind": self.kind,
            "config": to_toml(self.preset),
            "data_directory": str(self.data_directory),
            "code_folders": list(self.code_folders),
            "options": dict(self.options),
        }
        return json.dumps(plain)


def ask(
    question: Question,
    tell: Callable[[str], None] = lambda _text: None,
    *,
    stderr: IO[Any] | int | None = None,
    begun: Callable[["subprocess.Popen[str]"], None] = lambda _child: None,
) -> dict[str, Any]:
    """Return the answer to a question.

    Args:
        question: what to find out.
        tell: is given what the child says on the way, a sentence at a time.
        stderr: where the child's goes; with this process's own when left out.
        begun: is given the child, whose process group may be killed to end the waiting.

    Raises:
        InspectionError: there is no answer; with the child's reason and exit code.
        KeyboardInterrupt: as it came; the child is gone.
        OSError: no process can be started.
    """
    return ask_module(_MODULE, question.to_json(), tell, stderr=stderr, begun=begun)


def survey_data(
    path: Path,
    tell: Callable[[str], None] = lambda _text: None,
    begun: Callable[["subprocess.Popen[str]"], None] = lambda _child: None,
) -> dict[str, Any]:
    """Return what lies at a path: `lines` of words, and a `preset` that trains it, by `name`.

    Raises:
        InspectionError: there is nothing to train on; with the reason.
        OSError: no process can be started.
    """
    request = json.dumps(str(path))
    return ask_module(_SURVEY, request, tell, stderr=subprocess.DEVNULL, begun=begun)


def ask_module(
    module: str,
    request: str,
    tell: Callable[[str], None],
    *,
    stderr: IO[Any] | int | None,
    begun: Callable[["subprocess.Popen[str]"], None],
) -> dict[str, Any]:
    """Return what a module, run as a process, answers to a line of JSON; else as `ask`."""
    with _child(module, stderr) as child:
        begun(child)
        for told in _lines(child, request):
            if "answer" in told:
                answer: dict[str, Any] = told["answer"]
                return answer
            if "error" in told:
                raise _refusal(told)
            tell(str(told["progress"]))
    raise _refusal({"error": _ending(child.returncode)})


def become(module: str, question: Question, environment: Mapping[str, str]) -> NoReturn:
    """Replace this process by one that runs a module on a question, as long as it likes.

    Args:
        module: as in `python -m`; finds the question on its stdin, in JSON.
        question: what it is about.
        environment: more variables.

    Raises:
        OSError: it can't be started.
    """
    with tempfile.TemporaryFile() as file:
        file.write(question.to_json().encode())
        file.seek(0)
        os.dup2(file.fileno(), 0)
    argv = [sys.executable, "-P", "-m", module]
    os.execve(sys.executable, argv, {**_environment(), **environment})


def _environment() -> dict[str, str]:
    """Return the environment in which a child finds this package."""
    paths = [str(_PACKAGE), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


@contextmanager
def _child(module: str, stderr: IO[Any] | int | None) -> "Iterator[subprocess.Popen[str]]":
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        env=_environment(),
        start_new_session=True,
    )
    try:
        yield process
    finally:
        # Whatever it is at, there is nothing that it would have to save.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        with suppress(BrokenPipeError):
            process.communicate()


def _lines(child: "subprocess.Popen[str]", request: str) -> Iterator[dict[str, Any]]:
    """Put the request, and yield what the child says until it has ended."""
    if child.stdin is None or child.stdout is None:
        return
    with suppress(BrokenPipeError):
        child.stdin.write(request + "\n")
        child.stdin.flush()
    for line in child.stdout:
        yield json.loads(line)
    child.wait()


def _refusal(told: Mapping[str, Any]) -> InspectionError:
    error = InspectionError(str(told["error"]))
    error.exit_code = int(told.get("exit_code", error.exit_code))
    return error


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        how = f"was killed by signal: {signal.strsignal(-code) or -code}"
    else:
        how = f"ended by itself with exit code {code}"
    return f"the process that was asked {how}, before it had an answer."
