"""When it is time to evaluate and to save, by the preset and by what was changed since.

Arithmetic on steps; knows nothing of what is done then.
"""

from tuitrain.config.schema import TrainSection
from tuitrain.training.data.schedule import BatchSchedule
from tuitrain.training.settings.live import LiveSettings

_NEVER = 1 << 62


class Triggers:
    """The periods of one run."""

    def __init__(self, train: TrainSection, settings: LiveSettings, plan: BatchSchedule) -> None:
        self._train = train
        self._settings = settings
        self.follow(plan)

    def follow(self, plan: BatchSchedule) -> None:
        """Count steps from the run's begin, and epochs from where the data are ahead of that."""
        steps_per_epoch, ahead = plan.steps_per_epoch, plan.ahead
        self._steps_per_epoch = steps_per_epoch
        self._ahead = ahead
        self._evaluations = (
            (self._train.evaluate_every_epochs * steps_per_epoch, ahead),
            (self._train.evaluate_every_steps, 0),
        )

    @property
    def _saves(self) -> tuple[tuple[int, int], ...]:
        """Return the periods, each with what is added to a step before it is counted."""
        epochs = int(self._settings["checkpoint.every_epochs"])
        steps = int(self._settings["checkpoint.every_steps"])
        return (epochs * self._steps_per_epoch, self._ahead), (steps, 0)

    def evaluates_at(self, step: int) -> bool:
        """Say whether an evaluation is due after this many steps."""
        return step > 0 and any(p and (step + more) % p == 0 for p, more in self._evaluations)

    def saves_at(self, step: int) -> bool:
        """Say whether a checkpoint is due after this many steps."""
        return step > 0 and any(p and (step + more) % p == 0 for p, more in self._saves)

    def saves_after(self, waited_s: float) -> bool:
        """Say whether a checkpoint is due so long after the last one."""
        minutes = self._settings["checkpoint.every_minutes"]
        return bool(minutes) and waited_s > minutes * 60

    def next_after(self, step: int) -> int:
        """Return the next step at which any of them is due."""
        periods = (*self._evaluations, *self._saves)
        due = [step - (step + more) % period + period for period, more in periods if period]
        return min(due, default=_NEVER)
