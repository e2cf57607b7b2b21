"""The page on which people try a model: Gradio's, from this machine alone.

Knows components of a page and what fills them; nothing of models.
"""

import html
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

from tuitrain.errors import TuitrainError, UsageError
from tuitrain.extras import require
from tuitrain.training.demonstrating.answering import (
    Answer,
    Demonstration,
    enlarged,
    pixels_of,
    trust,
)

_NONE = "no explanation"
_FONT, _MONO = ("system-ui", "sans-serif"), ("ui-monospace", "monospace")
"""The machine's own: Gradio's themes fetch theirs."""
_POLICY = "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:"
"""For the browser: nothing is fetched from elsewhere."""
_NEW_TOKENS, _MOST_TOKENS, _TEMPERATURE = 200, 1000, 0.8
_MOST_BARS = 40
_FOR, _AGAINST = "#eb4623", "#2d69f5"

Fill = Callable[[Answer], Any]
"""What a part of the page shows of an answer."""


def gradio(folder: str) -> ModuleType:
    """Return Gradio, told to say nothing to anybody and to keep files in a folder.

    Raises:
        UsageError: it is not installed.
    """
    os.environ |= {
        "GRADIO_ANALYTICS_ENABLED": "False",
        "GRADIO_TEMP_DIR": folder,
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        # A proxy that is for the world must not be asked for this machine.
        "NO_PROXY": ",".join(filter(None, [os.environ.get("NO_PROXY"), "127.0.0.1", "localhost"])),
    }
    return require("gradio", "demo", "demo")


def serve(gr: ModuleType, blocks: Any, host: str, port: int | None) -> str:
    """Serve a page from a thread; return its address.

    Raises:
        UsageError: the port is taken, or the host is none of this machine.
    """
    middleware = require("starlette.middleware", "demo", "demo")
    theme = gr.themes.Default(font=list(_FONT), font_mono=list(_MONO))
    refuse_unusable(host, port)
    try:
        _app, address, _share = blocks.launch(
            server_name=host,
            server_port=port,
            prevent_thread_lock=True,
            share=False,
            inbrowser=False,
            quiet=True,
            show_error=True,
            ssr_mode=False,
            footer_links=[],
            theme=theme,
            app_kwargs={"middleware": [middleware.Middleware(OwnContentOnly)]},
        )
    except OSError as error:
        raise UsageError(f"demo: no port of {host} from 7860 to 7959 is free: {error}") from error
    return str(address).rstrip("/")


