import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from tests.ui.apps import play
from tests.ui.machines import gpu_facts, gpu_samples, row, still_feed, with_gpus
from tests.ui.makers import falling, new_run, train
from tests.ui.screens import (
    check_whole,
    screen_text,
    type_at_once,
    wait_for,
    wait_for_golden,
    wait_for_text,
)
from tuitrain.config.load import parse_preset, to_toml
from tuitrain.errors import TuitrainError
from tuitrain.file_lock import FileLock
from tuitrain.messages import (
    CostEstimate,
    CostEstimated,
    DeviceMemory,
    MemoryRanOut,
    Numbered,
    OomAccount,
    RunState,
    Stop,
    TrainingEnded,
)
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.listing import list_runs
from tuitrain.runs.reader import RunReader
from tuitrain.runs.writer import RunWriter
from tuitrain.supervisor.launch import LaunchSpec
from tuitrain.supervisor.queueing.leases import Leases, Tenant
from tuitrain.ui.app import TuitrainApp
from tuitrain.ui.feeds.pace import pace_for, read_paces
from tuitrain.ui.launch.form import make_outlook, ranks_meant
from tuitrain.ui.launch.warm import WarmReport
from tuitrain.ui.screens.home.screen import HomeScreen
from tuitrain.ui.screens.launch.form import LaunchForm
from tuitrain.ui.screens.launch.screen import LaunchScreen
from tuitrain.ui.screens.run import RunScreen
from tuitrain.view.chart.figure import TerminalStyle

PRESET = """
name = "tiny"
description = "A small network"
task = "classification"
[data]
name = "digits"
[model]
name = "mlp"
[loss]
name = "cross_entropy"
[train]
epochs = 3
"""


class Bench:
    """A worker that is warm at once and knows its answers; what it was asked is on record."""

    def __init__(self, outcome: tuple[RunState, str] = ("running", ""), error: str = "") -> None:
        self.outcome = outcome
        self.error = error
        self.asked: list[str] = []
        self.launched: list[LaunchSpec] = []
        self.closed = 0
        self.holds_devices = False
        self.devices = (
            DeviceMemory("cuda:0", "H200", 2**37, 2**37),
            DeviceMemory("cpu", "x86_64", 2**33, 2**34),
        )
        self.may_go_on = threading.Event()
        """Not set, the run stays on its way for long, as one that downloads its data."""
        self.may_go_on.set()
        self._threads: list[threading.Thread] = []

    def make(
        self,
        deliver: Callable[[WarmReport], None],
        config: str,
        data_dir: Path,
        code: tuple[str, ...],
    ) -> "Bench":
        del data_dir, code
        self._deliver = deliver
        self._config = config
        return self

    def start(self) -> None:
        self.ask(self._config)

    def ask(self, config: str) -> None:
        self.asked.append(config)
        batch = parse_preset(config, "asked").train.batch_size
        estimate = CostEstimate(
            "cuda:0", 53_000, 2**20, 2**20, 2**21, batch * 2**14, 2**17, 23, 460
        )
        told = CostEstimated(config, estimate)
        self._deliver(WarmReport(True, self.devices, self.holds_devices, told))

    def launch(self, spec: LaunchSpec) -> None:
        if self.error:
            raise TuitrainError(self.error)
        # A run that is on its way has a supervisor.
        lock = FileLock(spec.directory.lock_path)
        lock.acquire()
        self.launched.append(spec)
        with RunWriter(spec.directory) as writer:
            writer.begin_attempt(1.0)
        if not self.may_go_on.is_set():
            thread = threading.Thread(target=self._go_on, args=[spec, lock], daemon=True)
            self._threads.append(thread)
            thread.start()
            return
        self._come_to_run(spec, lock)

    def _go_on(self, spec: LaunchSpec, lock: FileLock) -> None:
        self.may_go_on.wait()
        self._come_to_run(spec, lock)

    def join(self) -> None:
        """Wait until all that may go on have done so."""
        for thread in self._threads:
            thread.join()

    def _come_to_run(self, spec: LaunchSpec, lock: FileLock) -> None:
        with RunWriter(spec.directory) as writer:
            writer.change_state(2.0, *self.outcome, at_rest=True)
        lock.release()

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def preset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "tiny.toml").write_text(PRESET)
    # As somebody in that folder types it: the command shows the path as it was given.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TUITRAIN_RUNS", str(tmp_path / "runs"))
    return "tiny.toml"


