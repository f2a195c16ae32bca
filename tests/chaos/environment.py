"""The bots between the local Slack and the local CertCentral, with what may happen to processes and databases."""

import asyncio
import json
import math
import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Self

import psycopg
import sqlalchemy as sa

from sandbox.certcentral import CertCentral
from sandbox.certcentral.call_log import RecordedCall
from sandbox.faults import Fault, Faults
from sandbox.slack import Channel, SimulatedUser, Slack
from tests.chaos.faults import BUSY_FOR_LONG, ReportedFault, counted, repeating, with_callback
from tests.chaos.machine_lag import LagMeter
from tests.chaos.schedules import BELOW, FIRST_ORDER, LAPSED, MULTI, ORDERS, PEOPLE, ChaosSchedule
from tests.chaos.skewed_bot import SkewedBot
from tests.database_link import DatabaseLink
from tests.e2e.helpers import Row, locked, looking_into, serving
from tests.postgresql import Server

# Each holds a unique mark: if a mark is found anywhere, the secret has leaked.
SECRETS = {
    "SLACK_BOT_TOKEN": "xoxb-1234567890-KanarieBotToken7f3a91c2",
    "SLACK_APP_TOKEN": "xapp-1-A0123456789-KanarieAppToken5b8e02d4",
    "SLACK_SIGNING_SECRET": "KanarieSigning9c4d71e6a0b8",
    "DIGICERT_API_KEY": "KanarieDigiCertKey_3e6f/80a1+55d2=",
}
DATABASE_PASSWORD = "KanarieDatabase2d9b"
PROXY = "http://bot:KanarieProxy64f0@127.0.0.1:9"
MARK = "Kanarie"
# What a bot that ends by itself takes for that, at most.
ENDING_SECONDS = 5.0
COMMITTING_SECONDS = 0.05
# What the statement holds that writes the row before a call, and how long a freeze waits for one.
SENDING_ROW, ROW_SECONDS = b"sending", 8.0
BELOW_DOMAIN = 70
Key = tuple[str, str]


class Instance:
    """One process of the bot and its clock."""

    def __init__(self, env: "Environment", number: int, skew: float) -> None:
        self.env, self.skew = env, skew
        self.ends: list[int] = []
        self.ahead = env.folder / f"ahead-{number}"
        command = ("skewed-bot", env.schedule.command, str(self.ahead))
        self.name = f"bot-{number}"
        settings = env.settings | {"DCV_INSTANCE": self.name}
        if env.is_http:
            settings |= {"PORT": str(env.port())}
        # So that its process can be frozen before it learns that its row is written.
        self.link = DatabaseLink(env.database_url) if env.freezes_at_row else None
        if self.link:
            settings |= {"DATABASE_URL": self.link.url}
        self.process = SkewedBot(settings, env.folder / f"{self.name}.log", command)
        self._changing = asyncio.Lock()

    async def start(self) -> None:
        """Start it."""
        self.env.set_clocks()
        async with self._changing:
            await self.process.start()

    async def kill(self, pause: float = 0.0, gone: asyncio.Event | None = None) -> None:
        """End it as a power cut does, let go of the call that was held, and start it again."""
        async with self._changing:
            self.env.spawn(self._note_absence(time.monotonic()))
            with suppress(ProcessLookupError, LookupError):
                await self.process.kill()
            await self.env.note_death(self.name)
            if gone is not None:
                gone.set()
            await asyncio.sleep(pause)
            await self.process.start()

    async def freeze(self, seconds: float, *, at_row: bool) -> None:
        """Let it not run for so long; with `at_row` from the COMMIT of its next `sending` row on."""
        if at_row and self.link:
            self.link.fall_silent_after(SENDING_ROW)
            try:
                async with asyncio.timeout(ROW_SECONDS):
                    await self.link.unreachable.wait()
            except TimeoutError:
                self.link.speak()
                return
        async with self._changing:
            self.env.injected["frozen right after its row" if at_row else "frozen"] += 1
            self.env.frozen.append(frozen := Frozen(self.name, time.monotonic()))
            with suppress(ProcessLookupError, LookupError):
                os.kill(self.process.pid, signal.SIGSTOP)
                if self.link:
                    self.link.speak()
                await asyncio.sleep(seconds)
                os.kill(self.process.pid, signal.SIGCONT)
            frozen.until = time.monotonic()

    async def watch(self) -> None:
        """Restart the process whenever it ends by itself, as a platform does, and record its exit status in `ends`."""
        while True:
            await asyncio.sleep(0.1)
            async with self._changing:
                with suppress(TimeoutError):
                    self.ends.append(await self.process.wait_for_exit(0.01))
                    self.env.spawn(self._note_absence(time.monotonic() - ENDING_SECONDS))
                    await self.env.note_death(self.name)
                    await self.process.start()

    async def _note_absence(self, began: float) -> None:
        """Record the time in which HTTP requests may find no bot, or one that is not ready."""
        if self.env.is_http:
            self.env.absences.append(absence := [began, math.inf])
            await serving(self.process)
            absence[1] = time.monotonic()


