"""Runs the bot in a process whose time goes on by leaps: a minute for each SIGUSR1, so that hours take minutes.

Its clock and the timers of its event loop leap together; whatever comes due meanwhile is carried out at its usual pace.
The bot itself knows nothing of it.
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
    """An event loop whose time is as far ahead as it leaped."""

    ahead = timedelta()

    def time(self) -> float:
        """Seconds of a monotonic clock."""
        return super().time() + self.ahead.total_seconds()

    def clock(self) -> datetime:
        """The moment that it is for the bot, in UTC."""
        return utc_now() + self.ahead

    def leap(self) -> None:
        """Let what would come due within the next LEAP come due now."""
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