def form(preset: str, bench: Bench, **options: Any) -> Callable[[TuitrainApp], None]:
    def show(app: TuitrainApp) -> None:
        app.push_screen(LaunchScreen(preset, make_worker=bench.make, **options))

    return show


async def ready(pilot: Pilot[Any]) -> LaunchScreen:
    await wait_for_text(pilot, "460, 23 an epoch")
    screen = pilot.app.screen
    assert isinstance(screen, LaunchScreen)
    return screen


@pytest.mark.parametrize("size", [(80, 24), (160, 48), (60, 20)])
def test_launch_looks_like_its_golden_copy(root: Path, preset: str, size: tuple[int, int]) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await ready(pilot)
        await wait_for_golden(pilot, f"launch-{size[0]}x{size[1]}")

    play(root, form(preset, Bench()), steps, size=size)


@pytest.mark.usefixtures("chinese")
@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
def test_the_form_is_whole_in_chinese(root: Path, preset: str, size: tuple[int, int]) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "每轮 23")
        await wait_for_golden(pilot, f"launch-zh-{size[0]}x{size[1]}")
        check_whole(pilot.app)

    play(root, form(preset, Bench()), steps, size=size)


def test_the_form_says_who_holds_the_device_and_which_one_is_free(root: Path, preset: str) -> None:
    bench = Bench()
    bench.devices = (
        DeviceMemory("cuda:0", "H100", 2**36, 2**37, "1"),
        DeviceMemory("cuda:1", "H100", 2**37, 2**37, "0"),
        DeviceMemory("cpu", "x86_64", 2**33, 2**34),
    )
    rows = [row(2**22 + 5, "alice", "python3 serve.py", 4.1)]
    gpus = [gpu_facts(0), gpu_facts(1, *rows)]
    busy = [gpu_samples(0, 0.3, 0.0), gpu_samples(1, 5.0, 40.0)]

    async def steps(pilot: Pilot[Any]) -> None:
        await ready(pilot)
        # CUDA counts the fastest first: what tells the devices apart is their UUID.
        await wait_for_text(pilot, "cuda:0 held by alice 4.1 GiB")
        await wait_for_text(pilot, "cuda:1 free")

    machine = still_feed(root, with_gpus(gpus, *busy))
    play(root, form(preset, bench), steps, machine=machine)


def test_a_wrong_value_is_told_right_below_its_field_while_typing(root: Path, preset: str) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        screen = await ready(pilot)
        await go_to(pilot, "train.batch_size")
        await pilot.press(*"many")
        await wait_for_text(pilot, "must be a whole number")
        rows = screen_text(pilot.app).splitlines()
        place = next(i for i, row in enumerate(rows) if "batch size" in row)
        assert "found" in rows[place + 1]
        assert screen.checked.preset is None
        await pilot.press("ctrl+s")
        await wait_for_text(pilot, "can't start: see what is marked")
        assert list_runs(root) == []
        await pilot.press("ctrl+u", "8")
        await wait_for_text(pilot, "--set train.batch_size=8")
        assert "can't start" not in screen_text(pilot.app)

    play(root, form(preset, Bench()), steps, size=(120, 36))


def test_what_is_typed_faster_than_it_is_checked_stays_as_typed(root: Path, preset: str) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await ready(pilot)
        await go_to(pilot, "optimizer.lr")
        typed = pilot.app.focused
        assert isinstance(typed, Input)
        for character in "0.00325":
            # As over a slow line: all in one packet.
            typed.post_message(Key(character, character))
        await wait_for_text(pilot, "--set optimizer.lr=0.00325")
        assert (typed.value, typed.cursor_position) == ("0.00325", 7)
        typed.value = "0.5"
        # The form shows what it knows before it can have heard of that.
        pilot.app.screen.query_one(LaunchForm).show()
        assert typed.value == "0.5"
        # Keys that edit, and one that leads on, hold their places among letters.
        type_at_once(pilot.app, "7", "backspace", "backspace", "4", "up", "8", "down")
        await wait_for_text(pilot, "--set train.batch_size=8")
        await wait_for_text(pilot, "--set optimizer.lr=0.4")

    play(root, form(preset, Bench()), steps, size=(120, 36))


async def go_to(pilot: Pilot[Any], key: str) -> None:
    """Go down through the fields to one."""
    for _ in range(20):
        focused = pilot.app.focused
        field = None if focused is None else next(iter(focused.ancestors), None)
        while field is not None and not hasattr(field, "key"):
            field = field.parent
        if field is not None and getattr(field, "key", "") == key:
            return
        await pilot.press("tab")
    raise AssertionError(f"no field {key}\n{screen_text(pilot.app)}")


