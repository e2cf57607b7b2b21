from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.traces.traces import Event, cuda_events, write_trace
from tests.ui.apps import play
from tests.ui.makers import NOW, falling, keep_alive, new_run, train
from tests.ui.run_makers import training, write
from tests.ui.screens import screen_text, wait_for, wait_for_golden, wait_for_text
from tuitrain import messages as m
from tuitrain.errors import UsageError
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.writer import RunWriter
from tuitrain.traces.store import load_digest, trace_path
from tuitrain.ui.screens.profile.screen import ProfileScreen, check_wanted
from tuitrain.ui.screens.run import RunScreen
from tuitrain.view.chart.figure import TerminalStyle

ON_HOST = [event for event in cuda_events() if event.get("pid") != 0]


def written(name: str, number: int = 1, **facts: Any) -> m.ProfileWritten:
    given = m.ProfileFacts(
        asked_steps=3, trace="trace.json.gz", trace_bytes=4096, with_stacks=True,
        device="cuda:0", held_up_s=0.25, steps_s=(0.001,) * 3, **facts,
    )  # fmt: skip
    return m.ProfileWritten(NOW - 60 + number, number, name, 41, 43, given)


def add_profile(
    run: RunDirectory,
    name: str,
    events: list[Event],
    number: int = 1,
    *,
    read: bool = True,
    **facts: Any,
) -> None:
    """Put a profile on record, as worker and supervisor do, with a trace made by hand."""
    write_trace(trace_path(run.path, name), events)
    write(run, written(name, number, **facts), sequence=number, attempt=7)
    if read:
        with RunWriter(run) as writer:
            writer.finish_profile(name, "done", load_digest(run.path, name)["summary"])


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    made = new_run(tmp_path / "runs", "alpha")
    train(made, falling(60), accuracy=0.9)
    add_profile(made, "p1", ON_HOST, 1)
    add_profile(made, "p4", cuda_events(), 2)
    return made


def test_ranks_that_were_profiled_together_stand_side_by_side(run: RunDirectory) -> None:
    for number, rank in enumerate((0, 2)):
        own = {"rank": rank, "stages_s": {"data": 0.001 + rank}, "exchange_s": (0.002,) * 3}
        add_profile(run, f"p9-rank{rank}", ON_HOST, 5 + number, **own)

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "p9-rank2 *")
        rows = [line for line in screen_text(pilot.app).splitlines() if "p9-rank" in line]
        assert "1.00 ms" in next(line for line in rows if "p9-rank0" in line)
        await pilot.press("left_square_bracket")
        await wait_for_text(pilot, "p9-rank0 *")

    show(run, steps)


@pytest.mark.parametrize(
    ("answer", "ranks"), [("20", ()), ("20 2,0", (0, 2)), ("3 1", (1,)), ("3 0, 1", (0, 1))]
)
def test_steps_and_ranks_are_asked_for_in_one_answer(answer: str, ranks: tuple[int, ...]) -> None:
    wanted = check_wanted(answer)
    assert wanted is not None
    assert (wanted.steps, wanted.ranks) == (int(answer.split(maxsplit=1)[0]), ranks)
    assert check_wanted("") is None
    for wrong in ("0", "x", "5000", "20 a", "20 1;2"):
        with pytest.raises(UsageError):
            check_wanted(wrong)


def show(run: RunDirectory, steps: Any, **options: Any) -> None:
    play(run.path.parent, lambda app: app.opener.open_profile(run), steps, **options)


@pytest.mark.parametrize("size", [(80, 24), (200, 60), (60, 20)])
def test_the_newest_profile_with_its_words_and_its_table(
    run: RunDirectory, size: tuple[int, int]
) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "aten::cudnn_convolution")
        await wait_for_golden(pilot, f"profile-{size[0]}x{size[1]}")

    show(run, steps, size=size)


