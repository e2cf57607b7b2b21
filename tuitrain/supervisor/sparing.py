"""What a run can do without: when it fails, that is told once, and the run goes on.

Knows nothing of what is called.
"""

import traceback
from collections.abc import Callable
from typing import TypeVar

from tuitrain.errors import RecordError

_Result = TypeVar("_Result")

Tell = Callable[[str, str], None]
"""Is told in a sentence what failed, and the traceback."""


class Sparing:
    """Calls what may fail."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._told: set[str] = set()

    def __call__(self, what: str, call: Callable[[], _Result], instead: _Result) -> _Result:
        """Return what `call` returns, or `instead` where it fails.

        Args:
            what: is told to have failed, the first time that it does.
            call: anything but the record, without which there is no run.
            instead: the result of a call that failed.

        Raises:
            RecordError: the record can't be read or written.
        """
        try:
            return call()
        except RecordError:
            raise
        except Exception as error:
            if what not in self._told:
                # Noted first: telling may itself come to what just failed.
                self._told.add(what)
                said = f"{what} failed and is left out, the run goes on"
                self._tell(f"{said}: {type(error).__name__}: {error}", traceback.format_exc())
            return instead
