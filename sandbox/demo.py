"""`make demo` runs the real bot with a local Slack to use in a browser. `make play` plays one story and exits."""

import argparse
import asyncio
import contextlib
import signal
import sys
import tempfile
import textwrap
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.certcentral.seed import seed
from sandbox.demo_calendar import DemoCalendar, DemoJump
from sandbox.demo_workspace import DemoWorkspace, populate
from sandbox.dns import LocalDns
from sandbox.dns.seed import seed_dns
from sandbox.slack import Channel, Form, Message, SimulatedUser, Slack
from sandbox.slack.workspace.manifest import Manifest
from sandbox.web import WebPage

MANIFEST = Path(__file__).parents[1] / "manifest.yml"
PORT = 8765
WIDTH = 100
CONNECTING_SECONDS = 60.0


@dataclass(frozen=True)
class Demo:
    """The local servers with their workspace and the app's manifest."""

    slack: Slack
    certcentral: CertCentral
    workspace: DemoWorkspace
    manifest: Manifest
    dns: LocalDns = field(default_factory=LocalDns)
    jump: DemoJump | None = None

    @property
    def ana(self) -> SimulatedUser:
        """Return Ana, who may resend."""
        return self.workspace.ana

    @property
    def ben(self) -> SimulatedUser:
        """Return Ben, who may not resend."""
        return self.workspace.ben

    @property
    def pki(self) -> Channel:
        """Return the channel #pki."""
        return self.workspace.pki


def print_text(text: str = "", indent: int = 0) -> None:
    """Print text, wrapped to the width of the terminal."""
    for line in text.splitlines() or [""]:
        margin = " " * indent
        print(textwrap.fill(line, WIDTH, initial_indent=margin, subsequent_indent=margin))  # noqa: T201 - the demo talks


async def play_story(demo: Demo) -> None:
    """Play the whole story, from the command to the email."""
    await _play_denial(demo)
    await _play_dv_order(demo)
    await _play_ov_order(demo)
    _print_outbox(demo.certcentral)
    _require_no_problems(demo.slack)


async def _play_denial(demo: Demo) -> None:
    print_text("\nBen is not on the list. He types in #pki:  /dcv-resend 700001")
    await demo.ben.command("/dcv-resend", "700001", demo.pki)
    message = await demo.ben.receives("You can't resend")
    print_text("DCV Resend, only visible to Ben:", 4)
    _print_message(demo, message)
    # A denied user must cost DigiCert no call. Only the bot itself lists the account at its start.
    calls = [call for call in demo.certcentral.calls if "700001" in call.path]
    print_text(f"Calls to DigiCert about order 700001: {len(calls)}", 4)


async def _play_dv_order(demo: Demo) -> None:
    print_text("\nAna is on it. She types in #pki:  /dcv-resend shop.example.com")
    await demo.ana.command("/dcv-resend", "shop.example.com", demo.pki)
    form = await demo.ana.sees_form("will email right away")
    form.fill("Reason", "the first email went to an old mailbox")
    _print_form(form)
    await form.submit()
    print_text(f"She presses {form.submit_text}.")
    await _print_result(demo, "Order 700001 · requested by")


async def _play_ov_order(demo: Demo) -> None:
    print_text("\nNow an OV order with three waiting domains. Ana types:  /dcv-resend 700002")
    await demo.ana.command("/dcv-resend", "700002", demo.pki)
    form = await demo.ana.sees_form("will email right away")
    _print_form(form)
    await form.submit()
    print_text(f"She presses {form.submit_text}.")
    await _print_result(demo, "Order 700002 · requested by")


def _print_form(form: Form) -> None:
    print_text(f"┌ {form.title}", 4)
    for label in form.labels:
        with contextlib.suppress(LookupError):
            print_text(f"│ {label}: {', '.join(form.selected(label))}", 4)
    print_text(f"│ Reason: {form.typed('Reason') or 'none'}", 4)
    print_text(f"└ [{form.submit_text}]", 4)


async def _print_result(demo: Demo, subject: str) -> None:
    card = await demo.slack.sees_message(demo.pki, containing=subject)
    await demo.slack.wait_for(lambda: card.content.says("waiting for approval"), "the outcome", 20.0)
    print_text("DCV Resend in #pki:", 4)
    _print_message(demo, card)


def _print_message(demo: Demo, message: Message) -> None:
    """Print what a message says, and its buttons on one line."""
    slack = demo.slack
    said = [block for block in message.blocks if block["type"] != "actions"]
    text = slack.build_content("", said).visible_text.replace("*", "")
    for user_id, person in slack.people.items():
        text = text.replace(f"<@{user_id}>", f"@{person.real_name or person.name}")
    for group in slack.usergroups.values():
        text = text.replace(f"@subteam^{group.id}", f"@{group.handle}")
    for channel in slack.channels.values():
        text = text.replace(f"#{channel.id}", f"#{channel.name}")
    print_text(text, 6)
    print_text(" ".join(f"[{label}]" for label in message.buttons), 6)


def _print_outbox(certcentral: CertCentral) -> None:
    print_text(f"\nThe local CertCentral sent {len(certcentral.outbox)} emails:")
    for mail in certcentral.outbox:
        print_text(f"to {mail.recipient}, validates {mail.scope}, language {mail.locale}", 4)
    puts = [f"{call.method} {call.path} → {call.status}" for call in certcentral.resends]
    print_text("\nby these calls and no others:")
    print_text("\n".join(puts), 4)


