"""The `tuitrain` script's entry point.

The worker is a spawned child that imports its parent's main module again, so this
module must stay empty of imports: the worker never loads typer or the commands.
"""


def main() -> None:
    """Run the command line."""
    from tuitrain.cli.app import main as run_command_line

    run_command_line()


if __name__ == "__main__":
    main()
