"""The bot with a clock of its own: `dcv-resend run` or `serve`, so many seconds ahead as a file says."""

import asyncio
import sys
from datetime import datetime, timedelta
from pathlib import Path

from bot import logs
from bot.clock import Clock, utc_now
from bot.errors import ConfigurationError
from bot.metrics import Metrics
from bot.settings import HttpModeSettings, Settings, SocketModeSettings
from handlers.server.serve import run
from handlers.transport.http import HttpMode
from handlers.transport.socket_mode import SocketMode
from handlers.transport.transport import Transport
from tests.forked_bot import ARGUMENTS, ForkedBot


def main() -> None:
    """Serve until SIGTERM. `sys.argv` holds the command and the clock's file; problems are printed as usual."""
    command, ahead = sys.argv[1], Path(sys.argv[2])

    def clock() -> datetime:
        return utc_now() + timedelta(seconds=float(ahead.read_text()))

    metrics = Metrics()
    settings, transport = _by_http(metrics, clock) if command == "serve" else _by_socket()
    logs.configure(settings)
    try:
        asyncio.run(run(settings, transport, metrics, clock, **ARGUMENTS))
    except ConfigurationError as error:
        sys.stderr.writelines(f"{problem}\n" for problem in error.problems)
        sys.exit(2)


def _by_socket() -> tuple[Settings, Transport]:
    settings = SocketModeSettings.load()
    return settings, SocketMode(settings, **ARGUMENTS)


def _by_http(metrics: Metrics, clock: Clock) -> tuple[Settings, Transport]:
    settings = HttpModeSettings.load()
    return settings, HttpMode(settings, metrics, clock, **ARGUMENTS)


class SkewedBot(ForkedBot):
    """A process of it."""

    main = staticmethod(main)
