"""A sweep's study in Optuna, kept in its journal: what is asked and what is told.

The only importer of Optuna. A sampler is made anew for each question and seeded by the number of
trials, so that a driver that was killed asks what it would have asked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tuitrain.extras import require
from tuitrain.sweeps.directory import SweepDirectory
from tuitrain.sweeps.settings import Sweep
from tuitrain.sweeps.space import Dimension, Point, decode, encode

if TYPE_CHECKING:
    import optuna

Outcome = Literal["complete", "pruned", "failed"]
_STUDY = "sweep"
_LEAST_VALUES = 4
"""Of fewer nothing follows."""
REPEATED = "repeated"
"""Marks a trial whose run was lost, in whose place its point is run again."""
RUN, REASON, PRUNED, HALTED = "run", "reason", "pruned", "halted"
"""Marks a trial with its run's id, why it ended so, that it is stopped for falling behind, and that
it is stopped to go on later."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One trial as the study has it."""

    number: int
    point: Point
    state: str
    """running, complete, pruned or failed."""
    value: float | None
    reported: Mapping[int, float]
    """By the number of the evaluation, from 1."""
    marks: Mapping[str, Any]
    """What was put down beside it."""


class _Terms:
    """What a sweep searches, and how, in Optuna's own objects.

    Attributes:
        distributions: of the settings that are varied, by key.
    """

    def __init__(self, optuna: Any, sweep: Sweep) -> None:
        self._optuna = optuna
        self._sweep = sweep
        self.distributions = {each.key: self._distribution(each) for each in sweep.space}

    def _distribution(self, dimension: Dimension) -> Any:
        kinds = self._optuna.distributions
        if dimension.kind == "choice":
            stands = [encode(choice) for choice in dimension.choices]
            return kinds.CategoricalDistribution(stands)
        if dimension.kind == "int":
            low, high = int(dimension.low), int(dimension.high)
            return kinds.IntDistribution(low, high, log=dimension.log)
        return kinds.FloatDistribution(dimension.low, dimension.high, log=dimension.log)

    def encoded(self, point: Point) -> dict[str, Any]:
        """Return a point as Optuna keeps it."""
        return {each.key: encode(point[each.key]) for each in self._sweep.space}

    def pruner(self) -> Any:
        """Return what says which trials fall behind."""
        pruners, settings = self._optuna.pruners, self._sweep.settings
        if settings.pruner == "median":
            return pruners.MedianPruner(n_startup_trials=settings.startup)
        if settings.pruner == "hyperband":
            return pruners.HyperbandPruner(min_resource=max(1, settings.min_epochs))
        return pruners.NopPruner()

    def sampler(self, counted: int) -> Any:
        """Return what chooses the next point, after so many trials."""
        samplers, settings = self._optuna.samplers, self._sweep.settings
        seed = settings.seed * 100_003 + counted
        if settings.sampler == "cmaes":
            require("cmaes", "sweep", "the sampler cmaes")
            return samplers.CmaEsSampler(seed=seed)
        if settings.sampler == "tpe":
            return samplers.TPESampler(
                seed=seed, n_startup_trials=settings.startup, constant_liar=True
            )
        return samplers.RandomSampler(seed=seed)


