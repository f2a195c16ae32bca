"""The bot with a clock of its own: `dcv-resend run`, but so many seconds ahead as the file says that it is given."""

import asyncio
import sys
from datetime import datetime, timedelta
from pathlib import Path

from bot import logs
from bot.clock import utc_now
from bot.errors import CannotStart
from bot.metrics import Metrics
from bot.settings import SocketModeSettings
from handlers.doors.socket_mode import SocketMode
from handlers.run import run
from tests.forks import ForkedBot


def main() -> None:
    """Serve until SIGTERM; the file is the only argument. What an operator can mend is told as the command tells it."""
    ahead = Path(sys.argv[1])

    def clock() -> datetime:
        return utc_now() + timedelta(seconds=float(ahead.read_text()))

    settings = SocketModeSettings.load()
    logs.configure(settings)
    try:
        asyncio.run(run(settings, SocketMode(settings), Metrics(), clock))
    except CannotStart as error:
        sys.stderr.writelines(f"{problem}\n" for problem in error.problems)
        sys.exit(2)


class SkewedBot(ForkedBot):
    """A process of it."""

    main = staticmethod(main)
