"""Hosts for tests: a stand-in for ssh on PATH that starts the far end here, or behaves badly."""

import os
import shlex
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]
_SSH = """#!/bin/sh
while [ "$1" != "--" ]; do shift; done
shift; host=$1; shift
case $host in
  dead*) echo "ssh: connect to host $host port 22: Connection refused" >&2; exit 255;;
  silent*) exec sleep 600;;
  bare*) echo "sh: 1: tuitrain: not found" >&2; exit 127;;
  old*) echo '{{"tuitrain": 99, "version": "9.9"}}'; exec sleep 600;;
esac
echo "Welcome to $host"; echo "{{'no': json"; printf '\\033[2J\\n'
export TUITRAIN_RUNS={runs}/$host
cd {runs} && eval "exec $*"
"""


def fake_ssh(folder: Path, runs: Path) -> dict[str, str]:
    """Put a stand-in for ssh into a folder; return variables with which it is found.

    The runs of a host lie in the folder of its name below `runs`.
    """
    runs.mkdir(parents=True, exist_ok=True)
    for name, text in (("ssh", _SSH.format(runs=shlex.quote(str(runs)))), ("tuitrain", _program())):
        script = folder / name
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(text)
        script.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def _program() -> str:
    command = f"{shlex.quote(sys.executable)} -m tuitrain"
    return f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(PROJECT))} exec {command} "$@"\n'