class Study:
    """The trials of one sweep."""

    def __init__(self, journal: Path, sweep: Sweep, mode: str) -> None:
        """Open the journal, or begin it.

        Args:
            journal: the file.
            sweep: what is to be done.
            mode: min or max.

        Raises:
            UsageError: Optuna is not installed.
        """
        self._optuna: Any = require("optuna", "sweep", "a sweep")
        self._optuna.logging.set_verbosity(self._optuna.logging.ERROR)
        self._sweep = sweep
        self._terms = _Terms(self._optuna, sweep)
        self._study: optuna.Study = self._optuna.create_study(
            storage=_storage(journal),
            study_name=_STUDY,
            direction="minimize" if mode == "min" else "maximize",
            pruner=self._terms.pruner(),
            load_if_exists=True,
        )
        for point in sweep.points:
            self._study.enqueue_trial(self._terms.encoded(point), skip_if_exists=True)

    # --- trials ---------------------------------------------------------------------------------

    def ask(self) -> Asked | None:
        """Return the next trial; None where there have been as many as wanted."""
        waiting, counted = self._counts()
        if not waiting and counted >= self._sweep.budget:
            return None
        self._study.sampler = self._terms.sampler(counted)
        trial = self._study.ask(self._terms.distributions)
        return self.trial(trial.number)

    def _counts(self) -> tuple[int, int]:
        """Return how many wait to be repeated or begun, and how many there are of the budget."""
        trials = self._study.get_trials(deepcopy=False)
        waiting = sum(trial.state.name == "WAITING" for trial in trials)
        repeated = sum(REPEATED in trial.user_attrs for trial in trials)
        return waiting, len(trials) - waiting - repeated

    def trial(self, number: int) -> Asked:
        """Return a trial as it stands; one whose values were not all asked for gets the rest."""
        frozen = self._study.get_trials(deepcopy=False)[number]
        if frozen.state.name == "RUNNING" and len(frozen.params) < len(self._terms.distributions):
            trial = self._optuna.trial.Trial(self._study, frozen._trial_id)
            for key, distribution in self._terms.distributions.items():
                trial._suggest(key, distribution)
            frozen = self._study.get_trials(deepcopy=False)[number]
        return self._asked(frozen)

    def trials(self) -> list[Asked]:
        """Return every trial that was begun, in their order."""
        frozen = self._study.get_trials(deepcopy=False)
        return [self._asked(each) for each in frozen if each.state.name != "WAITING"]

    def running(self) -> list[Asked]:
        """Return the trials that nobody has told the end of."""
        return [self.trial(each.number) for each in self.trials() if each.state == "running"]

    def _asked(self, frozen: Any) -> Asked:
        states = {"RUNNING": "running", "COMPLETE": "complete", "PRUNED": "pruned"}
        dimensions = {each.key: each for each in self._sweep.space}
        return Asked(
            frozen.number,
            {key: decode(dimensions[key], value) for key, value in frozen.params.items()},
            states.get(frozen.state.name, "failed"),
            frozen.value if frozen.state.name != "FAIL" else None,
            frozen.intermediate_values,
            frozen.user_attrs,
        )

    def report(self, number: int, evaluation: int, value: float) -> None:
        """Put down what an evaluation gave."""
        self._trial(number).report(value, evaluation)

    def should_prune(self, number: int) -> bool:
        """Return whether a trial falls behind others, by what was reported of it last."""
        return bool(self._trial(number).should_prune())

    def _trial(self, number: int) -> Any:
        frozen = self._study.get_trials(deepcopy=False)[number]
        return self._optuna.trial.Trial(self._study, frozen._trial_id)

    def mark(self, number: int, **marks: Any) -> None:
        """Put something down beside a trial."""
        for key, value in marks.items():
            self._trial(number).set_user_attr(key, value)

    def tell(self, number: int, outcome: Outcome, value: float | None) -> None:
        """Put down how a trial ended; a failed one has no value."""
        states = self._optuna.trial.TrialState
        if outcome == "failed":
            self._study.tell(number, state=states.FAIL)
        elif outcome == "pruned":
            self._study.tell(number, state=states.PRUNED)
        else:
            self._study.tell(number, value)

    def repeat(self, number: int) -> None:
        """Give a trial up whose run is gone, and let its point be run again."""
        point = self._terms.encoded(self.trial(number).point)
        # Enqueued before it is told: of a driver that is killed between both, the point is left.
        known = [each for each in self._study.get_trials(deepcopy=False)
                 if each.state.name == "WAITING"
                 and each.system_attrs.get("fixed_params") == point]  # fmt: skip
        if not known:
            self._study.enqueue_trial(point)
        self.mark(number, **{REPEATED: True})
        self.tell(number, "failed", None)


def _storage(journal: Path) -> Any:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    mend_journal(journal)
    return JournalStorage(JournalFileBackend(str(journal)))


def importance_of(directory: SweepDirectory) -> dict[str, float]:
    """Return how much each setting decides, by Optuna, the most first; empty: too few trials.

    Reads the journal alone, whoever writes to it.

    Raises:
        UsageError: Optuna is not installed.
    """
    optuna = require("optuna", "sweep", "the importance of settings")
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    storage = JournalStorage(JournalFileBackend(str(directory.journal_path)))
    study = optuna.load_study(study_name=_STUDY, storage=storage)
    values = {each.value for each in study.trials if each.state.name == "COMPLETE"}
    if len(values) < _LEAST_VALUES:
        return {}
    return dict(get_param_importances(study, evaluator=PedAnovaImportanceEvaluator()))


def mend_journal(path: Path) -> None:
    """Cut off a line that a killed driver left half-written, and the lock that it held.

    The next line would else be added to it, and the journal be unreadable from there. Only for
    the holder of the sweep's own lock: nobody else writes.
    """
    for lock in path.parent.glob(f"{path.name}.lock*"):
        lock.unlink(missing_ok=True)
    if not path.exists():
        return
    with path.open("rb+") as file:
        content = file.read()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            file.truncate(whole)
