"""`Accelerator(log_with=TuitrainTracker())` of accelerate."""

from typing import Any

from accelerate.tracking import GeneralTracker, on_main_process

import tuitrain


class TuitrainTracker(GeneralTracker):  # type: ignore[misc]
    """Shows in tuitrain what is given to `Accelerator.log`."""

    name = "tuitrain"
    requires_logging_directory = False

    def __init__(self, run_name: str | None = None) -> None:
        """Make this process a run.

        Args:
            run_name: what to call it.
        """
        super().__init__()
        self._run = tuitrain.init(name=run_name)

    @property
    def tracker(self) -> Any:
        """The run."""
        return self._run

    @on_main_process  # type: ignore[untyped-decorator]
    def store_init_configuration(self, values: dict[str, Any]) -> None:
        """Keep the settings that `init_trackers` is given."""
        self._run.configure(values)

    @on_main_process  # type: ignore[untyped-decorator]
    def log(self, values: dict[str, Any], step: int | None = None, **kwargs: Any) -> None:
        """Keep what is logged."""
        del kwargs
        self._run.log(values, step)

    @on_main_process  # type: ignore[untyped-decorator]
    def finish(self) -> None:
        """End the run."""
        self._run.finish()
