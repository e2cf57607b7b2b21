"""A supervisor that has no run yet: its worker warms up while somebody fills in a form.

`python -m tuitrain.supervisor.prewarm` reads JSON lines on stdin (`EstimateCost`, `launch`) and
writes JSON lines on stdout. With `launch` and a run's folder it becomes that run's supervisor; when
stdin ends before that, it ends with its worker. The worker imports this module again as its
parent's main module, so imports are inside the functions.
"""

import json
import os
import sys
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tuitrain.messages import Event
    from tuitrain.supervisor.worker_process import WorkerProcess

_LOOK_S = 0.02
_END = ""


def main() -> int:
    """Warm a worker up, and supervise the run that is launched with it, if one is."""
    import threading
    from pathlib import Path

    from tuitrain.supervisor.worker_process import WorkerProcess

    # First of all: for a moment the start of a child turns this process's stdin into nothing.
    worker = WorkerProcess(Path(os.devnull))
    lines: SimpleQueue[str] = SimpleQueue()
    threading.Thread(target=_read_lines, args=(lines,), daemon=True).start()
    try:
        folder, may_lead = _serve(worker, lines)
        return 0 if folder is None else _supervise(worker, folder, may_lead=may_lead)
    finally:
        worker.end()


def _read_lines(lines: "SimpleQueue[str]") -> None:
    for line in sys.stdin:
        lines.put(line)
    lines.put(_END)


def _serve(worker: "WorkerProcess", lines: "SimpleQueue[str]") -> tuple[str | None, bool]:
    """Answer until a run is launched.

    Returns:
        Its folder, or None when nobody asks any more; whether the worker may lead several ranks.
    """
    from tuitrain.config.several_ranks import may_lead
    from tuitrain.messages import EstimateCost, Numbered, WarmedUp, decode

    told_end = False
    asked: list[str] = []
    holds_devices: bool | None = None
    while True:
        for item in worker.take_events(_LOOK_S):
            # What can't be read is left out: whoever waits for it hears of the worker's end.
            if isinstance(item, Numbered):
                if isinstance(item.event, WarmedUp):
                    holds_devices = bool(item.event.holds_devices)
                _tell(_plain(item.event))
        if not worker.is_alive and not told_end:
            told_end = True
            _tell({"type": "WorkerEnded", "exit_code": worker.exit_code})
        try:
            line = lines.get_nowait()
        except Empty:
            continue
        if line == _END:
            return None, False
        request = json.loads(line)
        if "launch" in request:
            return str(request["launch"]), may_lead(asked, holds_devices)
        question = decode(EstimateCost, request)
        asked.append(question.config)
        worker.send(question)


def _plain(event: "Event") -> dict[str, Any]:
    from tuitrain.messages import to_plain

    return to_plain(event)


def _tell(plain: dict[str, Any]) -> None:
    try:
        sys.stdout.write(json.dumps(plain) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # Nobody reads any more; the end of stdin will say so too.
        os.dup2(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC), 1)


def _supervise(worker: "WorkerProcess", folder: str, *, may_lead: bool) -> int:
    from pathlib import Path

    from tuitrain.errors import TuitrainError
    from tuitrain.runs.directory import RunDirectory
    from tuitrain.supervisor.launch import LaunchSpec
    from tuitrain.supervisor.supervisor import Supervisor

    directory = RunDirectory(Path(folder))
    log = os.open(
        directory.supervisor_log_path,
        os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC,
        0o600,
    )
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC), 0)
    os.close(log)
    try:
        text = directory.launch_path.read_text(encoding="utf-8")
        spec = LaunchSpec.from_json(directory, text)
        if not may_lead and (spec.preset.train.ranks != 1 or spec.nodes is not None):
            # What it holds of the GPUs is free before the ranks begin.
            worker.end()
        warm = worker if worker.is_alive else None
        return Supervisor(spec, worker=warm).run()
    except TuitrainError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


if __name__ == "__main__":
    raise SystemExit(main())