def test_the_command_holds_only_what_differs_from_the_preset(root: Path, preset: str) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await ready(pilot)
        await wait_for_text(pilot, "$ tuitrain run tiny.toml")
        await go_to(pilot, "name")
        await pilot.press(*"first")
        await go_to(pilot, "train.epochs")
        await pilot.press("5")
        await go_to(pilot, "optimizer.name")
        await pilot.press("right")
        await wait_for_text(pilot, "--set train.epochs=5 --name first")

    play(root, form(preset, Bench()), steps, size=(160, 48))


def test_a_name_that_is_not_allowed_is_told(root: Path, preset: str) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await ready(pilot)
        await go_to(pilot, "name")
        await pilot.press(*"a/b")
        await wait_for_text(pilot, "allowed are 1 to 64")

    play(root, form(preset, Bench()), steps, size=(120, 36))


LISTS = """
hooks = [{ name = "ema", decay = 0.9 }]
metrics = ["f1_macro"]
data.augment = [{ name = "shift", pixels = 2 }]
optimizer.groups = [{ match = "*.bias", weight_decay = 0.0 }]
"""


def test_lists_stand_in_the_form_and_reach_the_run(root: Path, preset: str) -> None:
    Path(preset).write_text(LISTS + PRESET.replace("[data]\nname", "data.name"))
    bench = Bench()

    async def steps(pilot: Pilot[Any]) -> None:
        screen = await ready(pilot)
        for shown in ('{name = "shift"', '{match = "*.bias"', "decay = 0.9", 'name = "f1_macro"'):
            await wait_for_text(pilot, shown)
        await go_to(pilot, "optimizer.name")
        await pilot.press("right")
        await go_to(pilot, "hooks")
        await type_over(pilot, '[{name = "ema", decay = 4}, {name = "emu"}]')
        await wait_for_text(pilot, "[0].decay: found 4, must be")
        assert '[1].name: found "emu"' in " ".join(screen_text(pilot.app).split())
        await type_over(pilot, '[{name = "ema", decay = 0.5}]')
        await wait_for_text(pilot, "--set 'hooks=[")
        await go_to(pilot, "metrics")
        await type_over(pilot, "[]")
        await wait_for_text(pilot, "--set 'metrics=[]'")
        assert screen.checked.preset is not None
        await pilot.press("ctrl+s")
        await wait_for(pilot, lambda: bench.launched, "the start")

    play(root, form(preset, bench), steps, size=(160, 48))
    begun = parse_preset(bench.launched[0].directory.config_path.read_text(), "config.toml")
    assert begun.hooks[0].options == {"decay": 0.5}
    assert begun.metrics == []
    assert [(step.name, step.options) for step in begun.data.augment] == [("shift", {"pixels": 2})]
    assert [group.match for group in begun.optimizer.groups] == ["*.bias"]
    assert begun.optimizer.name != "adamw"


async def type_over(pilot: Pilot[Any], text: str) -> None:
    """Put a text in the place of what stands in the field."""
    field = pilot.app.focused
    assert isinstance(field, Input)
    field.value = text
    await pilot.pause()


def test_text_and_form_are_two_views_of_the_same_settings(root: Path, preset: str) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        screen = await ready(pilot)
        await go_to(pilot, "train.epochs")
        await pilot.press("7")
        await pilot.press("ctrl+t")
        area = screen.query_one(TextArea)
        await wait_for(pilot, lambda: area.has_focus)
        assert "epochs = 7" in area.text
        area.text = area.text.replace("epochs = 7", "epochs = 8\nepoks = 1")
        await wait_for_text(pilot, "train.epoks: unknown key")
        area.text = area.text.replace("epoks = 1\n", "").replace("seed = 0", "seed = 44")
        await wait_for_text(pilot, "--set train.epochs=8 --set train.seed=44")
        await pilot.press("ctrl+t")
        await wait_for_text(pilot, "seed *")
        assert screen.checked.preset is not None
        assert screen.checked.preset.train.epochs == 8

    play(root, form(preset, Bench()), steps, size=(160, 48))


def test_another_batch_size_is_asked_about_once_it_is_typed(root: Path, preset: str) -> None:
    bench = Bench()

    async def steps(pilot: Pilot[Any]) -> None:
        await ready(pilot)
        await go_to(pilot, "train.batch_size")
        await pilot.press(*"128")
        await wait_for(pilot, lambda: len(bench.asked) > 1)
        assert "batch_size = 128" in bench.asked[-1]
        assert len(bench.asked) == 2
        await wait_for_text(pilot, "2.00 MiB")

    play(root, form(preset, bench), steps, size=(120, 36))


