"""Puts on record how long the job lasts that a run is in."""

from tuitrain.messages import plain_data
from tuitrain.runs.rows import JobLimit
from tuitrain.supervisor.observers.observer import Alerts, Observer
from tuitrain.supervisor.record_keeper import RecordKeeper


class JobLimitRecorder(Observer):
    """Lets whoever reads the record compare the job's end with the run's."""

    name = "the limit of the job"

    def __init__(self, record: RecordKeeper, job: JobLimit | None) -> None:
        """Take a limit; None takes that of an earlier attempt off the record."""
        self._record = record
        self._job = job

    def begun(self) -> Alerts:
        """Put it on record."""
        job = plain_data(self._job)
        self._record.store(lambda writer: writer.set_meta(job=job))
        return ()
