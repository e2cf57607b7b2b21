"""A supervisor in the background: `python -m tuitrain.supervisor RUN [--queued] < RUN/launch.json`.

The worker imports this module again as its parent's main module, so imports are inside `main`.
"""


def main() -> int:
    """Supervise the run whose folder the argument names; return the exit code."""
    import sys
    from pathlib import Path

    from tuitrain.errors import TuitrainError
    from tuitrain.runs.directory import RunDirectory
    from tuitrain.supervisor.worker_process import WorkerProcess

    directory = RunDirectory(Path(sys.argv[1]))
    # First of all: it imports torch while this process imports what a supervisor needs. A run
    # that has to wait in the queue has none until its turn.
    worker = None if "--queued" in sys.argv[2:] else WorkerProcess(directory.log_path)
    try:
        from tuitrain.supervisor.launch import LaunchSpec
        from tuitrain.supervisor.supervisor import Supervisor

        spec = LaunchSpec.from_json(directory, sys.stdin.read())
        return Supervisor(spec, worker=worker).run()
    except TuitrainError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    finally:
        if worker is not None:
            worker.end()


if __name__ == "__main__":
    raise SystemExit(main())
