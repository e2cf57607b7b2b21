"""A script's supervisor in the background: `python -m tuitrain.supervisor.scripts RUN`."""


def main() -> int:
    """Supervise the script whose run's folder the argument names; return the exit code."""
    import sys
    from pathlib import Path

    from tuitrain.errors import TuitrainError
    from tuitrain.runs.directory import RunDirectory
    from tuitrain.supervisor.scripts.launch import ScriptLaunch
    from tuitrain.supervisor.scripts.process import ScriptProcess
    from tuitrain.supervisor.supervisor import Supervisor

    try:
        launch = ScriptLaunch.read(RunDirectory(Path(sys.argv[1])))
        return Supervisor(launch, worker=ScriptProcess(launch)).run()
    except TuitrainError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


if __name__ == "__main__":
    raise SystemExit(main())
