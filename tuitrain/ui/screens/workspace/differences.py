"""What differs between the runs of a workspace, as lines: figures first, then settings.

From what is shown to lines; knows no widget.
"""

from tuitrain.analysis.compare import ComparedRun, flat_settings
from tuitrain.lang import said, tr
from tuitrain.runs.metrics import monitor_of
from tuitrain.ui.feeds.snapshot import RunSnapshot
from tuitrain.ui.screens.workspace.shown import ShownRuns
from tuitrain.units import count
from tuitrain.view.compare import compare_lines, noise_lines, place_lines, unique_labels
from tuitrain.view.format import sanitise
from tuitrain.view.spans import SpanLine


def difference_lines(shown: ShownRuns, width: int) -> list[SpanLine]:
    """Return the tables, of the runs that are not hidden."""
    ids = [run_id for entry in shown.legend.entries for run_id in entry.members
           if entry.key not in shown.hidden]  # fmt: skip
    runs = [shown.runs.snapshot(run_id) for run_id in ids]
    names = [run.summary.name if run.summary else run.id for run in runs]
    labels = unique_labels(names, ids)
    compared = [_compared(run, label) for run, label in zip(runs, labels, strict=True)]
    monitor = next((run.monitor for run in compared if run.monitor), "")
    mode = next((run.mode for run in compared if run.monitor == monitor), "")
    return [
        *compare_lines(compared, monitor, width),
        *noise_lines(_best_by_seeds(shown, monitor), monitor, mode),
        *place_lines(compared, width),
    ]


def _best_by_seeds(shown: ShownRuns, metric: str) -> list[tuple[str, list[float]]]:
    """Return the best values of the runs of each group of seeds that is not hidden."""
    return [
        (
            entry.label,
            [
                row.best
                for run_id in entry.members
                if (row := shown.runs.snapshot(run_id).metrics.get(metric)) and row.best is not None
            ],
        )
        for entry in shown.seeds.entries
        if entry.key not in shown.hidden
    ]


def _compared(run: RunSnapshot, label: str) -> ComparedRun:
    summary = run.summary
    if summary is None:
        state, detail = ("damaged", run.error) if run.error else ("", tr("being read"))
        return ComparedRun(label, state, sanitise(detail))
    steps = (
        tr("step {n}/{all}", n=count(summary.step), all=count(summary.total_steps))
        if summary.step
        else tr("no points yet")
    )
    detail = f"{steps}  {said(summary.reason)}" if summary.reason else steps
    monitor, mode = monitor_of(run.config)
    return ComparedRun(
        label,
        summary.state,
        sanitise(detail),
        run.metrics,
        flat_settings(run.config),
        monitor,
        mode,
        run.place,
    )
