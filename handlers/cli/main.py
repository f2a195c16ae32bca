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
    help="Verify, export, or prune the audit log. Safe to run while the bot is running.",
    no_args_is_help=True,
    rich_markup_mode=None,
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
    """Resend DigiCert DCV emails from Slack, and track them until the domain is validated.

    Settings come from the environment and from the file .env in the working directory.
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
    """Run the bot over Socket Mode until SIGTERM.

    Exits with status 2 and one line per problem if a setting is missing or invalid.
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
    """Run the bot over HTTP until SIGTERM.

    Accepts only requests that Slack signed. Exits with status 2 and one line per
    problem if a setting is missing or invalid.
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

    Prints one line per check: ok, warning, or problem. Changes nothing; safe to
    run while the bot is running.

    Exits with 2 if there is a problem.
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
        raise typer.BadParameter("a hash has 64 characters, 0 to 9 and a to f.")
    return text


@ledger.command()
def verify(
    head: Annotated[
        str | None,
        typer.Option(metavar="HASH", callback=_hash, help="Check that this hash from the log is still in the chain."),
    ] = None,
) -> None:
    """Verify every row of the audit log. Changes nothing.

    Exits with 0 if the chain is intact, with 1 and the first invalid row if it
    isn't or if no row has the hash of --head, with 2 if the database can't be read.
    """
    from handlers.cli import ledger as commands

    raise typer.Exit(asyncio.run(commands.verify(head, _echo)))


# The help text stays as it is; the docstring is for readers of the code.
EXPORT_HELP = """Write rows to standard output, for an auditor to verify.

The first line names the row before the export, the last line the newest row.
docs/operations.md has a script that verifies them without the bot.
WHEN is a date or a time such as 2026-01-31 or 2026-01-31T10:00, in UTC.
"""


@ledger.command(help=EXPORT_HELP)
def export(
    since: Annotated[
        datetime | None, typer.Option(metavar="WHEN", parser=_moment, help="Start time (inclusive).")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(metavar="WHEN", parser=_moment, help="End time (exclusive).")
    ] = None,
    _: Annotated[Literal["jsonl"], typer.Option("--format", help="Output format.")] = "jsonl",
) -> None:
    """Write rows to standard output. See EXPORT_HELP."""
    from handlers.cli import ledger as commands

    if since and until and since >= until:
        raise typer.BadParameter("must be later than --since.", param_hint="--until")
    raise typer.Exit(asyncio.run(commands.export(since, until)))


@ledger.command()
def prune(
    before: Annotated[
        datetime, typer.Option(metavar="WHEN", parser=_moment, help="Delete rows older than this (at least 30 days).")
    ],
    yes: Annotated[
        bool, typer.Option("--yes", help="Delete them. Without this flag, only show what would be deleted.")
    ] = False,
) -> None:
    """Delete old rows permanently. The remaining rows can still be verified.

    Deletes only completed requests, up to a checkpoint, and records the deletion
    in a new row. WHEN is a date or a time such as 2026-01-31, in UTC.
    """
    from handlers.cli import ledger as commands

    raise typer.Exit(asyncio.run(commands.prune(before, yes, _echo)))


bulk = typer.Typer(help="Export the result of a bulk resend.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(bulk, name="bulk")


@bulk.command("export")
def export_bulk(
    plan: Annotated[str, typer.Argument(metavar="ID", help="The ID of the plan, shown with its result.")],
    format_: Annotated[Literal["csv", "jsonl"], typer.Option("--format", help="Output format.")] = "csv",
) -> None:
    """Write the result of a bulk resend to standard output.

    One row for each target: target, domains, recipients, outcome, reason, time,
    and the row of the audit log with its hash. Changes nothing; safe to run while
    the bot is running.

    Exits with 1 if there is no such plan, with 2 if the database can't be read.
    """
    from handlers.cli import bulk as commands

    raise typer.Exit(asyncio.run(commands.export(plan, format_)))


policy = typer.Typer(help="Inspect permissions.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(policy, name="policy")


@policy.command()
def explain(
    user: Annotated[str, typer.Argument(help="A Slack user ID (U...).")],
    name: Annotated[str, typer.Argument(help="A domain or an order ID.")],
    channel: Annotated[str | None, typer.Option(help="A channel ID (C...), if a rule is limited to channels.")] = None,
) -> None:
    """Explain what a person can do for a domain or order, and why.

    Names the rule that decides and who else has the permission. Reads the person from Slack; safe to run while the
    bot is running.

    Exits with 0 if the person can resend, 1 if not, 2 if there is a problem.
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
