"""The one list of kinds of failures; where two know a line, the one that stands first counts."""

from tuitrain.failures.computing import COMPUTING_FAILURES
from tuitrain.failures.devices import DEVICE_FAILURES
from tuitrain.failures.files import FILE_FAILURES
from tuitrain.failures.kind import FailureKind
from tuitrain.failures.processes import PROCESS_FAILURES

_KINDS = (*PROCESS_FAILURES, *DEVICE_FAILURES, *COMPUTING_FAILURES, *FILE_FAILURES)

FAILURES: tuple[FailureKind, ...] = tuple(sorted(_KINDS, key=lambda kind: kind.is_symptom))
"""Symptoms come last."""
