"""What a resumed run had learned up to the step that it goes on from, as the events it came in.

Reads the record, and what the checkpoint carried for it; judges nothing.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence

from tuitrain.messages import (
    Evaluated,
    Event,
    MetricPoints,
    StepsTaken,
    TrainingResumed,
    admit,
    decode_pending,
)
from tuitrain.runs.reader import RunReader
from tuitrain.runs.storage.chunks import Chunk

_Evaluation = tuple[int, Mapping[str, float]]
_LOSS = "train/loss"


def past_events(reader: RunReader, resumed: TrainingResumed, monitor: str) -> Iterator[Event]:
    """Yield the steps and evaluations up to the resume, with what rules on learning look at.

    Args:
        reader: of the record, as it was before the resume.
        resumed: says up to where it holds.
        monitor: a metric that is looked at beside the loss.
    """
    step = resumed.step if resumed.path else 0
    evaluations = reader.entries.evaluated(step)
    names = [_LOSS, monitor] if monitor.startswith("train/") and monitor != _LOSS else [_LOSS]
    for name in names:
        due = evaluations if name == names[-1] else []
        yield from _in_order(name, reader.curves.point_chunks(name, step), due)
    last = reader.curves.last_step(_LOSS, step)
    yield from _carried(resumed, last, evaluations[-1][0] if evaluations else 0)


def _in_order(
    name: str, chunks: Iterable[Chunk], evaluations: Sequence[_Evaluation]
) -> Iterator[Event]:
    """Yield points, and each evaluation after the points up to its step."""
    due = deque(evaluations)
    for chunk in chunks:
        first, last = chunk.steps[0], chunk.steps[-1]
        while due and due[0][0] < last:
            at = due[0][0]
            yield from _points(name, chunk.between(first, at))
            yield _evaluated(*due.popleft())
            first = max(first, at + 1)
        yield from _points(name, chunk.between(first, last))
    for step, metrics in due:
        yield _evaluated(step, metrics)


def _points(name: str, chunk: Chunk) -> Iterator[StepsTaken]:
    if chunk.steps:
        first, last = chunk.steps[0], chunk.steps[-1]
        points = MetricPoints(name, first, tuple(chunk.values), tuple(chunk.steps))
        yield StepsTaken(0.0, first, last, 0.0, 0.0, (points,))


def _evaluated(step: int, metrics: Mapping[str, float]) -> Evaluated:
    return Evaluated(0.0, step, 0.0, 0.0, metrics, None)


def _carried(resumed: TrainingResumed, last: int, evaluated: int) -> Iterator[Event]:
    """Yield what only the checkpoint knows, where the supervisor before was killed."""
    try:
        carried = decode_pending(resumed.pending)
    except ValueError:  # told by whoever records it
        return
    for item in carried.events:
        event = admit(item.event).event
        match event:
            case StepsTaken() if event.first_step > last:
                yield event
            case Evaluated() if event.step > evaluated:
                yield event
