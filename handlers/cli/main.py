"""`dcv-resend …`: the commands of the terminal."""

import asyncio
import gc
import io
import logging
import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib.metadata import version
from typing import Annotated, Literal

import typer

from bot.clock import parse_timestamp
from bot.errors import ConfigurationError
from bot.timings import PRODUCTION, Timings

EXIT_SECONDS = 0.5

app = typer.Typer(
    name="dcv-resend",
    no_args_is_help=True,
    add_completion=False,
    # Plain text reads the same in a terminal, a log and a pipe.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
ledger = typer.Typer(
    help="Check, export or prune the ledger, also while a bot serves.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(ledger, name="ledger")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dcv-resend {version('dcv-resend')}")
        raise typer.Exit


@app.callback()
def options(
    _: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Resend DigiCert's domain-control-validation e-mails from Slack.

    Settings come from the environment and from a file .env in the working directory.
    """


@contextmanager
def _importing() -> Iterator[None]:
    """Import without garbage collections, which would take a quarter of the start and find no garbage.

    What was imported is then never examined again, so later collections are shorter too.
    """
    gc.disable()
    yield
    gc.freeze()
    gc.enable()


@app.command()
def run(context: typer.Context) -> None:
    """Connect to Slack by Socket Mode and serve until SIGTERM.

    Exits with 2 and one line per problem when a setting is missing or wrong.
    """
    # Imported here so that `--help` does not wait for the workflow engine's import.
    with _importing():
        from bot import logs
        from bot.metrics import Metrics
        from bot.settings import SocketModeSettings
        from handlers.server.serve import run as serve_behind
        from handlers.transport.socket_mode import SocketMode

    timings = context.obj or PRODUCTION
    settings = SocketModeSettings.load()
    logs.configure(settings)
    asyncio.run(serve_behind(settings, SocketMode(settings, timings), Metrics(), timings=timings))
    _exit(0)


@app.command()
def serve(context: typer.Context) -> None:
    """Listen for Slack's signed HTTP requests and serve until SIGTERM.

    Exits with 2 and one line per problem when a setting is missing or wrong.
    """
    with _importing():
        from bot import logs
        from bot.metrics import Metrics
        from bot.settings import HttpModeSettings
        from handlers.server.serve import run as serve_behind
        from handlers.transport.http import HttpMode

    timings = context.obj or PRODUCTION
    settings = HttpModeSettings.load()
    logs.configure(settings)
    metrics = Metrics()
    asyncio.run(serve_behind(settings, HttpMode(settings, metrics, timings=timings), metrics, timings=timings))
    _exit(0)


def _exit(status: int) -> None:
    """End the process within EXIT_SECONDS.

    A thread of the engine may sleep for up to a minute while the database is unreachable, and would delay the exit.
    """
    ends_at = time.monotonic() + EXIT_SECONDS
    others = [thread for thread in threading.enumerate() if thread is not threading.main_thread() and not thread.daemon]
    for thread in others:
        thread.join(max(0.0, ends_at - time.monotonic()))
    if any(thread.is_alive() for thread in others):
        logging.shutdown()
        os._exit(status)
    sys.exit(status)


@app.command()
def check() -> None:
    """Check settings, tokens, key, database and clock.

    Tells each finding in one line that begins with ok, warning or problem, and
    changes nothing: it may run beside a bot that serves.

    Exits with 0, or with 2 where a problem must be mended.
    """
    from handlers.cli.check import check as run_check

    if isinstance(sys.stdout, io.TextIOWrapper):
        # A Slack name may contain characters that this terminal's encoding lacks.
        sys.stdout.reconfigure(errors="backslashreplace")
    raise typer.Exit(asyncio.run(run_check(typer.echo)))


def _echo(text: str) -> None:
    """Print text that may contain foreign names, with control characters made visible."""
    from bot.logs import visible

    typer.echo(visible(text))


def _moment(text: str) -> datetime:
    try:
        return parse_timestamp(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _hash(text: str | None) -> str | None:
    if text is not None and not re.fullmatch("[0-9a-f]{64}", text):
        raise typer.BadParameter("a hash has 64 digits, 0 to 9 and a to f.")
    return text


@ledger.command()
def verify(
    head: Annotated[
        str | None, typer.Option(metavar="HASH", callback=_hash, help="A hash from the log: say where it stands.")
    ] = None,
) -> None:
    """Check every row of the chain, and change nothing.

    Exits with 0 where the chain holds; with 1, naming the first row that does not
    fit, where it does not, or where the hash of --head stands at no row; with 2
    where the database cannot be read.
    """
    from handlers.cli import ledger as commands

    raise typer.Exit(asyncio.run(commands.verify(head, _echo)))


# The help text stays as it is; the docstring is for readers of the code.
EXPORT_HELP = """Write rows out, for somebody to check alone.

They go to standard output. The first line says after which row they begin, the
last where the chain stands; docs/audit-log.md has the recipe that checks them.
WHEN is a date or a time such as 2026-01-31 or 2026-01-31T10:00, in UTC.
"""


@ledger.command(help=EXPORT_HELP)
def export(
    since: Annotated[
        datetime | None, typer.Option(metavar="WHEN", parser=_moment, help="The first moment, included.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(metavar="WHEN", parser=_moment, help="The moment after the last, left out.")
    ] = None,
    _: Annotated[Literal["jsonl"], typer.Option("--format", help="How it is written.")] = "jsonl",
) -> None:
    """Write rows to standard output. See EXPORT_HELP."""
    from handlers.cli import ledger as commands

    if since and until and since >= until:
        raise typer.BadParameter("must be later than --since.", param_hint="--until")
    raise typer.Exit(asyncio.run(commands.export(since, until)))


@ledger.command()
def prune(
    before: Annotated[
        datetime, typer.Option(metavar="WHEN", parser=_moment, help="Rows from before may go; 30 days ago or more.")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Remove them; without it, only tell.")] = False,
) -> None:
    """Remove the oldest rows for good; the rest can still be verified.

    Only whole requests that are over go. A checkpoint stands for what is gone, and
    a new row tells of it. WHEN is a date or a time such as 2026-01-31, in UTC.
    """
    from handlers.cli import ledger as commands

    raise typer.Exit(asyncio.run(commands.prune(before, yes, _echo)))


policy = typer.Typer(help="Ask the rules that say who may.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(policy, name="policy")


@policy.command()
def explain(
    user: Annotated[str, typer.Argument(help="A Slack user id (U...).")],
    name: Annotated[str, typer.Argument(help="A domain name or an order id.")],
    channel: Annotated[str | None, typer.Option(help="A channel id (C...), where a rule names channels.")] = None,
) -> None:
    """Tell what a person may do with a name, and why.

    Names the rule that decides, and who may instead. Asks Slack about the person; works beside a bot that serves.

    Exits with 0 where the person may resend, 1 where not, 2 for a problem.
    """
    from handlers.cli.policy import explain as run_explain

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    raise typer.Exit(asyncio.run(run_explain(user, name, channel, _echo)))


def main(timings: Timings = PRODUCTION) -> None:
    """Run the console script. Print each configuration problem as one line without a traceback, and exit with 2."""
    try:
        app(obj=timings)
    except ConfigurationError as error:
        from bot.logs import visible

        for problem in error.problems:
            # The message may quote a database server or a file, so control characters are made visible.
            print(visible(problem), file=sys.stderr, flush=True)  # noqa: T201 - the answer of a command
        _exit(2)
