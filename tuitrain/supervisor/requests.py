"""Requests as people give them, in rows, as messages that can be carried out."""

from dataclasses import replace

from tuitrain.messages import Profile, Request, decode_request
from tuitrain.runs.rows import CommandRow
from tuitrain.traces.store import profile_name


def request_of(row: CommandRow) -> Request:
    """Return what a row asks for.

    Raises:
        ValueError: there is no such command, or the row lacks what it needs.
    """
    request = decode_request(row.kind, row.id, row.arguments)
    if isinstance(request, Profile):
        return replace(request, name=profile_name(row.id))
    return request
