"""`dcv-resend …`: the commands of the terminal."""

import asyncio
import io
import logging
import os
import sys
import threading
import time
from importlib.metadata import version
from typing import Annotated

import typer

from bot.errors import CannotStart

LEAVING_SECONDS = 1.0

app = typer.Typer(
    name="dcv-resend",
    no_args_is_help=True,
    add_completion=False,
    # Plain text, which reads the same in a terminal, a log and a pipe.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dcv-resend {version('dcv-resend')}")
        raise typer.Exit


@app.callback()
def options(
    _: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Resend DigiCert's domain-control-validation e-mails from Slack.

    Settings come from the environment and from a file .env in the working directory.
    """


@app.command()
def run() -> None:
    """Connect to Slack by Socket Mode and serve until SIGTERM.

    Exits with 2 and one line per problem when a setting is missing or wrong.
    """
    # Imported here, so that `--help` does not wait for the engine.
    from bot import logs
    from bot.settings import Settings
    from handlers.run import run as serve

    settings = Settings.load()
    logs.configure(settings)
    asyncio.run(serve(settings))
    _leave()


def _leave() -> None:
    """End now, even where a thread of the engine still waits for a database that is away: it sleeps up to a minute."""
    ends_at = time.monotonic() + LEAVING_SECONDS
    others = [thread for thread in threading.enumerate() if thread is not threading.main_thread() and not thread.daemon]
    for thread in others:
        thread.join(max(0.0, ends_at - time.monotonic()))
    if any(thread.is_alive() for thread in others):
        logging.shutdown()
        os._exit(0)


@app.command()
def check() -> None:
    """Check settings, tokens, key, database and clock.

    Tells each finding in one line that begins with ok, warning or problem, and
    changes nothing: it may run beside a bot that serves.

    Exits with 0, or with 2 where a problem must be mended.
    """
    from handlers.check import check as look

    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name in Slack may hold letters that this terminal lacks.
        sys.stdout.reconfigure(errors="backslashreplace")
    raise typer.Exit(asyncio.run(look(typer.echo)))


def main() -> None:
    """The console script; a problem that an operator can mend is told in lines, without a traceback."""
    try:
        app()
    except CannotStart as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)  # noqa: T201 - the answer of a command
        sys.exit(2)
