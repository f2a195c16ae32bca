"""The policy loader: the settings' lists and the policy file, which is reloaded when its content changes."""

from dataclasses import replace

from attrs import define, field

from bot.policy.rule_file import read_policy
from bot.policy.rules import Rule, Rules
from bot.services.operations.config_files import read_config_file
from bot.services.operations.reloaded_file import RELOAD_SECONDS, ReloadedFile

_SETTING = "DCV_POLICY_FILE"


@define(eq=False, repr=False, slots=False)
class PolicyLoader:
    """The rules in force. A valid new version of the file counts within a second; a broken version never does.

    The constructor reads the file, which may block, so call it in a thread. It raises ConfigurationError with one line
    per mistake.
    """

    _rules: Rules = field(alias="lists")
    _path: str | None = field(default=None, alias="file")
    _reload_seconds: float = RELOAD_SECONDS

    def __attrs_post_init__(self) -> None:
        self._file: ReloadedFile[tuple[Rule, ...]] | None = None
        if path := self._path:
            self._file = ReloadedFile(
                _SETTING, path, lambda content: read_policy(content, path), "the policy file", self._reload_seconds
            )

    @property
    def problems(self) -> tuple[str, ...]:
        """Return why the current file is ignored, while the version before it stays in force; empty if it is valid."""
        return self._file.problems if self._file else ()

    async def rules(self) -> Rules:
        """Return the rules as of the last second. If the disk does not answer, return the earlier ones."""
        if self._file and (of_file := await self._file.content()) is not self._rules.of_file:
            # A new value only if they changed, because it has indexes.
            self._rules = replace(self._rules, of_file=of_file)
        return self._rules


def read_rules(file: str) -> tuple[Rule, ...]:
    """Return the rules of a policy file. Blocks, so call it in a thread.

    Raises ConfigurationError with one line per mistake.
    """
    return read_policy(read_config_file(_SETTING, file), file)
