"""From one integer to all that happens: who does what when, what fails meanwhile, how clocks differ (pure)."""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.certcentral.behavior_options import EMAIL_ARRAY_LIMITS, EmailArrayLimit
from tests.chaos.faults import PUTS, READS, SLACK, SLACK_METHODS

Kind = Literal["sqlite", "postgresql"]
Command = Literal["run", "serve"]

INSTANCES: dict[Kind, int] = {"sqlite": 1, "postgresql": 2}
FIRST_ORDER = 700001
SPAN = 2.5
PEOPLE = ("ana", "ben", "cas", "eve", "gil", "rob", "sam")
MAY = ("ana", "ben", "cas")
ACTORS = (*MAY * 3, "eve", "gil", "sam")
MULTI = (700005, 700006)
ORDERS = tuple(range(FIRST_ORDER, FIRST_ORDER + 6))
# An organization's order whose name lies below its domain: what limits `email_array` makes a difference there.
BELOW = 700007
# Domains whose validation has ended, each for the revalidation of one person.
LAPSED = (80, 81)
SUBMISSIONS = (200, 201, 204)
# From then on the others take a frozen instance for dead.
DEAD_SECONDS = 12.0


@dataclass(frozen=True)
class Step:
    """One thing that happens `at` so many seconds after the bots are connected."""

    at: float
    what: str
    details: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        details = ", ".join(f"{name}={value!r}" for name, value in self.details.items())
        return f"{self.at:6.2f}  {self.what}({details})"


@dataclass(frozen=True)
class ChaosSchedule:
    """Everything about one run; `skews` are how many seconds each instance's clock is ahead."""

    seed: int
    database: Kind
    command: Command
    skews: tuple[float, ...]
    settings: Mapping[str, str]
    steps: tuple[Step, ...]
    is_late: bool
    """Whether eight minutes pass after all that, and envelopes arrive once more."""
    limited_by: EmailArrayLimit = "domain"
    """How CertCentral reads what limits the addresses of a domain's resend."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What CertCentral does when a domain is submitted again, and when its method is changed to email."""

    def has(self, *whats: str) -> bool:
        """Return if one of these steps is in it."""
        return any(step.what in whats for step in self.steps)

    def __str__(self) -> str:
        played = f"seed {self.seed}: dcv-resend {self.command} on {self.database}"
        head = f"{played}, clocks ahead by {list(self.skews)} s, {dict(self.settings)}, {self.limited_by} limits emails"
        head = f"{head}, {dict(self.options)}"
        return "\n".join([head, *map(str, self.steps), *(["        eight minutes pass"] if self.is_late else [])])


def draw(seed: int) -> ChaosSchedule:
    """Return the schedule of a seed, which is always the same.

    Odd ones play on SQLite and even ones on PostgreSQL; of every eight, one of each by HTTP.
    """
    return _Drawing(seed, "sqlite" if seed % 2 else "postgresql", "serve" if seed % 8 in {4, 5} else "run").schedule()


