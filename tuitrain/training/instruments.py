"""What a run only looks on with: where that raises, it is told once, and left out from then on.

The training goes on without it. Knows nothing of what is measured.
"""

import sys
import traceback
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

_Result = TypeVar("_Result")
_Method = TypeVar("_Method", bound=Callable[..., Any])

Tell = Callable[[str, str], None]
"""Is told in a sentence what failed, and the traceback."""


def tell_log(text: str, trace: str) -> None:
    """Write it to the worker's log."""
    sys.stderr.write(f"{text}\n{trace}")


class Instrument:
    """One of the things that a run is looked at with.

    Attributes:
        works: whether it has never failed.
    """

    def __init__(self, what: str, tell: Tell = tell_log) -> None:
        """Name it as a sentence begins with it, and say who is told when it fails."""
        self.works = True
        self._what = what
        self._tell = tell

    def look(self, measure: Callable[[], _Result], otherwise: _Result) -> _Result:
        """Return what is measured, or `otherwise` where that fails or has failed before."""
        if self.works:
            try:
                return measure()
            except BaseException as error:
                # It may run a user's code, which may raise SystemExit too.
                self.fail(error)
        return otherwise

    def fail(self, error: BaseException) -> None:
        """Leave it out from now on."""
        if not self.works:
            return
        # Noted first: telling may come to what has just failed.
        self.works = False
        words = str(error).strip().partition("\n")[0]
        said = f"{type(error).__name__}: {words}" if words else type(error).__name__
        trace = "".join(traceback.format_exception(error))
        self._tell(f"{self._what} failed and is left out, the run goes on: {said}", trace)


def spared(otherwise: Callable[..., Any]) -> Callable[[_Method], _Method]:
    """Let a method of an object with an `instrument` do as `Instrument.look` does.

    Args:
        otherwise: what is done instead, with the same arguments.
    """

    def wrap(method: _Method) -> _Method:
        @wraps(method)
        def careful(owner: Any, *given: Any) -> Any:
            if owner.instrument.works:
                try:
                    return method(owner, *given)
                except BaseException as error:
                    owner.instrument.fail(error)
            return otherwise(owner, *given)

        return cast(_Method, careful)

    return wrap


def nothing(*_given: Any) -> None:
    """Do nothing."""
