"""Who holds the devices that a run can be started on, by the app's machine feed.

Knows devices as the warm worker names them; nothing of the form that it stands in.
"""

from collections.abc import Callable, Sequence

from tuitrain.analysis.memory_breakdown import training_device
from tuitrain.messages import DeviceMemory, Environment
from tuitrain.ui.feeds.delivery import brought_to
from tuitrain.ui.shell import app_of
from tuitrain.ui.widgets.lines import Lines
from tuitrain.view.machine.holders import holder_lines
from tuitrain.view.machine.seen import MachineSeen


class DeviceHolders(Lines):
    """A line or two; none on a machine without GPUs."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._seen = MachineSeen()
        self._devices: tuple[DeviceMemory, ...] = ()
        self._meant = ""
        self._stop: Callable[[], None] = lambda: None

    def on_mount(self) -> None:
        """Begin to listen."""
        machine = app_of(self).machine
        self._stop = machine.listen(brought_to(self, self._take), runs=True)

    def on_unmount(self) -> None:
        """Listen no more."""
        self._stop()

    def _take(self, seen: MachineSeen) -> None:
        self._seen = seen
        if self.screen.is_current:
            self._show()

    def show_devices(self, devices: Sequence[DeviceMemory], meant: DeviceMemory | None) -> None:
        """Show who holds these; `meant` is the one that the run would train on."""
        self._devices, self._meant = tuple(devices), meant.name if meant is not None else ""
        self._show()

    def _show(self) -> None:
        places = {
            device.name: prefix for device in self._devices if (prefix := self._place(device))
        }
        self.show_lines(holder_lines(self._seen, places, self._meant, self.size.width))

    def _place(self, device: DeviceMemory) -> str | None:
        identity = Environment(device_uuid=device.uuid, device_pci=device.pci)
        return training_device(device.name, identity, self._seen.samples, self._seen.facts)
