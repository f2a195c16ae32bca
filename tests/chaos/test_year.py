"""A simulated year of digests: two instances on PostgreSQL, of which only the calendar leaps.

Leases, limits and ages stay real, and the Date headers of both local servers follow the calendar. `make test` plays
eight days around a change to summer time, `make chaos` the whole year.
"""

import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sandbox.certcentral import CertCentral
from sandbox.slack import Channel, Message, Slack
from sandbox.slack.workspace.manifest import Manifest
from tests.chaos.conftest import SHORT
from tests.chaos.skewed_bot import SkewedBot
from tests.e2e.conftest import MANIFEST

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC")
AT = 9
MINUTE, DAY, WEEK = timedelta(minutes=1), timedelta(days=1), timedelta(days=7)
LATE = 60.0
MESSAGE_SECONDS = 30.0
# Each domain is validated again so long after its end, for so many days.
PAUSE, REUSE = timedelta(hours=30), timedelta(days=61)


@dataclass(frozen=True)
class Expected:
    """A message that must appear within a minute of its time, once."""

    at: datetime
    zone: str
    is_warning: bool


class LeapingCalendar:
    """The clock of both local servers and of the bots, which read it from a file."""

    def __init__(self, file: Path, begin: datetime) -> None:
        self._file, self._ahead = file, 0.0
        self.leap_to(begin)

    def unix(self) -> float:
        return time.time() + self._ahead

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.unix(), UTC)

    def leap_to(self, moment: datetime) -> None:
        self._ahead += (moment - self.now()).total_seconds()
        new = self._file.with_suffix(".new")
        new.write_text(str(self._ahead))
        # A bot must never read half of it.
        os.replace(new, self._file)


def digests(zone: str, begin: datetime, end: datetime) -> Iterator[Expected]:
    """Yield the digests of each Monday, by the local clock."""
    day = begin.date() - DAY
    while day <= end.date():
        moment = datetime(day.year, day.month, day.day, AT, tzinfo=ZoneInfo(zone)).astimezone(UTC)
        if day.weekday() == 0 and begin < moment < end:
            yield Expected(moment, zone, False)
        day += DAY


def warnings(zone: str, ends: datetime, begin: datetime) -> Iterator[Expected]:
    """Yield the warnings of one end, by looking at every minute of its last seven days."""
    warned: set[date] = set()
    moment = ends - WEEK
    while moment < ends:
        local, last = moment.astimezone(ZoneInfo(zone)), ends.astimezone(ZoneInfo(zone))
        is_quiet = local.hour >= 18 or local.hour < 8
        of_weekend = local.weekday() < 5 or (last.date() - local.date()).days <= 6 - local.weekday()
        may = ends - moment <= DAY or (not is_quiet and of_weekend)
        if local.hour >= AT and local.date() not in warned and may and moment > begin:
            warned.add(local.date())
            yield Expected(moment, zone, True)
        moment += MINUTE


def ends_of(number: int, begin: datetime, end: datetime) -> list[datetime]:
    """Return when the domain of a zone ends: at whole minutes, on different days and at different times."""
    first = begin + timedelta(days=4 + 3 * number, hours=5 * number, minutes=7)
    count = int((end - first) / (PAUSE + REUSE)) + 1
    return [first + index * (PAUSE + REUSE) for index in range(count)]


@dataclass(frozen=True)
class PlayedYear:
    """What is played: the time, the zones, and a name for the domain and the channel of each."""

    begin: datetime
    end: datetime
    zones: tuple[str, ...]

    @property
    def names(self) -> dict[str, str]:
        return {zone: zone.split("/")[-1].lower().replace("_", "-") for zone in self.zones}


@pytest.fixture
def year(request: pytest.FixtureRequest) -> PlayedYear:
    """The whole year in the long form, else eight days around the change to summer time in America."""
    if request.config.getoption("--schedules", SHORT) > SHORT:
        return PlayedYear(datetime(2026, 11, 29, 20, tzinfo=UTC), datetime(2027, 11, 30, tzinfo=UTC), ZONES)
    return PlayedYear(datetime(2027, 3, 7, 20, tzinfo=UTC), datetime(2027, 3, 15, 16, tzinfo=UTC), ZONES[1:2])


@pytest.fixture
async def servers(
    year: tuple[datetime, datetime], tmp_path: Path
) -> AsyncIterator[tuple[LeapingCalendar, Slack, CertCentral]]:
    calendar = LeapingCalendar(tmp_path / "ahead", year.begin)
    async with Slack(clock=calendar.unix) as slack, CertCentral(now=calendar.now) as certcentral:
        Manifest.read(MANIFEST).install(slack)
        yield calendar, slack, certcentral