def test_keys_sort_group_and_filter(run: RunDirectory) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "device*")
        await pilot.press("s")
        await wait_for_text(pilot, "calls*")
        await pilot.press("g")
        await wait_for_text(pilot, "net.conv (Conv2d)")
        await pilot.press("g")
        await wait_for_text(pilot, "net.py:12")
        await pilot.press("g")
        await wait_for_text(pilot, "implicit_convolve_sgemm<float>")
        await pilot.press("g")
        await wait_for_text(pilot, "cudaStreamSynchronize in aten::item")
        await pilot.press("g", "slash", *"adamw")
        await wait_for_text(pilot, "aten::_fused_adamw_")
        await wait_for(pilot, lambda: "aten::item" not in table(pilot))
        await pilot.press(*"xyz")
        await wait_for_text(pilot, "no operator matches 'adamwxyz'")
        await pilot.press("escape")
        await wait_for(pilot, lambda: "aten::item" in table(pilot))

    show(run, steps)


def table(pilot: Pilot[Any]) -> str:
    """Return what stands below the words, in which names may come too."""
    return screen_text(pilot.app).partition("operator  ")[2]


def test_enter_opens_the_call_sites_of_an_operator(run: RunDirectory) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "aten::cudnn_convolution")
        await pilot.press("enter")
        await wait_for_text(pilot, "call sites: self time")
        await wait_for_text(pilot, "8x3x32x32, 64x3x7x7")
        await wait_for_golden(pilot, "profile-sites-80x24")
        await pilot.press("escape")
        await wait_for(pilot, lambda: isinstance(pilot.app.screen, ProfileScreen))

    show(run, steps)


def test_where_the_trace_lies_and_how_to_open_it_is_said(run: RunDirectory) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "aten::cudnn_convolution")
        await pilot.press("o")
        await wait_for_text(pilot, "profiles/p4/trace.json.gz")
        await wait_for_text(pilot, "https://ui.perfetto.dev")
        await wait_for_text(pilot, "training was held up for 250 ms")

    show(run, steps, size=(200, 40))


@pytest.mark.parametrize("ascii", [False, True], ids=["unicode", "ascii"])
def test_the_flame_view_is_walked_and_zoomed(run: RunDirectory, ascii: bool) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "aten::cudnn_convolution")
        await pilot.press("f")
        await wait_for_text(pilot, "pt_autogr")
        await pilot.press("down", "down")
        await wait_for_text(pilot, "500 us per step, 50 % of it")
        name = "profile-flame-ascii-80x24" if ascii else "profile-flame-80x24"
        await wait_for_golden(pilot, name)
        await pilot.press("enter")
        await wait_for_text(pilot, "inside step")
        await pilot.press("backspace", "backspace", "q")
        await wait_for_text(pilot, "aten::cudnn_convolution")
        assert isinstance(pilot.app.screen, ProfileScreen)

    show(run, steps, look=TerminalStyle(ascii=ascii, colour=not ascii))


def test_another_profile_is_shown_and_compared_with(run: RunDirectory) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "profile p4, 2 of 2")
        await pilot.press("left_square_bracket")
        await wait_for_text(pilot, "profile p1, 1 of 2")
        await wait_for_text(pilot, "no device in this profile")
        await pilot.press("right_square_bracket", "d")
        await wait_for_text(pilot, "p1 -> p4: the usual step 1.00 ms -> 1.00 ms (+0 %)")
        await wait_for_text(pilot, "no operator differs")
        await pilot.press("d")
        await wait_for_text(pilot, "the device is idle 30 %")

    show(run, steps)


def test_of_several_others_one_is_chosen_to_compare_with(run: RunDirectory) -> None:
    slow = [{**each, "dur": each["dur"] + 30} if each["name"] == "aten::item" else each
            for each in ON_HOST]  # fmt: skip
    add_profile(run, "p9", slow, 3)

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "profile p9, 3 of 3")
        await pilot.press("d")
        await wait_for_text(pilot, "Compare with")
        await pilot.press("escape", "d")
        await wait_for_text(pilot, "Compare with")
        await pilot.press("enter")
        await wait_for_text(pilot, "p1 -> p9")
        await wait_for_text(pilot, "+30.0 us")
        await wait_for_golden(pilot, "profile-difference-80x24")

    show(run, steps)


def test_an_unread_profile_of_an_ended_run_is_worked_out(tmp_path: Path) -> None:
    run = new_run(tmp_path / "runs", "alpha")
    train(run, falling(60))
    add_profile(run, "p1", cuda_events(), read=False)

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "the device is idle 30 %")

    show(run, steps)


