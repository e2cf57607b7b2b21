"""When it is time to evaluate and to save, by the preset and by what was changed since.

Arithmetic on steps; knows nothing of what is done then.
"""

from tuitrain.config.schema import TrainSection
from tuitrain.training.settings import LiveSettings

_NEVER = 1 << 62


class Triggers:
    """The periods of one run."""

    def __init__(self, train: TrainSection, settings: LiveSettings, steps_per_epoch: int) -> None:
        self._settings = settings
        self._steps_per_epoch = steps_per_epoch
        self._evaluations = (
            train.evaluate_every_epochs * steps_per_epoch,
            train.evaluate_every_steps,
        )

    @property
    def _saves(self) -> tuple[int, int]:
        epochs = int(self._settings["checkpoint.every_epochs"])
        return epochs * self._steps_per_epoch, int(self._settings["checkpoint.every_steps"])

    def evaluates_at(self, step: int) -> bool:
        """Say whether an evaluation is due after this many steps."""
        return step > 0 and any(period and step % period == 0 for period in self._evaluations)

    def saves_at(self, step: int) -> bool:
        """Say whether a checkpoint is due after this many steps."""
        return step > 0 and any(period and step % period == 0 for period in self._saves)

    def saves_after(self, waited_s: float) -> bool:
        """Say whether a checkpoint is due so long after the last one."""
        minutes = self._settings["checkpoint.every_minutes"]
        return bool(minutes) and waited_s > minutes * 60

    def next_after(self, step: int) -> int:
        """Return the next step at which any of them is due."""
        periods = (*self._evaluations, *self._saves)
        due = [step - step % period + period for period in periods if period]
        return min(due, default=_NEVER)
