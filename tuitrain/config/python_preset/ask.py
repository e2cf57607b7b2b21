"""Lets a child process read a preset's Python file: this one never imports what the file does.

Knows a file and a name in it; nothing of what a preset means.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from tuitrain.config.faults import Fault, InvalidPresetError
from tuitrain.config.wording import printable

_MODULE = "tuitrain.config.python_preset"
_PACKAGE = Path(__file__).parents[3]


def read_python_preset(path: Path, attribute: str) -> str:
    """Return the preset called `attribute` in a Python file, as TOML.

    Raises:
        PresetError: there is none, or it can't be written as TOML; the text says what and where.
    """
    paths = [str(_PACKAGE), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, "-P", "-m", _MODULE, str(path), attribute],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        # Ctrl-C is this process's to answer: it ends the child.
        start_new_session=True,
    )
    told = json.loads(done.stdout) if done.stdout.strip() else {"error": _ending(done.returncode)}
    if "error" in told:
        place = printable(f"{path}:{attribute}")
        raise InvalidPresetError([Fault(place, None, "", printable(str(told["error"])))])
    return str(told["toml"])


def _ending(code: int) -> str:
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
    return f"the process that imported the file {how}"
