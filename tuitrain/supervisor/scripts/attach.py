"""The supervisor of a script that asked for one: `python -m tuitrain.supervisor.scripts.attach`.

What it is to do comes as JSON on stdin: the script's process, command, folder and name, and the
descriptors of its pipes. The first line of commands says which run it is, or why there is none.
"""


def main() -> int:
    """Make the run, say which it is, and supervise; return the exit code."""
    import json
    import os
    import sys
    from pathlib import Path

    from tuitrain.errors import TuitrainError
    from tuitrain.runs.directory import create_run, runs_root
    from tuitrain.supervisor.scripts.launch import ScriptLaunch, script_facts, script_name
    from tuitrain.supervisor.scripts.pipes import ScriptPipes
    from tuitrain.supervisor.scripts.process import ScriptProcess
    from tuitrain.supervisor.scripts.targets import AskingScript
    from tuitrain.supervisor.supervisor import Supervisor

    asked = json.load(sys.stdin)
    pipes = ScriptPipes((int(asked["events"]), int(asked["commands"])))
    command, folder = asked["command"], Path(asked["cwd"])
    root = runs_root(Path(asked["runs"]) if asked["runs"] else None, cwd=folder)
    try:
        directory = create_run(
            root,
            script_name(command),
            asked["name"],
            "",
            command_line=command,
            facts=script_facts(command),
        )
        launch = ScriptLaunch(directory, tuple(command), str(folder))
        launch.write()
    except TuitrainError as error:
        pipes.write(json.dumps({"error": str(error)}))
        return error.exit_code
    pipes.write(json.dumps({"id": directory.id, "path": str(directory.path)}))
    log = os.open(directory.supervisor_log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 2)
    os.close(log)
    process = ScriptProcess(launch, AskingScript(int(asked["pid"])), pipes)
    try:
        return Supervisor(launch, worker=process).run()
    except TuitrainError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


if __name__ == "__main__":
    raise SystemExit(main())
