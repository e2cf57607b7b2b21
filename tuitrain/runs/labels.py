"""What people write on a run: tags and a note, in labels.json of its folder.

No part of the record: a live run's supervisor neither reads nor writes it.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

from tuitrain.errors import FolderError, UsageError
from tuitrain.runs.directory import RunDirectory
from tuitrain.whole_file import written_whole

_TAG = re.compile(r"[^\s,:=<>~!\"'-][^\s,:=<>~!\"']{0,39}")


@dataclass(frozen=True, slots=True)
class Labels:
    """Of one run."""

    tags: tuple[str, ...] = ()
    """In the order of the alphabet."""
    note: str = ""

    def tagged(self, add: Iterable[str] = (), remove: Iterable[str] = ()) -> "Labels":
        """Return them with other tags.

        Raises:
            UsageError: a tag that is added is none.
        """
        added = [check_tag(tag) for tag in add]
        return replace(self, tags=tuple(sorted({*self.tags, *added} - {*remove})))


def check_tag(tag: str) -> str:
    """Return a tag.

    Raises:
        UsageError: it could not be written in a filter.
    """
    if not _TAG.fullmatch(tag):
        raise UsageError(
            f"tag {tag!r}: up to 40 characters without spaces, quotes and , : = < > ~ !, and not "
            "a dash at first"
        )
    return tag


def load_labels(directory: RunDirectory) -> Labels:
    """Return a run's labels; none where there are none, or none that can be read."""
    try:
        plain = json.loads(directory.labels_path.read_bytes())
        return Labels(tuple(map(str, plain["tags"])), str(plain["note"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Labels()


def save_labels(directory: RunDirectory, labels: Labels) -> None:
    """Write a run's labels, in one move.

    Raises:
        FolderError: they can't be written.
    """
    try:
        with written_whole(directory.labels_path) as draft:
            draft.write_text(json.dumps(asdict(labels)), encoding="utf-8")
    except OSError as error:
        raise FolderError.of(directory.labels_path, error, "can't be written") from error