def test_a_trace_that_can_not_be_read_says_why(run: RunDirectory) -> None:
    add_profile(run, "p6", [], 3, read=False)
    add_profile(run, "p7", cuda_events(), 4, read=False)
    with RunWriter(run) as writer:
        writer.finish_profile("p7", "failed", {"error": "cut off\x1b[2J"})

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "profile p7: it can't be read: cut off\\x1b[2J")
        await pilot.press("left_square_bracket")
        await wait_for_text(pilot, "profile p6:")
        await wait_for_text(pilot, "holds no step")
        await pilot.press("s", "g", "f", "d", "enter")
        await wait_for_text(pilot, "holds no step")

    show(run, steps)


def test_a_run_without_profiles_and_a_damaged_one_say_so(tmp_path: Path) -> None:
    empty, damaged = new_run(tmp_path / "runs", "empty"), new_run(tmp_path / "runs", "bad")
    damaged.database_path.write_bytes(b"x" * 4096)

    async def on_empty(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "the run has no profiles")
        await pilot.press("s", "g", "f", "d", "p", "enter", "slash", "escape")
        await wait_for_text(pilot, "the run has no profiles")

    async def on_damaged(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "run.db")

    show(empty, on_empty)
    show(damaged, on_damaged, size=(160, 24))


# --- from the run screen --------------------------------------------------------------------------


def watch(run: RunDirectory, steps: Any) -> None:
    play(run.path.parent, lambda app: app.opener.open_run(run), steps)


def test_p_orders_a_profile_and_shows_it_when_it_is_there(tmp_path: Path) -> None:
    run = training(tmp_path / "runs")
    lock = keep_alive(run)

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "running")
        await pilot.press("p")
        await wait_for_text(pilot, "Profile how many")
        await pilot.press(*"0", "enter")
        await wait_for_text(pilot, "'0': a profile has 1 to 1,000 steps.")
        await pilot.press("backspace", *"3", "enter")
        await wait_for_text(pilot, "profiling 3 steps: 0 steps since")
        with RunWriter(run) as writer:
            [order] = writer.commands.take(NOW)
            assert order.kind == "profile"
            assert order.arguments == {"steps": 3, "stacks": True, "ranks": []}
            name = f"p{order.id}"
            write_trace(trace_path(run.path, name), cuda_events())
            done = m.CommandDone(NOW, order.id, "done", "profile: 3 steps", 43)
            writer.record([m.Numbered(8, 1, written(name)), m.Numbered(8, 2, done)])
        await wait_for_text(pilot, f"reading the trace of profile {name}")
        with RunWriter(run) as writer:
            writer.finish_profile(name, "done", load_digest(run.path, name)["summary"])
        await wait_for_text(pilot, "the device is idle 30 %")
        await pilot.press("q")
        await wait_for(pilot, lambda: isinstance(pilot.app.screen, RunScreen))

    watch(run, steps)
    lock.release()


def test_a_refused_profile_says_why(tmp_path: Path) -> None:
    run = training(tmp_path / "runs")
    lock = keep_alive(run)

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "running")
        await pilot.press("p", "enter")
        await wait_for_text(pilot, "profiling 20 steps")
        with RunWriter(run) as writer:
            [order] = writer.commands.take(NOW)
            writer.commands.finish(order.id, NOW, "refused", "no profile: CUPTI is missing")
        await wait_for_text(pilot, "no profile: CUPTI is missing")

    watch(run, steps)
    lock.release()


def test_without_a_number_the_profiles_there_are_are_shown(run: RunDirectory) -> None:
    lock = keep_alive(run)

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "what happened")
        await wait_for(pilot, lambda: pilot.app.screen.check_action("profile", ()))
        await pilot.press("p")
        await wait_for_text(pilot, "Profile how many")
        await pilot.press("backspace", "backspace", "enter")
        await wait_for_text(pilot, "profile p4, 2 of 2")

    watch(run, steps)
    lock.release()


def test_of_an_ended_run_p_shows_its_profiles_at_once(run: RunDirectory) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "finished")
        await pilot.press("p")
        await wait_for_text(pilot, "profile p4, 2 of 2")

    watch(run, steps)
