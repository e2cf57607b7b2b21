"""A script's supervisor in the background: `python -m tuitrain.supervisor.scripts RUN`."""


def main() -> int:
    """Supervise the script whose run's folder the argument names; return the exit code."""
    import sys
    from pathlib import Path

    from tuitrain.errors import TuitrainError
    from tuitrain.runs.directory import RunDirectory
    from tuitrain.supervisor.scripts.launch import ScriptLaunch
    from tuitrain.supervisor.scripts.pipes import ScriptPipes
    from tuitrain.supervisor.scripts.process import ScriptProcess
    from tuitrain.supervisor.scripts.targets import StartedScript
    from tuitrain.supervisor.supervisor import Supervisor

    try:
        launch = ScriptLaunch.read(RunDirectory(Path(sys.argv[1])))
        process = ScriptProcess(launch, StartedScript(launch), ScriptPipes())
        return Supervisor(launch, worker=process).run()
    except TuitrainError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


if __name__ == "__main__":
    raise SystemExit(main())
