"""What ended the ranks of a run, in words."""

from tuitrain.ranks import RankFailure
from tuitrain.supervisor.worker_process import describe_exit


def cause_words(cause: RankFailure) -> str:
    """Say which rank failed, and how."""
    if cause.common:
        return cause.reason
    who = f"rank {cause.rank}{f' ({cause.host})' if cause.host else ''}"
    if cause.lost_peer:
        return f"{who} lost another rank: {cause.reason}"
    return f"{who}: {cause.reason}" if cause.reason else f"{who} {describe_exit(cause.exit_code)}"
