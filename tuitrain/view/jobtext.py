"""How long a scheduler's job lasts against how long the run in it takes, in words."""

import time

from tuitrain import units
from tuitrain.lang import tr
from tuitrain.runs.rows import JobLimit


def clock_words(moment: float, away_s: float) -> str:
    """Return a time of day, with the day of the week where it is more than a day away."""
    return time.strftime("%a %H:%M" if away_s >= units.DAY_S else "%H:%M", time.localtime(moment))


def is_short(job: JobLimit, finish: float) -> bool:
    """Return whether a job ends before the run in it finishes."""
    return job.ends < finish


def job_words(job: JobLimit, finish: float | None, now: float) -> str:
    """Say when a run finishes and when its job ends.

    Args:
        job: the run's.
        finish: when the run does, in seconds since the epoch; None: that is not known yet.
        now: in seconds since the epoch.
    """
    ends = tr("the job ends {ends}", ends=clock_words(job.ends, job.ends - now))
    if finish is None:
        return ends
    if not is_short(job, finish):
        return tr("finishes {finish}, {ends}", finish=clock_words(finish, finish - now), ends=ends)
    after = tr("it goes on after requeue") if job.requeues else tr("resume it afterwards")
    early = units.rough_time(finish - job.ends)
    return tr("the job ends {early} before it would finish; {after}", early=early, after=after)