class Arrival(NamedTuple):
    """A PUT as it arrived: `at` by the monotonic clock, the ledger if it could be read, and the fault that it met."""

    call: RecordedCall
    at: float
    rows: list[Row] | None
    fault: Fault | None


class Death(NamedTuple):
    """A process that ended by force or by itself, and the ledger that it left, if that could be read."""

    by: str
    rows: list[Row] | None


@dataclass
class Frozen:
    """A time in which a process did not run."""

    by: str
    since: float
    until: float = math.inf


class Witness(Faults):
    """CertCentral's faults, which also record the ledger when a PUT arrives, before it is answered."""

    def __init__(self, env: "Environment") -> None:
        super().__init__()
        self._world = env

    def pop(self, name: str) -> Fault | None:
        """Use up one fault planned for a call of this name."""
        fault = super().pop(name)
        if name.startswith(("PUT ", "POST ")):
            self._world.witness(fault)
        return fault


class Environment:
    """Everything that a schedule plays in; leaves nothing running."""

    def __init__(self, schedule: ChaosSchedule, database_url: str, server: Server | None, folder: Path) -> None:
        self.schedule, self.folder, self.server = schedule, folder, server
        self.database_url = database_url.replace("made-up", DATABASE_PASSWORD)
        self.leap = 0.0
        self.injected: Counter[str] = Counter()
        self.deaths: list[Death] = []
        self.unavailable: list[tuple[float, float]] = []
        self.absences: list[list[float]] = []
        self.witnessed: list[Arrival] = []
        self.broken: list[str] = []
        """What went wrong with the schedule itself."""
        self.left_at: dict[str, float] = {}
        self.frozen: list[Frozen] = []
        self.served: list[tuple[str, bool]] = []
        """Who asked while another person flooded the bot, and whether they got their form."""
        self.shared_at: float | None = None
        self.asked: dict[Key, str] = {}
        """Who asked, by target and language: no two requests for a target have the same."""
        self.slack = Slack(clock=lambda: time.time() + self.leap, seed=schedule.seed)
        self.slack.web_api.bot_token = SECRETS["SLACK_BOT_TOKEN"]
        self.slack.web_api.app_token = SECRETS["SLACK_APP_TOKEN"]
        self.slack.signing_secret = SECRETS["SLACK_SIGNING_SECRET"]
        now = partial(_now, self)
        self.certcentral = CertCentral(SECRETS["DIGICERT_API_KEY"], now)
        self.certcentral.options.email_array_limited_by = schedule.limited_by
        for option, value in schedule.options.items():
            setattr(self.certcentral.options, option, value)
        self.certcentral.faults = Witness(self)
        self.instances: list[Instance] = []
        self._stack = AsyncExitStack()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._database_is_away = asyncio.Lock()

    async def __aenter__(self) -> Self:
        """Serve, settle who is there and what waits, and start the bots."""
        self.lag_meter = await self._stack.enter_async_context(LagMeter(self.folder / "machine-lag"))
        await self._stack.enter_async_context(self.slack)
        await self._stack.enter_async_context(self.certcentral)
        self._people()
        self._orders()
        self.settings: Mapping[str, str] = {
            **SECRETS,
            "HTTPS_PROXY": PROXY,
            "SLACK_API_URL": self.slack.api_url,
            "DIGICERT_BASE_URL": self.certcentral.url,
            "DIGICERT_LIMITS": "1000/1s",
            "DCV_PERSON_LIMITS": "1000/1m",
            "DCV_ALLOWED_USERS": f"{self.people['ana'].id},{self.people['gil'].id},{self.people['rob'].id}",
            "DCV_ALLOWED_USERGROUPS": self.group.id,
            "DCV_ALERT_CHANNELS": self.ops.id,
            "DATABASE_URL": self.database_url,
            "LOG_FORMAT": "json",
            **self.schedule.settings,
        }
        self.instances = [Instance(self, number, skew) for number, skew in enumerate(self.schedule.skews)]
        if self.is_http:
            ports = [instance.process.settings["PORT"] for instance in self.instances]
            self.slack.request_url = [f"http://127.0.0.1:{port}/slack/events" for port in ports]
        for instance in self.instances:
            if instance.link:
                await self._stack.enter_async_context(instance.link)
            await instance.start()
            self.spawn(instance.watch())
        await self.connected()
        return self

    async def __aexit__(self, *_: object) -> None:
        """End every process and server."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for instance in self.instances:
            await instance.process.ensure_stopped()
        await self._stack.aclose()

    def spawn(self, work: Any) -> asyncio.Task[Any]:
        """Let something go on beside the rest."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self.broken.append(repr(error))

    @property
    def freezes_at_row(self) -> bool:
        """Return if the schedule freezes a process right after it wrote the row before a call."""
        return any(step.what == "freeze" and step.details["at_row"] for step in self.schedule.steps)

    @property
    def is_http(self) -> bool:
        """Return if the bots use HTTP mode."""
        return self.schedule.command == "serve"

    def port(self) -> int:
        """A port that stays free for a bot between two runs, since a socket that does not listen holds it."""
        holder = self._stack.enter_context(socket.socket())
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        return int(holder.getsockname()[1])

    async def connected(self) -> None:
        """Wait until every instance has its socket, or serves."""
        try:
            if self.is_http:
                await asyncio.gather(*(serving(instance.process) for instance in self.instances))
            else:
                wanted = len(self.instances)
                await self.slack.wait_for(lambda: self._sound_sockets() >= wanted, f"{wanted} sockets", 60.0)
        except TimeoutError as error:
            logs = "\n".join(instance.process.log for instance in self.instances)
            raise TimeoutError(f"{error}\n{logs}\n{self.broken}") from None

    def _sound_sockets(self) -> int:
        return sum(not socket.frozen for socket in self.slack.socket_mode.sockets)

    @property
    def calls(self) -> int:
        """Return the number of the bots' calls that arrived at Slack and DigiCert."""
        return len(self.slack.api_calls) + len(self.certcentral.calls)

    def set_clocks(self) -> None:
        """Tell each instance how far its clock is ahead."""
        for instance in self.instances:
            new = instance.ahead.with_suffix(".new")
            new.write_text(str(self.leap + instance.skew))
            new.replace(instance.ahead)

    def pass_time(self, seconds: float) -> None:
        """Let so many seconds pass at once, for everybody."""
        self.leap += seconds
        self.set_clocks()

    def witness(self, fault: Fault | None) -> None:
        """Note what the ledger says while a PUT arrives, and the fault that it meets."""
        call = self.certcentral.calls[-1]
        self.witnessed.append(Arrival(call, time.monotonic(), self._readable_ledger(), fault))

    async def note_death(self, by: str) -> None:
        """Note what a process leaves in the ledger, before it starts again."""
        # The server of a database may still commit what the process sent it last.
        await asyncio.sleep(COMMITTING_SECONDS)
        self.deaths.append(Death(by, self._readable_ledger()))

    def _readable_ledger(self) -> list[Row] | None:
        """Return the ledger's rows, or None if the database cannot be read just now."""
        try:
            return self.ledger()
        except sa.exc.DBAPIError:
            return None

    def ledger(self) -> list[Row]:
        """Return the ledger's rows, the oldest first."""
        return [{**row, "detail": json.loads(row["detail"])} for row in self.rows("SELECT * FROM ledger ORDER BY seq")]

    def rows(self, question: str) -> list[Row]:
        """Rows of the bot's database."""
        with looking_into(self.database_url) as connection:
            return [dict(row) for row in connection.execute(sa.text(question)).mappings()]

    def everything_stored(self) -> dict[str, Any]:
        """Every row of every table, also of the engine's; of SQLite also the bytes of its files."""
        files = self.folder.glob("bot.db*")
        stored: dict[str, Any] = {file.name: file.read_bytes().decode("latin-1") for file in files}
        with looking_into(self.database_url) as connection:
            found = sa.inspect(connection)
            for schema in found.get_schema_names():
                if schema not in {"information_schema", "pg_catalog"}:
                    for name in found.get_table_names(schema):
                        rows = connection.execute(sa.select(sa.text("*")).select_from(sa.table(name, schema=schema)))
                        stored[f"{schema}.{name}"] = [list(row) for row in rows]
        return stored

    def _planned(self, fault: Fault, name: str) -> ReportedFault:
        return counted(repeating(fault, SECRETS["DIGICERT_API_KEY"]), name, self.injected)

    def plan_slack(self, method: str, kind: str, fault: Fault) -> None:
        """Let the next call of a method meet a fault."""
        self.slack.faults.plan(method, self._planned(fault, f"Slack: {kind}"))

    def plan_certcentral(self, pattern: str, kind: str, fault: Fault) -> None:
        """Let the next call that fits meet a fault."""
        verb = "read" if pattern.startswith("GET") else pattern.split()[0]
        self.certcentral.faults.plan(pattern, self._planned(fault, f"DigiCert {verb}: {kind}"))

    def plan_kill(self, instance: Instance, call: str, pause: float, *, effect: bool) -> None:
        """Kill an instance when the next such call arrives. The call may take effect, and is never answered."""
        gone = asyncio.Event()

        def met() -> None:
            self.injected["kill -9 at a call"] += 1
            self.spawn(instance.kill(pause, gone))

        fault = with_callback(Fault(effect=effect, lost=True, hold=gone), met)
        (self.certcentral if " " in call else self.slack).faults.plan(call, fault)

    def plan_dismissal(self) -> None:
        """Answer the next resend that DigiCert is busy, and meanwhile take its person off the list."""

        def met() -> None:
            self.injected["lost their right while DigiCert was busy"] += 1
            self.dismiss(self.asked[key_of(self.certcentral.calls[-1])])

        self.certcentral.faults.plan("PUT *", with_callback(BUSY_FOR_LONG, met))

    def dismiss(self, name: str) -> None:
        """Take a person out of the group, or make a guest of one who is not in it."""
        person = self.people[name]
        if person.id in self.group.members:
            others = [self.slack.people[user] for user in self.group.members if user != person.id]
            self.group.set_members(others)
        else:
            person.guest = True
        self.left_at.setdefault(name, time.monotonic())

    async def database_away(self, seconds: float, how: str) -> None:
        """Keep everybody from writing, or stop the server, or cut its connections, for so many seconds."""
        async with self._database_is_away:
            began = time.monotonic()
            if self.schedule.database == "sqlite" or how == "locked" or (how == "stopped" and self.server is None):
                self.injected["database locked"] += 1
                await asyncio.to_thread(self._hold_the_lock, seconds)
            elif how == "stopped" and self.server:
                self.injected["database server stopped"] += 1
                await asyncio.to_thread(self.server.stop)
                await asyncio.sleep(seconds)
                await asyncio.to_thread(self.server.start)
            else:
                self.injected["database connections cut"] += 1
                await asyncio.to_thread(self._cut)
            self.unavailable.append((began, time.monotonic()))

    def _hold_the_lock(self, seconds: float) -> None:
        with locked(self.database_url):
            time.sleep(seconds)

    def _cut(self) -> None:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    async def end_faults(self) -> None:
        """Let everything be well again."""
        self.slack.faults.clear()
        self.certcentral.faults.clear()
        async with self._database_is_away:
            pass
        await self.connected()
        self.slack.event_dispatcher.retry_parked()

    def _people(self) -> None:
        traits: dict[str, dict[str, Any]] = {"gil": {"guest": True}, "rob": {"bot": True}, "sam": {"stranger": True}}
        self.people: dict[str, SimulatedUser] = {
            name: self.slack.add_person(name, **traits.get(name, {})) for name in PEOPLE
        }
        self.group = self.slack.add_usergroup("pki-team", [self.people["ben"], self.people["cas"]])
        self.pki: Channel = self.slack.add_channel("pki")
        self.ops: Channel = self.slack.add_channel("ops")
        self.closed: Channel = self.slack.add_channel("closed", member=False)

    def _orders(self) -> None:
        for order_id in ORDERS:
            number = order_id - FIRST_ORDER + 1
            if order_id in MULTI:
                names = [f"one{number}.com", f"two{number}.com"]
                for index, name in enumerate(names):
                    self.certcentral.add_domain(10 * number + index, name)
                self.certcentral.add_order(order_id, names, product="ov")
            else:
                names = [f"shop.n{number}.com", f"www.n{number}.com"]
                self.certcentral.add_order(order_id, names[: 1 + number % 2])
        ended = self.certcentral.now() - timedelta(days=3)
        for domain_id in LAPSED:
            self.certcentral.add_domain(domain_id, lapsed_name(domain_id), pending=False, validated_until=ended)
        self.certcentral.add_domain(BELOW_DOMAIN, "below.com")
        self.certcentral.add_order(BELOW, ["shop.below.com"], product="ov", name_scope="fqdn")


