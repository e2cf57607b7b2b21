"""Parsing Python source from any thread."""

import ast
import threading

_ONE_AT_A_TIME = threading.Lock()
_TRIES = 10


def parse_python(source: str, file: str = "<unknown>") -> ast.Module:
    """Return a source text's syntax tree.

    Python 3.11 counts the depth of the tree it builds in one place for all threads. Where another
    one parses meanwhile, as Textual does with the arguments of a key's action, the count is off at
    the end, and a SystemError says so though nothing is wrong: then it is done again.

    Raises:
        SyntaxError: the text is no Python.
    """
    with _ONE_AT_A_TIME:
        for _ in range(_TRIES - 1):
            try:
                return ast.parse(source, file)
            except SystemError:
                continue
        return ast.parse(source, file)