def test_devices_are_offered_with_their_free_memory(root: Path, preset: str) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        screen = await ready(pilot)
        await wait_for_text(pilot, "cuda:0, 128 GiB free")
        await go_to(pilot, "train.device")
        await pilot.press("right")
        await wait_for(pilot, lambda: screen.checked.preset is not None)
        await wait_for_text(pilot, "--set train.device=cuda:0")
        await pilot.press("right")
        await wait_for_text(pilot, "cpu, 8.00 GiB free")

    play(root, form(preset, Bench()), steps, size=(120, 36))


def test_enter_starts_the_run_and_shows_it(root: Path, preset: str) -> None:
    bench = Bench()

    async def steps(pilot: Pilot[Any]) -> None:
        await ready(pilot)
        await pilot.press("enter")
        await wait_for(pilot, lambda: isinstance(pilot.app.screen, RunScreen))
        (run,) = list_runs(root)
        assert [spec.directory.id for spec in bench.launched] == [run.id]
        await takes_keys(pilot)
        await pilot.press("q")
        await wait_for(pilot, lambda: isinstance(pilot.app.screen, HomeScreen))

    play(root, form(preset, bench), steps)
    assert bench.closed >= 1


def test_a_run_is_put_into_the_queue_and_shown_with_what_it_waits_for(
    root: Path, preset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUITRAIN_LEASES", str(tmp_path))
    holder = Leases(tmp_path, Tenant("alice", "box", 1, "hers", "/hers", 1.0))
    assert holder.take(["slot-1"])

    async def steps(pilot: Pilot[Any]) -> None:
        await ready(pilot)
        await pilot.press("ctrl+f")
        await wait_for(pilot, lambda: isinstance(pilot.app.screen, RunScreen), "the run's screen")
        await wait_for_text(pilot, "queued")

    app = play(root, form(preset, bench := Bench()), steps)
    [run] = [RunDirectory(Path(run.path)) for run in list_runs(root)]
    with RunReader(run) as reader:
        assert reader.state().reason == "place 1 of 1; slot 1: alice, hers"
    app.client.wait_for_answer(run, app.client.send(run, Stop()))
    app.client.wait_for_end(run)
    [launched] = app.client._launched.values()
    assert launched.process is not None
    assert launched.process.wait() == 130
    holder.release()
    assert bench.launched == []


async def takes_keys(pilot: Pilot[Any]) -> None:
    """Wait until the hand that still types to the screen before has had its time."""
    gate = pilot.app.gate  # type: ignore[attr-defined]
    await wait_for(pilot, lambda: gate.lets_through(pilot.app.screen, time.monotonic()), "keys")


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
def test_a_start_that_fails_says_why_in_place_and_can_be_tried_again(
    root: Path, preset: str, size: tuple[int, int]
) -> None:
    bench = Bench(("failed", "the data set is not on this machine"))

    async def steps(pilot: Pilot[Any]) -> None:
        await ready_small(pilot)
        await pilot.press("enter")
        await wait_for_text(pilot, "not started: the data set is not on")
        assert isinstance(pilot.app.screen, LaunchScreen)
        bench.outcome = ("running", "")
        await takes_keys(pilot)
        await pilot.press("ctrl+s")
        await wait_for(pilot, lambda: isinstance(pilot.app.screen, RunScreen))

    play(root, form(preset, bench), steps, size=size)


async def ready_small(pilot: Pilot[Any]) -> None:
    await wait_for_text(pilot, "460")


def test_a_supervisor_that_can_not_be_started_is_told(root: Path, preset: str) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await ready(pilot)
        await pilot.press("enter")
        await wait_for_text(pilot, "not started: no processes left")

    play(root, form(preset, Bench(error="no processes left")), steps)


@pytest.mark.parametrize("outcome", [("running", ""), ("failed", "no such data")])
def test_while_a_run_starts_the_form_is_locked_and_keys_go_nowhere(
    root: Path, preset: str, outcome: tuple[RunState, str]
) -> None:
    bench = Bench(outcome)
    bench.may_go_on.clear()

    async def steps(pilot: Pilot[Any]) -> None:
        app, screen = pilot.app, await ready(pilot)
        assert isinstance(app, TuitrainApp)
        await go_to(pilot, "train.batch_size")
        # All in one packet: what comes before the start belongs to it, what comes after does not.
        type_at_once(app, "3", "2", "ctrl+s", "7", "q", "P", "ctrl+t", "y", "tab", "1")
        await wait_for_text(pilot, "form locked: Enter shows the run")
        await wait_for(pilot, lambda: bench.launched, "a run")
        await pilot.press("5", "k", "q", "ctrl+t", "y", "tab", "8", "left", "question_mark")
        assert app.screen is screen
        assert "batch_size = 32\n" in bench.launched[0].directory.config_path.read_text()
        await pilot.press("ctrl+p")
        await wait_for(pilot, lambda: app.screen is not screen, "the palette")
        bench.may_go_on.set()
        await pilot.pause(0.2)
        type_at_once(app, "escape", "s", "y", "P", "space")
        if outcome[0] == "failed":
            await wait_for_text(pilot, "not started: no such data")
            assert screen.checked.preset is not None
            assert screen.checked.preset.train.batch_size == 32
            await takes_keys(pilot)
            await pilot.press("6")
            await wait_for_text(pilot, "--set train.batch_size=6")
            return
        await wait_for(pilot, lambda: isinstance(app.screen, RunScreen), "the run")
        assert [type(each) for each in app.screen_stack[1:]] == [HomeScreen, RunScreen]
        await pilot.press("s", "P", "space")
        await takes_keys(pilot)
        with RunReader(bench.launched[0].directory) as reader:
            assert reader.entries.commands() == []

    play(root, form(preset, bench), steps, size=(120, 36))
    bench.join()


def test_enter_shows_a_run_that_takes_long_to_start_and_escape_leaves_the_form(
    root: Path, preset: str
) -> None:
    bench = Bench()
    bench.may_go_on.clear()

    async def steps(pilot: Pilot[Any]) -> None:
        await ready(pilot)
        await pilot.press("ctrl+s")
        await wait_for(pilot, lambda: bench.launched, "a run")
        await pilot.press("escape")
        await wait_for(pilot, lambda: isinstance(pilot.app.screen, HomeScreen), "home")
        assert isinstance(pilot.app, TuitrainApp)
        form(preset, bench)(pilot.app)
        await ready(pilot)
        await pilot.press("ctrl+s")
        await wait_for(pilot, lambda: len(bench.launched) == 2, "another run")
        await pilot.press("enter")
        await wait_for(pilot, lambda: isinstance(pilot.app.screen, RunScreen), "the run")
        bench.may_go_on.set()

    play(root, form(preset, bench), steps, size=(120, 36))
    bench.join()


@pytest.mark.usefixtures("preset")
def test_a_preset_that_does_not_exist_is_told_and_escape_leaves(root: Path) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "there is no preset 'digts-cnn'")
        await pilot.press("escape")
        await wait_for(pilot, lambda: isinstance(pilot.app.screen, HomeScreen))

    play(root, form("digts-cnn", Bench()), steps, size=(120, 36))


