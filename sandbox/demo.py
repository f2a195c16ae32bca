"""`make demo`: the real bot in a local Slack, to be used in a browser; `make play` tells one story of it and exits."""

import argparse
import asyncio
import contextlib
import signal
import sys
import tempfile
import textwrap
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.certcentral.seed import seed
from sandbox.demo_workspace import Town, settle
from sandbox.slack import Channel, Form, Message, Person, Slack
from sandbox.slack.workspace.manifest import Manifest
from sandbox.web import Page

MANIFEST = Path(__file__).parents[1] / "manifest.yml"
PORT = 8765
WIDTH = 100
CONNECTING_SECONDS = 60.0


@dataclass(frozen=True)
class Stage:
    """Everybody and everything on it."""

    slack: Slack
    certcentral: CertCentral
    town: Town
    manifest: Manifest

    @property
    def ana(self) -> Person:
        """Who may resend."""
        return self.town.ana

    @property
    def ben(self) -> Person:
        """Who may not."""
        return self.town.ben

    @property
    def pki(self) -> Channel:
        """Where they meet."""
        return self.town.pki


def say(text: str = "", indent: int = 0) -> None:
    """Print wrapped lines."""
    for line in text.splitlines() or [""]:
        margin = " " * indent
        print(textwrap.fill(line, WIDTH, initial_indent=margin, subsequent_indent=margin))  # noqa: T201 - the demo talks


async def play(stage: Stage) -> None:
    """The whole story, from the command to the mail."""
    await _refused(stage)
    await _order(stage)
    await _domain(stage)
    _outbox(stage.certcentral)
    _problems(stage.slack)


async def _refused(stage: Stage) -> None:
    say("\nBen is not on the list. He types in #pki:  /dcv-resend 700001")
    before = len(stage.certcentral.calls)
    await stage.ben.command("/dcv-resend", "700001", stage.pki)
    whisper = await stage.ben.hears("not on the list")
    say(f"dcv-bot, only visible to Ben: {whisper.text}", 4)
    say(f"Calls to DigiCert for him: {len(stage.certcentral.calls) - before}", 4)


async def _order(stage: Stage) -> None:
    say("\nAna is. She types in #pki:  /dcv-resend shop.example.com")
    await stage.ana.command("/dcv-resend", "shop.example.com", stage.pki)
    form = await stage.ana.sees_form("Recipients for")
    form.fill("Reason", "the first mail went to an old mailbox")
    _show_form(form)
    await form.submit()
    say("She presses Resend.")
    await _show_result(stage, "order 700001")


async def _domain(stage: Stage) -> None:
    say("\nNow an OV order with three waiting domains. Ana types:  /dcv-resend 700002")
    await stage.ana.command("/dcv-resend", "700002", stage.pki)
    form = await stage.ana.sees_form("Recipients for")
    _show_form(form)
    await form.submit()
    say("She presses Resend.")
    await _show_result(stage, "order 700002")


def _show_form(form: Form) -> None:
    say(f"┌ {form.title}", 4)
    say(f"│ Order or domain: {', '.join(form.selected(action_id='target'))}", 4)
    for label in form.labels:
        with contextlib.suppress(LookupError):
            say(f"│ {label}: {', '.join(form.selected(label))}", 4)
    say(f"│ Reason: {form.typed('Reason') or 'none'}", 4)
    say(f"└ [{form.submit_text}]", 4)


async def _show_result(stage: Stage, subject: str) -> None:
    root = await stage.slack.sees_message(stage.pki, containing=subject)
    detail = await stage.slack.sees_message(stage.pki, containing="What now", thread=root)
    say(f"#pki, dcv-bot: {_plain(root, [stage.ana])}", 4)
    say("in the thread:", 4)
    say(_plain(detail, [stage.ana]), 8)


def _plain(message: Message, people: Sequence[Person]) -> str:
    text = message.visible_text.replace("*", "").replace(":white_check_mark:", "✅")
    for person in people:
        text = text.replace(f"<@{person.id}>", f"@{person.name}")
    return text


