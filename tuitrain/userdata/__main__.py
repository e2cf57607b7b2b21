"""Looks at somebody's own data for another process: `python -m tuitrain.userdata`.

Reads the path as a line of JSON on stdin, and writes JSON lines on stdout: `{"progress": TEXT}` any
number of times, then `{"answer": ...}` or `{"error": TEXT, "exit_code": N}`. When stdin ends before
that, nobody waits any more, and the process ends.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuitrain.errors import EXIT_FAILED, TuitrainError


def main() -> int:
    """Look at the path on stdin; return the exit code."""
    path = Path(json.loads(sys.stdin.readline()))
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    told = _looked_at(path)
    _say(told)
    sys.stdout.flush()
    os._exit(int(told.get("exit_code", 0)))


def _say(told: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def _end_with_stdin() -> None:
    """End this process once nobody is there to hear the answer."""
    while sys.stdin.readline():
        pass
    os.killpg(0, signal.SIGKILL)


def _looked_at(path: Path) -> dict[str, Any]:
    from tuitrain.userdata.proposal import file_stem, preset_name, propose
    from tuitrain.userdata.report import survey_lines
    from tuitrain.userdata.survey import survey
    from tuitrain.userdata.words import shown

    try:
        found = survey(path, tell=lambda text: _say({"progress": text}))
        name = preset_name(file_stem(path))
        str(found.path).encode()
        text = propose(found, str(found.path), name).text
        return {
            "answer": {"lines": survey_lines(found, "data.target"), "name": name, "preset": text}
        }
    except TuitrainError as error:
        return {"error": str(error), "exit_code": error.exit_code}
    except UnicodeEncodeError:
        why = "the name is no UTF-8 text, which a preset can't hold; make a link and name that"
        return {"error": f"{shown(path)}: {why}", "exit_code": EXIT_FAILED}
    except OSError as error:
        why = error.strerror or type(error).__name__
        return {"error": f"{shown(path)} can't be read: {why}", "exit_code": EXIT_FAILED}


if __name__ == "__main__":
    raise SystemExit(main())
