"""The user's own configuration: defaults for alerts, who is told of them, and the queue's slots.

One TOML file. Reads it; knows nothing of runs, and nothing of how anybody is told.
"""

import os
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError

from tuitrain.config.checking.components import UNKNOWN, wrong_value
from tuitrain.config.checking.keys import field_model, suggestion
from tuitrain.config.faults import InvalidPresetError, KeyPath
from tuitrain.config.folders import has_user_config, user_config_path
from tuitrain.config.schema import AlertsSection, Section
from tuitrain.config.source import Source, read_text
from tuitrain.config.wording import printable, show
from tuitrain.errors import UsageError

AlertKind = Literal[
    "nonfinite", "oom", "divergence", "plateau", "creep", "slowdown", "throttled", "hot", "disk",
    "shm", "loaders", "rank", "hang", "checkpoint", "data", "record", "webhook", "tracker",
    "stacks", "ended",
]  # fmt: skip
DEFAULT_KINDS: tuple[AlertKind, ...] = (
    "nonfinite", "oom", "creep", "disk", "loaders", "rank", "hang", "ended",
)  # fmt: skip
"""Those that are critical, and the end."""
DesktopWay = Literal["auto", "osc9", "osc777", "off"]
WebService = Literal["json", "ntfy", "slack", "discord", "telegram"]


class NotifySection(Section):
    """Who is told of an alert, beside the screens and the record."""

    bell: bool = Field(False, description="Ring the terminal's bell.")
    desktop: DesktopWay = Field(
        "off",
        description="Show a desktop notice through the terminal: by OSC 9, by OSC 777, or, "
        "`auto`, as the terminal's name tells. tmux needs `allow-passthrough on`.",
    )
    webhook: Annotated[
        str,
        Field(
            pattern=r"^(https?://[^\s/]+\S*)?$",
            json_schema_extra={"words": "an http:// or https:// address, or empty text"},
        ),
    ] = Field("", description="Where each alert is posted; empty: nowhere.")
    service: WebService = Field(
        "json",
        description="What takes the posts: `json` is a server of your own; `ntfy` (`webhook` is "
        "the topic's address), `slack` and `discord` (an incoming webhook's) and `telegram` get "
        "them in their own forms.",
    )
    chat: str = Field("", description="Of Telegram: the number of the chat, or @channel.")
    secret: Annotated[
        str,
        Field(
            pattern=r"^((env|file):\S.*)?$",
            json_schema_extra={"words": "env:NAME, file:PATH, or empty text"},
        ),
    ] = Field(
        "",
        description="Where a secret is: `env:NAME`, or `file:PATH` of mode 0600. Of `telegram` the "
        "bot's token, of `slack` and `discord` the address itself, else a bearer token.",
    )
    kinds: list[AlertKind] = Field(
        default_factory=lambda: list(DEFAULT_KINDS),
        description="The kinds of alerts that are told so.",
    )


class QueueSection(Section):
    """How many runs of the queue a box without GPUs has room for."""

    slots: Annotated[int, Field(ge=1, le=1024)] = Field(
        1, description="Runs at a time, where the box has no GPUs and `--slots` is not given."
    )


class InterfaceSection(Section):
    """How the interface speaks."""

    language: Annotated[
        str,
        Field(
            pattern=r"^(en|zh)?$",
            json_schema_extra={"words": "en, zh, or empty text for the locale's"},
        ),
    ] = Field("", description="The interface's and the help's language; $TUITRAIN_LANG wins.")


class UserConfig(Section):
    """What stands in the file; every table may be left out."""

    alerts: AlertsSection = Field(default_factory=AlertsSection)
    notify: NotifySection = Field(default_factory=NotifySection)
    queue: QueueSection = Field(default_factory=QueueSection)
    interface: InterfaceSection = Field(default_factory=InterfaceSection)

    @property
    def alert_defaults(self) -> dict[str, Any]:
        """The keys of `[alerts]` that the user set, which presets may still set otherwise."""
        return self.alerts.model_dump(exclude_unset=True)


def load_user_config(environ: Mapping[str, str] = os.environ) -> UserConfig:
    """Read the file; without one in the user's folder, everything is as by default.

    Raises:
        UsageError: the file can't be read or has faults, a line for each; or $TUITRAIN_CONFIG
            names a file that is not there.
    """
    path = user_config_path(environ)
    if not has_user_config(environ):
        return UserConfig()
    try:
        return _parse(Source(str(path), read_text(path)))
    except InvalidPresetError as error:
        hint = "correct it, or move the file away"
        lines = [f"your configuration, {fault}" for fault in error.faults]
        raise UsageError("\n".join([*lines[:-1], f"{lines[-1]}; {hint}"])) from error


def _parse(source: Source) -> UserConfig:
    values = source.values()
    try:
        return UserConfig.model_validate(values)
    except ValidationError as error:
        found: dict[KeyPath, str] = {}
        for detail in error.errors(include_url=False, include_context=False):
            path, message = _problem(detail["loc"], values)
            found.setdefault(path, message)
        faults = [source.fault(path, message) for path, message in found.items()]
        raise InvalidPresetError(faults) from error


def _problem(location: KeyPath, values: Mapping[str, Any]) -> tuple[KeyPath, str]:
    """Put one of pydantic's errors into words, at the key that the user would have to change."""
    table, *rest = map(str, location)
    model = field_model(UserConfig, table)
    if model is None:
        return (table,), f"{UNKNOWN}, allowed: {', '.join(UserConfig.model_fields)}"
    if not rest:
        return (table,), f"found {show(values[table])}, must be a table: [{printable(table)}]"
    return (table, rest[0]), _key_problem(model, table, rest[0], values[table])


def _key_problem(model: type[BaseModel], table: str, key: str, values: Mapping[str, Any]) -> str:
    if key in model.model_fields:
        return wrong_value(model, key, values)
    return f"{UNKNOWN}, {suggestion((table, key), {(table,): list(model.model_fields)})}"
