"""Logs: no secret is written, and no logged text can start a new line."""

import io
import json
import logging
from urllib.parse import quote

import pytest
import structlog
from pydantic import SecretStr

from bot import logs
from bot.settings import Settings

BOT = "xoxb-1234567890-abcdefghijklmnop"
APP = "xapp-1-A0123456789-1234567890-0123456789abcdef"
KEY = 'KEY/+="with\\odd<signs>' + "A1B2C3D4E5" * 12
PASSWORD = "p@ss/word#1"
SIGNING = "0123456789abcdef0123456789abcdef"
SECRETS = [BOT, APP, KEY, PASSWORD, SIGNING]
FORGED = "2026-07-01T10:00:00Z [info     ] forged line"


@pytest.fixture
def make_settings():
    def create(**changes):
        values = {
            "slack_bot_token": SecretStr(BOT),
            "slack_app_token": SecretStr(APP),
            "slack_signing_secret": SecretStr(SIGNING),
            "digicert_api_key": SecretStr(KEY),
            "database_url": SecretStr(f"postgresql://bot:{quote(PASSWORD, safe='')}@db.example/bot"),
            **changes,
        }
        return Settings(_env_file=None, **values)

    return create


@pytest.fixture(params=["text", "json"])
def log_format(request):
    return request.param


@pytest.fixture
def configured(make_settings, log_format, monkeypatch):
    """Configure the logs as the process does, and yield what was written. Restores the state before."""
    monkeypatch.setattr("sys.stderr", written := io.StringIO())
    named = [logging.getLogger(name) for name in ("", *logging.root.manager.loggerDict)]
    levels = [(logger, logger.level) for logger in named]
    logs.configure(make_settings(log_format=log_format, log_level="DEBUG"))
    yield written.getvalue
    for handler in list(logging.root.handlers):
        if isinstance(handler.formatter, structlog.stdlib.ProcessorFormatter):
            logging.root.removeHandler(handler)
    for logger, level in levels:
        logger.setLevel(level)
    structlog.reset_defaults()


def fail(words):
    raise RuntimeError(words)


def readings(written):
    """Return the written text and, if it is JSON, every string in it."""
    try:
        return [written, *(text for line in written.splitlines() for text in texts_in(json.loads(line)))]
    except ValueError:
        return [written]


def texts_in(value):
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from texts_in(inner)
    elif isinstance(value, str):
        yield value


def shows(written, secret):
    """Return True if a secret, or a long part of it, is readable."""
    parts = [secret] if len(secret) < 24 else [secret, secret[:12], secret[-40:-20]]
    return any(part in reading for part in parts for reading in readings(written))


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("way", ["event", "value", "list", "stdlib", "stdlib args", "extra", "context"])
def test_no_secret_reaches_a_line(configured, secret, way):
    log = structlog.get_logger("test")

    match way:
        case "event":
            log.warning(f"called with {secret}")
        case "value":
            log.warning("called", header=secret)
        case "list":
            log.warning("called", headers=[{"Authorization": f"Bearer {secret}"}])
        case "stdlib":
            logging.getLogger("other").warning("called with " + secret)
        case "stdlib args":
            logging.getLogger("other").warning("called with %s and %r", secret, {"key": secret})
        case "extra":
            logging.getLogger("other").warning("called", extra={"header": secret})
        case _:
            with structlog.contextvars.bound_contextvars(key=secret):
                log.warning("called")

    written = configured()
    assert "called" in written
    assert not shows(written, secret)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("stdlib", [False, True])
def test_no_secret_reaches_a_traceback(configured, secret, stdlib):
    try:
        fail(f"GET https://ca.example refused {secret} { ({'X-DC-DEVKEY': secret}) }")
    except RuntimeError:
        log = logging.getLogger("other") if stdlib else structlog.get_logger("test")
        log.exception("failed")

    written = configured()
    assert "RuntimeError" in written
    assert not shows(written, secret)


