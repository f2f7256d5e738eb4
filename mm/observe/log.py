"""``<NAME>.log``: what the program has to say, one structlog event a line, redacted and escaped.

A line that names a ``desk`` goes to that desk's file, any other to all; and each once to the terminal or the
journal of the system, whose reader may stall without holding up anybody.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Mapping, MutableMapping
from threading import Lock
from typing import Any, Literal, TextIO, TypeAlias, cast

import structlog
from structlog.typing import FilteringBoundLogger

from mm.observe.files import LineFile, iso, json_line
from mm.observe.outlet import Outlet
from mm.observe.redact import Redactor

Form: TypeAlias = Literal["json", "console"]
Record: TypeAlias = MutableMapping[str, Any]
Rendered: TypeAlias = tuple[tuple[str, str, bytes], dict[str, object]]

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}
# sd-daemon(3): the priority of a line for the system's journal.
PREFIX = {"debug": b"<7>", "info": b"<6>", "warning": b"<4>", "error": b"<3>", "critical": b"<2>"}
FIRST_KEYS = ("timestamp", "level", "logger", "event")
UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


_render = structlog.dev.ConsoleRenderer(colors=False, sort_keys=False)


def escape(text: str) -> str:
    """Control characters, bidi overrides and invisible ones as ``\\uXXXX``: a text from the exchange cannot
    make a second line, move the cursor, or reverse what is read."""
    return UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def is_system_journal(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Is ``stream`` the one that systemd connected to its journal? ``$JOURNAL_STREAM`` names device and
    inode (systemd.exec(5)); anywhere else a ``<3>`` would break the reader."""
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return environment.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


class LogSink:
    """Where rendered lines go; may be called from any thread. ``outlet``: besides the files, with systemd's
    priority in front if ``is_prefixed``."""

    def __init__(self, files: Mapping[str, LineFile]) -> None:
        self.files = files
        self.outlet: Outlet | None = None
        self.is_prefixed = False
        self._guard = Lock()

    def put(self, desk: str, level: str, line: bytes) -> None:
        with self._guard:
            for name in (desk,) if desk in self.files else self.files:
                self.files[name].add(line)
                self.files[name].flush()
            if self.outlet is not None:
                self.outlet.put(PREFIX[level] + line if self.is_prefixed else line)

    def flush(self) -> None:
        """Try again what a full disk refused."""
        with self._guard:
            for file in self.files.values():
                file.flush()

    def close(self) -> None:
        with self._guard:
            for file in self.files.values():
                file.close()

    debug = info = warning = error = critical = put


class RunLog:
    """The logger of a run: ``logger.info("order_filled", desk="DEFAULT", price=0.47)``. A key ``ts`` (Nanos)
    tells when it happened, if that is not now. ``level`` is one of `LEVELS`. A ``stream`` without a
    descriptor is refused as `Outlet` says."""

    def __init__(
        self,
        files: Mapping[str, LineFile],
        *,
        redactor: Redactor,
        level: str = "info",
        form: Form = "json",
        stream: TextIO | None = None,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self.sink = LogSink(files)
        self.logger = cast(
            FilteringBoundLogger,
            structlog.wrap_logger(
                self.sink,
                processors=[
                    structlog.processors.add_log_level,
                    structlog.processors.format_exc_info,
                    _timed,
                    _redacting(redactor),
                    _json if form == "json" else _console,
                ],
                wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
                cache_logger_on_first_use=True,
            ),
        )
        if stream is not None:
            self.sink.is_prefixed = is_system_journal(stream, environment)
            self.sink.outlet = Outlet(stream, self._tell_of_gap)
        self._bridge = _Bridge(self.logger)
        logging.getLogger().addHandler(self._bridge)

    def close(self) -> None:
        """What the stream did not take within its patience is told in the files."""
        logging.getLogger().removeHandler(self._bridge)
        outlet, self.sink.outlet = self.sink.outlet, None
        if outlet is not None and (lost := outlet.close()):
            self._tell_of_gap(lost)
        self.sink.close()

    def _tell_of_gap(self, dropped: int) -> None:
        self.logger.warning("output_stalled", logger="mm.observe", dropped=dropped)


class _Bridge(logging.Handler):
    """What libraries say through the standard library's logging, from warnings on."""

    def __init__(self, logger: FilteringBoundLogger) -> None:
        super().__init__(logging.WARNING)
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        self._logger.log(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info)


def _timed(_: object, __: str, record: Record) -> Record:
    ts = record.pop("ts", None)
    record["timestamp"] = iso(time.time_ns() if ts is None else ts)
    record.setdefault("logger", "mm")
    if record.get("exc_info", True) is None:
        del record["exc_info"]
    return {**{key: record[key] for key in FIRST_KEYS}, **record}  # a key stays where it stood first


def _redacting(redactor: Redactor) -> Callable[[object, str, Record], Record]:
    def redact(_: object, __: str, record: Record) -> Record:
        return cast(Record, redactor.value(record))

    return redact


def _json(_: object, __: str, record: Record) -> Rendered:
    return (str(record.get("desk", "")), record["level"], json_line(record)), {}


def _console(_: object, __: str, record: Record) -> Rendered:
    """Escaped after rendering too: nested values are rendered in a form of their own."""
    safe = {key: escape(value) if isinstance(value, str) else value for key, value in record.items()}
    line = escape(_render(None, "", safe)) + "\n"
    return (str(record.get("desk", "")), record["level"], line.encode("ascii", "backslashreplace")), {}
