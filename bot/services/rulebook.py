"""The rules in force: the settings' lists and the policy file, which is read anew when it changes."""

import asyncio
import os
import time
from dataclasses import replace

import structlog

from bot.errors import CannotStart
from bot.policy import Rule, Rules
from bot.policy_file import LARGEST, read_policy

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
PATIENCE = 0.3

_Stamp = tuple[int, int, int] | None


class Rulebook:
    """Knows the rules; a new version of the file counts within a second, a broken one never does."""

    def __init__(self, lists: Rules, file: str | None = None, look_seconds: float = LOOK_SECONDS) -> None:
        """Reads the file; raises CannotStart with one line per problem where it cannot be used."""
        self._file = file
        self._look_seconds = look_seconds
        self._rules = lists
        self._stamp: _Stamp = None
        self._problems: tuple[str, ...] = ()
        self._looked_at = time.monotonic()
        self._looking: asyncio.Future[None] | None = None
        if file:
            self._stamp = _stamp(file)
            self._rules = replace(lists, of_file=read_rules(file))

    @property
    def problems(self) -> tuple[str, ...]:
        """Why the file as it is now is ignored, and the version before it stays in force; empty while all is well."""
        return self._problems

    async def rules(self) -> Rules:
        """The rules as of the last second; a disk that does not answer keeps nobody waiting."""
        if self._file and (self._looking or time.monotonic() - self._looked_at >= self._look_seconds):
            await self._look(self._file)
        return self._rules

    async def _look(self, file: str) -> None:
        """Look for a new version in a thread, once for all who ask meanwhile."""
        if self._looking is None:
            self._looking = asyncio.ensure_future(asyncio.to_thread(self._reread, file))
            self._looking.add_done_callback(self._looked)
        await asyncio.wait({self._looking}, timeout=PATIENCE)

    def _looked(self, looking: asyncio.Future[None]) -> None:
        self._looking = None
        self._looked_at = time.monotonic()
        if not looking.cancelled() and (error := looking.exception()):
            log.error("the policy file could not be looked at", error=str(error))

    def _reread(self, file: str) -> None:
        stamp = _stamp(file)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            rules = read_rules(file)
        except CannotStart as error:
            self._problems = error.problems
            words = "the policy file is broken; the version before it stays in force"
            log.error(words, problems=error.problems)  # noqa: TRY400 - the lines tell more than a traceback
            return
        self._rules, self._problems = replace(self._rules, of_file=rules), ()
        log.info("the policy file was read anew", file=file, rules=[rule.name for rule in rules])


def read_rules(file: str) -> tuple[Rule, ...]:
    """The rules of a policy file, which must be there; raises CannotStart with one line per problem."""
    try:
        # A pipe would keep the bot waiting for somebody to write.
        descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with open(descriptor, "rb") as opened:
            content = opened.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        why = (getattr(error, "strerror", None) or "its name is no path").lower()
        mend = "Make it a file that the bot may read, or unset DCV_POLICY_FILE"
        raise CannotStart([f"DCV_POLICY_FILE: {file} cannot be read ({why}). {mend}."]) from None
    return read_policy(content, file)


def _stamp(file: str) -> _Stamp:
    """What changes with the file; None where there is none."""
    try:
        seen = os.stat(file)
    except (OSError, ValueError):
        return None
    return seen.st_mtime_ns, seen.st_size, seen.st_ino
