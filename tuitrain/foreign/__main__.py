"""The process that follows logs beside an interface, as `CACHE VIEW PATH...` say.

It ends with whoever holds the other end of its standard input.
"""

import select
import signal
import sys
from pathlib import Path

from tuitrain.foreign.watcher import SOON_S, Watcher


def main() -> None:
    """Follow until standard input is closed."""
    cache, view, *paths = map(Path, sys.argv[1:])
    # Ctrl-C is meant for the interface, whose end is this one's.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    watcher = Watcher(paths, cache, view, _say)
    more = True
    try:
        while not _left(0.0 if more else SOON_S / 2):
            more = watcher.turn()
    finally:
        watcher.close()


def _left(wait_s: float) -> bool:
    """Wait so long; return whether nobody holds the other end of standard input any more."""
    ready, _, _ = select.select([sys.stdin], [], [], wait_s)
    return bool(ready)


def _say(text: str) -> None:
    sys.stderr.write(f"tuitrain watch: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
