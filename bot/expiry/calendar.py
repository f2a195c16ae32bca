"""The calendar of industry rules: how long a validation holds from which day on, read from a TOML file. Pure."""

import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from importlib.resources import files
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from bot.errors import ConfigurationError

SETTING = "DCV_VALIDITY_FILE"
# Methods as CertCentral names them in `dcv_method`. A file may forbid others, for example a future one.
_METHOD = r"^[a-z][a-z0-9-]{0,39}$"
_SENTENCES = {
    "missing": "{key} is missing",
    "extra_forbidden": "unknown key “{key}”; the keys are day, certificate_days, reuse_days, forbid and source",
    "date_type": "day takes a date without quotes, such as 2027-03-15",
    "date_from_datetime_inexact": "day takes a date without a time, such as 2027-03-15",
    "string_pattern_mismatch": 'forbid takes a list of DCV methods, such as ["email"]',
    "list_type": 'forbid takes a list of DCV methods, such as ["email"]',
}
_OF_KEY = {
    "certificate_days": "certificate_days takes a whole number of days from 1 to 9999",
    "reuse_days": "reuse_days takes a whole number of days from 1 to 9999",
    "source": "source takes text in quotes",
}


class ValidityRule(BaseModel):
    """A rule in force from `day` (00:00 UTC). `forbid` are methods that end then; their validations stop counting."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    day: date
    certificate_days: int = Field(ge=1, le=9999)
    reuse_days: int = Field(ge=1, le=9999)
    forbid: list[Annotated[str, Field(pattern=_METHOD)]] = Field(default=[])
    source: str = Field(min_length=1)

    @property
    def starts(self) -> datetime:
        """Return the moment at which the rule comes into force."""
        return datetime.combine(self.day, time(), UTC)


class Calendar(BaseModel):
    """Every rule, in the order of the file."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    rule: list[ValidityRule] = Field(min_length=1)


def parse_calendar(text: str) -> Calendar:
    """Return the calendar in this TOML text. Raises ConfigurationError with one line per mistake."""
    try:
        return Calendar.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError([f"{SETTING}: it isn't valid TOML: {error}."]) from None
    except ValidationError as error:
        raise ConfigurationError(list(_problems(error.errors()))) from None


def shipped_calendar() -> Calendar:
    """Return the calendar in the package: the Baseline Requirements' rules and DigiCert's."""
    return parse_calendar(files("bot.expiry").joinpath("validity.toml").read_text("utf-8"))


def _problems(errors: list[ErrorDetails]) -> Iterator[str]:
    for error in errors:
        location = error["loc"]
        if len(location) < 2 or not isinstance(location[1], int):
            yield f"{SETTING}: write each rule below a line [[rule]]."
            continue
        key = str(location[2]) if len(location) > 2 else ""
        yield f"{SETTING}: rule {location[1] + 1}: {_sentence(error, key)}."


def _sentence(error: Any, key: str) -> str:
    known = _SENTENCES.get(error["type"]) or _OF_KEY.get(key) or "{key} can't be read"
    return known.format(key=key)
