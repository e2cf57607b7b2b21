"""Whose turn it is: in order, nobody passed by for ever, and nobody overtaken by another user."""

from pathlib import Path
from typing import Any

import pytest

from tuitrain.errors import UsageError
from tuitrain.runs.directory import RunDirectory
from tuitrain.supervisor.queueing.leases import Tenant
from tuitrain.supervisor.queueing.places import Slots
from tuitrain.supervisor.queueing.tickets import OwnTicket, Ticket, move, waiting
from tuitrain.supervisor.queueing.turn import Turn
from tuitrain.supervisor.queueing.turns import turns
from tuitrain.supervisor.queueing.wish import Wish


def tenant(run: str, user: str = "me", since: float = 0.0) -> Tenant:
    return Tenant(user, "box", 1, run, f"/runs/{run}", since)


def ticket(name: str, places: int = 1, **changes: Any) -> Ticket:
    return Ticket(name, tenant(name), Wish(places=places), 0.0, **changes)


def given(free: int, *tickets: Ticket) -> dict[str, tuple[str, ...]]:
    names = [f"slot-{i}" for i in range(1, free + 1)]
    return turns(tickets, lambda _ticket: names)


def test_those_who_came_first_get_the_places() -> None:
    assert given(2, ticket("a"), ticket("b"), ticket("c")) == {"a": ("slot-1",), "b": ("slot-2",)}


def test_one_that_needs_more_than_there_is_keeps_it_for_itself() -> None:
    assert given(1, ticket("large", 2), ticket("small")) == {}
    assert given(3, ticket("large", 2), ticket("small")) == {
        "large": ("slot-1", "slot-2"),
        "small": ("slot-3",),
    }


def test_one_that_waits_for_another_run_holds_up_nobody() -> None:
    assert given(1, ticket("a", ready=False), ticket("b")) == {"b": ("slot-1",)}


def test_what_does_not_do_for_the_first_may_do_for_the_next() -> None:
    suits = {"large": [], "small": ["slot-1"]}
    tickets = [ticket("large"), ticket("small")]
    assert turns(tickets, lambda each: suits[each.id]) == {"small": ("slot-1",)}


def test_a_run_changes_places_with_those_of_its_own_user_alone(tmp_path: Path) -> None:
    people = [("a", "me"), ("hers", "alice"), ("b", "me")]
    standing = [
        OwnTicket(tmp_path, tenant(run, user, float(i)), Wish())
        for i, (run, user) in enumerate(people)
    ]

    def order() -> list[str]:
        return [each.tenant.run for each in waiting(tmp_path)]

    assert order() == ["a", "hers", "b"]
    move(tmp_path, "b", -1, "me")
    assert order() == ["b", "hers", "a"]
    # What its owner says of it next leaves it where it was moved to.
    standing[2].update(ready=True, waits_for="slot 1")
    assert order() == ["b", "hers", "a"]
    with pytest.raises(UsageError, match="b is first of your runs"):
        move(tmp_path, "b", -1, "me")
    with pytest.raises(UsageError, match="hers is alice's: only they can move it"):
        move(tmp_path, "hers", -1, "me")
    with pytest.raises(UsageError, match="'x' does not wait; there wait: b, hers, a"):
        move(tmp_path, "x", 1, "me")
    for each in standing:
        each.close()
    assert list(tmp_path.iterdir()) == []


def test_a_ticket_whose_owner_is_gone_counts_for_nothing(tmp_path: Path) -> None:
    killed = OwnTicket(tmp_path, tenant("killed"), Wish())
    killed._lock.forget()
    assert waiting(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_a_turn_says_what_it_waits_for_and_knows_when_it_is_wanted(tmp_path: Path) -> None:
    def stand(name: str, **wish: Any) -> Turn:
        run = RunDirectory(tmp_path / name)
        return Turn(run, Wish(**wish), tmp_path, Slots(tmp_path, 1), clock=times.__next__)

    times = (float(i) for i in range(1, 100))
    polite, other = stand("polite", gives_way=True), stand("other", gives_way=True)
    assert polite.poll()
    assert [place.title for place in polite.held] == ["slot 1"]
    assert not other.poll()
    assert other.words.startswith("place 1 of 1; slot 1: ")
    assert other.words.endswith(", polite")
    # One that would give way itself is no reason to.
    assert not polite.is_wanted()
    urgent = stand("urgent")
    assert not urgent.poll()
    # It came later, and stands before those that would give it their place again at once.
    assert urgent.words.startswith("place 1 of 2")
    assert polite.is_wanted()
    polite.close()
    assert not other.poll()
    assert urgent.poll()
    for each in (other, urgent):
        each.close()
