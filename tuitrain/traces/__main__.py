"""Works out what a profile says: `python -m tuitrain.traces RUN_FOLDER NAME`.

A process of its own, of low priority: reading a trace takes a core for seconds.
"""

import gc
import os
import sys
from pathlib import Path

from tuitrain.errors import ProfileError
from tuitrain.traces.store import write_digest

_NICENESS = 10


def main(arguments: list[str]) -> int:
    """Write the digest; what goes wrong is one line on stderr and exit code 1."""
    run_folder, name = arguments
    os.nice(_NICENESS)
    # Half a million objects that all live to the end: looking for garbage doubles the time.
    gc.disable()
    try:
        write_digest(Path(run_folder), name)
    except (ProfileError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
