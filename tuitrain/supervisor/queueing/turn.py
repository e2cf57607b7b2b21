"""One run's way through the queue: a ticket, then leases, then the places it may use.

Knows the box and who else waits; nothing of what the run does with its places.
"""

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

from tuitrain.errors import TuitrainError
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader
from tuitrain.runs.writing.identity import user_name
from tuitrain.supervisor.queueing.leases import Leases, Tenant
from tuitrain.supervisor.queueing.occupants import occupants, occupied_words
from tuitrain.supervisor.queueing.places import Place, Places
from tuitrain.supervisor.queueing.tickets import OwnTicket, Ticket, waiting
from tuitrain.supervisor.queueing.turns import turns
from tuitrain.supervisor.queueing.wish import Wish


class Turn:
    """Waits for places, holds them, and gives them back."""

    def __init__(
        self,
        run: RunDirectory,
        wish: Wish,
        folder: Path,
        places: Places,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Stand in the queue, last.

        Args:
            run: what waits.
            wish: for what.
            folder: where the runs of the box meet.
            places: of the box.
            clock: seconds since the epoch.

        Raises:
            FolderError: the folder can't be written.
        """
        self.wish = wish
        self.words = ""
        """What is waited for; empty once the places are held."""
        self._folder = folder
        self._places = places
        self._clock = clock
        self._tenant = Tenant(
            user_name(),
            socket.gethostname(),
            os.getpid(),
            run.id,
            str(run.path.resolve()),
            clock(),
            wish.gives_way,
        )
        self._leases = Leases(folder, self._tenant)
        self._ticket: OwnTicket | None = OwnTicket(folder, self._tenant, wish)

    def poll(self) -> bool:
        """Look whether it is this run's turn; return whether its places are held now.

        Raises:
            FolderError: the folder can't be written.
        """
        ticket = self._ticket
        if ticket is None:
            return True
        ahead = self._other_run()
        if ahead:
            self._say(ticket, ahead, ready=False)
            return False
        self._places.look()
        tickets = waiting(self._folder)
        granted = turns(tickets, lambda each: self._places.free(each.wish))
        mine = granted.get(ticket.ticket.id, ())
        if mine and self._leases.take(mine):
            ticket.close()
            self._ticket, self.words = None, ""
            return True
        self._say(ticket, self._place_words(tickets, ticket.ticket), ready=True)
        return False

    def _other_run(self) -> str:
        """Say which run has to be finished first, and how it stands; empty where it is."""
        if not self.wish.after:
            return ""
        directory = RunDirectory(Path(self.wish.after))
        try:
            with RunReader(directory) as reader:
                state = reader.state().state
        except (TuitrainError, OSError) as error:
            return f"waits for {directory.id}, which can't be read: {error}"
        if state == "finished":
            return ""
        ended = state in {"failed", "stopped", "lost"}
        hint = f": `tuitrain resume {directory.id}`, or cancel this one" if ended else ""
        return f"waits for {directory.id}, which is {state}{hint}"

    def _place_words(self, tickets: list[Ticket], mine: Ticket) -> str:
        ids = [ticket.id for ticket in tickets]
        place = ids.index(mine.id) + 1 if mine.id in ids else len(ids) + 1
        taken = occupants(self._folder, self._places, self.wish)
        what = occupied_words(taken) or "what is free is kept for those before it"
        return f"place {place} of {max(place, len(ids))}; {what}"

    def _say(self, ticket: OwnTicket, words: str, *, ready: bool) -> None:
        self.words = words
        ticket.update(ready=ready, waits_for=words)

    @property
    def held(self) -> list[Place]:
        """The places that are held."""
        return [place for place in self._places.all() if place.name in self._leases.names]

    def is_wanted(self) -> bool:
        """Return whether another run waits that does not give way, and can't go on elsewhere."""
        self._places.look()
        tickets = [each for each in waiting(self._folder) if not each.wish.gives_way]
        granted = turns(tickets, lambda each: self._places.free(each.wish))
        return any(each.ready and each.id not in granted for each in tickets)

    def close(self) -> None:
        """Leave the queue, and give back what is held."""
        if self._ticket is not None:
            self._ticket.close()
            self._ticket = None
        self._leases.release(self._clock())
        self._places.close()
