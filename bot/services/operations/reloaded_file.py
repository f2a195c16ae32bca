"""A file that a setting names, and that is read again when its content changes."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

from bot.errors import ConfigurationError
from bot.services.operations.config_files import read_config_file

log = structlog.get_logger(__name__)

RELOAD_SECONDS = 0.7
# An editor may write a file in parts, so a new version counts only after it is unchanged for this long.
SETTLE_SECONDS = 0.15
PATIENCE = 0.3

Content = TypeVar("Content")


@dataclass(frozen=True, slots=True)
class _Version:
    """The bytes of the file at one moment, or the reasons why it cannot be read."""

    content: bytes = b""
    problems: tuple[str, ...] = ()

    @classmethod
    def read(cls, setting: str, file: str) -> "_Version":
        """Read the file as it is now. Never raises ConfigurationError, but returns its problems."""
        try:
            return cls(read_config_file(setting, file))
        except ConfigurationError as error:
            return cls(problems=error.problems)


class ReloadedFile(Generic[Content]):
    """The content of a file. A valid new version counts within a second; a broken version never does.

    Files are compared by their content, because two versions may have the same size and time. The constructor reads the
    file, which may block, so call it in a thread. It raises ConfigurationError with one line per mistake.
    """

    def __init__(
        self,
        setting: str,
        file: str,
        parse: Callable[[bytes], Content],
        name: str,
        reload_seconds: float = RELOAD_SECONDS,
    ) -> None:
        """Read the file. `parse` raises ConfigurationError for a mistake. `name` is what the log calls the file."""
        self._setting, self._file, self._parse, self._name = setting, file, parse, name
        self._reload_seconds = reload_seconds
        self._problems: tuple[str, ...] = ()
        self._checked_at = time.monotonic()
        self._reloading: asyncio.Future[None] | None = None
        self._version = _Version(read_config_file(setting, file))
        self._content = parse(self._version.content)

    @property
    def problems(self) -> tuple[str, ...]:
        """Return why the current file is ignored, while the version before it stays in force; empty if it is valid."""
        return self._problems

    async def content(self) -> Content:
        """Return the content as of the last second. Wait at most PATIENCE seconds for a disk that does not answer."""
        if self._reloading or time.monotonic() - self._checked_at >= self._reload_seconds:
            await self._reload()
        return self._content

    async def _reload(self) -> None:
        """Check for a new version in a thread. Concurrent callers share one check."""
        if self._reloading is None:
            self._reloading = asyncio.ensure_future(asyncio.to_thread(self._reread))
            self._reloading.add_done_callback(self._checked_file)
        await asyncio.wait({self._reloading}, timeout=PATIENCE)

    def _checked_file(self, reloading: asyncio.Future[None]) -> None:
        self._reloading = None
        self._checked_at = time.monotonic()
        if not reloading.cancelled() and (error := reloading.exception()):
            log.error(f"{self._name} could not be checked", error=str(error))

    def _reread(self) -> None:
        """Put a new version of the file in force, unless it has a mistake. Blocks, so it runs in a thread."""
        version = _Version.read(self._setting, self._file)
        if version == self._version:
            return
        # If the file changes meanwhile, it is still being written: the next check reads it again.
        time.sleep(SETTLE_SECONDS)
        if _Version.read(self._setting, self._file) != version:
            return
        self._version = version
        self._problems = version.problems or self._replace(version.content)
        if self._problems:
            log.error(f"{self._name} is invalid; the previous version stays in effect", problems=self._problems)
        else:
            log.info(f"{self._name} was reloaded", file=self._file)

    def _replace(self, content: bytes) -> tuple[str, ...]:
        """Put this content in force, or return its mistakes."""
        try:
            self._content = self._parse(content)
        except ConfigurationError as error:
            return error.problems
        return ()