def test_a_preset_at_fault_is_opened_as_text_to_be_mended(root: Path, preset: str) -> None:
    Path(preset).write_text(PRESET.replace("epochs = 3", "epochs = 0"))

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "train.epochs: found 0")
        area = pilot.app.screen.query_one(TextArea)
        area.text = area.text.replace("epochs = 0", "epochs = 9")
        await ready(pilot)

    play(root, form(preset, Bench()), steps, size=(120, 36))


@pytest.mark.usefixtures("preset")
def test_the_settings_of_a_run_are_what_its_repetition_begins_with(root: Path) -> None:
    run = new_run(root, preset="tiny")
    run.config_path.write_text(to_toml(parse_preset(PRESET, "x", ["train.seed=12"])))

    async def steps(pilot: Pilot[Any]) -> None:
        screen = await ready(pilot)
        assert screen.checked.preset is not None
        assert screen.checked.preset.train.seed == 12
        await wait_for_text(pilot, f"from run {run.id}")
        await wait_for_text(pilot, f"tuitrain run runs/{run.id}/config.toml")

    play(root, form("tiny", Bench(), config=run.config_path), steps, size=(160, 48))


@pytest.mark.usefixtures("preset")
def test_a_run_that_ran_out_of_memory_is_begun_anew_with_settings_that_fit(root: Path) -> None:
    run = new_run(root, preset="tiny")
    run.config_path.write_text(to_toml(parse_preset(PRESET, "x")))
    again = {"train.batch_size": 16, "train.accumulate": 4}
    with RunWriter(run) as writer:
        attempt = writer.begin_attempt(1.0, "")
        account = MemoryRanOut(2.0, 7, OomAccount(again=again, fits_batch_size=24))
        writer.record([Numbered(attempt, 1, account)])
        writer.record([Numbered(attempt, 2, TrainingEnded(3.0, 7, "failed", "out of memory"))])

    async def steps(pilot: Pilot[Any]) -> None:
        screen = await ready(pilot)
        train = screen.checked.preset.train
        assert (train.batch_size, train.accumulate) == (16, 4)
        await wait_for_text(pilot, "out of memory before: settings that fit")
        await wait_for_text(pilot, "preset: 64")
        await wait_for_text(pilot, "--set train.batch_size=16 --set train.accumulate=4")

    play(root, form("tiny", Bench(), config=run.config_path), steps, size=(160, 48))


