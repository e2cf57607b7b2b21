"""The settings that may change while a run is live: what they take, and whether a value will do.

Knows the schema; nothing of runs.
"""

from typing import cast

from pydantic import ValidationError

from tuitrain.config.checking.components import wrong_value
from tuitrain.config.checking.keys import owner
from tuitrain.config.overrides import read_value
from tuitrain.config.schema import LIVE_SETTINGS
from tuitrain.config.wording import nearest, one_of, printable
from tuitrain.errors import PresetError, UsageError


def validate_setting(key: str, text: str) -> float:
    """Read the value that a user typed for a live setting.

    Raises:
        UsageError: there is no such live setting.
        PresetError: the setting does not take that value.
    """
    path = _path(key)
    model, value = owner(path), read_value(text)
    try:
        return cast(float, getattr(model.model_validate({path[-1]: value}), path[-1]))
    except ValidationError as error:
        message = wrong_value(model, path[-1], {path[-1]: value})
        raise PresetError(f"{key}: {message}") from error


def _path(key: str) -> tuple[str, ...]:
    if key in LIVE_SETTINGS:
        return tuple(key.split("."))
    last_parts = {name.rpartition(".")[2]: name for name in LIVE_SETTINGS}
    meant = nearest(key, LIVE_SETTINGS) or [
        last_parts[name] for name in nearest(key.rpartition(".")[2], last_parts)
    ]
    hint = f" did you mean {one_of(meant)}?" if meant else ""
    raise UsageError(
        f"{printable(key)!r} can't be changed while a run is live;{hint} "
        f"allowed: {', '.join(LIVE_SETTINGS)}; of a run that has ended `tuitrain resume RUN --set "
        "KEY=VALUE` changes others too"
    )
