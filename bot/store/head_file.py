"""The newest row of the ledger, noted in a small file beside a SQLite database: rows that are lost later show by it."""

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
    """The number and the hash of the newest row."""

    seq: int
    hash: str


class HeadFile:
    """Notes the newest row after it was committed, so that the file is never ahead of what the database has.

    Written in a thread, since nobody should wait for a disk; of rows that are committed meanwhile the newest is noted.
    """

    def __init__(self, database: Path) -> None:
        self.path = database.with_name(f"{database.name}.head")
        self._newest: Newest | None = None
        self._is_writing = False
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, "head-file")
        self._last: Future[None] | None = None
        self._is_kept = False

    def read(self) -> Newest | None:
        """Return what was noted, None if there is no file; ValueError if it cannot be read."""
        try:
            noted = json.loads(self.path.read_bytes())
            return Newest(int(noted["seq"]), str(noted["hash"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
            raise ValueError(f"{self.path} cannot be read") from error

    def save_in_background(self) -> None:
        """Write to the file no more: it shows that rows were lost, until the operator removes it."""
        self._is_kept = True

    def note(self, newest: Newest) -> None:
        """Note a row that was committed; the file has it a moment later."""
        with self._lock:
            if self._is_kept or (self._newest and newest.seq <= self._newest.seq):
                return
            self._newest = newest
            if not self._is_writing:
                self._is_writing = True
                self._last = self._thread.submit(self._write_all)

    async def close(self) -> None:
        """Wait a moment until the file has the newest row."""
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
                log.warning("the newest row could not be noted", file=str(self.path), error=error.strerror)
            written = newest

    def _replace(self, newest: Newest) -> None:
        """Write the file anew, as a whole: after a power cut there is the new one or the one of before."""
        # Of this process alone: `ledger prune` may write beside a bot.
        draft = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, PRIVATE)
        try:
            os.write(descriptor, json.dumps(newest._asdict()).encode() + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        draft.replace(self.path)