def _now(env: Environment) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=env.leap)


def targets(order_id: int) -> list[str]:
    """Return the targets of an order's mails, in the ledger's words."""
    if order_id == BELOW:
        return [f"domain {BELOW_DOMAIN}"]
    number = order_id - FIRST_ORDER + 1
    return [f"domain {10 * number}", f"domain {10 * number + 1}"] if order_id in MULTI else [f"order {order_id}"]


def lapsed_name(domain_id: int) -> str:
    """Return the name of a domain whose validation has ended."""
    return f"lapsed{domain_id}.com"


def step_keys(domain_id: int) -> list[Key]:
    """Return the keys of the three calls of a revalidation."""
    return [(f"domain {domain_id} submit", ""), (f"domain {domain_id} method", "en"), (f"domain {domain_id}", "en")]


def key_of(call: RecordedCall) -> Key:
    """The target of a writing call with its step, and its language. A submission has no language."""
    body: Any = call.body
    number = next(step for step in call.path.split("/") if step.isdecimal())
    step = next((step for end, step in _STEPS.items() if call.path.endswith(end)), "")
    return f"{call.path.split('/')[1]} {number}{step}", "" if step == " submit" else str(body["locale"])


_STEPS = {"/validation": " submit", "/dcv/method": " method"}


def addresses(order_id: int) -> list[str]:
    """Recipients that serve all names of an order."""
    number = order_id - FIRST_ORDER + 1
    return [f"admin@one{number}.com", f"admin@two{number}.com"] if order_id in MULTI else [f"admin@n{number}.com"]