def _require_no_problems(slack: Slack) -> None:
    if slack.problems:
        raise RuntimeError("Slack would have complained: " + "; ".join(slack.problems))


@contextlib.asynccontextmanager
async def running_demo(folder: Path, process: type[BotProcess] = BotProcess) -> AsyncIterator[Demo]:
    """Start both local servers and the bot. Stop them, and delete their files, at the end."""
    calendar = DemoCalendar()
    servers = Slack(clock=calendar.unix), CertCentral(now=calendar.now), LocalDns()
    async with servers[0] as slack, servers[1] as certcentral, servers[2] as dns:
        manifest = Manifest.read(MANIFEST)
        manifest.install(slack)
        seed(certcentral)
        seed_dns(dns)
        certcentral.resolve_records = dns.resolve_all
        demo = Demo(slack, certcentral, populate(slack), manifest, dns)
        bot = process(_settings(demo, folder), folder / "bot.log")
        places = demo.pki.id, demo.workspace.pki_team.id, folder
        jump = DemoJump(slack, certcentral, calendar, bot.settings, bot, *places)
        demo = replace(demo, jump=jump)
        began = time.monotonic()
        await bot.start()
        try:
            await _wait_for_connection(slack, bot)
            seconds = time.monotonic() - began
            print_text(f"A local Slack, a local CertCentral, and the bot connected to both after {seconds:.1f} s.")
            yield demo
        finally:
            await jump.bot.ensure_stopped()


async def _wait_for_connection(slack: Slack, bot: BotProcess) -> None:
    # Waiting for both means that a bot that exits at once is reported at once, with its log.
    connecting = asyncio.create_task(slack.wait_for_connection(CONNECTING_SECONDS))
    ended = asyncio.create_task(bot.wait_for_exit(2 * CONNECTING_SECONDS))
    await asyncio.wait({connecting, ended}, return_when=asyncio.FIRST_COMPLETED)
    ended.cancel()
    if not connecting.done() or connecting.exception():
        connecting.cancel()
        raise RuntimeError(f"The bot did not connect. Its log:\n{bot.log}")


def _settings(demo: Demo, folder: Path) -> dict[str, str]:
    return {
        "SLACK_BOT_TOKEN": demo.slack.bot_token,
        "SLACK_APP_TOKEN": demo.slack.app_token,
        "SLACK_API_URL": demo.slack.api_url,
        "DIGICERT_API_KEY": demo.certcentral.key,
        "DIGICERT_BASE_URL": demo.certcentral.url,
        # The page shows its own orders for these addresses.
        "DIGICERT_CONSOLE_URL": "https://www.digicert.com/secure",
        "DCV_ALLOWED_USERS": demo.ana.id,
        "DCV_ALLOWED_USERGROUPS": demo.workspace.pki_team.id,
        "DCV_CONTACT": demo.pki.id,
        "DCV_ALERT_CHANNELS": demo.workspace.alerts.id,
        # Much sooner than in production, so that a visitor who approves an email sees the effect.
        "DCV_FOLLOW_UPS": "3s,6s,10s,15s,20s,30s,45s,1m,2m,3m,5m,10m,30m,1h",
        "DCV_NUDGES": "1m",
        **demo.dns.settings,
        "DATABASE_URL": f"sqlite:///{folder / 'demo.db'}",
    }


def _write_settings(demo: Demo, folder: Path) -> None:
    """Write the settings of an installed bot for both local servers. It may only be checked: the demo's bot runs."""
    settings = {**_settings(demo, folder), "DATABASE_URL": "sqlite:///dcv-resend.db"}
    file = folder / "env"
    file.touch(0o600)
    file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))


async def main(*, once: bool) -> None:
    """Play the story if `once` is set. Otherwise, serve the page until Ctrl-C."""
    with tempfile.TemporaryDirectory(prefix="dcv-resend-demo-") as folder:
        async with running_demo(Path(folder)) as demo:
            if once:
                await play_story(demo)
            else:
                await serve(demo, Path(folder) / "bot.log")


def create_page(demo: Demo, port: int = 0) -> WebPage:
    """Create the page of this demo, not yet served."""
    workspace = demo.workspace
    return WebPage(
        demo.slack,
        demo.certcentral,
        personas=workspace.personas,
        alerts=workspace.alerts,
        manifest=demo.manifest,
        port=port,
        dns=demo.dns,
        jump=demo.jump,
    )


async def serve(demo: Demo, log: Path) -> None:
    """Serve the page until Ctrl-C, and print its address and what to try."""
    _write_settings(demo, log.parent)
    async with create_page(demo, PORT) as page:
        print_text(f"\nOpen it in a browser:  {page.url}")
        print_text("\nRun /dcv-resend in #pki, send an email, and approve it on the right.")
        print_text("At the top, switch to a user without permission, or post an alert as another app.")
        print_text(f"\nTo check an installed bot against it: cp {log.parent / 'env'} .env && dcv-resend check")
        print_text(f"\nBot log: {log}. Press Ctrl-C to stop.")
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await stop.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="exit after the story")
    try:
        asyncio.run(main(once=parser.parse_args().once))
    except (RuntimeError, TimeoutError) as error:
        sys.exit(f"The demo stopped: {error}")
