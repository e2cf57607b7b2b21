"""The `tuitrain` script's entry point.

The worker is a spawned child that imports its parent's main module again, so this
module must stay empty of imports: the worker never loads typer or the commands.
"""


def main() -> None:
    """Run the command line."""
    open_streams()
    from tuitrain.cli.app import main as run_command_line

    run_command_line()


def open_streams() -> None:
    """Let a standard stream that was closed lead nowhere, and none fail at a character.

    Else the next file that is opened gets its number, and what is printed lands in that file.
    """
    import os
    import sys

    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is given out, and those below are open by now.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
        if getattr(sys, name) is None:
            stream = open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)
    for printed in (sys.stdout, sys.stderr):
        printed.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


if __name__ == "__main__":
    main()
