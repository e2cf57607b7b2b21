"""A language's file: reads it, and finds words and sentences in it."""

import json
import re
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path

FOLDER = Path(__file__).parent
_FIELD = re.compile(r"\{(\w+)[^}]*\}")
_WORDS = frozenset({"state", "reason", "words", "text", "why", "unit"})
"""Fields that hold words too; others hold names and numbers, which stay."""
_KEPT = 4096
"""Sentences whose translation is held: a screen shows the same ones each second."""


class Translation:
    """One language's words."""

    def __init__(
        self,
        language: str,
        keys: Mapping[str, str],
        texts: Mapping[str, str],
        sentences: Mapping[str, str],
    ) -> None:
        """Hold what a file says.

        Args:
            language: as a key of `tuitrain.lang.LANGUAGES`.
            keys: what keys do, by the English word.
            texts: words of the interface, by the English ones.
            sentences: what is put together or recorded, by English patterns with `{fields}`.
        """
        self.language = language
        self.keys, self.texts, self.sentences = keys, texts, sentences
        self._find = lru_cache(maxsize=_KEPT)(self._found)
        self._patterns: dict[str, list[tuple[re.Pattern[str], str]]] = {}

    def text(self, text: str) -> str:
        """Return the interface's own words; English where there are none."""
        return self.texts.get(text, text)

    def key_word(self, text: str) -> str:
        """Return what a key does."""
        return self.keys.get(text) or self.text(text)

    def sentence(self, sentence: str) -> str:
        """Return a sentence by the first pattern that it matches as a whole."""
        return self.texts.get(sentence) or str(self._find(sentence))

    def _found(self, sentence: str) -> str:
        if not self._patterns:
            self._compile()
        first = sentence.partition(" ")[0]
        tried: list[tuple[re.Pattern[str], str]] = [
            *self._patterns.get(first, ()),
            *self._patterns.get("", ()),
        ]
        for pattern, shown in tried:
            match = pattern.fullmatch(sentence)
            if match is not None:
                return shown.format(
                    **{
                        name: self.sentence(value) if name in _WORDS else value
                        for name, value in match.groupdict().items()
                    }
                )
        return sentence

    def _compile(self) -> None:
        """Sort the patterns by their first word, those that begin with a field by none.

        The one that says most itself is tried first: fields take in whatever is there.
        """
        longest = sorted(self.sentences.items(), key=lambda each: -len(_FIELD.sub("", each[0])))
        for english, shown in longest:
            first = english.partition(" ")[0]
            known = self._patterns.setdefault("" if "{" in first else first, [])
            known.append((_pattern_of(english), shown))


def _pattern_of(english: str) -> re.Pattern[str]:
    """Return what matches a sentence; a field's second place has to hold the same again."""
    parts, seen, place = [], set(), 0
    for field in _FIELD.finditer(english):
        parts.append(re.escape(english[place : field.start()]))
        name = field[1]
        parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>.*?)")
        seen.add(name)
        place = field.end()
    parts.append(re.escape(english[place:]))
    return re.compile("".join(parts), re.DOTALL)


@cache
def read_translation(name: str) -> Translation:
    """Read a language's file; once.

    Args:
        name: of the file, without its ending.
    """
    found = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return Translation(found["language"], found["keys"], found["texts"], found["sentences"])
