"""The keys of the launch screen.

Plain data; knows nothing of what the keys do.
"""

from textual.binding import Binding, BindingType

KEYS: list[BindingType] = [
    Binding(
        "ctrl+s",
        "start",
        "start",
        priority=True,
        id="launch.start",
        tooltip="Start the run with these settings",
    ),
    Binding(
        "ctrl+f",
        "enqueue",
        "when free",
        show=False,
        priority=True,
        id="launch.enqueue",
        tooltip="Put the run into the queue of the box: it starts when a GPU, or a slot, is free",
    ),
    Binding(
        "ctrl+t",
        "toggle_text",
        "all settings",
        priority=True,
        id="launch.text",
        tooltip="Edit all settings as text, or go back to the form",
    ),
    Binding(
        "ctrl+o",
        "inspect",
        "model and data",
        show=False,
        priority=True,
        id="launch.inspect",
        tooltip="Show the model's layers and memory, and what the data are",
    ),
    Binding(
        "y,ctrl+y",
        "copy",
        "copy command",
        id="launch.copy",
        tooltip="Copy the command that starts the same run",
    ),
    Binding(
        "escape",
        "leave",
        "back",
        id="launch.back",
        tooltip="Leave the form; a run that was started goes on",
    ),
    Binding(
        "q",
        "leave",
        "back",
        show=False,
        id="launch.quit",
        tooltip="Leave the form, where nothing is being typed",
    ),
    # Taken before other keys: what is typed with it in one go belongs to the next field.
    Binding(
        "tab",
        "app.focus_next",
        "next field",
        show=False,
        priority=True,
        id="launch.tab",
        tooltip="Go to the next field",
    ),
    Binding(
        "shift+tab",
        "app.focus_previous",
        "previous field",
        show=False,
        priority=True,
        id="launch.shift_tab",
        tooltip="Go to the previous field",
    ),
    Binding(
        "up,k",
        "app.focus_previous",
        "previous field",
        show=False,
        id="launch.up",
        tooltip="Go to the field above",
    ),
    Binding(
        "down,j,enter",
        "app.focus_next",
        "next field",
        show=False,
        id="launch.down",
        tooltip="Go to the field below",
    ),
]
