"""`tuitrain doctor`: says what works on this machine, what does not, and what to do about it.

Knows how findings are printed; what they are is `tuitrain.cli.findings`'s.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tuitrain.cli import output
from tuitrain.cli.options import Json, RunsDir
from tuitrain.errors import EXIT_FAILED

if TYPE_CHECKING:
    from tuitrain.cli.findings import Finding

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        help="Where data sets are kept.",
        show_default="$TUITRAIN_DATA or the user's cache",
        file_okay=False,
    ),
]


def add_commands(app: typer.Typer) -> None:
    """Put `doctor` into a command group."""
    app.command()(doctor)


def doctor(runs_dir: RunsDir = None, data_dir: DataDir = None, json: Json = False) -> None:
    """Say what works on this machine and what doesn't; exit code 1 if it can't train."""
    from dataclasses import asdict

    from tuitrain.cli.findings import examine

    findings = examine(runs_dir, data_dir)
    if json:
        output.data_json([asdict(finding) for finding in findings])
    else:
        output.data(findings_table(findings))
    if any(finding.status == "broken" for finding in findings):
        raise typer.Exit(EXIT_FAILED)


def findings_table(findings: "list[Finding]") -> str:
    """Lay findings out in columns: what works or not, what was found, and below it what to do."""
    topic_width = max(len(finding.topic) for finding in findings)
    lines = []
    for finding in findings:
        lines.append(f"{finding.status:<7} {finding.topic:<{topic_width}}  {finding.text}")
        if finding.advice:
            lines.append(f"{'':<7} {'':<{topic_width}}  -> {finding.advice}")
    return "\n".join(lines)
