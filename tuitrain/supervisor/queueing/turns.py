"""Whose turn it is: a pure function of those that wait and of what is free."""

from collections.abc import Callable, Iterable, Sequence

from tuitrain.supervisor.queueing.tickets import Ticket


def turns(
    tickets: Iterable[Ticket], free: Callable[[Ticket], Sequence[str]]
) -> dict[str, tuple[str, ...]]:
    """Return the places of each ticket whose turn it is, by the ticket's id.

    In order. One that needs more places than there are free keeps those there are for itself:
    smaller ones that came later would else always pass it.

    Args:
        tickets: those that wait, first come first.
        free: returns the free places that would do for a ticket, the best first.
    """
    spoken_for: set[str] = set()
    granted: dict[str, tuple[str, ...]] = {}
    for ticket in tickets:
        if not ticket.ready:
            continue
        mine = [name for name in free(ticket) if name not in spoken_for][: ticket.wish.places]
        spoken_for.update(mine)
        if len(mine) == ticket.wish.places:
            granted[ticket.id] = tuple(mine)
    return granted
