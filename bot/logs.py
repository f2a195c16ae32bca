"""Logs on standard error, as text for people or JSON for machines; no secret passes through."""

import json
import logging
import re
import sys
from collections.abc import Callable
from urllib.parse import quote, unquote, urlsplit

import structlog
from pydantic import SecretStr
from structlog.types import EventDict, Processor, WrappedLogger

from bot.settings import Settings

_TOKEN = re.compile(r"\b(xox[a-z]-|xapp-|xoxe\.)[A-Za-z0-9-]+|([?&]ticket=)[^&\s\"']+")
_TRACEBACKS = ("exc_info", "exception", "stack")
# These log whole payloads when asked for details.
_TALKATIVE = ("slack_sdk", "slack_bolt", "httpx", "httpcore", "aiosqlite", "dbos", "asyncio", "alembic")


def secret_redactor(settings: Settings) -> Callable[[str], str]:
    """What takes out of a text whatever is, or looks like, one of the secrets."""
    secrets = {form for secret in _secrets(settings) if secret for form in _forms(secret)}
    longest_first = sorted(secrets, key=len, reverse=True)

    def hide(text: str) -> str:
        for secret in longest_first:
            text = text.replace(secret, "•••")
        return _TOKEN.sub(lambda found: f"{found[1] or found[2]}•••", text)

    return hide


def visible(text: str) -> str:
    """Return a text with every character that a terminal would obey or hide as a mark, such as \\x1b; newlines stay.

    Control characters (ESC can rewrite a screen), other line ends, those that turn the direction of writing, and halves
    of characters, which cannot be written at all.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(letter if letter.isprintable() or letter == "\n" else _mark(letter) for letter in text)


def _mark(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")


def disable() -> None:
    """Let nobody log: for a command whose answer says it all."""
    logging.disable(logging.CRITICAL)
    structlog.configure(processors=[_drop])


def _drop(_: WrappedLogger, __: str, ___: EventDict) -> EventDict:
    raise structlog.DropEvent


def configure(settings: Settings) -> None:
    """Send every logger of the process through one formatter."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RedactingFormatter(settings.log_format, secret_redactor(settings)))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


class RedactingFormatter(structlog.stdlib.ProcessorFormatter):
    """Renders a line, tracebacks included, and takes out whatever is or looks like a secret."""

    def __init__(self, form: str, hide: Callable[[str], str]) -> None:
        last: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
        if form == "json":
            # Without the values of variables: of a long one only a part is shown, which no search for secrets finds.
            traceback = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
            last += [structlog.processors.ExceptionRenderer(traceback), structlog.processors.JSONRenderer()]
        else:
            console = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
            last += [_as_text, console]
        super().__init__(processors=last, foreign_pre_chain=_shared())
        self._hide = hide

    def format(self, record: logging.LogRecord) -> str:
        """One log line; below it, indented, the traceback, so that no line of an error looks like another's."""
        return visible(self._hide(super().format(record))).rstrip("\n").replace("\n", "\n    ")


def _secrets(settings: Settings) -> list[str]:
    """Every value that must not be read in a log; of the database's address only the password."""
    held = [
        value.get_secret_value() for name, value in settings if isinstance(value, SecretStr) and name != "database_url"
    ]
    return [*held, unquote(urlsplit(settings.database_url.get_secret_value()).password or "")]


def _forms(secret: str) -> set[str]:
    """How a secret can stand in a line: as it is, in an address, as Python shows a text, and each of them in JSON."""
    written = {secret, quote(secret, safe=""), repr(secret)[1:-1]}
    return written | {json.dumps(form)[1:-1] for form in written}


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
        _one_line,
    ]


class _Shown:
    """A value that shows itself as this text."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _as_text(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """No value begins another line by the way in which it shows itself."""
    return {
        key: value if isinstance(value, str) or key in _TRACEBACKS else _Shown(_joined(repr(value)))
        for key, value in event.items()
    }


def _joined(text: str) -> str:
    return "\\n".join(text.splitlines())


def _one_line(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """No value of a line can begin another one."""
    return {key: _joined(value) if isinstance(value, str) else value for key, value in event.items()}
