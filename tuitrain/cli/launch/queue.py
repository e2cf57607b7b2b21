"""`tuitrain queue`, and the options that let a run wait for its turn.

Knows what a person may ask of the queue, not how a turn comes about.
"""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tuitrain.cli import output
from tuitrain.cli.options import Json, RunsDir, complete_run
from tuitrain.errors import UsageError

if TYPE_CHECKING:
    from tuitrain.runs.directory import RunDirectory
    from tuitrain.supervisor.queueing.places import Places
    from tuitrain.supervisor.queueing.tickets import Ticket
    from tuitrain.supervisor.queueing.wish import Wish

WhenFree = Annotated[
    bool,
    typer.Option("--when-free", help="Wait in the queue until a GPU or slot is free."),
]
Gpus = Annotated[
    int | None,
    typer.Option("--gpus", min=1, help="With --when-free: how many.", show_default="1"),
]
Memory = Annotated[
    str | None,
    typer.Option(
        "--memory",
        metavar="SIZE",
        help="With --when-free: a GPU with so much free will do, e.g. 10GiB.",
        show_default="an empty GPU",
    ),
]
After = Annotated[
    str | None,
    typer.Option(
        "--after",
        metavar="RUN",
        help="With --when-free: once this run is finished.",
        show_default=False,
    ),
]
SlotsOption = Annotated[
    int | None,
    typer.Option(
        "--slots",
        min=1,
        help="With --when-free: count the box as so many slots, not by its GPUs.",
        show_default=False,
    ),
]
GiveWay = Annotated[
    bool,
    typer.Option(
        "--give-way",
        help="With --when-free: pause and release when another run waits; go on afterwards.",
    ),
]
WaitingRun = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="A run's id, a unique beginning of it, or its name.",
        autocompletion=complete_run,
        show_default=False,
    ),
]

app = typer.Typer(
    help="List the runs that wait for this box, move and cancel them.", rich_markup_mode=None
)


@app.callback(invoke_without_command=True)
def show(
    context: typer.Context,
    json: Json = False,
) -> None:
    """List the runs that wait for this box, and who has what they wait for."""
    if context.invoked_subcommand is not None:
        return
    from tuitrain.supervisor.queueing.tickets import waiting
    from tuitrain.supervisor.queueing.wish import leases_folder

    folder = leases_folder()
    tickets = waiting(folder)
    lines = _occupied(folder, tickets)
    if json:
        output.data_json({"waiting": [_plain(ticket) for ticket in tickets], "occupied": lines})
        return
    if tickets:
        output.data(_table(tickets, time.time()))
    else:
        output.say("no run waits: `tuitrain run PRESET --when-free` puts one into the queue")
    if lines:
        output.data("\n".join(["", *lines] if tickets else lines))


@app.command()
def up(run: WaitingRun, runs_dir: RunsDir = None) -> None:
    """Let a run change places with the one of yours before it."""
    _move(_id_of(run, runs_dir), -1)


@app.command()
def down(run: WaitingRun, runs_dir: RunsDir = None) -> None:
    """Let a run change places with the one of yours after it."""
    _move(_id_of(run, runs_dir), 1)


@app.command()
def cancel(run: WaitingRun, runs_dir: RunsDir = None, json: Json = False) -> None:
    """Take a run out of the queue; `tuitrain resume RUN` starts it later."""
    from tuitrain.cli.control import open_client, order
    from tuitrain.messages import Stop
    from tuitrain.runs.directory import RunDirectory
    from tuitrain.supervisor.queueing.tickets import find_ticket, waiting
    from tuitrain.supervisor.queueing.wish import leases_folder

    ticket = find_ticket(waiting(leases_folder()), _id_of(run, runs_dir))
    order(open_client(runs_dir), RunDirectory(Path(ticket.tenant.path)), Stop(), json)


def add_commands(app_: typer.Typer) -> None:
    """Add the commands to the command line."""
    app_.add_typer(app, name="queue")


def wish_of(
    when_free: bool,
    gpus: int | None,
    memory: str | None,
    after: "RunDirectory | None",
    slots: int | None,
    give_way: bool,
) -> "Wish | None":
    """Return what a run is to wait for by the options that were given; None: it does not wait.

    Raises:
        UsageError: an option lacks --when-free, contradicts another, or can't be had here.
    """
    given = {
        "--gpus": gpus,
        "--memory": memory,
        "--after": after,
        "--slots": slots,
        "--give-way": give_way or None,
    }
    names = [name for name, value in given.items() if value is not None]
    if not when_free:
        if names:
            raise UsageError(f"{', '.join(names)}: only together with --when-free")
        return None
    if slots and (gpus or memory):
        raise UsageError("--slots does not go with --gpus and --memory, which mean GPUs")
    from tuitrain.supervisor.queueing.standing import check_wish
    from tuitrain.supervisor.queueing.wish import Wish, parse_size

    wish = Wish(
        places=gpus or 1,
        memory_bytes=parse_size(memory) if memory else 0,
        slots=slots or 0,
        after=str(after.path.resolve()) if after else "",
        gives_way=give_way,
    )
    check_wish(wish)
    return wish


def _id_of(run: str, runs_dir: Path | None) -> str:
    """Return the id of a run that answers to a text; the text itself, for runs of other folders."""
    from tuitrain.cli.control import open_client
    from tuitrain.errors import RunNotFoundError

    try:
        return open_client(runs_dir).find(run).id
    except RunNotFoundError:
        return run


def _move(run: str, by: int) -> None:
    from tuitrain.runs.writing.identity import user_name
    from tuitrain.supervisor.queueing.tickets import move, waiting
    from tuitrain.supervisor.queueing.wish import leases_folder

    folder = leases_folder()
    moved = move(folder, run, by, user_name())
    place = [ticket.id for ticket in waiting(folder)].index(moved.id) + 1
    output.say(f"{moved.tenant.run} has place {place} of the queue now")


def _occupied(folder: Path, tickets: "list[Ticket]") -> list[str]:
    """Return a line for each place that is not free for the first that waits."""
    from tuitrain.config.user import load_user_config
    from tuitrain.supervisor.queueing.occupants import occupant_line, occupants
    from tuitrain.supervisor.queueing.places import open_places
    from tuitrain.supervisor.queueing.wish import Wish
    from tuitrain.view.format import sanitise

    wish = tickets[0].wish if tickets else Wish()
    places: Places = open_places(folder, wish.slots, load_user_config().queue.slots)
    try:
        found = occupants(folder, places, wish)
    finally:
        places.close()
    return [sanitise(occupant_line(each, time.time())) for each in found]


def _plain(ticket: "Ticket") -> dict[str, Any]:
    return {
        "run": ticket.tenant.run,
        "path": ticket.tenant.path,
        "user": ticket.tenant.user,
        "since": ticket.tenant.since,
        "places": ticket.wish.places,
        "memory_bytes": ticket.wish.memory_bytes,
        "gives_way": ticket.wish.gives_way,
        "waits_for": ticket.waits_for,
    }


def _table(tickets: "list[Ticket]", now: float) -> str:
    from tuitrain.units import age
    from tuitrain.view import format as text

    rows = [
        (
            str(place),
            text.sanitise(ticket.tenant.run),
            text.sanitise(ticket.tenant.user),
            age(now - ticket.tenant.since),
            text.sanitise(ticket.waits_for.partition("; ")[2] or ticket.waits_for),
        )
        for place, ticket in enumerate(tickets, 1)
    ]
    headings = ("PLACE", "RUN", "USER", "SINCE", "WAITS FOR")
    return text.table(headings, rows, ("right", "left", "left", "right", "left"))
