"""A driver in the background: `python -m tuitrain.sweeps FOLDER`."""

import sys

from tuitrain.sweeps.process import main

if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
