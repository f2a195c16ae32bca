"""Files that settings name: read whole, with one sentence if that is impossible."""

import os
import stat

from bot.errors import ConfigurationError
from bot.expiry.calendar import Calendar, parse_calendar, shipped_calendar
from bot.policy.rule_file import LARGEST


def read_config_file(setting: str, file: str) -> bytes:
    """Return at most LARGEST + 1 bytes of the file: the one byte more shows that it is too large.

    Blocks, so call it in a thread. Raises ConfigurationError if the file cannot be read, or is not a regular file.
    """
    correction = f"Make it a file that the bot can read, or unset {setting}"
    try:
        # Without O_NONBLOCK, opening a pipe would block until a process writes to it.
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
        with open(descriptor, "rb") as opened:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ConfigurationError([f"{setting}: {file} isn't a regular file. {correction}."])
            return opened.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        why = (getattr(error, "strerror", None) or "its name isn't a path").lower()
        raise ConfigurationError([f"{setting}: {file} can't be read ({why}). {correction}."]) from None


def read_calendar(file: str | None) -> Calendar:
    """Return the calendar of DCV_VALIDITY_FILE, or the shipped one. Blocks, so call it in a thread.

    Raises ConfigurationError with one line per mistake.
    """
    if file is None:
        return shipped_calendar()
    return parse_calendar(decode("DCV_VALIDITY_FILE", file, read_config_file("DCV_VALIDITY_FILE", file)))


def decode(setting: str, file: str, content: bytes) -> str:
    """Return the text of a file. Raises ConfigurationError if it is too large, or if it is not UTF-8."""
    if len(content) > LARGEST:
        raise ConfigurationError([f"{setting}: {file} is larger than {LARGEST // 1024} KiB."])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigurationError([f"{setting}: {file} isn't UTF-8 text. Save it as UTF-8."]) from None