def refuse_unusable(host: str, port: int | None) -> None:
    """Raise where an address can't be listened on, which Gradio would try a hundred times."""
    try:
        family, kind, protocol, _name, place = socket.getaddrinfo(
            host, port or 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as tried:
            # As servers do: what a past one has left is no hindrance.
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(place)
    except OSError as error:
        where = f"--host {host}" + (f" --port {port}" if port else "")
        raise UsageError(
            f"demo: {where} can't be listened on: {(error.strerror or str(error)).lower()}"
        ) from error


class OwnContentOnly:
    """Tells browsers, with each answer, to fetch nothing from other machines."""

    def __init__(self, app: Any) -> None:
        """Take the application that answers."""
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass on, with a header more."""

        async def with_policy(message: Any) -> None:
            if message["type"] == "http.response.start":
                header = (b"content-security-policy", _POLICY.encode())
                message = {**message, "headers": [*message["headers"], header]}
            await send(message)

        await self._app(scope, receive, with_policy)


def build_page(gr: ModuleType, demonstration: Demonstration, title: str) -> Any:
    """Return a page with what goes in on the left and what is said on the right."""
    with gr.Blocks(title=title, analytics_enabled=False) as blocks:
        gr.HTML(f"<h2>{html.escape(title)}</h2>")
        with gr.Row():
            with gr.Column():
                inputs = _inputs(gr, demonstration)
                methods = demonstration.methods
                method = gr.Dropdown(
                    [*methods, _NONE], value=methods[0] if methods else _NONE,
                    label="explained by", visible=bool(methods),
                )  # fmt: skip
                button = gr.Button("Predict", variant="primary", elem_id="predict")
            with gr.Column():
                outputs = _outputs(gr, demonstration)
        answer = _answer_of(demonstration)

        def respond(*values: Any) -> Any:
            try:
                found = answer(values[:-1], values[-1])
                shown = [fill(found) for _component, fill in outputs]
            except TuitrainError as error:
                raise gr.Error(str(error), print_exception=False) from error
            return shown[0] if len(shown) == 1 else shown

        components = [component for component, _fill in outputs]
        button.click(respond, [*inputs, method], components, api_name="predict")
        if demonstration.family == "tokens":
            _continuation(gr, demonstration, inputs[0])
    return blocks


def _inputs(gr: ModuleType, demonstration: Demonstration) -> list[Any]:
    if demonstration.takes == "images":
        return [
            gr.Image(
                type="filepath", image_mode=None, sources=["upload", "clipboard"], label="image",
                height=320, elem_id="input",
            )
        ]  # fmt: skip
    if demonstration.takes == "texts":
        return [gr.Textbox(label="text", lines=4, elem_id="input")]
    return [
        gr.Dropdown(
            list(field.choices), value=field.value, label=field.name, allow_custom_value=True
        )
        if field.choices
        else gr.Number(value=field.value, label=field.name)
        for field in demonstration.fields
    ]


def _answer_of(demonstration: Demonstration) -> Callable[[Sequence[Any], str], Answer]:
    """Return what answers to the values of the page's inputs."""

    def image(values: Sequence[Any], method: str) -> Answer:
        if values[0] is None:
            raise UsageError("there is no image; drop one on the page")
        return demonstration.image(values[0], method)

    def row(values: Sequence[Any], method: str) -> Answer:
        names = [field.name for field in demonstration.fields]
        return demonstration.row(dict(zip(names, values, strict=True)), method)

    def text(values: Sequence[Any], method: str) -> Answer:
        return demonstration.text(values[0], method)

    return {"images": image, "rows": row, "texts": text}[demonstration.takes]


# --- what is said -------------------------------------------------------------------------------


def _outputs(gr: ModuleType, demonstration: Demonstration) -> list[tuple[Any, Fill]]:
    """Return the parts of an answer's side, with what fills each."""
    family = demonstration.family
    parts: list[tuple[Any, Fill]] = []
    if family in {"pixels", "tensors"}:
        what = "mask" if family == "pixels" else "reconstruction"
        image = _picture(gr, what, "drawn")
        parts.append((image, _drawn))
    if family in {"classes", "tokens", "pixels"}:
        what = {"tokens": "next", "pixels": "shares of the image"}.get(family, "class")
        label = gr.Label(label=what, num_top_classes=10, elem_id="answer")
        parts.append((label, lambda answer: class_shares(answer.words)))
    else:
        box = gr.Textbox(label="prediction", interactive=False, elem_id="answer")
        parts.append((box, lambda answer: number_text(answer.words)))
    if demonstration.methods:
        parts += _explanations(gr, demonstration.takes)
    return parts


def _picture(gr: ModuleType, label: str, name: str) -> Any:
    # Without the button that sends a picture to a site.
    buttons = ["download", "fullscreen"]
    return gr.Image(label=label, interactive=False, format="png", buttons=buttons, elem_id=name)


def _drawn(answer: Answer) -> Any:
    return None if answer.drawn is None else enlarged(answer.drawn)


def class_shares(words: Mapping[str, Any]) -> dict[str, float]:
    """Return probabilities or shares by class, as bars show them."""
    classes = [(one["class"], one["probability"]) for one in words.get("classes", ())]
    shares = [(one["class"], one["share"]) for one in words.get("shares", ())]
    return {_visible(name): value for name, value in (*classes, *shares)}


def number_text(words: Mapping[str, Any]) -> str:
    """Return predicted numbers, or a reconstruction's error, as text."""
    if "values" in words:
        return "\n".join(f"{value:.6g}" for value in words["values"])
    return "" if words["mse"] is None else f"mean squared error {words['mse']:.4g}"


def _visible(text: str) -> str:
    """Return a token or class so that it can be seen: what is only space is written out."""
    return text if text.strip() else repr(text)


def _explanations(gr: ModuleType, takes: str) -> list[tuple[Any, Fill]]:
    if takes == "images":
        image = _picture(gr, "what decided (red: for it, blue: against)", "explanation")
        first: tuple[Any, Fill] = image, _explained_pixels
    elif takes == "texts":
        text = gr.HighlightedText(
            label="what decided (red: for it, blue: against)", elem_id="explanation",
            color_map={"+": _FOR, "-": _AGAINST}, show_inline_category=False,
        )  # fmt: skip
        first = text, _explained_words
    else:
        first = gr.HTML(elem_id="explanation"), lambda answer: column_bars(answer.explanation)
    return [first, (gr.HTML(elem_id="trust"), _told)]


def _explained_pixels(answer: Answer) -> Any:
    return enlarged(pixels_of(answer.explanation)) if answer.explanation else None


def _explained_words(answer: Answer) -> Any:
    """Return words with their attributions from -1 to 1."""
    if not answer.explanation:
        return []
    words, between = answer.explanation["words"], answer.explanation["between"]
    most = max((abs(word["attribution"]) for word in words), default=0.0) or 1.0
    return [(word["word"] + between, word["attribution"] / most) for word in words]


def _told(answer: Answer) -> str:
    said = trust(answer.explanation) if answer.explanation else answer.note
    return f"<small>{html.escape(said)}</small>"


def column_bars(explanation: Mapping[str, Any] | None) -> str:
    """Return a row's columns as bars, the strongest first, as HTML."""
    if not explanation:
        return ""
    columns = sorted(explanation["columns"], key=lambda column: -abs(column["attribution"]))
    most = abs(columns[0]["attribution"]) or 1.0
    rows = "".join(_bar_row(column, most) for column in columns[:_MOST_BARS])
    return f"<table style='width:100%'>{rows}</table>"


def _bar_row(column: Mapping[str, Any], most: float) -> str:
    value = column["attribution"]
    width = round(100 * abs(value) / most)
    colour = _FOR if value > 0 else _AGAINST
    bar = f"<div style='width:{width}%;height:0.8em;background:{colour}'></div>"
    said = column["value"] if isinstance(column["value"], str) else f"{column['value']:.6g}"
    name = html.escape(f"{column['column']} = {said}")
    return (
        f"<tr><td>{name}</td><td style='text-align:right'>{value:+.4g}</td>"
        f"<td style='width:50%'>{bar}</td></tr>"
    )


def _continuation(gr: ModuleType, demonstration: Demonstration, text: Any) -> None:
    """Add what lets a language model go on."""
    with gr.Row():
        number = gr.Slider(1, _MOST_TOKENS, value=_NEW_TOKENS, step=1, label="new tokens")
        warmth = gr.Slider(0, 2, value=_TEMPERATURE, step=0.05, label="temperature")
        seed = gr.Number(value=0, precision=0, label="seed")
    button = gr.Button("Continue the text", elem_id="continue")
    made = gr.Textbox(label="the text goes on", lines=6, interactive=False, elem_id="continued")

    def go_on(begun: str, tokens: float, temperature: float, drawn: float | None) -> str:
        try:
            more = demonstration.continued(begun, int(tokens), temperature, int(drawn or 0))
        except TuitrainError as error:
            raise gr.Error(str(error), print_exception=False) from error
        return begun + more

    button.click(go_on, [text, number, warmth, seed], made, api_name="continue")