def _outbox(certcentral: CertCentral) -> None:
    say(f"\nThe local CertCentral sent {len(certcentral.outbox)} mails:")
    for mail in certcentral.outbox:
        say(f"to {mail.recipient}, validates {mail.scope}, language {mail.locale}", 4)
    puts = [f"{call.method} {call.path} → {call.status}" for call in certcentral.resends]
    say("\nby these calls and no others:")
    say("\n".join(puts), 4)


def _problems(slack: Slack) -> None:
    if slack.problems:
        raise RuntimeError("Slack would have complained: " + "; ".join(slack.problems))


@contextlib.asynccontextmanager
async def staged(folder: Path, process: type[BotProcess] = BotProcess) -> AsyncIterator[Stage]:
    """Both local servers with their people, and the bot connected to them; at the end nothing of it is kept."""
    async with Slack() as slack, CertCentral() as certcentral:
        manifest = Manifest.read(MANIFEST)
        manifest.install(slack)
        seed(certcentral)
        stage = Stage(slack, certcentral, settle(slack), manifest)
        bot = process(_settings(stage, folder), folder / "bot.log")
        began = time.monotonic()
        await bot.start()
        try:
            await _connected(slack, bot)
            seconds = time.monotonic() - began
            say(f"A local Slack, a local CertCentral, and the bot connected to both after {seconds:.1f} s.")
            yield stage
        finally:
            await bot.end()


async def _connected(slack: Slack, bot: BotProcess) -> None:
    connecting = asyncio.create_task(slack.connected(CONNECTING_SECONDS))
    ended = asyncio.create_task(bot.exits(2 * CONNECTING_SECONDS))
    await asyncio.wait({connecting, ended}, return_when=asyncio.FIRST_COMPLETED)
    ended.cancel()
    if not connecting.done() or connecting.exception():
        connecting.cancel()
        raise RuntimeError(f"The bot did not connect. Its log:\n{bot.log}")


def _settings(stage: Stage, folder: Path) -> dict[str, str]:
    return {
        "SLACK_BOT_TOKEN": stage.slack.bot_token,
        "SLACK_APP_TOKEN": stage.slack.app_token,
        "SLACK_API_URL": stage.slack.api_url,
        "DIGICERT_API_KEY": stage.certcentral.key,
        "DIGICERT_BASE_URL": stage.certcentral.url,
        "DCV_ALLOWED_USERS": ",".join(person.id for person in stage.town.allowed),
        "DCV_ALERT_CHANNELS": stage.town.alerts.id,
        # Sooner than anybody would want it of DigiCert: whoever approves a mail here wants to see what comes of it.
        "DCV_FOLLOW_UPS": "3s,6s,10s,15s,20s,30s,45s,1m,2m,3m,5m,10m,30m,1h",
        "DCV_NUDGES": "1m",
        "DATABASE_URL": f"sqlite:///{folder / 'demo.db'}",
    }


async def main(*, once: bool) -> None:
    """Tell the story with `once`; else serve the page until Ctrl-C."""
    with tempfile.TemporaryDirectory(prefix="dcv-resend-demo-") as folder:
        async with staged(Path(folder)) as stage:
            if once:
                await play(stage)
            else:
                await serve(stage, f"{folder}/bot.log")


def page_of(stage: Stage, port: int = 0) -> Page:
    """Return the page of this stage, not yet served."""
    town = stage.town
    return Page(stage.slack, stage.certcentral, cast=town.cast, alerts=town.alerts, manifest=stage.manifest, port=port)


async def serve(stage: Stage, log: str) -> None:
    """Serve the page, and say where and what to try, until Ctrl-C."""
    async with page_of(stage, PORT) as page:
        say(f"\nOpen it in a browser:  {page.url}")
        say("\nType /dcv-resend in #pki, press Resend, and approve the mail on the right.")
        say("At the top: be somebody who may not, or let another app post an alert.")
        say(f"\nThe bot's log is {log}. Ctrl-C ends it all.")
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await stop.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="exit when the story has been told")
    try:
        asyncio.run(main(once=parser.parse_args().once))
    except (RuntimeError, TimeoutError) as error:
        sys.exit(f"The demo stopped: {error}")
