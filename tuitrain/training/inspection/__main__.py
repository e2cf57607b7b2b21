"""Answers one question about a preset: `python -m tuitrain.training.inspection`.

Reads the question as a line of JSON on stdin, and writes JSON lines on stdout: `{"progress": TEXT}`
any number of times, then `{"answer": ...}` or `{"error": TEXT, "exit_code": N}`. When stdin ends
before that, nobody waits any more, and the process ends with all that it has started.
"""

import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from tuitrain.errors import EXIT_FAILED, TuitrainError


def main() -> int:
    """Answer the question on stdin; return the exit code."""
    answers = _own_stdout()
    line = sys.stdin.readline()
    threading.Thread(target=_end_with_stdin, daemon=True).start()

    def say(told: Mapping[str, Any]) -> None:
        answers.write(json.dumps(told) + "\n")
        answers.flush()

    told = _answered(json.loads(line), lambda text: say({"progress": text}))
    say(told)
    # Taking torch down takes a second; there is nothing left to do.
    sys.stderr.flush()
    os._exit(int(told.get("exit_code", 0)))


def _own_stdout() -> IO[str]:
    """Return stdout for the answers alone: what a user's own code prints goes to stderr."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _end_with_stdin() -> None:
    """End this process and its loaders once nobody is there to hear the answer."""
    while sys.stdin.readline():
        pass
    os.killpg(0, signal.SIGKILL)


def _answered(question: dict[str, Any], report: Callable[[str], None]) -> dict[str, Any]:
    sys.path[:0] = question["code_folders"]
    try:
        # Imports torch, so that a torch that can't be imported is told as well.
        from tuitrain.training.inspection.answers import answer

        return {"answer": answer(question, report)}
    except TuitrainError as error:
        sys.stderr.write(error.detail)
        return {"error": str(error), "exit_code": error.exit_code}
    except BaseException as error:
        # A user's own code may raise anything, SystemExit too.
        traceback.print_exc()
        return {"error": _words(error), "exit_code": EXIT_FAILED}


def _words(error: BaseException) -> str:
    """Return an error in a sentence, with the line that raised it."""
    first = (str(error).strip().splitlines() or [""])[0]
    said = f"{type(error).__name__}: {first}" if first else type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name} line {frames[-1].lineno})" if frames else ""
    return said + where


if __name__ == "__main__":
    raise SystemExit(main())
