"""TensorBoard's event files: scalars, images, texts, hyper-parameters; alerts are texts too.

Each attempt of a run is a file of its own that begins with a purge: what older files have from the
step on at which it goes on is void, so a resume and a killed writer both come out right.
"""

import math
import os
import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tuitrain.extras import require
from tuitrain.runs.rows import AlertRow
from tuitrain.trackers.pictures import Shown
from tuitrain.trackers.source import News, Place, Row, flat_settings
from tuitrain.trackers.tracker import Ending, Kept, TrackedRun, TrackerError

_FILE = "events.out.tfevents"
_ALERTS_TAG = "alerts/text_summary"
_SESSION_BEGIN, _SESSION_END = "_hparams_/session_start_info", "_hparams_/session_end_info"
_STRING = 7
"""DT_STRING of TensorFlow's types."""
_SUCCESS = 1
"""STATUS_SUCCESS of the HParams page."""


class TensorBoardTracker:
    """Writes one event file."""

    def __init__(self, run: TrackedRun, folder: Path, kept: Kept | None, rewound: int) -> None:
        """Begin a file; where the run goes on, after those that it has.

        Args:
            run: what is logged.
            folder: of the event files; made where there is none.
            kept: what an earlier attempt left; None: a file that stands for the whole run.
            rewound: the step that a resume went back to, at most the one that `kept` has.

        Raises:
            TrackerError: the folder can't be written.
        """
        self._messages = _Messages()
        self._run = run
        # What the last piece wrote may be in the file without being noted as written.
        first = max(0, min(rewound + 1, kept.place.step)) if kept is not None else 0
        shown = kept.place.shown if kept is not None else -1
        self.place = Place(after=first - 1, shown=min(shown, first - 1))
        self.known_as, self.generation = str(folder), 0
        self._first_step = first
        self._alerts_before = kept.place.alerts if kept is not None else 0
        self._alerts = 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._path = folder / _file_name(folder) if kept else folder / f"{_FILE}.{run.id}"
            self._draft = self._path if kept else folder / f".{os.getpid()}.draft"
            self._file = self._draft.open("wb")
        except OSError as error:
            raise TrackerError(f"{folder} can't be written: {error.strerror or error}") from error
        self._records = self._messages.record_writer(self._file)
        self._begin()

    def _begin(self) -> None:
        messages, now = self._messages, self._run.created
        self._write(messages.event(wall_time=now, file_version="brain.Event:2"))
        start = messages.session_log(status=1)
        self._write(messages.event(wall_time=now, step=self._first_step, session_log=start))
        settings = dict(flat_settings(self._run.settings))
        summary = messages.hparams_begin(settings, self._run.created, self._run.name)
        self._write(messages.event(wall_time=now, summary=summary))
        self._file.flush()

    def write(self, news: News) -> None:
        """Write what is new; it is in the file when this returns."""
        try:
            for row in news.rows:
                self._write(self._event(row))
            for alert in self._new_alerts(news):
                summary = self._messages.text(_ALERTS_TAG, f"**{alert.kind}** {alert.text}")
                step = alert.step or 0
                self._write(self._messages.event(wall_time=alert.time, step=step, summary=summary))
            for shown in news.shown:
                summary = self._messages.shown(shown)
                event = self._messages.event(wall_time=shown.time, step=shown.step, summary=summary)
                self._write(event)
            self._file.flush()
        except OSError as error:
            raise TrackerError(f"{self._path} can't be written: {error.strerror}") from error

    def _new_alerts(self, news: News) -> Iterator[AlertRow]:
        """Yield the alerts that older files lack, or had taken back by the purge."""
        for alert in news.alerts:
            self._alerts += 1
            if self._alerts > self._alerts_before or (alert.step or 0) >= self._first_step:
                yield alert

    def _event(self, row: Row) -> Any:
        value = self._messages.summary_value
        values = [value(tag=tag, simple_value=_single(each)) for tag, each in row.values.items()]
        summary = self._messages.summary(value=values)
        return self._messages.event(wall_time=row.time, step=row.step, summary=summary)

    def _write(self, event: Any) -> None:
        self._records.write(event.SerializeToString())

    def close(self, ending: Ending) -> None:
        """Write that the run is finished, where it is, and close the file."""
        # TensorBoard keeps the first such mark that it sees: any other end may be resumed from.
        if ending.state == "finished":
            summary = self._messages.hparams_end(ending.time)
            self._write(self._messages.event(wall_time=ending.time, summary=summary))
        self._file.close()
        if self._draft != self._path:
            self._draft.replace(self._path)


