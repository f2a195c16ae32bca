"""`dcv-resend …`: the commands of the terminal."""

import asyncio
import sys

import typer

from bot.errors import CannotStart

app = typer.Typer(
    name="dcv-resend",
    help="Resend DigiCert's domain-control-validation e-mails from Slack.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def settings_help() -> None:
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


def main() -> None:
    """The console script; a problem that an operator can mend is told in lines, without a traceback."""
    try:
        app()
    except CannotStart as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)  # noqa: T201 - the answer of a command
        sys.exit(2)
