"""The digest file: which channel gets which domains when, read from TOML. Pure.

Each mistake becomes one line that names the digest and the correction.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import time
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from bot.errors import ConfigurationError, InvalidInput
from bot.parsing.domain_names import is_subdomain_of
from bot.parsing.targets import quoted, read_name

SETTING = "DCV_DIGEST_FILE"
UTC_ZONE = ZoneInfo("UTC")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_KEYS = "channel, names, owner, at, timezone, days, mention_below and quiet"
_AT = re.compile(rf"(?:({'|'.join(DAYS)}) )?([01]\d|2[0-3]):([0-5]\d)")
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class DigestTime:
    """A local time at which a digest is due. `weekday` is 0 for Monday, None for every day."""

    at: time
    weekday: int | None = None


@dataclass(frozen=True, slots=True)
class QuietTime:
    """A time without warnings: a whole weekday, or the hours from `start` to `end`, which may be on the next day."""

    weekday: int | None = None
    start: time = time()
    end: time = time()


@dataclass(frozen=True, slots=True)
class DigestRule:
    """One digest. `names` is None for every name that no other digest covers.

    `owner` is a user or a user group that is mentioned from `mention_below` days before an end on. `days` are the
    thresholds, the largest first: a domain is in the digest from the largest on.
    """

    channel: str
    names: tuple[str, ...] | None = None
    owner: str | None = None
    due: DigestTime = DigestTime(time(9), 0)
    timezone: ZoneInfo = UTC_ZONE
    days: tuple[int, ...] = (30, 14, 7, 1)
    mention_below: int = 7
    quiet: tuple[QuietTime, ...] = ()

    @property
    def horizon(self) -> int:
        """Return how many days ahead the digest lists."""
        return self.days[0]


def rule_for(name: str, rules: tuple[DigestRule, ...]) -> DigestRule | None:
    """Return the digest that lists a name: the first whose names cover it, else the one without names, else None."""
    covering = (rule for rule in rules if rule.names and any(_matches(name, each) for each in rule.names))
    return next(covering, None) or next((rule for rule in rules if rule.names is None), None)


def default_rule(channel: str) -> DigestRule:
    """Return the digest of DCV_DIGEST_CHANNEL: every name, on Mondays at 09:00 UTC."""
    return DigestRule(channel)


def parse_digests(text: str) -> tuple[DigestRule, ...]:
    """Return the digests of a TOML text. Raises ConfigurationError with one line per mistake."""
    try:
        written = _FileSchema.model_validate(tomllib.loads(text)).digest
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError([f"{SETTING}: it isn't valid TOML: {error}."]) from None
    except ValidationError as error:
        raise ConfigurationError(list(_problems(error.errors(include_url=False, include_input=False)))) from None
    rules = tuple(each.rule() for each in written)
    if sum(rule.names is None for rule in rules) > 1:
        raise ConfigurationError([f"{SETTING}: two digests have no names. Only one can cover all other names."])
    if len({rule.channel for rule in rules}) < len(rules):
        raise ConfigurationError([f"{SETTING}: two digests have the same channel. Merge them."])
    return rules


def _matches(name: str, pattern: str) -> bool:
    if pattern.startswith("*."):
        return name != pattern[2:] and is_subdomain_of(pattern[2:], name)
    return name == pattern


def _wrong(sentence: str) -> PydanticCustomError:
    """Return an error whose message is shown literally, even if it contains braces."""
    return PydanticCustomError("digest", "{sentence}", {"sentence": sentence})


def _shown(value: object) -> str:
    return quoted(value if isinstance(value, str) else "")


def _read_id(letters: str, sentence: str) -> AfterValidator:
    def read(value: str) -> str:
        if re.fullmatch(f"[{letters}][A-Z0-9]+", value):
            return value
        raise _wrong(f"{_shown(value)} {sentence}")

    return AfterValidator(read)


def _read_pattern(value: str) -> str:
    try:
        bare = read_name(value.removeprefix("*."))
    except InvalidInput as error:
        raise _wrong(str(error).rstrip(".")) from None
    return f"*.{bare}" if value.startswith("*.") else bare


def _read_due(value: str) -> str:
    if _AT.fullmatch(value):
        return value
    raise _wrong(f'{_shown(value)} is no time. Write at = "09:00" or at = "Mon 09:00"')


def _read_timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (OSError, ValueError, LookupError):
        raise _wrong(f"{_shown(value)} is no known time zone. Write for example Europe/Berlin") from None
    return value


def _read_days(value: list[int]) -> list[int]:
    if value and all(1 <= day <= 366 for day in value):
        return sorted(set(value), reverse=True)
    raise _wrong("days takes numbers from 1 to 366, such as [30, 14, 7, 1]")


def _read_quiet(value: str) -> str:
    if value in DAYS or _HOURS.fullmatch(value):
        return value
    raise _wrong(f'{_shown(value)} is no quiet time. Write hours such as "18:00-08:00", or a day such as "Sat"')


class _DigestSchema(BaseModel):
    """One `[[digest]]` as it was written."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    channel: Annotated[str, _read_id("CG", "is no channel ID. Copy it from the bottom of the channel details in Slack")]
    names: Annotated[list[Annotated[str, AfterValidator(_read_pattern)]] | None, Field(min_length=1)] = None
    owner: Annotated[str, _read_id("SUW", "is no ID of a user group or a person, such as S012SHOPSRE")] | None = None
    at: Annotated[str, AfterValidator(_read_due)] = "Mon 09:00"
    timezone: Annotated[str, AfterValidator(_read_timezone)] = "UTC"
    days: Annotated[list[int], AfterValidator(_read_days)] = [30, 14, 7, 1]
    mention_below: Annotated[int, Field(ge=0, le=366)] = 7
    quiet: list[Annotated[str, AfterValidator(_read_quiet)]] = []

    def rule(self) -> DigestRule:
        return DigestRule(
            channel=self.channel,
            names=None if self.names is None else tuple(self.names),
            owner=self.owner,
            due=_due(self.at),
            timezone=ZoneInfo(self.timezone),
            days=tuple(self.days),
            mention_below=self.mention_below,
            quiet=tuple(map(_quiet, self.quiet)),
        )


