"""The rules in force: the settings' lists and the policy file, which is read again when its content changes."""

import asyncio
import os
import stat
import time
from dataclasses import dataclass, replace

import structlog
from attrs import define, field

from bot.errors import ConfigurationError
from bot.policy.rule_file import LARGEST, read_policy
from bot.policy.rules import Rule, Rules

log = structlog.get_logger(__name__)

RELOAD_SECONDS = 0.7
# An editor may write a file in parts: a new version counts once it has not changed for so long.
SETTLE_SECONDS = 0.15
PATIENCE = 0.3

_CORRECTION = "Make it a file that the bot may read, or unset DCV_POLICY_FILE"


@dataclass(frozen=True, slots=True)
class _Version:
    """What the file holds at a moment, or why it cannot be read."""

    content: bytes = b""
    problems: tuple[str, ...] = ()

    @classmethod
    def read(cls, file: str) -> "_Version":
        """Read the file as it is now."""
        try:
            return cls(_content(file))
        except ConfigurationError as error:
            return cls(problems=error.problems)

    def rules(self, file: str) -> tuple[tuple[Rule, ...], tuple[str, ...]]:
        """Return its rules, or the mistakes that keep them from being in force."""
        if self.problems:
            return (), self.problems
        try:
            return read_policy(self.content, file), ()
        except ConfigurationError as error:
            return (), error.problems


@define(eq=False, repr=False, slots=False)
class PolicyLoader:
    """The rules in force; a new version of the file counts within a second, a broken one never does.

    Files are compared by their content: two versions may have the same size and time. Making it reads the file, which
    may take a while: make it in a thread. Raises ConfigurationError with one line per mistake if the file cannot be
    used.
    """

    _rules: Rules = field(alias="lists")
    _file: str | None = None
    _look_seconds: float = RELOAD_SECONDS

    def __attrs_post_init__(self) -> None:
        self._observation = _Version()
        self._problems: tuple[str, ...] = ()
        self._looked_at = time.monotonic()
        self._observer: asyncio.Future[None] | None = None
        if self._file:
            self._observation = _Version(_content(self._file))
            self._rules = replace(self._rules, of_file=read_policy(self._observation.content, self._file))

    @property
    def problems(self) -> tuple[str, ...]:
        """Why the file as it is now is ignored, and the version before it stays in force; empty while all is well."""
        return self._problems

    async def rules(self) -> Rules:
        """The rules as of the last second; a disk that does not answer keeps nobody waiting."""
        if self._file and (self._observer or time.monotonic() - self._looked_at >= self._look_seconds):
            await self._reload(self._file)
        return self._rules

    async def _reload(self, file: str) -> None:
        """Look for a new version in a thread, once for all who ask meanwhile."""
        if self._observer is None:
            self._observer = asyncio.ensure_future(asyncio.to_thread(self._reread, file))
            self._observer.add_done_callback(self._checked_file)
        await asyncio.wait({self._observer}, timeout=PATIENCE)

    def _checked_file(self, observer: asyncio.Future[None]) -> None:
        self._observer = None
        self._looked_at = time.monotonic()
        if not observer.cancelled() and (error := observer.exception()):
            log.error("the policy file could not be looked at", error=str(error))

    def _reread(self, file: str) -> None:
        """Put a new version of the file in force, unless it has a mistake; runs in a thread."""
        version = _Version.read(file)
        if version == self._observation:
            return
        time.sleep(SETTLE_SECONDS)
        if _Version.read(file) != version:
            return
        self._observation = version
        rules, self._problems = version.rules(file)
        if self._problems:
            log.error("the policy file is broken; the version before it stays in force", problems=self._problems)
            return
        self._rules = replace(self._rules, of_file=rules)
        log.info("the policy file was read anew", file=file, rules=[rule.name for rule in rules])


def read_rules(file: str) -> tuple[Rule, ...]:
    """Return the rules of a policy file; raises ConfigurationError with one line per mistake. Call it in a thread."""
    return read_policy(_content(file), file)


def _content(file: str) -> bytes:
    """Return what the file holds, and one byte more than a policy may have; raises ConfigurationError."""
    try:
        # A pipe would keep the bot waiting for a writer.
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
        with open(descriptor, "rb") as opened:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ConfigurationError([f"DCV_POLICY_FILE: {file} is no regular file. {_CORRECTION}."])
            return opened.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        why = (getattr(error, "strerror", None) or "its name is no path").lower()
        raise ConfigurationError([f"DCV_POLICY_FILE: {file} cannot be read ({why}). {_CORRECTION}."]) from None
