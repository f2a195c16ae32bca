"""The jump of the demo to the day on which the rush of March 2027 comes into sight."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sandbox.bot_process import BotProcess
from sandbox.certcentral.account import Account
from sandbox.certcentral.models import REUSE_PERIOD
from sandbox.slack import Slack

# A Monday, a month before the rule of March 15, 2027.
RUSH = datetime(2027, 2, 15, 9, tzinfo=UTC)
DOMAINS = 120
COMPANY = "northwind.example"
_FIRST_ID = 2001
_TEAMS = ("shop", "pay", "blog", "api", "mail", "status")
_CONNECTING_SECONDS = 60.0


class DemoCalendar:
    """The clock of the local servers: real time, and after a jump so much ahead of it."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        """Return the time in UTC."""
        return datetime.now(UTC) + self.ahead

    def unix(self) -> float:
        """Return the time in Unix seconds."""
        return time.time() + self.ahead.total_seconds()

    def leap_to(self, moment: datetime) -> None:
        """Go to a moment. Does nothing if it is over."""
        self.ahead = max(self.ahead, self.ahead + moment - self.now())


def add_rush(account: Account) -> None:
    """Add DOMAINS domains that were validated in the autumn of 2026, so that the rule of 2027 ends most of them."""
    for number, name in enumerate(_names()):
        approved = datetime(2026, 8, 3, 10, tzinfo=UTC) + timedelta(days=number)
        domain = account.add_domain(
            _FIRST_ID + number,
            name,
            pending=number % 17 == 3,
            validated_until=approved + REUSE_PERIOD,
            created=approved - timedelta(days=30),
        )
        if domain.pending:
            domain.submitted = RUSH - timedelta(days=number % 9)


def _names() -> Iterator[str]:
    for number in range(DOMAINS):
        yield f"{_TEAMS[number % len(_TEAMS)]}{number // len(_TEAMS) + 1}.{COMPANY}"


@dataclass(eq=False)
class DemoJump:
    """The bot of the demo, and the jump that starts it again with the clock of the local servers."""

    slack: Slack
    account: Account
    calendar: DemoCalendar
    settings: dict[str, str]
    bot: BotProcess
    channel_id: str
    owner_id: str
    folder: Path
    is_done: bool = field(default=False, init=False)

    async def jump(self) -> None:
        """Go to RUSH. The bot then posts the digest. Raises ValueError if the demo is there already."""
        if self.is_done:
            raise ValueError("It is February 15, 2027 already.")
        self.is_done = True
        await self.bot.stop()
        self.calendar.leap_to(RUSH)
        add_rush(self.account)
        file = self.folder / "digests.toml"
        names = f'names = ["*.{COMPANY}"]\nat = "Mon 09:00"\n'
        file.write_text(f'[[digest]]\nchannel = "{self.channel_id}"\nowner = "{self.owner_id}"\n{names}')
        ahead = str(self.calendar.ahead.total_seconds())
        command = ("python", "-m", "sandbox.calendar_bot", ahead)
        self.bot = BotProcess({**self.settings, "DCV_DIGEST_FILE": str(file)}, self.bot.log_file, command)
        await self.bot.start()
        await self.slack.wait_for_connection(_CONNECTING_SECONDS)