class _Drawing:
    def __init__(self, seed: int, database: Kind, command: Command) -> None:
        self._seed, self._database, self._command = seed, database, command
        self._instances = INSTANCES[database]
        self._chance = random.Random(seed)  # noqa: S311 - moments, no secret
        # What was added later draws by itself, so that the rest of a seed stays what it was.
        self._later = random.Random(f"later {seed}")  # noqa: S311
        self._again = random.Random(f"revalidations {seed}")  # noqa: S311

    def schedule(self) -> ChaosSchedule:
        chance = self._chance
        skews = tuple(
            round(chance.choice((0.0, 0.0, chance.uniform(-200.0, 200.0))), 1) for _ in range(self._instances)
        )
        settings = {
            "DCV_COOLDOWN": chance.choice(("2s", "5m", "15m")),
            "DCV_FOLLOW_UPS": chance.choice(("none", "1s,2s,3s", "2m,5m")),
            "DCV_NUDGES": chance.choice(("none", "2s")),
        }
        steps = [*self._acts(), *self._faults(), *self._troubles()]
        is_late = chance.random() < 0.4
        steps += [*self._acts_below(), *self._freezes(), *self._crowds(), *self._revalidations()]
        if any(step.what == "flood" for step in steps):
            settings |= {"DIGICERT_LIMITS": "20/2s", "DCV_PERSON_LIMITS": "1000/10m"}
        steps.sort(key=lambda step: step.at)
        limited_by = self._later.choice(EMAIL_ARRAY_LIMITS)
        return ChaosSchedule(
            self._seed,
            self._database,
            self._command,
            skews,
            settings,
            tuple(steps),
            is_late,
            limited_by,
            self._options(),
        )

    def _acts(self) -> Iterable[Step]:
        chance = self._chance
        orders = chance.sample(ORDERS, 4)
        yield self._step("alert", order_id=chance.choice(orders), at=chance.uniform(0.0, 0.5))
        for _ in range(chance.randint(9, 13)):
            way = chance.choice(("line", "line", "form", "form", "form", "shortcut"))
            order_id, person = chance.choice(orders), chance.choice(ACTORS)
            details: dict[str, Any] = {"person": person, "order_id": order_id}
            details["reason"] = chance.choice((None, "nothing came", "<!here> & <http://evil.example|why>"))
            details["again"] = chance.choice(("once", "double click", "sent twice"))
            yield self._step(way, at=chance.uniform(0.0, SPAN * 0.7), **details)
        for _ in range(2):
            label = chance.choice(("Check now", "Resend to another address…", "Stop tracking", "Resend 7", "Not now"))
            pick, person = chance.randrange(1000), chance.choice(ACTORS)
            yield self._step("press", label=label, pick=pick, person=person, at=chance.uniform(1.0, SPAN))
        for _ in range(chance.randint(1, 3)):
            pick, new_id = chance.randrange(1000), chance.random() < 0.5
            yield self._step("redeliver", pick=pick, new_id=new_id, at=chance.uniform(1.0, SPAN + 1.0))
        if chance.random() < 0.5:
            yield self._step("approve", pick=chance.randrange(1000), at=chance.uniform(1.0, SPAN))
        if chance.random() < 0.5:
            yield self._step("read", person=chance.choice(ACTORS), at=chance.uniform(0.0, SPAN))
        if chance.random() < 0.3:
            yield self._step("dismiss", person=chance.choice(MAY), at=chance.uniform(0.3, SPAN * 0.7))
        if chance.random() < 0.4:
            yield self._step("dismiss_while_busy")

    def _faults(self) -> Iterable[Step]:
        chance = self._chance
        for _ in range(chance.randint(4, 8)):
            kind = self._kind(SLACK, 0.15)
            yield self._step("slack_fault", method=chance.choice(SLACK_METHODS), kind=kind)
        if chance.random() < 0.6:
            kind = chance.choice(("answer lost", "500 after it took effect"))
            yield self._step("slack_fault", method="chat.postMessage", kind=kind, at=chance.uniform(0.0, 0.5))
        for _ in range(chance.randint(2, 4)):
            yield self._step("put_fault", kind=self._kind(PUTS, 0.03))
        for _ in range(chance.randint(0, 3)):
            yield self._step("read_fault", kind=chance.choice(list(READS)))

    def _troubles(self) -> Iterable[Step]:
        chance = self._chance
        for _ in range(chance.choice((0, 1, 1, 1, 2))):
            which, effect = chance.randrange(self._instances), chance.random() < 0.5
            call = chance.choice(("PUT *", "PUT *", "GET *", *SLACK_METHODS[:2], "any moment"))
            pause = chance.choice((0.0, 0.0, 0.5))
            yield self._step("kill", which=which, call=call, effect=effect, pause=pause, at=chance.uniform(0.3, SPAN))
        if chance.random() < 0.35:
            seconds = 10.0 if chance.random() < 0.12 else chance.uniform(0.3, 3.0)
            how = chance.choice(("locked", "stopped", "cut"))
            yield self._step("database_away", seconds=round(seconds, 1), how=how)
        for _ in range(chance.choice((0, 0, 1, 2))):
            how = chance.choice(("drop", "freeze", "refresh_requested", "warning", "no handshake", "no address"))
            if self._command == "run":
                yield self._step("trouble_socket", how=how)
            else:
                yield self._step("replay", at=chance.uniform(1.0, SPAN + 1.0))

    def _acts_below(self) -> Iterable[Step]:
        """Resends for a name below its domain, by the form, which preselects recipients."""
        chance = self._later
        for _ in range(chance.choice((0, 1, 1, 2))):
            person, at = chance.choice(MAY), chance.uniform(0.0, SPAN * 0.7)
            again = chance.choice(("once", "double click"))
            yield self._step("form", at=at, person=person, order_id=BELOW, reason="nothing came", again=again)

    def _freezes(self) -> Iterable[Step]:
        """A process that does not run for a while, at any moment or right after it wrote the row before a call."""
        chance = self._later
        if chance.random() < 0.35:
            which = chance.randrange(self._instances)
            seconds = chance.uniform(0.3, 3.0)
            if self._database == "postgresql" and chance.random() < 0.5:
                seconds = DEAD_SECONDS + chance.uniform(1.0, 4.0)
            at_row = self._database == "postgresql" and chance.random() < 0.6
            at = chance.uniform(0.0, SPAN * 0.5)
            yield self._step("freeze", at=at, which=which, seconds=round(seconds, 1), at_row=at_row)

    def _crowds(self) -> Iterable[Step]:
        """One person who asks too much, a Slack that is asked too much, strangers who come into a channel."""
        chance = self._later
        if chance.random() < 0.2:
            person, colleague = chance.sample(MAY, 2)
            at = chance.uniform(0.0, SPAN * 0.5)
            yield self._step("flood", at=at, person=person, colleague=colleague, order_id=chance.choice(ORDERS))
        if chance.random() < 0.3:
            yield self._step("limit_groups", at=chance.uniform(0.0, SPAN * 0.6), times=chance.randint(1, 4))
        if chance.random() < 0.2:
            yield self._step("share", at=chance.uniform(0.0, SPAN))

    def _revalidations(self) -> Iterable[Step]:
        """Revalidations, which a person continues if they are interrupted, and what goes wrong with their calls."""
        chance = self._again
        for domain_id in LAPSED[: chance.choice((1, 2, 2))]:
            person, again = chance.choice(MAY), chance.choice(("once", "double click", "sent twice"))
            at = chance.uniform(0.0, SPAN * 0.6)
            yield self._step("revalidate", at=at, person=person, domain_id=domain_id, again=again)
        for _ in range(chance.choice((0, 1, 2, 3))):
            calls = chance.choice(("POST *", "PUT /domain/8?/dcv/method", "PUT /domain/8?/dcv/emails"))
            kind = chance.choice([kind for kind in PUTS if kind != "timeout"])
            yield self._step("step_fault", at=0.0, calls=calls, kind=kind)
        if chance.random() < 0.3:
            call, effect = chance.choice(("POST *", "PUT /domain/8?/dcv/method")), chance.random() < 0.5
            which = chance.randrange(self._instances)
            yield self._step("kill", which=which, call=call, effect=effect, pause=0.0, at=0.0)

    def _options(self) -> dict[str, Any]:
        chance = self._again
        switches = ("submit_emails_everyone", "email_flag_ignored", "switch_voids_mails")
        return {"submit_status": chance.choice(SUBMISSIONS)} | {each: chance.random() < 0.5 for each in switches}

    def _kind(self, faults: Iterable[str], slow: float) -> str:
        """One of them; a timeout, which takes ten seconds or thirty, in few schedules only."""
        chance = self._chance
        return chance.choice([kind for kind in faults if kind != "timeout" or chance.random() < slow])

    def _step(self, what: str, *, at: float | None = None, **details: Any) -> Step:
        moment = self._chance.uniform(0.0, SPAN * 0.8) if at is None else at
        return Step(round(moment, 2), what, details)
