"""What can go wrong, in the user's words, with the exit code that it ends in.

Every error here is one that a user can act on. It knows nothing of how it is printed.
"""

import errno

EXIT_FINISHED = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143


class TuitrainError(Exception):
    """A failure that one sentence explains; `exit_code` is what the process ends with."""

    exit_code = EXIT_FAILED
    detail = ""
    """What else there is to read, as the traceback of a user's own code."""


class UsageError(TuitrainError):
    """The command line asks for something that does not exist or does not go together."""

    exit_code = EXIT_USAGE


class PresetError(UsageError):
    """A preset that can't be found, read or validated; the text names every fault in it."""


class RunNotFoundError(UsageError):
    """No run, or more than one, answers to what the user typed."""


class RunBusyError(TuitrainError):
    """Somebody else holds the run's lock."""


class FolderError(TuitrainError):
    """A folder or file of the user's can't be read or written; the text says which and why."""

    @classmethod
    def of(cls, path: object, error: OSError, what: str, advice: str = "") -> "FolderError":
        """Say that `what` can't be done with `path`, why, and what to do about it."""
        reason = _REASONS.get(error.errno or 0) or error.strerror or str(error)
        return cls(f"{path} {what}: {reason}{f'; {advice}' if advice else ''}.")


_REASONS = {
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EROFS: "the file system is read-only",
    errno.ENOSPC: "no space is left on the disk",
    errno.EDQUOT: "the quota of disk space is used up",
    errno.ENOTDIR: "it is, or lies below, a file",
    errno.ELOOP: "it is a link that leads to itself",
}


class RecordError(TuitrainError):
    """A run's database is damaged, of a newer version, or can't be written."""


class HeldRecordError(RecordError):
    """The record can't be written just now; nothing was lost, and it can be retried."""


class DiskFullError(HeldRecordError):
    """It is space that lacks."""


class DataUnavailableError(TuitrainError):
    """A data set is not on this machine and could not be fetched."""


class CheckpointError(TuitrainError):
    """A checkpoint can't be read, or none is left that could be."""


class DamagedCheckpointError(CheckpointError):
    """A checkpoint file is there but not whole."""


class DeviceError(TuitrainError):
    """The device that was asked for does not exist or can't do what was asked."""


class TrainingError(TuitrainError):
    """Training can't start or go on for a reason that its settings explain."""


class SampleError(TrainingError):
    """A data set's own code raised while it read a sample; `detail` has its traceback."""


class ExportError(TuitrainError):
    """A model can't be written in a format; the text says what the format lacks."""


class ProfileError(TuitrainError):
    """A profile's trace is missing, damaged, or says nothing."""
