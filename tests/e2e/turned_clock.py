"""The bot on a machine whose clock is turned: a file says by how many seconds, and how many truly passed."""

import asyncio
import inspect
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from bot import logs
from bot.clock import utc_now
from bot.metrics import Metrics
from bot.settings import SocketModeSettings
from handlers.server.serve import run
from handlers.transport.socket_mode import SocketMode
from tests.forked_bot import ARGUMENTS, ForkedBot


def main() -> None:
    """Serve until SIGTERM."""
    file = Path(sys.argv[2])

    def ahead(which: int) -> Callable[[], datetime]:
        return lambda: utc_now() + timedelta(seconds=float(file.read_text().split()[which]))

    settings = SocketModeSettings.load()
    logs.configure(settings)
    # A bot without a clock of its own for ages has the one that is turned.
    clocks = [ahead(0), ahead(1)][: len(inspect.signature(run).parameters) - 3]
    asyncio.run(run(settings, SocketMode(settings, **ARGUMENTS), Metrics(), *clocks, **ARGUMENTS))


class TurnedClockBot(ForkedBot):
    """A process of it."""

    main = staticmethod(main)
