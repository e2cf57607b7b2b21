"""A supervisor in the background: `python -m tuitrain.supervisor DIRECTORY`.

The worker imports this module again as its parent's main module, so imports are inside `main`.
"""


def main() -> int:
    """Supervise the run that the arguments name; return the exit code."""
    import sys

    from tuitrain.errors import TuitrainError
    from tuitrain.supervisor.background import read_arguments
    from tuitrain.supervisor.supervisor import Supervisor

    assignment = read_arguments(sys.argv[1:])
    try:
        return Supervisor(assignment, lambda _event: None).run()
    except TuitrainError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


if __name__ == "__main__":
    raise SystemExit(main())
