"""Tickets: who waits, in which order, and for what. A ticket counts while its owner lives.

Two files each: one that is locked as long as the owner waits, and one with the words, which is
replaced whole.
"""

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tuitrain.errors import FolderError, UsageError
from tuitrain.file_lock import FileLock, is_held
from tuitrain.supervisor.queueing.leases import Tenant
from tuitrain.supervisor.queueing.wish import Wish
from tuitrain.whole_file import written_whole

_WORDS, _LOCK = ".ticket", ".waits"


@dataclass(frozen=True, slots=True)
class Ticket:
    """One that waits."""

    id: str
    tenant: Tenant
    wish: Wish
    order: float
    """The least goes first; the time when it came, until somebody moves it."""
    ready: bool = True
    """False while it waits for another run, and so for no place."""
    waits_for: str = ""
    """In words."""


class OwnTicket:
    """The ticket of this process."""

    def __init__(self, folder: Path, tenant: Tenant, wish: Wish) -> None:
        """Stand in the queue, last.

        Raises:
            FolderError: the folder can't be written.
        """
        self._folder = folder
        number = f"{tenant.since:.6f}-{secrets.token_hex(4)}"
        self.ticket = Ticket(number, tenant, wish, tenant.since, ready=not wish.after)
        self._lock = FileLock(folder / f"{number}{_LOCK}")
        self._lock.acquire()
        write_ticket(folder, self.ticket)

    def update(self, *, ready: bool, waits_for: str) -> None:
        """Say what is waited for; the place in the queue stays as somebody may have moved it."""
        order = next((t.order for t in waiting(self._folder) if t.id == self.ticket.id), None)
        order = self.ticket.order if order is None else order
        changed = replace(self.ticket, ready=ready, waits_for=waits_for, order=order)
        if changed != self.ticket:
            self.ticket = changed
            write_ticket(self._folder, changed)

    def close(self) -> None:
        """Leave the queue."""
        (self._folder / f"{self.ticket.id}{_WORDS}").unlink(missing_ok=True)
        self._lock.release()


def waiting(folder: Path) -> list[Ticket]:
    """Return the tickets of those that live, in their order: those that give way come last."""
    found = []
    for path in folder.glob(f"*{_WORDS}"):
        ticket = _read(path)
        if ticket is None:
            continue
        if is_held(path.with_suffix(_LOCK)):
            found.append(ticket)
        else:
            _forget(path)
    return sorted(found, key=lambda each: (each.wish.gives_way, each.order, each.id))


def write_ticket(folder: Path, ticket: Ticket) -> None:
    """Put a ticket down in one move.

    Raises:
        FolderError: the folder can't be written, or the ticket is somebody else's.
    """
    path = folder / f"{ticket.id}{_WORDS}"
    try:
        with written_whole(path) as draft:
            draft.write_text(json.dumps(asdict(ticket)), encoding="utf-8")
    except OSError as error:
        raise FolderError.of(path, error, "can't be written") from error


def move(folder: Path, run: str, by: int, user: str) -> Ticket:
    """Let a run change places with the one before it (`by` -1) or after it (1) of the same user.

    Places of others stay as they are: nobody overtakes them.

    Raises:
        UsageError: the run does not wait, is another user's, or has nobody to change with.
        FolderError: the folder can't be written.
    """
    tickets = waiting(folder)
    chosen = find_ticket(tickets, run)
    if chosen.tenant.user != user:
        raise UsageError(f"{run} is {chosen.tenant.user}'s: only they can move it")
    own = [ticket for ticket in tickets if ticket.tenant.user == user]
    place = own.index(chosen) + by
    if not 0 <= place < len(own):
        end = "first" if by < 0 else "last"
        raise UsageError(f"{chosen.tenant.run} is {end} of your runs that wait")
    other = own[place]
    moved = replace(chosen, order=other.order)
    write_ticket(folder, moved)
    write_ticket(folder, replace(other, order=chosen.order))
    return moved


def find_ticket(tickets: Sequence[Ticket], run: str) -> Ticket:
    """Return the ticket of a run, by its id or a beginning of it.

    Raises:
        UsageError: it does not wait, or several might be meant.
    """
    whole = [ticket for ticket in tickets if ticket.tenant.run == run]
    matches = whole or [ticket for ticket in tickets if ticket.tenant.run.startswith(run)]
    if len(matches) == 1:
        return matches[0]
    there = ", ".join(ticket.tenant.run for ticket in matches or tickets) or "nobody"
    raise UsageError(
        f"{run!r} {'means any of' if matches else 'does not wait; there wait'}: {there}"
    )


def _read(path: Path) -> Ticket | None:
    try:
        plain: dict[str, Any] = json.loads(path.read_bytes())
        tenant, wish = Tenant(**plain.pop("tenant")), Wish(**plain.pop("wish"))
        return Ticket(tenant=tenant, wish=wish, **plain)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        # Gone meanwhile, or of another version: nobody's place depends on it.
        return None


def _forget(path: Path) -> None:
    """Remove what a process left that was killed while it waited."""
    try:
        path.unlink(missing_ok=True)
        path.with_suffix(_LOCK).unlink(missing_ok=True)
    except OSError:
        # Another user's, in a folder that users share: it stays, and counts for nothing.
        return
