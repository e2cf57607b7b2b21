"""How a supervisor comes into the queue of its box, and what it does with its turn.

Puts the parts together for the real box; tests put together others.
"""

import os
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tuitrain.config.user import load_user_config
from tuitrain.supervisor.queueing.places import Place, open_places
from tuitrain.supervisor.queueing.turn import Turn
from tuitrain.supervisor.queueing.wish import Wish, leases_folder, refuse_under_scheduler

if TYPE_CHECKING:
    from tuitrain.supervisor.launch import Launch

_VISIBLE = "CUDA_VISIBLE_DEVICES"


def open_turn(spec: "Launch", wish: Wish, clock: Callable[[], float]) -> Turn:
    """Let a run stand in the queue of this box.

    Raises:
        UsageError: what it wishes can't be had here.
        FolderError: the folder of leases can't be used.
    """
    folder = leases_folder()
    places = open_places(folder, wish.slots, load_user_config().queue.slots)
    places.check(wish)
    return Turn(spec.directory, wish, folder, places, clock)


def check_wish(wish: Wish) -> None:
    """Refuse at once what can't be waited for on this box.

    Raises:
        UsageError: a scheduler keeps the queue here, or there are too few places.
        FolderError: the folder of leases can't be used.
    """
    refuse_under_scheduler()
    folder = leases_folder()
    places = open_places(folder, wish.slots, load_user_config().queue.slots)
    try:
        places.check(wish)
    finally:
        places.close()


@contextmanager
def only_visible(
    held: Sequence[Place], environ: MutableMapping[str, str] = os.environ
) -> Iterator[None]:
    """Let a worker that is started meanwhile see the GPUs that are held, and no other."""
    devices = [place.device for place in held if place.device]
    before = environ.get(_VISIBLE)
    if devices:
        environ[_VISIBLE] = ",".join(devices)
    try:
        yield
    finally:
        if before is not None:
            environ[_VISIBLE] = before
        elif devices:
            del environ[_VISIBLE]
