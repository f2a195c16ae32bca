"""The digest loader: DCV_DIGEST_CHANNEL and the digest file, which is reloaded when its content changes."""

from collections.abc import Sequence

from attrs import define

from bot.expiry.digest_file import SETTING, DigestRule, default_rule, parse_digests
from bot.services.operations.config_files import decode, read_config_file
from bot.services.operations.reloaded_file import RELOAD_SECONDS, ReloadedFile

Digests = tuple[DigestRule, ...]


@define(eq=False, repr=False, slots=False)
class DigestLoader:
    """The digests in force. A valid new version of the file counts within a second; a broken version never does.

    The constructor reads the file, which may block, so call it in a thread. It raises ConfigurationError with one line
    per mistake.
    """

    _path: str | None = None
    _channel: str | None = None
    _reload_seconds: float = RELOAD_SECONDS

    def __attrs_post_init__(self) -> None:
        self._file: ReloadedFile[Digests] | None = None
        if path := self._path:
            self._file = ReloadedFile(
                SETTING, path, lambda content: _parse(path, content), "the digest file", self._reload_seconds
            )

    @property
    def problems(self) -> tuple[str, ...]:
        """Return why the current file is ignored, while the version before it stays in force; empty if it is valid."""
        return self._file.problems if self._file else ()

    async def digests(self) -> Digests:
        """Return the digests as of the last second."""
        return with_default(await self._file.content() if self._file else (), self._channel)


def with_default(of_file: Sequence[DigestRule], channel: str | None) -> Digests:
    """Return the digests of the file, and that of DCV_DIGEST_CHANNEL for the names that no other one covers.

    The file goes first: if it has a digest without names, or one for that channel, the setting adds nothing.
    """
    covers_all = any(rule.names is None or rule.channel == channel for rule in of_file)
    return (*of_file, *([default_rule(channel)] if channel and not covers_all else []))


def read_digests(file: str) -> Digests:
    """Return the digests of a file. Blocks, so call it in a thread.

    Raises ConfigurationError with one line per mistake.
    """
    return _parse(file, read_config_file(SETTING, file))


def _parse(file: str, content: bytes) -> Digests:
    return parse_digests(decode(SETTING, file, content))
