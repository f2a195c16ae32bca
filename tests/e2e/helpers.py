"""Shared helpers: request a resend, read its result, and read the bot's database from outside."""

import asyncio
import hashlib
import json
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import pytest
import sqlalchemy as sa

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.certcentral.behavior_options import EMAIL_ARRAY_LIMITS
from sandbox.slack import Channel, Form, Message, SimulatedUser, Slack, SubmissionResult

Row = dict[str, Any]
Rows = Callable[[], list[Row]]

# The command itself, from the start of Python to its end, with the timings of production.
AS_COMMAND = pytest.mark.parametrize("process", [BotProcess], indirect=True, ids=["command"])
# A file that the bot makes itself.
NO_TABLES = pytest.mark.parametrize("database_url", ["no tables"], indirect=True)
ON_BOTH = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
UNDER_BOTH_LIMITS = pytest.mark.parametrize("email_array_limited_by", EMAIL_ARRAY_LIMITS, indirect=True)
# What a card says after a successful resend until a name is validated.
SENT = "waiting for approval"
# What a card says by the ledger's word for the outcome. The first that fits counts.
ENDINGS = {
    "unknown": ("may or may not have been sent", "The resend itself was unconfirmed"),
    "refused": ("DigiCert's reason:", "DigiCert rejected the request", "DigiCert refused the call"),
    "not_sent": ("no email was sent",),
    "sent": (SENT, " validated", "certificate issued", "order canceled"),
}


class PolicyFile:
    """The operator's file of rules."""

    def __init__(self, path: Path, rules: str) -> None:
        self.path, self.rules = path, rules
        self.write(rules)

    def __str__(self) -> str:
        return str(self.path)

    def write(self, text: str) -> None:
        self.path.write_text(text)

    def remove(self) -> None:
        self.path.unlink()


def put(order_id: int | str = "*") -> str:
    """The name by which faults are planned for the resend of an order."""
    return f"PUT /order/certificate/{order_id}/resend-emails"


def puts(certcentral: CertCentral, order_id: int) -> int:
    """Count the PUTs that arrived for an order, including failed ones."""
    return sum(call.name == put(order_id) for call in certcentral.resends)


async def open_form(person: SimulatedUser, order_id: int, channel: Channel) -> Form:
    """Type the command, and wait for the form of this order with its recipients."""
    await person.command("/dcv-resend", str(order_id), channel)
    return await person.slack.wait_for(lambda: _ready_form(person, order_id), f"the form of order {order_id}", 20.0)


def _ready_form(person: SimulatedUser, order_id: int) -> Form | None:
    forms = [form for form in person.open_forms if sends(form) and form.says(f"{order_id} · ")]
    return forms[-1] if forms else None


def sends(form: Form) -> bool:
    """Return if the form's button sends emails, and does not only search."""
    return (form.submit_text or "").startswith("Send ")


async def show_more(form: Form) -> None:
    """Press *More options*, and wait for the fields behind it."""
    await form.click("More options")
    await form.person.slack.wait_for(lambda: "Email language" in form.labels, "the language of the emails", 10.0)


async def resend(person: SimulatedUser, order_id: int, channel: Channel) -> SubmissionResult:
    """Type the command and submit its form as it is drawn."""
    return await (await open_form(person, order_id, channel)).submit()


def roots(channel: Channel, order_id: int | None = None) -> list[Message]:
    """The messages that are no replies, those about one order if it is named."""
    about = "" if order_id is None else f"order {order_id} "
    return [
        message
        for message in channel.messages
        if not message.is_reply and about in message.text.lower().replace(".", " ")
    ]


def cards(channel: Channel, order_id: int | None = None) -> list[Message]:
    """The cards of requests, also those in threads, and those about one order if it is named."""
    about = " · requested by " if order_id is None else f"Order {order_id} · requested by "
    return [message for message in channel.messages if about in message.text]


def tells(message: Message) -> str | None:
    """Return the outcome that a card reports, in the ledger's word, or None."""
    fits = message.content.says
    return next((kind for kind, words in ENDINGS.items() if any(map(fits, words))), None)


async def sees_end(slack: Slack, channel: Channel, order_id: int, timeout: float = 20.0) -> Message:  # noqa: ASYNC109 - the deadline is the contract here
    """Wait for a card that tells how the resend of an order ended."""

    def find() -> Message | None:
        return next((message for message in roots(channel, order_id) if tells(message)), None)

    return await slack.wait_for(find, f"the outcome for order {order_id}", timeout)


async def see_details(person: SimulatedUser, card: Message) -> Form:
    """Open the details of a card that the person can see."""
    await person.click(card, "Details")
    return await person.sees_form("Requested by")


def kinds(rows: list[Row], order_id: int) -> list[str]:
    """Return the kinds of the ledger's rows about the calls for one order, in order."""
    return [row["kind"] for row in rows if row["detail"].get("target") == f"order {order_id}"]


def is_chained(rows: list[Row]) -> bool:
    """Return if every row follows the one before, and carries the hash of its content."""
    before = "0" * 64
    for number, row in enumerate(rows, start=1):
        body = {name: value for name, value in row.items() if name != "hash"} | {"detail": _canonical(row["detail"])}
        if (row["seq"], row["prev"]) != (number, before) or _hash(body) != row["hash"]:
            return False
        before = row["hash"]
    return True


def _hash(body: Row) -> str:
    return hashlib.sha256(_canonical(body).encode()).hexdigest()


def _canonical(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


async def start_again(bot: BotProcess, slack: Slack) -> None:
    """Start a bot that was killed or stopped, once Slack has noticed that its socket is gone."""
    await slack.wait_for(lambda: slack.sockets == 0, "the socket to close", 20.0)
    await bot.start()
    await slack.wait_for_connection(timeout=60.0)


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def asks(bot: BotProcess, path: str) -> tuple[int, str]:
    """Return the status and the body of the bot's HTTP server, or 0 and no text if nothing listens."""
    address = f"http://127.0.0.1:{bot.settings['PORT']}{path}"
    try:
        async with aiohttp.ClientSession() as session, session.get(address) as response:
            return response.status, await response.text()
    except aiohttp.ClientError:
        return 0, ""


async def answers_with(bot: BotProcess, path: str, status: int, seconds: float = 60.0) -> str:
    """Wait until the bot's site answers so, and return the body."""
    async with asyncio.timeout(seconds):
        while (answer := await asks(bot, path))[0] != status:  # noqa: ASYNC110 - a server does not announce that it is up
            await asyncio.sleep(0.05)
    return answer[1]


async def serving(bot: BotProcess) -> None:
    """Wait until the bot says that it is ready."""
    await answers_with(bot, "/readyz", 200)


@contextmanager
def looking_into(database_url: str) -> Iterator[sa.Connection]:
    """The bot's database as an operator sees it who only reads."""
    is_sqlite = database_url.startswith("sqlite:")
    url = sa.make_url(database_url.replace("postgresql:", "postgresql+psycopg:", 1))
    if is_sqlite:
        url = url.set(database=f"file:{url.database}", query={"mode": "ro", "uri": "true"})
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        yield connection


@contextmanager
def locked(database: Path | str) -> Iterator[None]:
    """Hold the write lock of a SQLite file or a PostgreSQL database, as a backup or a curious operator may."""
    if str(database).startswith("postgresql:"):
        with psycopg.connect(str(database)) as connection:
            connection.execute("LOCK TABLE ledger_head IN ACCESS EXCLUSIVE MODE")
            yield
            connection.rollback()
        return
    with closing(sqlite3.connect(str(database).removeprefix("sqlite:///"), isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")
