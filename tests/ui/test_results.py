"""The results of a run on their screen: walked with the keyboard, made by a process that ends."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from textual.pilot import Pilot
from textual.widget import Widget

from tests.ui.apps import play
from tests.ui.makers import keep_alive
from tests.ui.results_makers import ANIMALS, Answers, trained_run
from tests.ui.screens import check_whole, screen_text, wait_for, wait_for_golden, wait_for_text
from tuitrain.runs.config import record_config
from tuitrain.runs.directory import RunDirectory
from tuitrain.supervisor.inspection import Question
from tuitrain.ui.app import TuitrainApp
from tuitrain.ui.feeds.child import Ask, Child
from tuitrain.ui.feeds.results import Source
from tuitrain.ui.screens.home.screen import HomeScreen
from tuitrain.ui.screens.results.screen import ResultsScreen
from tuitrain.ui.screens.results.uses import UseMenu
from tuitrain.ui.screens.run import RunScreen
from tuitrain.ui.widgets.picklist import PickList
from tuitrain.ui.widgets.results.confusion import HeatView
from tuitrain.view.chart.figure import TerminalStyle

HUNDRED = tuple(f"species {place}" for place in range(100))
LOADED = "95 % INTERVAL"


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return trained_run(tmp_path / "runs")


def show(run: RunDirectory, ask: Ask, steps: Any, **options: Any) -> None:
    def first(app: Any) -> None:
        app.push_screen(ResultsScreen(Source(run, app.opener.kept_results, ask)))

    play(run.path.parent, first, steps, **options)


def focused(pilot: Pilot[Any]) -> Widget | None:
    found: Widget | None = pilot.app.focused
    return found


def picked(pilot: Pilot[Any]) -> str:
    """Return the cell of the matrix in brackets, and what it says."""
    view = pilot.app.screen.query_one(HeatView)
    return f"{view.cursor.row},{view.cursor.column}"


PAGES = {
    "classes": ("1", "2", "3", "4", "5", "6"),
    "numbers": ("2", "3", "4"),
    "tokens": ("1", "2"),
}


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=str)
@pytest.mark.parametrize("family", PAGES)
def test_every_page_at_two_sizes(run: RunDirectory, family: str, size: tuple[int, int]) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, LOADED)
        for page in PAGES[family]:
            await pilot.press(page)
            await wait_for_golden(pilot, f"results-{family}-{page}-{size[0]}x{size[1]}")

    show(run, Answers(family), steps, size=size)


def test_without_colour_in_ascii_and_narrow_it_reads_as_well(run: RunDirectory) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, LOADED)
        for page in ("2", "3"):
            await pilot.press(page)
            await wait_for_golden(pilot, f"results-ascii-{page}-60x20")
            assert screen_text(pilot.app).isascii()

    look = TerminalStyle(ascii=True, colour=False)
    show(run, Answers(), steps, size=(60, 20), look=look)


@pytest.mark.usefixtures("chinese")
def test_in_chinese_tables_curves_and_samples_keep_their_places(run: RunDirectory) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "95 % 区间")
        for page in ("1", "2", "3", "4", "5", "6"):
            await pilot.press(page)
            await wait_for_golden(pilot, f"results-zh-{page}-80x24")
            check_whole(pilot.app)

    show(run, Answers(), steps)


def test_a_hundred_classes_are_walked(run: RunDirectory) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, LOADED)
        await pilot.press("3")
        await wait_for(pilot, lambda: isinstance(focused(pilot), HeatView))
        await pilot.press(*["down"] * 3, "end")
        await wait_for(pilot, lambda: picked(pilot).endswith(",99"))
        await wait_for_golden(pilot, "results-hundred-80x24")
        await pilot.press("home", *["pagedown"] * 12)
        await wait_for(pilot, lambda: picked(pilot) == "99,0")
        await wait_for_text(pilot, "species 99, taken for species 0:")

    show(run, Answers(classes=HUNDRED), steps)


def test_the_largest_mistakes_are_walked_and_their_samples_listed(run: RunDirectory) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, LOADED)
        await pilot.press("3")
        await wait_for(pilot, lambda: isinstance(focused(pilot), HeatView))
        first = picked(pilot)
        await pilot.press("n")
        await wait_for(pilot, lambda: picked(pilot) != first)
        await pilot.press("N")
        await wait_for(pilot, lambda: picked(pilot) == first)
        row, column = (ANIMALS[int(part)] for part in first.split(","))
        await wait_for_text(pilot, f"{row}, taken for {column}:")
        await wait_for_text(pilot, f"{row} as {column}")
        await pilot.press("enter")
        await wait_for(pilot, lambda: isinstance(focused(pilot), PickList))
        await wait_for_text(pilot, "▀▀▀▀▀▀▀▀")
        # Back to the matrix first, then away.
        await pilot.press("escape")
        await wait_for(pilot, lambda: isinstance(focused(pilot), HeatView))
        await pilot.press("s")
        await wait_for_text(pilot, "100" if "100" in screen_text(pilot.app) else "5")
        await pilot.press("q")
        await wait_for(pilot, lambda: not isinstance(pilot.app.screen, ResultsScreen))

    show(run, Answers(), steps)


def test_the_classes_are_sorted_by_key_and_by_a_click_on_a_heading(run: RunDirectory) -> None:
    def order(pilot: Pilot[Any]) -> list[str]:
        words = [line.split()[0] for line in screen_text(pilot.app).splitlines() if line.split()]
        return [word for word in words if word in ANIMALS][: len(ANIMALS)]

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, LOADED)
        await pilot.press("2")
        await wait_for_text(pilot, "CLASS^")
        assert order(pilot) == list(ANIMALS)
        await pilot.press("r")
        await wait_for(pilot, lambda: order(pilot) == list(reversed(ANIMALS)))
        await pilot.press("s")
        await wait_for_text(pilot, "PRECISION^")
        column = screen_text(pilot.app).splitlines()[2].index("MISSED")
        await pilot.click("ClassesPage Heading", offset=(column + 2, 0))
        await wait_for_text(pilot, "MISSEDv")
        await pilot.click("ClassesPage Heading", offset=(column + 2, 0))
        await wait_for_text(pilot, "MISSED^")

    show(run, Answers(), steps)


def test_pages_and_cells_can_be_clicked(run: RunDirectory) -> None:
    def place(pilot: Pilot[Any], text: str) -> tuple[int, int]:
        lines = screen_text(pilot.app).splitlines()
        y = next(y for y, line in enumerate(lines) if text in line)
        return lines[y].index(text), y

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, LOADED)
        await pilot.click(offset=place(pilot, "confusion"))
        await wait_for(pilot, lambda: isinstance(focused(pilot), HeatView))
        x, y = place(pilot, " 17 ")
        await pilot.click(offset=(x + 2, y))
        await wait_for(pilot, lambda: picked(pilot) == "0,0")
        await wait_for_text(pilot, "cat, taken for it: 17 of 20")

    show(run, Answers(), steps)


def test_what_was_evaluated_is_kept_for_the_session_and_asked_again_on_demand(
    run: RunDirectory,
) -> None:
    answers = Answers()

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, LOADED)
        await pilot.press("q")
        await wait_for(pilot, lambda: isinstance(pilot.app.screen, HomeScreen))
        assert isinstance(pilot.app, TuitrainApp)
        source = Source(run, pilot.app.opener.kept_results, answers)
        pilot.app.push_screen(ResultsScreen(source))
        await wait_for_text(pilot, LOADED)
        assert len(answers.asked) == 1
        await pilot.press("e")
        await wait_for(pilot, lambda: len(answers.asked) == 2, "a second evaluation")
        await wait_for_text(pilot, LOADED)

    show(run, answers, steps)


def test_another_checkpoint_is_chosen_by_its_name(run: RunDirectory) -> None:
    answers = Answers()

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, LOADED)
        await pilot.press("c")
        await wait_for_text(pilot, "Evaluate the weights of which checkpoint?")
        await pilot.press("down", "enter")
        await wait_for_text(pilot, " last (step")
        await wait_for_text(pilot, LOADED)
        assert answers.asked[-1].options["checkpoint"].endswith("step-00000060.pt")

    show(run, answers, steps)


def test_averaged_weights_are_offered_where_the_run_has_them(run: RunDirectory) -> None:
    answers = Answers()
    record_config(run, run.config_path.read_text() + '\n[[hooks]]\nname = "ema"\n')

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, LOADED)
        await pilot.press("c")
        await wait_for_text(pilot, "averaged weights")
        await pilot.press("down", "enter")
        await wait_for(pilot, lambda: answers.asked[-1].options.get("averaged"), "the averaged")

    show(run, answers, steps)


def test_of_a_live_run_it_says_which_step_this_is(run: RunDirectory) -> None:
    lock, answers = keep_alive(run), Answers()

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "the run is live: these are the weights of its checkpoint of")
        # By its name: the file it leads to may have made room for the next by then.
        assert answers.asked[0].options["checkpoint"] == str(run.checkpoints / "best.pt")

    show(run, answers, steps)
    lock.release()


@pytest.mark.parametrize("fault", ["no-checkpoint", "own-code", "no-data"])
def test_why_there_is_nothing_stands_in_its_place(run: RunDirectory, fault: str) -> None:
    answers, said = Answers(), "has no checkpoint yet"
    if fault == "no-checkpoint":
        for path in run.checkpoints.iterdir():
            path.unlink()
    elif fault == "own-code":
        text = run.config_path.read_text().replace('name = "mlp"', 'name = "mine:net"')
        record_config(run, text)
        said = "tuitrain evaluate"
    else:
        answers.fault = said = "the data set is gone"

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, said)
        await wait_for_text(pilot, "no evaluation")
        # Keys of pages that are not there do nothing.
        await pilot.press("2", "right_square_bracket", "c", "escape")

    show(run, answers, steps)


def test_why_samples_can_not_be_shown_stands_beside_them(run: RunDirectory) -> None:
    answers = Answers()

    def ask(
        question: Question, tell: Callable[[str], None], begun: Callable[[Child], None]
    ) -> dict[str, Any]:
        answers.fault = "the files are gone" if question.kind == "samples" else ""
        return answers(question, tell, begun)

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, LOADED)
        await pilot.press("6")
        await wait_for_text(pilot, "can't be shown:")
        await wait_for_text(pilot, "true ")

    show(run, ask, steps)


def test_recorded_samples_are_read_step_by_step(run: RunDirectory) -> None:
    for step in (20, 40):
        folder = run.samples / f"step-{step:08d}"
        folder.mkdir(parents=True)
        part = {"output": {"kind": "text", "text": f"said at {step}"}}
        (folder / "index.json").write_text(
            json.dumps({"format": 1, "step": step, "samples": [part]})
        )

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, LOADED)
        await pilot.press("3")
        await wait_for_text(pilot, "said at 40")
        await pilot.press("left")
        await wait_for_text(pilot, "said at 20")
        (run.samples / "step-00000040" / "index.json").write_text("{")
        await pilot.press("right")
        await wait_for_text(pilot, "can't be read")

    show(run, Answers("tokens"), steps)


@pytest.mark.parametrize("how", ["cancelled", "closed", "killed"])
def test_the_process_that_evaluates_ends(run: RunDirectory, how: str) -> None:
    # Its checkpoint is none; what counts is the process, which takes seconds to find out.
    def processes() -> list[psutil.Process]:
        return [each for each in psutil.Process().children() if _evaluates(each)]

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for(pilot, processes, "the process that evaluates")
        if how == "cancelled":
            await pilot.press("x")
            await wait_for_text(pilot, "cancelled: e evaluates")
        elif how == "closed":
            await pilot.press("q")
            await wait_for(pilot, lambda: not isinstance(pilot.app.screen, ResultsScreen))
        else:
            for process in processes():
                process.kill()
            await wait_for_text(pilot, "was killed by signal")
        await wait_for(pilot, lambda: not processes(), "its end")

    def first(app: Any) -> None:
        app.opener.open_results(run)

    play(run.path.parent, first, steps)


def _evaluates(process: psutil.Process) -> bool:
    try:
        return "tuitrain.training.inspection" in process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False


def test_home_and_the_run_lead_to_the_results_and_to_what_the_model_is_for(
    run: RunDirectory,
) -> None:
    for path in run.checkpoints.iterdir():
        path.unlink()

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "alpha")
        await pilot.press("tab")
        for key, kind in (("v", ResultsScreen), ("U", UseMenu)):
            await pilot.press(key)
            await wait_for(pilot, lambda kind=kind: isinstance(pilot.app.screen, kind), key)
            await pilot.press("escape")
            await wait_for(pilot, lambda: isinstance(pilot.app.screen, HomeScreen))
        await pilot.press("enter")
        await wait_for(pilot, lambda: isinstance(pilot.app.screen, RunScreen))
        await wait_for_text(pilot, "finished")
        for key, kind in (("v", ResultsScreen), ("u", UseMenu)):
            await pilot.press(key)
            await wait_for(pilot, lambda kind=kind: isinstance(pilot.app.screen, kind), key)
            await pilot.press("escape")
            await wait_for(pilot, lambda: isinstance(pilot.app.screen, RunScreen))

    play(run.path.parent, None, steps)
