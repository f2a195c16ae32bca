"""The head file: the newest row of the ledger, in a small file beside a SQLite database, to detect rows lost later."""

import asyncio
import json
import os
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import structlog

from bot.clock import ends_within
from bot.store.database_file import PRIVATE

log = structlog.get_logger(__name__)

CLOSE_SECONDS = 1.0


class Newest(NamedTuple):
    """The number and the hash of the newest row of the ledger."""

    seq: int
    hash: str


class HeadFile:
    """The newest row, written after its commit, so that the file is never ahead of the database.

    A thread writes it, as no request should wait for a disk. Of rows that are committed meanwhile it writes the newest.
    """

    def __init__(self, database: Path) -> None:
        self.path = database.with_name(f"{database.name}.head")
        self._newest: Newest | None = None
        self._is_writing = False
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, "head-file")
        self._last: Future[None] | None = None
        self._is_frozen = False

    def read(self) -> Newest | None:
        """Return the row in the file, None if there is no file. Raises ValueError if it cannot be read."""
        try:
            saved = json.loads(self.path.read_bytes())
            return Newest(int(saved["seq"]), str(saved["hash"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
            raise ValueError(f"{self.path} can't be read") from error

    def freeze(self) -> None:
        """Stop writing: the file proves that rows were lost, until the operator removes it."""
        self._is_frozen = True

    def save_in_background(self, newest: Newest) -> None:
        """Save a committed row soon, in the thread. Ignores a row that is older than the one saved last."""
        with self._lock:
            if self._is_frozen or (self._newest and newest.seq <= self._newest.seq):
                return
            self._newest = newest
            if not self._is_writing:
                self._is_writing = True
                self._last = self._thread.submit(self._write_all)

    async def close(self) -> None:
        """Wait up to CLOSE_SECONDS until the file has the newest row."""
        if self._last:
            await ends_within(CLOSE_SECONDS, asyncio.shield(asyncio.wrap_future(self._last)))
        self._thread.shutdown(wait=False)

    def _write_all(self) -> None:
        written: Newest | None = None
        while True:
            with self._lock:
                newest = self._newest
                if newest is None or newest == written:
                    self._is_writing = False
                    return
            try:
                self._replace(newest)
            except OSError as error:
                log.warning("the newest row could not be recorded", file=str(self.path), error=error.strerror)
            written = newest

    def _replace(self, newest: Newest) -> None:
        """Replace the file atomically: after a power cut it has the new content or the old one."""
        # The process id makes the name unique: `ledger prune` may write at the same time as a bot.
        draft = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, PRIVATE)
        try:
            os.write(descriptor, json.dumps(newest._asdict()).encode() + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        draft.replace(self.path)
