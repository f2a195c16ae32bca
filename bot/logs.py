"""Logs on standard error, as text for people or JSON for machines, without secrets."""

import json
import logging
import re
import sys
from collections.abc import Callable
from urllib.parse import quote, unquote, urlsplit

import stamina
import structlog
from pydantic import SecretStr
from structlog.types import EventDict, Processor, WrappedLogger

from bot.settings import Settings

_TOKEN = re.compile(
    r"""
    \b(xox[a-z]-|xapp-|xoxe\.)[A-Za-z0-9-]+   # a token of Slack
  | ([?&]ticket=)[^&\s\"']+                   # the secret in the address of a WebSocket
    """,
    re.VERBOSE,
)
_TRACEBACKS = ("exc_info", "exception", "stack")
# These loggers write whole payloads at level DEBUG.
_TALKATIVE = ("slack_sdk", "slack_bolt", "httpx", "httpcore", "aiosqlite", "dbos", "asyncio", "alembic")


def secret_redactor(settings: Settings) -> Callable[[str], str]:
    """Return a function that replaces the secrets of the settings, and what looks like a token, in a text."""
    secrets = {form for secret in _secrets(settings) if secret for form in _forms(secret)}
    longest_first = sorted(secrets, key=len, reverse=True)

    def hide(text: str) -> str:
        for secret in longest_first:
            text = text.replace(secret, "•••")
        return _TOKEN.sub(lambda found: f"{found[1] or found[2]}•••", text)

    return hide


def visible(text: str) -> str:
    """Return a text in which characters that a terminal would obey or hide are escaped, such as \\x1b. Newlines stay.

    These are control characters (ESC can rewrite a screen), other line ends, characters that change the direction of
    writing, and lone surrogates, which cannot be encoded.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(letter if letter.isprintable() or letter == "\n" else _mark(letter) for letter in text)


def _mark(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")


def disable() -> None:
    """Switch all logging off, for a command whose output says everything."""
    logging.disable(logging.CRITICAL)
    structlog.configure(processors=[_drop])


def _drop(_: WrappedLogger, __: str, ___: EventDict) -> EventDict:
    raise structlog.DropEvent


def configure(settings: Settings) -> None:
    """Send the output of every logger of the process through one formatter."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RedactingFormatter(settings.log_format, secret_redactor(settings)))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    # What a retried call means is logged where it fails for good.
    stamina.instrumentation.set_on_retry_hooks([])
    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


class RedactingFormatter(structlog.stdlib.ProcessorFormatter):
    """Formatter that removes everything that is or looks like a secret, in tracebacks too."""

    def __init__(self, form: str, hide: Callable[[str], str]) -> None:
        last: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
        if form == "json":
            # Without the values of variables: a long one is cut, and the redactor does not find half a secret.
            traceback = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
            last += [structlog.processors.ExceptionRenderer(traceback), structlog.processors.JSONRenderer()]
        else:
            console = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
            last += [_as_text, console]
        super().__init__(processors=last, foreign_pre_chain=_shared())
        self._hide = hide

    def format(self, record: logging.LogRecord) -> str:
        """Return one log line, and the traceback indented below it, so that no line of an error looks like an entry."""
        return visible(self._hide(super().format(record))).rstrip("\n").replace("\n", "\n    ")


def _secrets(settings: Settings) -> list[str]:
    """Return every value that must not be in a log; of the database's address only the password."""
    values = [
        value.get_secret_value() for name, value in settings if isinstance(value, SecretStr) and name != "database_url"
    ]
    return [*values, unquote(urlsplit(settings.database_url.get_secret_value()).password or "")]


def _forms(secret: str) -> set[str]:
    """Return the forms of a secret in a line: as it is, in a URL, as `repr` shows it, and each of these in JSON."""
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
    """A value whose `repr` is a given text."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _as_text(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Replace the values of an event so that the `repr` of none begins another line."""
    return {
        key: value if isinstance(value, str) or key in _TRACEBACKS else _Shown(_joined(repr(value)))
        for key, value in event.items()
    }


def _joined(text: str) -> str:
    return "\\n".join(text.splitlines())


def _one_line(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Escape line ends in the values of an event, so that none begins another line."""
    return {key: _joined(value) if isinstance(value, str) else value for key, value in event.items()}
