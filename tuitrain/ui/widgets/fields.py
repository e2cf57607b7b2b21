"""Rows of a form: a label, a value to type or to choose, a hint, and below it what is wrong.

Knows texts; nothing of what they are for.
"""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Static

from tuitrain.ui.widgets.lines import Lines
from tuitrain.view.format import sanitise
from tuitrain.view.spans import Span


class Choice(Lines, can_focus=True):
    """One out of a few values; left and right go through them."""

    DEFAULT_CSS = "Choice { height: 1; width: 1fr; }"
    BINDINGS = [
        Binding(
            "left,h",
            "turn(-1)",
            "previous choice",
            show=False,
            id="choice.before",
            tooltip="Choose the previous value",
        ),
        Binding(
            "right,l,space",
            "turn(1)",
            "next choice",
            id="choice.next",
            tooltip="Choose the next value",
        ),
    ]

    class Changed(Message):
        """Another value was chosen."""

        def __init__(self, choice: "Choice", value: str) -> None:
            super().__init__()
            self.choice = choice
            self.value = value

    def __init__(self, choices: Sequence[str], value: str = "") -> None:
        super().__init__()
        self._choices = tuple(choices)
        self._value = value

    @property
    def value(self) -> str:
        """What is chosen."""
        return self._value

    @value.setter
    def value(self, value: str) -> None:
        self._value = value
        self._show(self.has_focus)

    def offer(self, choices: Sequence[str]) -> None:
        """Offer other values; the one that is chosen stays."""
        self._choices = tuple(choices)

    def on_mount(self) -> None:
        """Show the value."""
        self._show(self.has_focus)

    def on_focus(self) -> None:
        """Show that left and right work here."""
        self._show(True)

    def on_blur(self) -> None:
        """Be quiet again."""
        self._show(False)

    def action_turn(self, by: int) -> None:
        """Choose the one before or after."""
        choices = list(dict.fromkeys([*self._choices, self._value]))
        place = (choices.index(self._value) + by) % len(choices)
        self.value = choices[place]
        self.post_message(self.Changed(self, self._value))

    def _show(self, focused: bool) -> None:
        value = Span(sanitise(self._value), "strong" if focused else "")
        ends = ("< ", " >") if focused else ("  ", "")
        self.show_lines([(Span(ends[0], "key"), value, Span(ends[1], "key"))])


class Field(Vertical):
    """One setting of a form."""

    DEFAULT_CSS = """
    Field { height: auto; }
    Field Horizontal { height: 1; }
    Field .label { width: 16; padding: 0 0 0 1; }
    Field Input { width: 1fr; background: $surface; }
    Field Input.-textual-compact { padding: 0 2; }
    Field Input:focus { background: $panel; }
    Field .hint { width: 25; height: 1; color: $text-muted; padding: 0 1; }
    Field .fault { color: $error; padding: 0 1 0 3; height: auto; display: none; }
    Field.faulty .fault { display: block; }
    Field.narrow .hint { display: none; }
    """

    class Edited(Message):
        """The value is another one now."""

        def __init__(self, field: "Field", value: str) -> None:
            super().__init__()
            self.field = field
            self.key = field.key
            self.value = value

    def __init__(self, key: str, label: str, hint: str, choices: Sequence[str] | None) -> None:
        """Make a row.

        Args:
            key: the setting.
            label: what it is called.
            hint: its unit, or what it means.
            choices: what there is to choose from; None: it is typed.
        """
        super().__init__(classes="field")
        self.key = key
        self._label = label
        self._usual_hint = hint
        self._said: dict[str, str] = {}
        self._unheard = 0
        self._told = ""
        self._editor: Input | Choice = (
            Input(compact=True, select_on_focus=True) if choices is None else Choice(choices)
        )

    def compose(self) -> ComposeResult:
        """Lay the row out."""
        with Horizontal():
            yield Static(self._label, classes="label", markup=False)
            yield self._editor
            yield Static(self._usual_hint, classes="hint", markup=False)
        yield Static("", classes="fault", markup=False)

    @property
    def value(self) -> str:
        """What stands in it."""
        return self._editor.value

    def fill(self, value: str, placeholder: str = "") -> None:
        """Put a value in without calling that an edit; not over one that is being typed."""
        editor = self._editor
        if isinstance(editor, Input):
            editor.placeholder = placeholder
        # A key may have changed the value a moment ago, and its message still be on the way here.
        if self._unheard or editor.value != self._told or editor.value == value:
            return
        self._told = value
        with editor.prevent(Input.Changed):
            editor.value = value

    def heard(self) -> None:
        """Note that an edit has come to whoever fills the form."""
        self._unheard -= 1

    def offer(self, choices: Sequence[str]) -> None:
        """Offer other values to choose from."""
        if isinstance(self._editor, Choice):
            self._editor.offer(choices)

    def enter(self) -> None:
        """Give it the focus."""
        self._editor.focus()

    def say(self, hint: str, changed: bool) -> None:
        """Show a hint, or the usual one where there is none, and whether the value differs."""
        self._write(".hint", hint or self._usual_hint)
        self._write(".label", f"{self._label} *" if changed else self._label)

    def blame(self, fault: str) -> None:
        """Show what is wrong with the value; empty: nothing."""
        self.set_class(bool(fault), "faulty")
        self._write(".fault", sanitise(fault))

    def _write(self, part: str, text: str) -> None:
        # Static draws equal text anew.
        if self._said.get(part) != text:
            self._said[part] = text
            self.query_one(part, Static).update(text)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Pass on what is typed."""
        event.stop()
        self._tell(event.value)

    def on_choice_changed(self, event: Choice.Changed) -> None:
        """Pass on what is chosen."""
        event.stop()
        self._tell(event.value)

    def _tell(self, value: str) -> None:
        # Until it is heard, what others know of the value is older than what stands here.
        self._unheard += 1
        self._told = value
        self.post_message(self.Edited(self, value))
