from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.ui.apps import play
from tests.ui.machines import gpu_facts, gpu_samples, still_feed, with_gpus
from tests.ui.makers import NOW, EndState, falling, keep_alive, new_run, train
from tests.ui.screens import (
    check_whole,
    screen_text,
    told,
    wait_for,
    wait_for_golden,
    wait_for_text,
)
from tuitrain.config.presets import ListedPreset, find_preset, listed
from tuitrain.runs.config import record_config
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.labels import Labels, load_labels, save_labels
from tuitrain.runs.listing import list_runs, summarise_run, write_summary
from tuitrain.runs.reader import RunReader
from tuitrain.runs.summary import RunSummary, save_summary
from tuitrain.ui.app import TuitrainApp
from tuitrain.ui.feeds.home import read_experience
from tuitrain.ui.preferences import Preferences
from tuitrain.ui.screens.home.lists import HomeLists
from tuitrain.ui.screens.home.screen import HomeScreen
from tuitrain.ui.screens.launch.screen import LaunchScreen
from tuitrain.ui.screens.run import RunScreen
from tuitrain.ui.screens.workspace.screen import WorkspaceScreen
from tuitrain.ui.widgets.filterline import FilterLine
from tuitrain.ui.widgets.heading import TableHeading
from tuitrain.ui.widgets.homelists import PresetList, RunList
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.spans import plain_text

