"""The interface in another language: words and sentences as one file beside this one has them.

English is what the code says, what is recorded, and what stands where a file has nothing. A
file is JSON and not TOML: it is read before the first screen, and `json` takes a hundredth of the
time.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tuitrain.lang.words import Translation

ENGLISH = "en"
LANGUAGES: Mapping[str, str] = {ENGLISH: "", "zh": "zh_CN"}
"""What each language is called in settings, and its file's name; English has none."""

_spoken: "Translation | None" = None


class Choice(NamedTuple):
    """The language to speak."""

    name: str
    """A key of `LANGUAGES`."""
    fault: str = ""
    """Why it is not the one that was asked for, in a sentence; empty: it is."""


def choose(configured: str, environ: Mapping[str, str] = os.environ) -> Choice:
    """Return the language that $TUITRAIN_LANG, else the configuration, else the locale asks for.

    A locale of a language that there is no file of means English, and is no fault.

    Args:
        configured: the user's configuration's; empty: it has none.
        environ: of this process.
    """
    named = environ.get("TUITRAIN_LANG", "")
    for asked, where in ((named, "TUITRAIN_LANG"), (configured, "interface.language")):
        if asked:
            return _asked_for(asked, where)
    # In the order of POSIX.
    names = (environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    found = _language_of(next(filter(None, names), ""))
    return Choice(found if found in LANGUAGES else ENGLISH)


def _asked_for(asked: str, where: str) -> Choice:
    found = _language_of(asked)
    if found in LANGUAGES:
        return Choice(found)
    return Choice(
        ENGLISH, f"{where} is {asked!r}, which there are no words of: {', '.join(LANGUAGES)}"
    )


def _language_of(locale: str) -> str:
    """Return the language that a locale begins with: `zh` of zh_CN.UTF-8, zh-Hans or zh."""
    language = locale.replace("-", "_").replace(".", "_").partition("_")[0].lower()
    return ENGLISH if language in ("c", "posix") else language


def speak(name: str) -> None:
    """Say everything in a language from now on.

    Args:
        name: a key of `LANGUAGES`.
    """
    global _spoken  # noqa: PLW0603
    if not LANGUAGES[name]:
        _spoken = None
        return
    from tuitrain.lang.words import read_translation

    _spoken = read_translation(LANGUAGES[name])


def spoken() -> str:
    """Return the name of the language that is spoken."""
    return ENGLISH if _spoken is None else _spoken.language


def tr(text: str, /, **fields: object) -> str:
    """Return the interface's own words in the language that is spoken.

    Args:
        text: in English, with `{name}` for each of `fields`.
        fields: what to put in, as `str.format` does.
    """
    shown = text if _spoken is None else _spoken.text(text)
    return shown.format(**fields) if fields else shown


def term(text: str) -> str:
    """Return words as they are: they are kept now, and `tr` says them where they are shown."""
    return text


def key_word(text: str) -> str:
    """Return what a key does, in a word or two, in the language that is spoken."""
    return text if _spoken is None else _spoken.key_word(text)


def said(sentence: str) -> str:
    """Return a sentence that was put together, or recorded, in English, as it is to be shown.

    One that no pattern of the language's file matches stays as it is.
    """
    return sentence if _spoken is None else _spoken.sentence(sentence)
