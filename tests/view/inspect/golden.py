"""Lines as text, held against files."""

import os
from collections.abc import Sequence
from pathlib import Path

from tuitrain.view.spans import SpanLine, line_width, plain_text

FOLDER = Path(__file__).parent / "golden"


def check_lines(name: str, lines: Sequence[SpanLine], width: int) -> None:
    """Compare with golden/NAME.txt, and with the width; TUITRAIN_UPDATE_GOLDEN=1 writes it anew."""
    text = "\n".join(plain_text(line) for line in lines) + "\n"
    path = FOLDER / f"{name}.txt"
    if os.environ.get("TUITRAIN_UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), f"{path} differs"
    assert max(line_width(line) for line in lines) <= width