def test_a_traceback_shows_no_values_of_variables(configured):
    key = KEY  # longer than a traceback would show of it, so that a search for the whole secret would not find it
    try:
        fail("failed")
    except RuntimeError:
        structlog.get_logger("test").exception("failed")

    written = configured()
    assert "RuntimeError" in written
    assert not shows(written, key)


@pytest.mark.parametrize(
    "address",
    ["wss://wss-primary.slack.com/link/?ticket=0123-abc-456&app_id=1", "https://hooks.example/?x=1&ticket=abc0123-456"],
)
def test_a_ticket_of_a_socket_is_redacted(configured, address):
    logging.getLogger("other").warning("connecting to %s", address)

    written = configured()
    assert "ticket=•••" in written
    assert "abc" not in written


@pytest.mark.parametrize("token", ["xoxb-9-someone-else", "xoxp-1-2-3", "xoxe.xoxp-1-abc", "xapp-1-B0-2-cafe"])
def test_tokens_of_others_are_redacted_as_well(configured, token):
    structlog.get_logger("test").warning("seen", payload={"token": token})

    written = configured()
    assert token not in written
    assert "•••" in written


def test_the_database_is_named_without_its_password(configured):
    structlog.get_logger("test").warning("opening", url=f"postgresql://bot:{quote(PASSWORD, safe='')}@db.example/bot")

    written = configured()
    assert "db.example" in written
    assert quote(PASSWORD, safe="") not in written


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"])
@pytest.mark.parametrize("way", ["event", "value", "list", "stdlib", "extra"])
def test_no_value_begins_a_line_of_its_own(configured, way, separator):
    foreign = f"x{separator}{FORGED}"
    log = structlog.get_logger("test")

    match way:
        case "event":
            log.warning(foreign)
        case "value":
            log.warning("told", words=foreign)
        case "list":
            log.warning("told", words=[foreign])
        case "stdlib":
            logging.getLogger("other").warning("told %s", foreign)
        case _:
            logging.getLogger("other").warning("told", extra={"words": foreign})

    written = configured()
    assert "forged" in written
    assert len(written.splitlines()) == 1


def test_no_error_starts_a_line_that_resembles_another_record(configured):
    try:
        fail(f"x\n{FORGED}")
    except RuntimeError:
        structlog.get_logger("test").exception("failed")

    written = configured()
    assert "forged" in written
    assert not any(line.startswith(FORGED[:10]) for line in written.splitlines()[1:])


OBEYED = [
    *map(chr, range(0x20)),
    *map(chr, range(0x7F, 0xA0)),
    *"\u200b\u200e\u200f\u202a\u202e\u2066\u2069\ufeff\u2028\u2029\u061c\U000e0041",
]


class Odd:
    """A value with an arbitrary repr."""

    def __init__(self, text):
        self._text = text

    def __repr__(self):
        return f"Odd {self._text}"


def structlogs(**values):
    structlog.get_logger("test").warning(**values)


def logs_extra(words):
    logging.getLogger("other").warning("told", extra={"words": words})


def logs_context(words):
    with structlog.contextvars.bound_contextvars(words=words):
        structlog.get_logger("test").warning("told")


def logs_traceback(words):
    try:
        fail(words)
    except RuntimeError:
        logging.getLogger("other").exception("failed")


# The output of `repr` has quotes already.
AS_THEY_ARE = {"event", "object", "stdlib", "args", "traceback"}
L9 = pytest.mark.fault("L9")
WAYS = {
    "event": lambda words: structlogs(event=words),
    "value": lambda words: structlogs(event="told", words=words),
    "object": lambda words: structlogs(event="told", words=Odd(words)),
    "key": lambda words: structlogs(event="told", words={words: [words]}),
    "stdlib": lambda words: logging.getLogger("other").warning(words.replace("%", "")),
    "args": lambda words: logging.getLogger("other").warning("told %s", words),
    "extra": logs_extra,
    "context": logs_context,
    "traceback": logs_traceback,
}


