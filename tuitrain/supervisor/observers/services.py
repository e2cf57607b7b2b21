"""Where alerts go on the web: the form in which each service takes a message.

Knows services; nothing of how a message is sent, or of what it is about.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from tuitrain.config.user import NotifySection
from tuitrain.errors import UsageError

_PRIORITIES = {"critical": 5, "warning": 4, "info": 3}
"""Of ntfy, which has 1 to 5."""
_MOST_DISCORD = 2000
"""Characters that Discord takes."""
_MOST_TELEGRAM = 4096
_TELEGRAM = "https://api.telegram.org"
_NEEDS_SECRET = frozenset({"telegram"})
_SECRET_IS_ADDRESS = frozenset({"slack", "discord"})
"""Whoever knows the address may post there."""

Message = Mapping[str, Any]
"""run, kind, severity, text, step, time, host."""


@dataclass(frozen=True, slots=True)
class Post:
    """What is posted, as JSON."""

    address: str
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


Form = Callable[[Message], Post]


def form_of(notify: NotifySection, environ: Mapping[str, str]) -> Form | None:
    """Return what makes posts of messages; None: nobody is told on the web.

    Raises:
        UsageError: the secret can't be read, or something that the service needs is not there.
    """
    secret = read_secret(notify.secret, environ)
    address = notify.webhook
    if notify.service in _SECRET_IS_ADDRESS and secret:
        address = secret
    if notify.service in _NEEDS_SECRET and not (secret and notify.chat):
        raise UsageError(
            f'notify.service = "{notify.service}" needs notify.chat, and notify.secret with the '
            "token of your bot"
        )
    if notify.service == "telegram":
        return lambda message: _telegram(address or _TELEGRAM, secret, notify.chat, message)
    if not address:
        if notify.service == "json" and not secret:
            return None
        raise UsageError(f'notify.service = "{notify.service}" needs an address: notify.webhook')
    forms: dict[str, Form] = {
        "json": lambda message: Post(address, message, _bearer(secret)),
        "ntfy": lambda message: _ntfy(address, secret, message),
        "slack": lambda message: Post(address, {"text": sentence(message)}),
        "discord": lambda message: _discord(address, message),
    }
    return forms[notify.service]


def sentence(message: Message) -> str:
    """Return a message in one line."""
    return f"{message['run']} on {message['host']}: {message['text']}"


def read_secret(place: str, environ: Mapping[str, str]) -> str:
    """Return a secret that is kept at `env:NAME` or `file:PATH`; empty where there is no place.

    Raises:
        UsageError: it is not there, or others may read it.
    """
    kind, _, name = place.partition(":")
    if kind == "env":
        if not environ.get(name):
            raise UsageError(f"notify.secret = {place}: there is no such environment variable")
        return environ[name]
    return _in_file(Path(name).expanduser(), place) if kind == "file" else ""


def _in_file(path: Path, place: str) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            if mode & 0o077:
                raise UsageError(
                    f"notify.secret = {place}: others may read it (mode {mode:o}); chmod 600 {path}"
                )
            return file.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"notify.secret = {place}: it can't be read: {error}") from error


def _bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"} if secret else {}


def _ntfy(address: str, secret: str, message: Message) -> Post:
    """Return a message for a topic, by ntfy's publishing as JSON: its headers take no Unicode."""
    parts = urlsplit(address)
    folder, _, topic = parts.path.rstrip("/").rpartition("/")
    body = {
        "topic": topic,
        "title": f"{message['run']}: {message['kind']}",
        "message": f"{message['text']} ({message['host']})",
        "priority": _PRIORITIES.get(message["severity"], 3),
    }
    root = urlunsplit((parts.scheme, parts.netloc, f"{folder}/", parts.query, ""))
    return Post(root, body, _bearer(secret))


def _discord(address: str, message: Message) -> Post:
    text = sentence(message)
    # What a run says must not call everybody in the channel.
    return Post(address, {"content": text[:_MOST_DISCORD], "allowed_mentions": {"parse": []}})


def _telegram(root: str, secret: str, chat: str, message: Message) -> Post:
    address = f"{root.rstrip('/')}/bot{secret}/sendMessage"
    return Post(address, {"chat_id": chat, "text": sentence(message)[:_MOST_TELEGRAM]})
