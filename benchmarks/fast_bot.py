"""The bot in a process whose time leaps a minute for each SIGUSR1, so that hours take minutes.

Its clock and the timers of its event loop leap together. Work that comes due in a leap runs at its usual pace.
The bot itself is unchanged.
"""

import asyncio
import signal
from datetime import datetime, timedelta

from bot import logs
from bot.clock import utc_now
from bot.metrics import Metrics
from bot.settings import SocketModeSettings
from handlers.server.serve import run
from handlers.transport.socket_mode import SocketMode

LEAP = timedelta(minutes=1)


class LeapingLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is ahead by the sum of its leaps."""

    ahead = timedelta()

    def time(self) -> float:
        """Return the seconds of a monotonic clock, including the leaps."""
        return super().time() + self.ahead.total_seconds()

    def clock(self) -> datetime:
        """Return the bot's current time, in UTC."""
        return utc_now() + self.ahead

    def leap(self) -> None:
        """Advance the time by LEAP, so that timers within it come due now."""
        self.ahead += LEAP


def main() -> None:
    """Serve until SIGTERM."""
    settings = SocketModeSettings.load()
    logs.configure(settings)
    loop = LeapingLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        loop.add_signal_handler(signal.SIGUSR1, loop.leap)
        runner.run(run(settings, SocketMode(settings), Metrics(), loop.clock, loop.clock))


if __name__ == "__main__":
    main()