class _Messages:
    """TensorBoard's own message classes, and those of them that take several to make."""

    def __init__(self) -> None:
        def take(module: str) -> Any:
            return require(f"tensorboard.{module}", "trackers", "logging to TensorBoard")

        summary, event = take("compat.proto.summary_pb2"), take("compat.proto.event_pb2")
        tensor = take("compat.proto.tensor_pb2")
        self._hparams = take("plugins.hparams.plugin_data_pb2")
        self.record_writer = take("summary.writer.record_writer").RecordWriter
        self.event, self.session_log = event.Event, event.SessionLog
        self.summary, self.summary_value = summary.Summary, summary.Summary.Value
        self._metadata, self._tensor = summary.SummaryMetadata, tensor.TensorProto

    def shown(self, shown: Shown) -> Any:
        if not shown.png:
            return self.text(f"{shown.name}/text_summary", shown.text)
        image = self.summary.Image(
            height=shown.height, width=shown.width, colorspace=shown.channels,
            encoded_image_string=shown.png,
        )  # fmt: skip
        return self.summary(value=[self.summary_value(tag=shown.name, image=image)])

    def text(self, tag: str, text: str) -> Any:
        metadata = self._plugin("text")
        tensor = self._tensor(dtype=_STRING, string_val=[text.encode("utf-8", "replace")])
        return self.summary(value=[self.summary_value(tag=tag, metadata=metadata, tensor=tensor)])

    def hparams_begin(self, settings: Mapping[str, Any], created: float, name: str) -> Any:
        info = self._hparams.SessionStartInfo(group_name=name, start_time_secs=created)
        for key, value in settings.items():
            if isinstance(value, bool):
                info.hparams[key].bool_value = value
            elif isinstance(value, str):
                info.hparams[key].string_value = value
            else:
                info.hparams[key].number_value = value
        return self._hparams_summary(
            _SESSION_BEGIN, self._hparams.HParamsPluginData(version=0, session_start_info=info)
        )

    def hparams_end(self, ended: float) -> Any:
        info = self._hparams.SessionEndInfo(status=_SUCCESS, end_time_secs=ended)
        return self._hparams_summary(
            _SESSION_END, self._hparams.HParamsPluginData(version=0, session_end_info=info)
        )

    def _hparams_summary(self, tag: str, data: Any) -> Any:
        metadata = self._plugin("hparams", data.SerializeToString())
        # TensorBoard drops summaries without a value: its own writer puts this one in.
        tensor = self._tensor(dtype=1, float_val=[0.0])
        return self.summary(value=[self.summary_value(tag=tag, metadata=metadata, tensor=tensor)])

    def _plugin(self, name: str, content: bytes = b"") -> Any:
        data = self._metadata.PluginData(plugin_name=name, content=content)
        return self._metadata(plugin_data=data)


def _single(value: float) -> float:
    """Return a value as a float32 field takes it; what is too large for it is infinite."""
    largest = 3.4028234663852886e38
    return math.copysign(math.inf, value) if abs(value) > largest else value


def _file_name(folder: Path) -> str:
    """Return a name that sorts behind those of the files that are there."""
    taken = [path.name.split(".")[3] for path in folder.glob(f"{_FILE}.*.tuitrain")]
    stamp = max([int(time.time()), *(int(each) + 1 for each in taken if each.isdigit())])
    return f"{_FILE}.{stamp:010d}.{socket.gethostname()}.{os.getpid()}.tuitrain"
