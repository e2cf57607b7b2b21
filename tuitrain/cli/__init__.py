"""The command line: Typer commands, a file a group; every heavy import inside its command."""
