"""accelerate: what is given to its trackers is seen, whichever of them there are."""

from __future__ import annotations

import functools
from typing import Any

from tuitrain.script.agent import agent, guarded


def patch(module: Any) -> None:
    """See what is logged.

    Args:
        module: accelerate.accelerator, just imported.
    """
    original = module.Accelerator.log

    @functools.wraps(original)
    def log(self: Any, values: Any, step: Any = None, *args: Any, **kwargs: Any) -> Any:
        see(self, values, step)
        return original(self, values, step, *args, **kwargs)

    module.Accelerator.log = log


@guarded("accelerate")
def see(accelerator: Any, values: Any, step: Any) -> None:
    """Take in what is logged on the main process.

    Args:
        accelerator: says which process this is.
        values: by name.
        step: as the script counts it; None where it does not.
    """
    if accelerator.is_main_process:
        watcher = agent()
        watcher.notes.hear("accelerate", "accelerate")
        watcher.log(dict(values), None if step is None else int(step))