PRESET = """
name = "{name}"
description = "{description}"
task = "{task}"
[data]
name = "{data}"
[model]
name = "mlp"
[loss]
name = "{loss}"
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder


@pytest.fixture
def presets(tmp_path: Path) -> Sequence[ListedPreset]:
    texts = {
        "tiny-mlp": ("A small network on scanned digits", "classification", "digits"),
        "tiny-cnn": ("Another network on scanned digits", "classification", "digits"),
        "rings": ("Two circles, one inside the other", "binary", "circles"),
    }
    found = []
    for name, (description, task, data) in texts.items():
        loss = "cross_entropy" if task == "classification" else "bce_with_logits"
        path = tmp_path / f"{name}.toml"
        path.write_text(
            PRESET.format(name=name, description=description, task=task, data=data, loss=loss)
        )
        found.append(listed(find_preset(str(path))))
    (tmp_path / "broken.toml").write_text("name = 3")
    return [*found, listed(find_preset(str(tmp_path / "broken.toml")))]


@pytest.fixture
def home(presets: Sequence[ListedPreset]) -> Callable[[TuitrainApp], None]:
    return show_home(presets)


def show_home(presets: Sequence[ListedPreset]) -> Callable[[TuitrainApp], None]:
    def show(app: TuitrainApp) -> None:
        app.push_screen(HomeScreen(lambda: NOW, lambda: presets))

    return show


def some_runs(root: Path) -> dict[str, RunDirectory]:
    """A finished, a failed, a paused, a lost run, and one that failed long ago."""
    runs = {
        "done": new_run(root, preset="tiny-mlp", age_s=7200),
        "failed": new_run(root, "wide", preset="tiny-cnn", age_s=86400),
        "paused": new_run(root, preset="rings", age_s=4000),
        "lost": new_run(root, "night", preset="tiny-mlp", age_s=30000),
        "old": new_run(root, "ancient", preset="tiny-mlp", age_s=90 * 86400),
    }
    train(runs["done"], falling(100), age_s=7190, accuracy=0.9712)
    out: tuple[EndState, str] = ("failed", "CUDA out of memory: 2.1 GiB asked, 0.3 GiB free")
    train(runs["failed"], falling(12), age_s=86000, end=out)
    train(runs["paused"], falling(31), age_s=3990, accuracy=0.871, end=("paused", "asked"))
    train(runs["lost"], falling(55), age_s=29000, accuracy=0.64, end=None)
    train(runs["old"], falling(5), age_s=89 * 86400, end=("failed", "no such data set"))
    return runs


async def runs_listed(pilot: Pilot[Any], *words: str) -> None:
    for word in words or ("wide",):
        await wait_for_text(pilot, word)


def test_an_empty_home_says_what_to_press_and_shows_no_key_that_needs_a_run(
    root: Path, home: Callable[[TuitrainApp], None]
) -> None:
    def keys(app: Any) -> str:
        return screen_text(app).splitlines()[-1]

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "no runs yet: Enter on a preset starts one")
        await wait_for_text(pilot, "tiny-mlp")
        await pilot.press("tab")
        await wait_for(pilot, lambda: "n new" in keys(pilot.app))
        assert keys(pilot.app).split() == [
            "n",
            "new",
            "u",
            "undo",
            "o",
            "own",
            "data",
            "q",
            "quit",
            "?",
            "help",
        ]
        train(new_run(root, "first", preset="tiny-mlp"), falling(9))
        await wait_for(pilot, lambda: "open  / filter  c columns" in keys(pilot.app))
        await pilot.press("slash", *"xyzzy")
        await wait_for_text(pilot, "Escape shows all")
        await pilot.press("escape")
        await wait_for_text(pilot, "first")

    play(root, home, steps)


def test_a_folder_of_runs_that_can_not_be_read_is_told_in_the_lists_place(
    root: Path, home: Callable[[TuitrainApp], None]
) -> None:
    link = root.parent / "elsewhere"
    link.symlink_to("moved")

    async def steps(pilot: Pilot[Any]) -> None:
        missing, none = "which is missing; --runs-dir", "no runs yet: Enter on a preset starts one"

        def stands(text: str, other: str) -> bool:
            screen = screen_text(pilot.app)
            return text in screen and other not in screen

        await wait_for(pilot, lambda: stands(missing, none), missing)
        link.unlink()
        await wait_for(pilot, lambda: stands(none, missing), none)

    play(link, home, steps, size=(200, 40))


@pytest.mark.parametrize("size", [(80, 24), (160, 48), (60, 20)])
def test_home_looks_like_its_golden_copy(
    root: Path, home: Callable[[TuitrainApp], None], size: tuple[int, int]
) -> None:
    some_runs(root)

    async def steps(pilot: Pilot[Any]) -> None:
        await runs_listed(pilot, "ancient", "tiny-cnn", "gpu-box-7")
        if size[0] == 160:
            await wait_for(pilot, lambda: screen_text(pilot.app).count("⣀") > 9)
            await wait_for_text(pilot, "about 11 s on this machine")
        await wait_for_golden(pilot, f"home-{size[0]}x{size[1]}")

    play(root, home, steps, size=size)


@pytest.mark.usefixtures("chinese")
@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
def test_home_is_whole_in_chinese(
    root: Path, home: Callable[[TuitrainApp], None], size: tuple[int, int]
) -> None:
    some_runs(root)

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_golden(pilot, f"home-zh-{size[0]}x{size[1]}")
        check_whole(pilot.app)

    play(root, home, steps, size=size)


def test_home_without_braille_or_colour_is_plain_ascii(
    root: Path, home: Callable[[TuitrainApp], None]
) -> None:
    some_runs(root)

    async def steps(pilot: Pilot[Any]) -> None:
        await runs_listed(pilot, "ancient", "gpu-box-7", "##")
        rows = [row for row in screen_text(pilot.app).splitlines() if "finished" in row]
        assert "######" in rows[0]
        assert rows[0].replace("│", "").isascii()

    play(root, home, steps, size=(160, 48), look=TerminalStyle(ascii=True, colour=False))


def test_failed_and_lost_runs_stand_on_top_with_the_reason_and_old_ones_do_not(
    root: Path, home: Callable[[TuitrainApp], None]
) -> None:
    runs = some_runs(root)

    async def steps(pilot: Pilot[Any]) -> None:
        await runs_listed(pilot, "ancient")
        shown = pilot.app.screen.query_one(RunList).keys
        order = [next(name for name, run in runs.items() if str(run.path) == key) for key in shown]
        assert order == ["lost", "failed", "paused", "done", "old"]
        await wait_for_text(pilot, "CUDA out of memory")
        await wait_for_text(pilot, "3 failed or lost")

    play(root, home, steps, size=(120, 36))


def test_the_full_reason_is_told_below_when_the_run_is_under_the_cursor(
    root: Path, home: Callable[[TuitrainApp], None]
) -> None:
    some_runs(root)

    async def steps(pilot: Pilot[Any]) -> None:
        await runs_listed(pilot)
        await pilot.press("tab", "down")
        await wait_for_text(pilot, "0.3 GiB free")

    play(root, home, steps, size=(80, 24))


def test_typing_after_a_slash_narrows_the_presets_and_enter_opens_the_one_that_is_left(
    root: Path, home: Callable[[TuitrainApp], None]
) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "tiny-mlp")
        await pilot.press("slash", *"ring")
        presets = pilot.app.screen.query_one(PresetList)
        await wait_for(pilot, lambda: presets.keys == ["rings"])
        await wait_for_text(pilot, "presets / ring")
        await pilot.press("escape")
        await wait_for(pilot, lambda: len(presets.keys) == 4)
        await pilot.press("slash", *"ring", "enter")
        await wait_for(pilot, lambda: isinstance(pilot.app.screen, LaunchScreen))

    play(root, home, steps)


def test_a_preset_that_a_filter_found_stays_in_sight_when_all_are_shown_again(
    root: Path, tmp_path: Path, presets: Sequence[ListedPreset]
) -> None:
    more = [presets[0]]
    for number in range(30):
        path = tmp_path / f"more-{number}.toml"
        path.write_text(presets[0].found.path.read_text().replace("tiny-mlp", path.stem))
        more.append(listed(find_preset(str(path))))

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "tiny-mlp")
        await pilot.press("slash", *"more-29")
        shown = pilot.app.screen.query_one(PresetList)
        await wait_for(pilot, lambda: len(shown.keys) == 1)
        assert shown.is_reversed(shown.place)
        await pilot.press("escape")
        await wait_for(pilot, lambda: len(shown.keys) == 31)
        await wait_for_text(pilot, "more-28")
        assert shown.key == "more-29"

    play(root, show_home(more), steps, size=(80, 24))


def test_the_filter_of_runs_takes_words_of_name_preset_and_state(
    root: Path, home: Callable[[TuitrainApp], None]
) -> None:
    runs = some_runs(root)

    async def steps(pilot: Pilot[Any]) -> None:
        await runs_listed(pilot)
        await pilot.press("tab", "slash", *"failed cnn")
        shown = pilot.app.screen.query_one(RunList)
        await wait_for(pilot, lambda: shown.keys == [str(runs["failed"].path)])
        # Enter would take it, so it is seen which one that is.
        assert shown.is_reversed(shown.place)
        await pilot.press("down")
        await wait_for(pilot, lambda: shown.has_focus)
        await pilot.press("escape")
        await wait_for(pilot, lambda: len(shown.keys) == 5)

    play(root, home, steps)


def test_a_filter_knows_settings_completes_keys_and_says_what_is_wrong_with_it(
    root: Path, home: Callable[[TuitrainApp], None]
) -> None:
    runs = some_runs(root)
    save_labels(runs["done"], Labels(("keeper",)))

    async def steps(pilot: Pilot[Any]) -> None:
        await runs_listed(pilot)
        shown = pilot.app.screen.query_one(RunList)
        await pilot.press("tab", "slash", *"tag:keeper -state=failed epochs>=10")
        await wait_for(pilot, lambda: shown.keys == [str(runs["done"].path)], "the tagged run")
        await pilot.press(*" epo")
        await wait_for_text(pilot, "tab: epoch  epochs")
        assert shown.keys == [str(runs["done"].path)], "a key that is begun is no word"
        await pilot.press(*"chs>")
        await wait_for_text(pilot, "there is nothing behind >")
        assert shown.keys == [str(runs["done"].path)], "what the last filter found stays"
        await pilot.press("ctrl+u", *"epoch_s=1")
        await wait_for_text(pilot, "no run has 'epoch_s'; near it: epoch")
        await pilot.press("ctrl+u", *"train.ep", "tab")
        line = pilot.app.screen.query_one("#runs-filter", FilterLine)
        await wait_for(pilot, lambda: line.value == "train.epochs", "the key")
        await pilot.press("ctrl+u", *"state=pa", "tab")
        await wait_for(pilot, lambda: shown.keys == [str(runs["paused"].path)], "the paused run")
        await wait_for_text(pilot, "1/1 of 5")

    play(root, home, steps, size=(120, 30))


def test_the_table_is_sorted_by_keys_and_clicks_and_looks_the_same_the_next_time(
    root: Path, home: Callable[[TuitrainApp], None]
) -> None:
    runs = some_runs(root)
    names = {str(run.path): name for name, run in runs.items()}

    async def choose(pilot: Pilot[Any]) -> None:
        await runs_listed(pilot, "ancient")
        shown = pilot.app.screen.query_one(RunList)
        await pilot.press("tab", "c")
        await wait_for_text(pilot, "Columns beside the name")
        await pilot.press("slash", *"train.ep", "down", "space", "slash", "escape", "enter")
        await wait_for_text(pilot, "train.epochs")
        await pilot.press("greater_than_sign", "r")
        heading = pilot.app.screen.query_one("#heading")
        words = plain_text(pilot.app.screen.query_one(TableHeading).lines[0])
        await pilot.click(heading, offset=(words.index("duration") + 1, 0))
        order = ["done", "lost", "paused", "failed", "old"]
        await wait_for(pilot, lambda: [names[key] for key in shown.keys] == order, "the longest")
        await wait_for_text(pilot, "duration▼")
        await pilot.press("r")
        await wait_for(pilot, lambda: [names[key] for key in shown.keys] == order[::-1])

    async def look_again(pilot: Pilot[Any]) -> None:
        await runs_listed(pilot, "ancient", "train.epochs", "duration▲")
        shown = pilot.app.screen.query_one(RunList)
        assert names[shown.keys[0]] == "old"

    play(root, home, choose, size=(160, 30))
    play(root, home, look_again, size=(160, 30))


def test_runs_of_one_name_are_told_apart(root: Path, home: Callable[[TuitrainApp], None]) -> None:
    runs = [new_run(root, "twin", preset="rings", age_s=900 + i, seed=i) for i in range(2)]

    async def steps(pilot: Pilot[Any]) -> None:
        for run in runs:
            await wait_for_text(pilot, run.id[14:])

    play(root, home, steps, size=(120, 30))


def test_clicks_select_rows_open_them_and_press_keys(
    root: Path, home: Callable[[TuitrainApp], None]
) -> None:
    runs = some_runs(root)

    async def steps(pilot: Pilot[Any]) -> None:
        await runs_listed(pilot, "ancient")
        shown = pilot.app.screen.query_one(RunList)
        await pilot.click(RunList, offset=(4, 2))
        await wait_for(pilot, lambda: shown.key == str(runs["paused"].path), "the third row")
        await pilot.click(PresetList, offset=(4, 0))
        presets = pilot.app.screen.query_one(PresetList)
        assert presets.key == "tiny-mlp", "a heading is no row to select"
        await pilot.click(PresetList, offset=(4, 2))
        await wait_for(pilot, lambda: presets.key == "tiny-cnn", "the second preset")
        await pilot.click(RunList, offset=(4, 1))
        keys = screen_text(pilot.app).splitlines()[-1]
        await pilot.click("KeyLine", offset=(keys.index("space mark") + 2, 0))
        await wait_for_text(pilot, "* wide")
        await pilot.click(RunList, offset=(4, 0), control=True)
        await wait_for_text(pilot, "* night")
        await pilot.click(RunList, offset=(4, 3), times=2)
        await wait_for(pilot, lambda: isinstance(pilot.app.screen, RunScreen), "the run")
        await pilot.click("KeyLine", offset=(screen_text(pilot.app).splitlines()[-1].index("?"), 0))
        await wait_for_text(pilot, "This screen")

    play(root, home, steps, size=(120, 36))


def test_enter_opens_a_run(root: Path, home: Callable[[TuitrainApp], None]) -> None:
    some_runs(root)

    async def steps(pilot: Pilot[Any]) -> None:
        await runs_listed(pilot)
        await pilot.press("tab", "enter")
        await wait_for(pilot, lambda: isinstance(pilot.app.screen, RunScreen))

    play(root, home, steps)


def test_marked_runs_are_compared_and_one_mark_goes_with_the_cursor(
    root: Path, home: Callable[[TuitrainApp], None]
) -> None:
    some_runs(root)

    async def steps(pilot: Pilot[Any]) -> None:
        await runs_listed(pilot)
        await pilot.press("tab", "d")
        await wait_for(pilot, lambda: "mark two or more" in told(pilot.app))
        await pilot.press("space")
        await wait_for_text(pilot, "* night")
        await pilot.press("d")
        await wait_for(pilot, lambda: isinstance(pilot.app.screen, WorkspaceScreen))

    play(root, home, steps)


def test_a_run_is_removed_only_after_a_yes(root: Path, home: Callable[[TuitrainApp], None]) -> None:
    runs = some_runs(root)

    async def steps(pilot: Pilot[Any]) -> None:
        await runs_listed(pilot)
        await pilot.press("tab", "down", "x")
        await wait_for_text(pilot, "kept in the trash for 7")
        await pilot.press("n")
        await wait_for(pilot, lambda: "kept in the trash for 7" not in screen_text(pilot.app))
        assert runs["failed"].path.exists()
        await pilot.press("x")
        await wait_for_text(pilot, "kept in the trash for 7")
        await pilot.press("y")
        shown = pilot.app.screen_stack[-1].query_one(RunList)
        await wait_for(pilot, lambda: str(runs["failed"].path) not in shown.keys)
        assert not runs["failed"].path.exists()
        assert runs["done"].path.exists()

    play(root, home, steps)


def test_twenty_runs_are_removed_with_three_keys_and_one_brings_them_back(
    root: Path, home: Callable[[TuitrainApp], None]
) -> None:
    for number in range(23):
        name = f"sweep-{number}" if number < 20 else f"kept-{number}"
        train(new_run(root, name, preset="rings", seed=number), falling(3))

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "23 done")
        shown = pilot.app.screen.query_one(RunList)
        await pilot.press("tab", "slash", *"sweep", "down")
        await wait_for_text(pilot, "/20 of 23")
        await pilot.press("a", "x")
        await wait_for_text(pilot, "Remove 20 runs: ")
        await pilot.press("y")
        await wait_for(pilot, lambda: len(list_runs(root)) == 3, "removed")
        await wait_for(pilot, lambda: "20 runs in the trash" in told(pilot.app))
        await wait_for(pilot, lambda: not shown.keys, "the list without them")
        await pilot.press("u")
        await wait_for(pilot, lambda: len(shown.keys) == 20, "restored")
        assert len(list_runs(root)) == 23

    play(root, home, steps, size=(120, 30))


def test_marked_runs_are_tagged_and_noted_together(
    root: Path, home: Callable[[TuitrainApp], None]
) -> None:
    runs = some_runs(root)

    async def steps(pilot: Pilot[Any]) -> None:
        await runs_listed(pilot, "ancient")
        await pilot.press("tab", "space", "space", "t")
        await wait_for_text(pilot, "Tags of 2 runs")
        await pilot.press(*"good slow", "enter")
        chosen = [runs["lost"], runs["failed"]]
        await wait_for(pilot, lambda: all("slow" in load_labels(run).tags for run in chosen))
        await pilot.press("t", *"-slow", "enter")
        await wait_for(pilot, lambda: [load_labels(run).tags for run in chosen] == [("good",)] * 2)
        await pilot.press("N", *"see disk", "enter")
        await wait_for(pilot, lambda: [load_labels(run).note for run in chosen] == ["see disk"] * 2)
        assert load_labels(runs["done"]) == Labels()

    play(root, home, steps, size=(120, 30))


def test_only_runs_that_live_are_paused_and_stopped_and_one_question_is_asked(
    root: Path, home: Callable[[TuitrainApp], None]
) -> None:
    some_runs(root)
    live = [new_run(root, f"live-{number}", preset="rings") for number in range(2)]
    for run in live:
        train(run, falling(31), end=None)
    locks = [keep_alive(run) for run in live]

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "2 live")
        await pilot.press("a", "p")
        await wait_for_text(pilot, "Pause 2 of 7 runs: live-")
        await pilot.press("y")
        await wait_for(pilot, lambda: all(commands_of(run) == ["pause"] for run in live), "paused")
        await pilot.press("a", "end", "s")
        await wait_for(pilot, lambda: "nothing is stopped" in told(pilot.app))
        for lock in locks:
            lock.release()
        await wait_for(pilot, lambda: "0 of 2 runs paused; " in told(pilot.app), "one answer")
        assert len(told(pilot.app).splitlines()) == 2, "a toast for all, not one a run"

    play(root, home, steps, size=(120, 30))


def test_runs_are_grouped_as_a_tree_whose_branches_close_and_are_taken_whole(
    root: Path, home: Callable[[TuitrainApp], None]
) -> None:
    for name, width, lr in (("a", 8, 0.1), ("b", 16, 0.1), ("c", 8, 0.2), ("d", 8, 0.1)):
        run = new_run(root, name)
        own = f"[optimizer]\nname = 'sgd'\nlr = {lr}\n[model]\nname = 'mlp'\nwidth = {width}\n"
        text = run.config_path.read_text().replace('[model]\nname = "mlp"\n', own)
        train(run, falling(31))
        record_config(run, text)
        write_summary(run)

    async def steps(pilot: Pilot[Any]) -> None:
        await runs_listed(pilot, "d")
        listed = pilot.app.screen.query_one(RunList)
        await pilot.press("tab", "b")
        await wait_for_text(pilot, "Group the runs by")
        await pilot.press(*"width", "space", *"lr", "enter")
        await wait_for_text(pilot, "▾ width 8  3 runs")
        await wait_for_text(pilot, "  ▾ lr 0.1  2 runs")
        await wait_for_text(pilot, "▾ width 16  1 run")
        assert Preferences(root.parent / "preferences.toml").group == ("width", "lr"), "remembered"
        await pilot.press("home")
        await wait_for(pilot, lambda: "created 20" not in screen_text(pilot.app), "no run's time")
        await wait_for_golden(pilot, "home-tree-120x40")
        await pilot.press("enter")
        await wait_for_text(pilot, "▸ width 8  3 runs")
        assert "lr 0.2" not in screen_text(pilot.app), "the branch is closed"
        await pilot.press("space")
        await wait_for_text(pilot, "3 marked")
        await pilot.press("space", "enter", "d")
        await wait_for_text(pilot, "workspace 3 runs")
        await pilot.press("q")
        await wait_for_text(pilot, "▾ width 8  3 runs")
        await pilot.press("b", *["backspace"] * 8, "enter")
        await wait_for(pilot, lambda: "▾" not in screen_text(pilot.app), "a plain list")
        assert len(listed.keys) == 4

    play(root, home, steps, size=(120, 40))


def test_a_run_is_called_something_else_and_its_folder_stays(
    root: Path, home: Callable[[TuitrainApp], None]
) -> None:
    run = new_run(root, "before")
    train(run, falling(31))
    write_summary(run)

    async def steps(pilot: Pilot[Any]) -> None:
        await runs_listed(pilot, "before")
        await pilot.press("tab", "m")
        await wait_for_text(pilot, f"Name of {run.id}")
        await pilot.press("space", "enter")
        await wait_for_text(pilot, "allowed are 1 to 64 letters")
        await pilot.press(*["backspace"] * 7, *"after", "enter")
        await wait_for_text(pilot, "after")
        await wait_for(pilot, lambda: summarise_run(str(run.path)).name == "after")
        with RunReader(run) as reader:
            assert reader.summary().name == "after"

    play(root, home, steps, size=(120, 30))


def commands_of(run: RunDirectory) -> list[str]:
    with RunReader(run) as reader:
        return [command.kind for command in reader.entries.commands()]


def test_a_live_run_is_not_removed_and_has_the_focus_at_first(
    root: Path, home: Callable[[TuitrainApp], None]
) -> None:
    run = new_run(root, preset="tiny-mlp")
    train(run, falling(31), end=None)
    lock = keep_alive(run)

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "1 live")
        shown = pilot.app.screen.query_one(RunList)
        await wait_for(pilot, lambda: shown.has_focus)
        await pilot.press("x")
        await wait_for(pilot, lambda: "is live: stop it first" in told(pilot.app))
        assert run.path.exists()

    play(root, home, steps)
    lock.release()


def test_a_wide_terminal_shows_the_curve_and_what_was_changed_of_the_run_under_the_cursor(
    root: Path, home: Callable[[TuitrainApp], None]
) -> None:
    runs = some_runs(root)
    save_labels(runs["failed"], Labels(("keeper",), "see disk"))

    async def steps(pilot: Pilot[Any]) -> None:
        await runs_listed(pilot, "ancient")
        await pilot.press("tab", "down")
        await wait_for_text(pilot, "settings as in its preset")
        await wait_for_text(pilot, "tags keeper")
        await wait_for_text(pilot, "note see disk")
        await wait_for_text(pilot, "train/loss")
        await pilot.press("down")
        await wait_for_text(pilot, "data.name digits (circles)")
        await wait_for(pilot, lambda: "see disk" not in screen_text(pilot.app), "another run")

    play(root, home, steps, size=(120, 36))


def test_a_live_row_moves_while_its_run_does(
    root: Path, home: Callable[[TuitrainApp], None]
) -> None:
    run = new_run(root, preset="tiny-mlp")
    train(run, falling(31), end=None)
    lock = keep_alive(run)

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "31%")
        train(run, falling(62), end=None, attempt=2)
        await wait_for_text(pilot, "62%")

    play(root, home, steps)
    lock.release()


def test_running_again_opens_the_form_with_that_runs_settings(
    root: Path, home: Callable[[TuitrainApp], None]
) -> None:
    some_runs(root)

    async def steps(pilot: Pilot[Any]) -> None:
        await runs_listed(pilot)
        await pilot.press("tab", "e")
        await wait_for(pilot, lambda: isinstance(pilot.app.screen, LaunchScreen))
        await wait_for_text(pilot, "from run")

    play(root, home, steps)


def test_q_leaves_and_n_goes_to_the_presets(
    root: Path, home: Callable[[TuitrainApp], None]
) -> None:
    some_runs(root)

    async def steps(pilot: Pilot[Any]) -> None:
        await runs_listed(pilot)
        await pilot.press("tab", "n")
        await wait_for(pilot, lambda: pilot.app.screen.query_one(PresetList).has_focus)
        await pilot.press("q")
        await wait_for(pilot, lambda: pilot.app.return_code == 0)

    play(root, home, steps)


def test_the_top_line_counts_gpus_that_are_free(
    root: Path, presets: Sequence[ListedPreset]
) -> None:
    idle, busy = gpu_samples(0, 0.5, 0.0), gpu_samples(1, 20.0, 95.0)
    machine = still_feed(root, with_gpus([gpu_facts(0), gpu_facts(1)], idle, busy))

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "gpu-box-7   2 GPUs, 1 free   runs: 0 live")

    play(root, show_home(presets), steps, machine=machine)


def test_a_preset_at_fault_is_listed_with_what_is_wrong(
    root: Path, home: Callable[[TuitrainApp], None]
) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "can't be used")
        await pilot.press("end")
        await wait_for_text(pilot, "must be")

    play(root, home, steps, size=(100, 30))


def test_names_of_runs_can_put_nothing_on_the_terminal(
    root: Path, home: Callable[[TuitrainApp], None]
) -> None:
    run = new_run(root, "evil", preset="tiny-mlp")
    train(run, falling(5), end=("failed", "\x1b]0;owned\x07 [bold red]reason[/]"))

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "\\x1b]0;owned\\x07 [bold red]reason[/]")
        assert "\x1b" not in screen_text(pilot.app)

    play(root, home, steps, size=(120, 36))


def test_nothing_is_drawn_while_nothing_changes(
    root: Path, home: Callable[[TuitrainApp], None]
) -> None:
    some_runs(root)

    async def steps(pilot: Pilot[Any]) -> None:
        await runs_listed(pilot, "ancient", "gpu-box-7")
        shown = pilot.app.screen.query_one(RunList)
        lists = pilot.app.screen.query_one(HomeLists)
        # Curves are read meanwhile, and each is drawn when it comes.
        await wait_for(pilot, lambda: all(c in screen_text(pilot.app) for c in ("⠉⠒⠢", "⠉⠒⠤")))
        before = {*shown._repaint_regions}
        lists.tick()
        assert {*shown._repaint_regions} == before

    play(root, home, steps)


def test_thousands_of_runs_are_listed_and_the_last_one_is_a_key_away(
    root: Path, home: Callable[[TuitrainApp], None]
) -> None:
    for number in range(3000):
        path = root / f"20200101-0000-many-{number:04}"
        path.mkdir()
        (path / "config.toml").touch()
        save_summary(RunDirectory(path), finished(str(path), number))

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "3000 done")
        await pilot.press("tab", "end")
        await wait_for_text(pilot, "many-0000")
        shown = pilot.app.screen.query_one(RunList)
        assert len(shown.keys_in_sight()) < 30

    play(root, home, steps)


def finished(path: str, number: int) -> RunSummary:
    return RunSummary(
        id=Path(path).name,
        name=f"many-{number:04}",
        preset="tiny-mlp",
        state="finished",
        reason="",
        created=NOW - 86400 + number,
        started=NOW - 86400 + number,
        ended=NOW - 80000 + number,
        duration_s=60.0,
        step=100,
        total_steps=100,
        epoch=10.0,
        best_metric="val/accuracy",
        best_value=0.9,
        device="cpu",
        path=path,
    )


def test_what_earlier_runs_showed_of_a_preset_is_known(root: Path) -> None:
    some_runs(root)
    past = read_experience("tiny-mlp", list_runs(root))
    assert past.parameters == 12_345
    assert past.took_s == pytest.approx(11.0)
    assert read_experience("never-run", list_runs(root)).took_s is None
