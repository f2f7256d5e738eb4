"""The journal's side thread: it syncs the current part, packs finished ones, and removes the oldest."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from threading import Event, Lock, Thread

from mm.observe.append import AppendFile, StorageError
from mm.observe.rotate import compress

SYNC_SECONDS = 1.0


class JournalKeeper:
    """``fault`` is set when a sync failed: what was written since the last one may not be on the disk.
    ``left_plain``: parts of earlier runs to pack now."""

    def __init__(self, directory: Path, keep_parts: int, left_plain: list[Path]) -> None:
        self.fault: StorageError | None = None
        self._directory = directory
        self._keep_parts = keep_parts
        self._left_plain = left_plain
        self._current: AppendFile | None = None
        self._retired: list[AppendFile] = []
        self._guard = Lock()
        self._wake = Event()
        self._is_closing = False
        self._thread = Thread(target=self._work, name="journal keeper", daemon=True)
        self._thread.start()

    def watch(self, part: AppendFile) -> None:
        """From now on sync this part."""
        with self._guard:
            self._current = part

    def retire(self, part: AppendFile) -> None:
        """This part is complete: sync it, close it, and pack it soon. It must not be used any more."""
        with self._guard:
            self._current = None
            self._retired.append(part)
        self._wake.set()

    def close(self) -> None:
        self._is_closing = True
        self._wake.set()
        self._thread.join()

    def _work(self) -> None:
        for path in self._left_plain:
            self._repair(path)
            self._pack(path)
        while not self._is_closing:
            self._wake.wait(SYNC_SECONDS)
            self._wake.clear()
            self._sync_current()
            self._finish_retired(pack=not self._is_closing)
        self._finish_retired(pack=False)

    def _sync_current(self) -> None:
        """The descriptor stays open: only this thread closes parts."""
        with self._guard:
            part = self._current
        if part is not None:
            try:
                part.sync()
            except StorageError as error:
                self.fault = error

    def _finish_retired(self, *, pack: bool) -> None:
        with self._guard:
            parts, self._retired = self._retired, []
        for part in parts:
            try:
                part.sync()
            except StorageError as error:
                self.fault = error
            part.close()
            if pack:
                self._pack(part.path)

    def _repair(self, path: Path) -> None:
        """Half a line, where its writer was killed, goes to ``<path>.torn``: opening does it. A refusal costs
        nothing: who reads a journal passes over such an end."""
        with suppress(StorageError):
            AppendFile(path).close()

    def _pack(self, path: Path) -> None:
        """A refusal costs space only: the plain part stays, and can be read as it is."""
        try:
            compress(path, path.with_name(path.name + ".gz"))
            path.unlink()
            for old in sorted(self._directory.glob("run*-part*.jsonl.gz"))[: -self._keep_parts]:
                old.unlink()
                old.with_suffix(".torn").unlink(missing_ok=True)
        except (StorageError, OSError):
            return
