"""The policy loader: the settings' lists and the policy file, which is reloaded when its content changes."""

import asyncio
import time
from dataclasses import dataclass, replace

import structlog
from attrs import define, field

from bot.errors import ConfigurationError
from bot.policy.rule_file import read_policy
from bot.policy.rules import Rule, Rules
from bot.services.operations.config_files import read_config_file

log = structlog.get_logger(__name__)

RELOAD_SECONDS = 0.7
# An editor may write a file in parts, so a new version counts only after it is unchanged for this long.
SETTLE_SECONDS = 0.15
PATIENCE = 0.3

_SETTING = "DCV_POLICY_FILE"


@dataclass(frozen=True, slots=True)
class _Version:
    """The content of the file at one moment, or the reasons why it cannot be read."""

    content: bytes = b""
    problems: tuple[str, ...] = ()

    @classmethod
    def read(cls, file: str) -> "_Version":
        """Read the file as it is now. Never raises ConfigurationError, but returns its problems."""
        try:
            return cls(read_config_file(_SETTING, file))
        except ConfigurationError as error:
            return cls(problems=error.problems)

    def rules(self, file: str) -> tuple[tuple[Rule, ...], tuple[str, ...]]:
        """Return the rules of this version, or the mistakes that prevent its use."""
        if self.problems:
            return (), self.problems
        try:
            return read_policy(self.content, file), ()
        except ConfigurationError as error:
            return (), error.problems


@define(eq=False, repr=False, slots=False)
class PolicyLoader:
    """The rules in force. A valid new version of the file counts within a second; a broken version never does.

    Files are compared by their content, because two versions may have the same size and time. The constructor reads the
    file, which may block, so call it in a thread. It raises ConfigurationError with one line per mistake.
    """

    _rules: Rules = field(alias="lists")
    _file: str | None = None
    _reload_seconds: float = RELOAD_SECONDS

    def __attrs_post_init__(self) -> None:
        self._version = _Version()
        self._problems: tuple[str, ...] = ()
        self._checked_at = time.monotonic()
        self._reloading: asyncio.Future[None] | None = None
        if self._file:
            self._version = _Version(read_config_file(_SETTING, self._file))
            self._rules = replace(self._rules, of_file=read_policy(self._version.content, self._file))

    @property
    def problems(self) -> tuple[str, ...]:
        """Return why the current file is ignored, while the version before it stays in force; empty if it is valid."""
        return self._problems

    async def rules(self) -> Rules:
        """Return the rules as of the last second. Wait at most PATIENCE seconds for a disk that does not answer."""
        if self._file and (self._reloading or time.monotonic() - self._checked_at >= self._reload_seconds):
            await self._reload(self._file)
        return self._rules

    async def _reload(self, file: str) -> None:
        """Check for a new version in a thread. Concurrent callers share one check."""
        if self._reloading is None:
            self._reloading = asyncio.ensure_future(asyncio.to_thread(self._reread, file))
            self._reloading.add_done_callback(self._checked_file)
        await asyncio.wait({self._reloading}, timeout=PATIENCE)

    def _checked_file(self, reloading: asyncio.Future[None]) -> None:
        self._reloading = None
        self._checked_at = time.monotonic()
        if not reloading.cancelled() and (error := reloading.exception()):
            log.error("the policy file could not be checked", error=str(error))

    def _reread(self, file: str) -> None:
        """Put a new version of the file in force, unless it has a mistake. Blocks, so it runs in a thread."""
        version = _Version.read(file)
        if version == self._version:
            return
        # If the file changes meanwhile, it is still being written: the next check reads it again.
        time.sleep(SETTLE_SECONDS)
        if _Version.read(file) != version:
            return
        self._version = version
        rules, self._problems = version.rules(file)
        if self._problems:
            log.error("the policy file is invalid; the previous version stays in effect", problems=self._problems)
            return
        self._rules = replace(self._rules, of_file=rules)
        log.info("the policy file was reloaded", file=file, rules=[rule.name for rule in rules])


def read_rules(file: str) -> tuple[Rule, ...]:
    """Return the rules of a policy file. Blocks, so call it in a thread.

    Raises ConfigurationError with one line per mistake.
    """
    return read_policy(read_config_file(_SETTING, file), file)