@pytest.mark.usefixtures("preset")
def test_code_that_a_runs_settings_name_is_not_started_from_here(root: Path) -> None:
    run = new_run(root, preset="tiny")
    text = PRESET.replace('name = "mlp"', 'name = "some.module:Net"')
    run.config_path.write_text(to_toml(parse_preset(text, "x")))

    async def steps(pilot: Pilot[Any]) -> None:
        await ready(pilot)
        await pilot.press("enter")
        await wait_for_text(pilot, "name code outside tuitrain (some.module:Net)")
        assert [each.id for each in list_runs(root)] == [run.id]

    play(root, form("tiny", Bench(), config=run.config_path), steps, size=(160, 48))


def test_weights_of_a_checkpoint_are_a_setting_like_others(root: Path, preset: str) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await ready(pilot)
        await wait_for_text(pilot, "--set train.weights_from=/x/best.pt")

    play(root, form(preset, Bench(), checkpoint=Path("/x/best.pt")), steps, size=(160, 48))


def test_the_time_follows_from_earlier_runs_whose_steps_cost_the_same(
    root: Path, preset: str
) -> None:
    run = new_run(root, preset="tiny")
    run.config_path.write_text(to_toml(parse_preset(PRESET, "x")))
    train(run, falling(50), step_s=0.2)
    with RunReader(run) as reader:
        name = str(reader.meta()["name"])
    paces = read_paces(root, "tiny")
    same = pace_for(paces, parse_preset(PRESET, "x", ["train.epochs=9"]))
    assert same is not None
    assert same.step_s == pytest.approx(0.2)
    assert pace_for(paces, parse_preset(PRESET, "x", ["train.batch_size=9"])) is None

    async def steps(pilot: Pilot[Any]) -> None:
        await ready(pilot)
        await wait_for_text(pilot, f"as in run {name}")
        await wait_for_text(pilot, "about 1m 32s")

    play(root, form(preset, Bench()), steps, size=(120, 36))


def test_the_form_is_shown_in_plain_ascii_where_nothing_else_is(root: Path, preset: str) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await ready(pilot)
        await wait_for_text(pilot, "--------")

    play(root, form(preset, Bench()), steps, look=TerminalStyle(ascii=True, colour=False))


def test_a_worker_that_holds_gpus_gives_way_to_another_where_ranks_are_chosen(
    root: Path, preset: str
) -> None:
    bench = Bench()
    bench.holds_devices = True

    async def steps(pilot: Pilot[Any]) -> None:
        await ready(pilot)
        await go_to(pilot, "train.epochs")
        await type_over(pilot, "9")
        await wait_for(pilot, lambda: "epochs = 9" in bench.asked[-1])
        assert not bench.closed
        bench.holds_devices = False
        await go_to(pilot, "train.ranks")
        await type_over(pilot, "2")
        await wait_for(pilot, lambda: bench.closed == 1)
        await wait_for_text(pilot, "2 ranks, the fi")

    play(root, form(preset, bench), steps)


def test_the_form_says_that_its_memory_is_that_of_each_of_several_ranks() -> None:
    gpus = [DeviceMemory(f"cuda:{n}", "H200", 10, 10) for n in range(4)]
    assert (ranks_meant("auto", gpus), ranks_meant("auto", []), ranks_meant(2, gpus)) == (4, 1, 2)
    estimate = CostEstimate("cuda:0", 10, 1, 1, 1, 102, 0, 23, 460)
    report = WarmReport(True, tuple(gpus), estimate=CostEstimated("", estimate))
    outlook = make_outlook(report, gpus[0], None, "", ranks=4)
    assert outlook.device == "4 ranks, the first on cuda:0"
    assert outlook.parts[-1] == ("batch/4", 102)
