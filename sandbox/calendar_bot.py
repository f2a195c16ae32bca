"""The bot of the demo after its jump: `dcv-resend run` with a clock that is ahead by the seconds of its argument."""

import asyncio
import sys
from datetime import datetime, timedelta

from bot import logs
from bot.clock import utc_now
from bot.metrics import Metrics
from bot.settings import SocketModeSettings
from handlers.server.serve import run
from handlers.transport.socket_mode import SocketMode


def main() -> None:
    """Serve until SIGTERM."""
    ahead = timedelta(seconds=float(sys.argv[1]))

    def clock() -> datetime:
        return utc_now() + ahead

    settings = SocketModeSettings.load()
    logs.configure(settings)
    asyncio.run(run(settings, SocketMode(settings), Metrics(), clock))


if __name__ == "__main__":
    main()