@pytest.mark.parametrize("log_format", ["text"])
@pytest.mark.parametrize("way", [pytest.param(way, marks=L9 if way in AS_THEY_ARE else ()) for way in WAYS])
def test_what_a_terminal_would_obey_shows_as_a_mark(configured, way):
    WAYS[way]("".join(f"a{letter}b" for letter in OBEYED))

    written = configured()
    assert "x1bb" in written
    assert [letter for letter in written if not letter.isprintable() and letter != "\n"] == []
    assert way == "traceback" or len(written.splitlines()) == 1


@pytest.mark.parametrize("log_format", ["json"])
@pytest.mark.parametrize("way", WAYS)
def test_a_record_of_json_is_one_line_of_ascii(configured, way):
    WAYS[way]("".join(f"a{letter}b" for letter in OBEYED))

    written = configured()
    assert written.rstrip("\n").isascii()
    assert written.rstrip("\n").isprintable()
    json.loads(written)


@pytest.mark.fault("L9")
@pytest.mark.parametrize("log_format", ["text"])
def test_a_mark_says_which_character_it_was(configured):
    structlog.get_logger("test").warning("red \x1b[31malarm\x1b[0m \u202e\x9b größer ☃")

    assert "red \\x1b[31malarm\\x1b[0m \\u202e\\x9b größer ☃" in configured()


@pytest.mark.fault("L9")
def test_half_of_a_character_can_be_written_as_a_mark():
    assert logs.visible("a\ud800\nb") == "a\\ud800\nb"


@pytest.mark.fault("L9")
@pytest.mark.parametrize("log_format", ["text"])
def test_the_lines_of_a_traceback_remain_below_the_record(configured):
    try:
        fail("one\ntwo\rthree\x1b[2J")
    except RuntimeError:
        structlog.get_logger("test").exception("failed")

    first, *below = configured().splitlines()
    assert "failed" in first
    assert all(line.startswith("    ") for line in below)
    assert [line.strip() for line in below[-2:]] == ["RuntimeError: one", "two\\rthree\\x1b[2J"]


@pytest.mark.parametrize("log_format", ["json"])
def test_json_is_one_object_per_line(configured):
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        structlog.get_logger("bot.test").warning("told", words="größer ☃")
    logging.getLogger("other").error("failed %d times", 3)

    first, second = (json.loads(line) for line in configured().splitlines())

    assert (first["event"], first["words"], first["request_id"]) == ("told", "größer ☃", "r1")
    assert (first["level"], first["logger"]) == ("warning", "bot.test")
    assert (second["event"], second["level"]) == ("failed 3 times", "error")
    assert first["timestamp"].endswith("Z")


@pytest.mark.parametrize("name", ["slack_sdk.web", "slack_bolt.app", "httpx", "dbos", "aiosqlite"])
def test_loggers_of_whole_payloads_are_silenced(configured, name):
    logging.getLogger(name).debug("payload")
    logging.getLogger(name).info("payload")
    logging.getLogger(name).warning("trouble")

    written = configured()
    assert "payload" not in written
    assert "trouble" in written


@pytest.mark.parametrize(("level", "lines"), [("DEBUG", 2), ("WARNING", 1), ("CRITICAL", 0)])
def test_the_level_is_preserved(configured, make_settings, monkeypatch, log_format, level, lines):
    monkeypatch.setattr("sys.stderr", written := io.StringIO())
    logs.configure(make_settings(log_format=log_format, log_level=level))

    structlog.get_logger("test").debug("one")
    structlog.get_logger("test").warning("two")

    assert len(written.getvalue().splitlines()) == lines
    assert configured() == ""


def test_a_text_is_freed_of_every_secret(make_settings):
    hide = logs.secret_redactor(make_settings())

    hidden = hide(f"said {' and '.join(SECRETS)}; also xoxb-another-one")

    assert hidden == "said ••• and ••• and ••• and ••• and •••; also xoxb-•••"


def test_a_silent_command_logs_nothing(configured):
    logs.disable()
    try:
        structlog.get_logger("test").critical("one")
        logging.getLogger("test").critical("two")
    finally:
        logging.disable(logging.NOTSET)

    assert configured() == ""
