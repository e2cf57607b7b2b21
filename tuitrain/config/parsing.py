"""Parsing Python source from any thread."""

import ast
import threading

_ONE_AT_A_TIME = threading.Lock()


def parse_python(source: str, file: str = "<unknown>") -> ast.Module:
    """Return a source text's syntax tree.

    Python 3.11 counts the depth of the tree it builds in one place for all threads: two that
    parse at once can end in a SystemError.

    Raises:
        SyntaxError: the text is no Python.
    """
    with _ONE_AT_A_TIME:
        return ast.parse(source, file)