async def test_each_digest_and_each_warning_appears_once_in_time(
    year: PlayedYear, servers: tuple[LeapingCalendar, Slack, CertCentral], postgresql_url: str, tmp_path: Path
) -> None:
    begin, end, zones = year.begin, year.end, year.zones
    calendar, slack, certcentral = servers
    channels = {zone: slack.add_channel(name) for zone, name in year.names.items()}
    ends = {zone: ends_of(number, begin, end) for number, zone in enumerate(zones)}
    for number, name in enumerate(year.names.values(), 1):
        certcentral.add_domain(number, f"{name}.example.com", pending=False, validated_until=end)
    _renew(certcentral, ends, begin)
    of_zones = [
        [*digests(zone, begin, end), *(each for at in ends[zone] for each in warnings(zone, at, begin))]
        for zone in zones
    ]
    expected = sorted((each for some in of_zones for each in some if each.at < end), key=lambda each: each.at)
    async with AsyncExitStack() as stack:
        for bot in _bots(slack, certcentral, year, channels, postgresql_url, tmp_path):
            stack.push_async_callback(bot.ensure_stopped)
            await bot.start()
        await slack.wait_for(lambda: slack.sockets == 2, "both instances", 60.0)
        found: list[Message] = []
        for number, each in enumerate(expected):
            _renew(certcentral, ends, each.at)
            if each.at - timedelta(seconds=1) > calendar.now():
                calendar.leap_to(each.at - timedelta(seconds=1))
            await slack.wait_for(
                lambda wanted=number + 1: len(_messages(channels)) >= wanted,
                f"message {number}: {each}",
                MESSAGE_SECONDS,
            )
            found = _messages(channels)
            assert len(found) == number + 1, [message.text[:80] for message in found[-3:]]

    late = [
        (each, float(message.ts) - each.at.timestamp())
        for each, message in zip(expected, found, strict=True)
        if not -1.0 <= float(message.ts) - each.at.timestamp() <= LATE
    ]
    assert late == []
    assert _counted(found, channels) == Counter((each.zone, each.is_warning) for each in expected)
    assert {bool(each.is_warning) for each in expected} == {True, False}
    assert slack.problems == []


def _bots(
    slack: Slack, certcentral: CertCentral, year: PlayedYear, channels: dict[str, Channel], url: str, folder: Path
) -> Iterator[SkewedBot]:
    rule = '[[digest]]\nchannel = "{}"\nnames = ["{}.example.com"]\nat = "Mon 0{}:00"\ntimezone = "{}"\n{}\n'
    quiet = 'quiet = ["18:00-08:00"]'
    file = folder / "digests.toml"
    file.write_text("".join(rule.format(channels[zone].id, name, AT, zone, quiet) for zone, name in year.names.items()))
    for name in ("one", "two"):
        settings = {
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_APP_TOKEN": slack.app_token,
            "SLACK_API_URL": slack.api_url,
            "DIGICERT_API_KEY": certcentral.key,
            "DIGICERT_BASE_URL": certcentral.url,
            "DATABASE_URL": url,
            "DCV_DIGEST_FILE": str(file),
            "DCV_INSTANCE": name,
            "LOG_FORMAT": "json",
        }
        yield SkewedBot(settings, folder / f"{name}.log", ("skewed-bot", "run", str(folder / "ahead")))


def _renew(certcentral: CertCentral, ends: dict[str, list[datetime]], now: datetime) -> None:
    """Give each domain its next end, from PAUSE after the one before."""
    for domain, mine in zip(certcentral.domains.values(), ends.values(), strict=True):
        at = next((each for each in mine if now < each + PAUSE), mine[-1])
        # A validation that is never older than a rule allows, so that its end is the listed one.
        domain.validated_until, domain.approved = at, at - timedelta(days=8)


def _messages(channels: dict[str, Channel]) -> list[Message]:
    """Return every digest and warning, in the order in which they appeared."""
    return sorted((message for each in channels.values() for message in each.messages), key=lambda each: float(each.ts))


def _counted(found: list[Message], channels: dict[str, Channel]) -> Counter[tuple[str, bool]]:
    zones = {channel.id: zone for zone, channel in channels.items()}
    return Counter((zones[message.channel.id], "within 7 days" in message.text) for message in found)
