"""The state of a user's part: by `state_dict` where it has one, else its attributes."""

from types import FunctionType
from typing import Any

from tuitrain.errors import CheckpointError

_PLAIN = (FunctionType, type)
"""A function, or a class that is called as one, holds nothing that a run could go on from."""


def state_of(part: Any) -> Any:
    """Return what a part has come to; empty for a plain function.

    Attributes that can be called are code, not state.
    """
    if hasattr(part, "state_dict"):
        return part.state_dict()
    if isinstance(part, _PLAIN):
        return {}
    return {
        key: value for key, value in getattr(part, "__dict__", {}).items() if not callable(value)
    }


def restore_state(part: Any, state: Any, name: str) -> None:
    """Give a part back what `state_of` returned.

    Raises:
        CheckpointError: the part is another one by now; `name` says which.
    """
    try:
        if hasattr(part, "load_state_dict"):
            part.load_state_dict(state)
        elif state and not isinstance(part, _PLAIN):
            vars(part).update(state)
    except (RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{name}: the checkpoint's state does not fit the part as it is now "
            f"({_first_line(error)}); resume with the code and settings that the run began with"
        ) from error


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
