"""What a report says of runs, whatever is missing, and that it is harmless."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.plots.browser import opened
from tests.plots.makers import classified, evaluation, recorded_run
from tuitrain import messages as m
from tuitrain.config.load import load_found, to_toml
from tuitrain.config.presets import find_preset
from tuitrain.errors import CheckpointError, UsageError
from tuitrain.file_lock import FileLock
from tuitrain.messages import Numbered
from tuitrain.report.blocks import Block, Document, Facts, Folded, Section, Table, Text
from tuitrain.report.document import ReportChoices, look_at, report_document
from tuitrain.report.html import html_report
from tuitrain.report.looked import Asked, Looked
from tuitrain.report.markdown import markdown_report
from tuitrain.report.sections.evaluation import evaluation_section
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader
from tuitrain.runs.writer import RunWriter

EVIL = "<script>alert(1)</script>|`*_模型\x1b[2J"
POINTS = {"train/loss": [1.0, 0.5, float("nan"), 0.2], "val/accuracy": [0.1, 0.5, 0.7, 0.9]}
SECTIONS = [
    "Run", "Curves", "Evaluation", "Settings", "Time and memory", "Alerts and changes",
    "What differs from the last good run", "Environment", "To repeat it",
]  # fmt: skip
COMPARED = ["Runs", "What differs", "Metrics", "Curves", "Evaluation", "Alerts", "To repeat them"]


def no_process(_question: object) -> dict[str, Any]:
    raise AssertionError("nothing is asked")


def gone(_directory: RunDirectory) -> Any:
    raise CheckpointError("the checkpoint is gone")


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def looked(stack: ExitStack, run: RunDirectory, **choices: Any) -> Looked:
    reader = stack.enter_context(RunReader(run))
    return look_at(reader, ReportChoices(**{"open_model": None, **choices}), no_process)


def report_of(stack: ExitStack, *runs: RunDirectory, **choices: Any) -> Document:
    return report_document([looked(stack, run, **choices) for run in runs], 1e9)


def section(document: Document, title: str) -> Section:
    return next(one for one in document.sections if one.title == title)


def tables(blocks: tuple[Block, ...]) -> list[Table]:
    found = []
    for block in blocks:
        found += [block] if isinstance(block, Table) else []
        found += tables(block.blocks) if isinstance(block, Folded) else []
    return found


def texts(one: Section) -> str:
    return "\n".join(block.text for block in one.blocks if isinstance(block, Text))


def add_events(run: RunDirectory, *events: m.Event) -> None:
    with RunWriter(run) as writer:
        writer.begin_attempt(6.0)
        writer.record([Numbered(2, place, event) for place, event in enumerate(events, start=1)])


def test_a_report_has_all_its_sections(tmp_path: Path, stack: ExitStack) -> None:
    one, two = (recorded_run(tmp_path, name, POINTS) for name in ("a", "b"))
    document = report_of(stack, one)
    assert [part.title for part in document.sections] == SECTIONS
    both = report_of(stack, one, two)
    assert [part.title for part in both.sections] == COMPARED
    assert both.legend == (("a", 0), ("b", 1))
    for written in (markdown_report(document), html_report(document)):
        assert all(title in written for title in SECTIONS)


def test_of_more_runs_than_figures_the_runs_are_the_rows(tmp_path: Path, stack: ExitStack) -> None:
    runs = [
        recorded_run(tmp_path, f"r{n}", {**POINTS, "val/accuracy": [n / 4]}, f"seed = {n}\n")
        for n in range(4)
    ]
    (wide,) = tables(section(report_of(stack, *runs), "Metrics").blocks)
    assert wide.headings == ("run", "val/accuracy", "train/loss")
    assert [row[0] for row in wide.rows] == [f"seed={n}" for n in range(4)]
    assert wide.best == {(3, 1)} and wide.rows[3][1].startswith("0.7500")
    (high,) = tables(section(report_of(stack, *runs[:2]), "Metrics").blocks)
    assert high.headings == ("metric", "seed=0", "seed=1") and high.best == {(0, 2)}


def test_a_text_has_charts_with_no_more_lines_than_there_are_markers(
    tmp_path: Path, stack: ExitStack
) -> None:
    runs = [recorded_run(tmp_path, f"r{n}", POINTS, f"seed = {n}\n") for n in range(10)]
    text = markdown_report(report_of(stack, *runs))
    charts = re.findall(r"(?s)\*\*val/accuracy\*\*\n\n(.*?)\n\n(?=\*\*|##)", text)
    assert charts[0].count("```text") == 2
    assert all(f"seed={n}, last 0.9000" in charts[0] for n in range(10))


def test_a_run_that_can_not_be_evaluated_says_why_and_has_the_rest(
    tmp_path: Path, stack: ExitStack
) -> None:
    run = recorded_run(tmp_path, "a", POINTS)
    counts = m.PerClassCounts(("cat", "dog"), (10, 4), (9, 5), (8, 3), ((8, 2), (1, 3)))
    add_events(run, m.Evaluated(6.0, 4, 1.0, 0.1, {"val/accuracy": 0.9}, counts))
    document = report_of(stack, run, open_model=gone)
    found = section(document, "Evaluation")
    assert "Not evaluated: the checkpoint is gone" in texts(found)
    assert "As training recorded it at step 4" in texts(found)
    assert [row[0] for row in tables(found.blocks)[1].rows] == [
        "cat", "dog", "macro avg", "weighted avg",
    ]  # fmt: skip
    assert [part.title for part in document.sections] == SECTIONS
    assert "Not evaluated" not in markdown_report(report_of(stack, run))


def test_a_checkpoint_that_was_named_and_is_not_there_ends_the_command(
    tmp_path: Path, stack: ExitStack
) -> None:
    def missing(_directory: RunDirectory) -> Any:
        raise UsageError("has no checkpoint x")

    run = recorded_run(tmp_path, "a", POINTS)
    with pytest.raises(UsageError, match="has no checkpoint x"):
        look_at(
            stack.enter_context(RunReader(run)), ReportChoices(missing, is_named=True), no_process
        )


def test_settings_that_are_not_the_presets_are_marked(tmp_path: Path, stack: ExitStack) -> None:
    resolved = to_toml(load_found(find_preset("iris"), ["optimizer.lr=0.5"]))
    run = recorded_run(tmp_path, "a", POINTS, preset="iris")
    run.config_path.write_text(resolved, encoding="utf-8")
    changed, everything = tables(section(report_of(stack, run), "Settings").blocks)
    assert [row[0] for row in changed.rows] == ["optimizer.lr"]
    assert changed.rows[0][1] == "0.5"
    (marked,) = everything.marked
    assert everything.rows[marked] == changed.rows[0] and len(everything.rows) > 40
    own = tmp_path / "mine.toml"
    own.write_text(resolved, encoding="utf-8")
    asked = ("tuitrain/__main__.py", "run", str(own), "--name", "c")
    same = recorded_run(tmp_path, "c", POINTS, preset="iris", command_line=asked)
    same.config_path.write_text(resolved, encoding="utf-8")
    assert "All are those of the preset" in texts(section(report_of(stack, same), "Settings"))
    unknown = recorded_run(tmp_path, "b", POINTS, preset="of-long-ago")
    assert "nothing is marked" in texts(section(report_of(stack, unknown), "Settings"))


def test_the_last_good_run_is_the_last_of_the_preset_that_finished(
    tmp_path: Path, stack: ExitStack
) -> None:
    title = "What differs from the last good run"
    first = recorded_run(tmp_path, "a", POINTS, "lr = 1\n")
    assert "No earlier run of demo" in texts(section(report_of(stack, first), title))
    recorded_run(tmp_path, "failed", POINTS, "lr = 3\n", state="failed")
    recorded_run(tmp_path, "other", POINTS, "lr = 4\n", preset="other")
    found = section(report_of(stack, recorded_run(tmp_path, "b", POINTS, "lr = 2\n")), title)
    assert first.id in texts(found)
    assert ("setting", "lr", "1", "2") in tables(found.blocks)[0].rows
    assert ("result", "best val/accuracy", "0.9000", "0.9000") in tables(found.blocks)[0].rows


def test_what_can_not_be_read_is_told_in_its_place(tmp_path: Path, stack: ExitStack) -> None:
    run = recorded_run(tmp_path, "a", POINTS)
    run.config_path.unlink()
    document = report_of(stack, run)
    assert [part.title for part in document.sections] == SECTIONS
    assert "This can't be told" in texts(section(document, "Settings"))
    assert "can't be told" not in texts(section(document, "Run"))


def test_a_live_run_is_reported_as_such_and_one_without_steps_too(
    tmp_path: Path, stack: ExitStack
) -> None:
    run = recorded_run(tmp_path, "a", {})
    with FileLock(run.lock_path):
        document = report_of(stack, run)
    assert "The run was live when this was written" in texts(section(document, "Run"))
    assert "Nothing was measured yet" in texts(section(document, "Curves"))
    assert html_report(document) and markdown_report(document)


def test_peaks_of_memory_are_those_of_the_whole_run(tmp_path: Path, stack: ExitStack) -> None:
    run = recorded_run(tmp_path, "a", POINTS)
    with RunReader(run) as reader:
        created = float(reader.meta()["created"])
    with RunWriter(run) as writer:
        for second, amount in enumerate((1.0, 5.0, 2.0)):
            sizes = {"gpu0/worker_bytes": 2.0**30, "torch/peak_allocated_bytes": amount * 2.0**30}
            writer.add_samples(created + second, sizes)
    found = section(report_of(stack, run), "Time and memory")
    facts = dict(row for block in found.blocks if isinstance(block, Facts) for row in block.rows)
    assert facts["peak memory, tensors on the device"] == "5.00 GiB"
    assert facts["peak memory, worker on gpu0"] == "1.00 GiB"


def evil_document(tmp_path: Path, stack: ExitStack) -> Document:
    points = {**POINTS, EVIL: [1.0, 2.0, 3.0, 4.0]}
    run = recorded_run(tmp_path, "a", points, f"note = {EVIL[:-4]!r}\n".replace("\\x1b", ""))
    counts = m.PerClassCounts((EVIL, "</table>"), (10, 4), (9, 5), (8, 3), ((8, 2), (1, 3)))
    add_events(
        run,
        m.AlertRaised(6.0, 2, "nonfinite", EVIL, EVIL),
        m.Evaluated(6.0, 4, 1.0, 0.1, {EVIL: 0.9}, counts),
    )
    return report_of(stack, run, open_model=gone)


def test_nothing_of_a_run_acts_on_the_page(tmp_path: Path, stack: ExitStack) -> None:
    page_text = html_report(evil_document(tmp_path, stack))
    assert page_text.count("<script") == 2 and "<script>alert" not in page_text
    assert "\x1b" not in page_text
    assert not re.search(r"(src|href)=[\"']?(http|//)", page_text)
    (tmp_path / "a.html").write_text(page_text, encoding="utf-8")
    with opened(tmp_path / "a.html", viewport={"width": 400, "height": 700}) as page:
        assert "<script>alert(1)</script>" in page.inner_text("body")
        assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_nothing_of_a_run_is_markup_in_a_text(tmp_path: Path, stack: ExitStack) -> None:
    text = markdown_report(evil_document(tmp_path, stack))
    outside = re.sub(r"(?s)```+text\n.*?\n```+\n", "", text)
    assert "\\<script\\>alert" in outside and "\x1b" not in text
    assert not re.search(r"(?<!\\)<(?!details>|/details>|summary>|/summary>|br>)", outside)
    widths = {}
    for line in outside.splitlines():
        if line.startswith("|"):
            cells = len(re.findall(r"(?<!\\)\|", line))
            widths.setdefault(cells, line)
    assert set(widths) <= {3, 4, 5, 6}


def test_an_evaluation_has_intervals_classes_and_calibration(
    tmp_path: Path, stack: ExitStack
) -> None:
    run = recorded_run(tmp_path, "a", POINTS)
    made = evaluation(classified())
    plain = looked(stack, run)
    asked = Asked(None, made, made.report())
    found = evaluation_section(
        Looked(plain.reader, plain.summary, plain.meta, False, asked, no_process)
    )
    metrics = next(iter(tables(found.blocks)))
    assert metrics.headings == ("metric", "value", "95 % interval", "baseline")
    rows = {row[0]: row for row in metrics.rows}
    assert " to " in rows["accuracy"][2] and rows["accuracy"][3]
    assert "Expected calibration error" in texts(found)
    document = Document("a", "", (found,))
    assert "of the validation part of digits" in markdown_report(document)
    (tmp_path / "a.html").write_text(html_report(document), encoding="utf-8")
    with opened(tmp_path / "a.html", color_scheme="dark") as page:
        titles = page.locator("figure.chart strong").all_inner_texts()
        assert titles[:2] == ["ROC", "Precision and recall"] and len(titles) == 4
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.emulate_media(media="print")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") != dark