class _FileSchema(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    digest: Annotated[list[_DigestSchema], Field(min_length=1)]


def _due(text: str) -> DigestTime:
    day, _, clock = text.rpartition(" ")
    return DigestTime(time.fromisoformat(clock), DAYS.index(day) if day else None)


def _quiet(text: str) -> QuietTime:
    if text in DAYS:
        return QuietTime(weekday=DAYS.index(text))
    start, _, end = text.partition("-")
    return QuietTime(start=time.fromisoformat(start), end=time.fromisoformat(end))


def _problems(errors: list[ErrorDetails]) -> Iterator[str]:
    for error in errors:
        match error["loc"]:
            case ("digest", int(index), *rest):
                yield f"{SETTING}: digest {index + 1}: {_sentence(error, rest)}."
            case (str(key),) if key != "digest":
                yield f"{SETTING}: unknown key “{key}”. Write each digest below a line [[digest]]."
            case _:
                yield f"{SETTING}: write each digest below a line [[digest]]."


def _sentence(error: ErrorDetails, location: list[Any]) -> str:
    key = next((str(part) for part in location if isinstance(part, str)), "")
    match error["type"]:
        case "digest":
            return error["msg"]
        case "extra_forbidden":
            return f"unknown key “{key}”; the keys are {_KEYS}"
        case "missing":
            return f"{key} is missing"
        case "too_short":
            return f"{key} is empty and matches nothing: fill it, or remove the line"
        case _:
            return _KINDS.get(key, f"{key} takes text in quotes")


_KINDS = {
    "names": 'names takes a list such as ["shop.example.com", "*.shop.example.com"]',
    "days": "days takes numbers from 1 to 366, such as [30, 14, 7, 1]",
    "mention_below": "mention_below takes a number of days from 0 to 366",
    "quiet": 'quiet takes a list such as ["18:00-08:00", "Sat", "Sun"]',
}
