"""What is known of a run to come: devices and who holds them, memory, steps, time.

A worker that warms up tells it, and the records of earlier runs; knows nothing of how settings are
changed.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.timer import Timer

from tuitrain.config.data_path import with_whole_path
from tuitrain.config.editing.draft import Checked
from tuitrain.config.folders import data_directory
from tuitrain.config.load import to_toml
from tuitrain.config.schema import Preset
from tuitrain.config.several_ranks import is_for_ranks
from tuitrain.errors import UsageError
from tuitrain.lang import tr
from tuitrain.messages import DeviceMemory
from tuitrain.supervisor.launch import own_code
from tuitrain.ui.feeds.delivery import brought_to
from tuitrain.ui.feeds.pace import Pace, pace_for, read_paces
from tuitrain.ui.launch.attempt import Starter
from tuitrain.ui.launch.form import device_meant, make_outlook, ranks_meant
from tuitrain.ui.launch.opening import Opened
from tuitrain.ui.launch.warm import WarmReport
from tuitrain.ui.shell import app_of
from tuitrain.ui.widgets.holders import DeviceHolders
from tuitrain.ui.widgets.lines import Lines
from tuitrain.view.launchtext import Outlook, outlook_lines

MakeStarter = Callable[[Callable[[WarmReport], None], str, Path, tuple[str, ...]], Starter]

_ASK_AFTER_S = 0.4
"""Nobody types faster for long: one estimate for a word, not one a letter."""


def make_prewarmed(
    deliver: Callable[[WarmReport], None], config: str, data_dir: Path, code: tuple[str, ...]
) -> Starter:
    """Return a worker that warms up."""
    from tuitrain.ui.launch.prewarm import PrewarmedWorker

    return PrewarmedWorker(deliver, config, data_dir, code)


class RunEstimate(Vertical):
    """Shows what settings amount to, and keeps a worker warm for them."""

    class Reported(Message):
        """The worker told more: its devices are in `report`."""

    def __init__(self, make_worker: MakeStarter) -> None:
        """Know nothing yet; `make_worker` makes the worker that warms up."""
        super().__init__(id="right", classes="panel")
        self._make_worker = make_worker
        self._holders = DeviceHolders()
        self._lines = Lines(id="outlook")
        self._opened: Opened | None = None
        self._checked = Checked("", None)
        self._asked = ""
        self._ask_timer: Timer | None = None
        self._paces: list[Pace] = []
        self.report = WarmReport()
        self.starter: Starter | None = None
        """The warm worker; None while there were no settings to warm it up for."""

    def compose(self) -> ComposeResult:
        """Have the holders of devices above the rest."""
        yield self._holders
        yield self._lines

    def on_mount(self) -> None:
        """Name the panel."""
        self.border_title = tr("estimate")

    def on_unmount(self) -> None:
        """Let the warm worker end."""
        self._end()

    def know(self, opened: Opened, checked: Checked) -> None:
        """Find out what settings amount to, once nobody types for a moment."""
        self._opened, self._checked = opened, checked
        self.show()
        if checked.preset is None:
            return
        if self.starter is None:
            self.run_worker(partial(self._read_paces, checked.preset.name), thread=True)
            self.warm_up()
        elif self.report.holds_devices and is_for_ranks(checked.text):
            # Their agent holds no device: another worker is it.
            self.warm_up()
        if self._ask_timer is not None:
            self._ask_timer.stop()
        self._ask_timer = self.set_timer(_ASK_AFTER_S, self._ask)

    # --- the warm worker ------------------------------------------------------------------------

    def warm_up(self) -> None:
        """Let another worker get ready, while settings are changed."""
        self._end()
        preset, opened = self._checked.preset, self._opened
        self.starter, self.report = None, WarmReport()
        if preset is None or opened is None:
            return
        folders = (str(opened.path.parent), str(Path.cwd())) if own_code(preset) else ()
        self._asked = self._checked.text
        self.starter = self._make_worker(
            brought_to(self, self._take_report),
            self._located(opened, preset),
            data_directory(app_of(self).data_dir).absolute(),
            folders,
        )
        self.starter.start()

    def _end(self) -> None:
        if self.starter is not None:
            self.starter.close()

    def _take_report(self, report: WarmReport) -> None:
        self.report = report
        self.show()
        self.post_message(self.Reported())

    def _ask(self) -> None:
        text, preset, opened = self._checked.text, self._checked.preset, self._opened
        if self.starter and preset is not None and opened is not None and text != self._asked:
            self._asked = text
            self.starter.ask(self._located(opened, preset))

    def _located(self, opened: Opened, preset: Preset) -> str:
        """Return the settings as text, with the whole path of data that lie beside the preset."""
        folders = [opened.path.parent, Path.cwd(), data_directory(app_of(self).data_dir)]
        try:
            located = with_whole_path(preset, folders)
        except UsageError:  # the start says so, and so does what the worker answers
            located = preset
        return self._checked.text if located is preset else to_toml(located)

    def _read_paces(self, preset: str) -> None:
        paces = read_paces(app_of(self).root, preset)
        self.call_later(self._take_paces, paces)

    def _take_paces(self, paces: list[Pace]) -> None:
        self._paces = paces
        self.show()

    # --- what is shown --------------------------------------------------------------------------

    def show(self) -> None:
        """Show what is known in the room there is."""
        self._holders.show_devices(self.report.devices, self._device_meant())
        lines = outlook_lines(self._outlook(), self.content_size.width, app_of(self).look)
        self._lines.show_lines(lines)

    def _device_meant(self) -> DeviceMemory | None:
        preset = self._checked.preset
        device = preset.train.device if preset is not None else ""
        return device_meant(device, self.report.devices)

    def _outlook(self) -> Outlook:
        preset = self._checked.preset
        return make_outlook(
            self.report,
            self._device_meant(),
            pace_for(self._paces, preset) if preset is not None else None,
            self._opened.download if self._opened is not None else "",
            ranks_meant(preset.train.ranks, self.report.devices) if preset is not None else 1,
        )
