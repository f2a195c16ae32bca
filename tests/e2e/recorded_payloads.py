"""A recorded payload of every kind that the bot listens to, and its variants by other people or with other parts.

Nothing here depends on the transport, so that every entry point can be tried with the same payloads.
"""

import copy
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from sandbox.certcentral import CertCentral
from sandbox.faults import answers
from sandbox.slack import Channel, Form, SimulatedUser, Slack
from tests.e2e.helpers import sees_end, show_more

Json = dict[str, Any]
Path = tuple[str | int, ...]
Changes = list[tuple[int | Path, Any]]

ORDER, DOMAIN = 700001, 1234
COMMANDS = ("/dcv-resend", "/dcv-status")
BUTTONS_AND_SELECTS = (
    "target",
    "match",
    "again",
    "scope",
    "recipients",
    "more_options",
    "request_menu",
    "send_again",
    "status_next",
    "history_older",
    "offer_resend_0",
    "offer_not_now",
)
STORY = (*COMMANDS, *BUTTONS_AND_SELECTS, "message_action", "block_suggestion", "view_submission")
# Events that the bot receives and does not answer.
EVENTS = ("message", "subteam_members_changed")
# What Slack could send, and the bot does not listen to.
UNHANDLED = ("view_closed", "shortcut", "dialog_submission", "app_mention", "function_executed", "/other", "nothing")

GONE = "gone"
JUNK: list[Any] = [
    None,
    True,
    -1,
    10**30,
    0.5,
    "",
    " ",
    "x" * 4000,
    "a\x00\x1b[31m\nb",
    "\u202egnp.exe\u200f",
    "🔥",
    "<script>alert(1)</script>",
    "*.*",
    "\ud800",
    "http://[",
    [],
    [None],
    [[], {}],
    {},
    {"id": None},
    {"": {"": {}}},
]
HUGE: list[Any] = [
    "x" * 300_000,
    "700001 " * 40_000,
    "a." * 100_000,
    "<" * 200_000,
    [{"type": "section", "text": {"type": "mrkdwn", "text": "700001"}}] * 2_000,
    {f"key{number}": {"id": "U0ANA"} for number in range(2_000)},
]
# Parts that Slack does not send there, and such as a reader may trust.
EXTRA: Json = {
    "user": {"id": "USLACKBOT", "team_id": "T0", "is_admin": True},
    "user_id": "U0ADMIN",
    "bot_id": "B0BOT",
    "bot_profile": {"id": "B0BOT", "app_id": "A0BOT"},
    "enterprise": {"id": "E0GRID", "name": "Grid"},
    "is_enterprise_install": True,
    "authorizations": [{"team_id": None}],
    "container": {"type": "message"},
    "subtype": ["bot_message"],
    "response_urls": [{}],
    "__proto__": {"admin": True},
}
NUMBERS = st.integers(0, 60)
CHANGE = st.one_of(
    st.tuples(NUMBERS, st.sampled_from([GONE, *JUNK])),
    st.tuples(NUMBERS, st.sampled_from([GONE, *JUNK])),
    st.tuples(st.sampled_from(sorted(EXTRA)).map(lambda name: (name,)), st.sampled_from(JUNK)),
    st.sampled_from(sorted(EXTRA)).map(lambda name: ((name,), EXTRA[name])),
)
CHANGES = st.lists(CHANGE, min_size=1, max_size=3)


@dataclass(frozen=True)
class Genuine:
    """A payload as Slack sends it, and the kind of its envelope."""

    kind: str
    payload: Json

    @property
    def name(self) -> str:
        """The command, the event type, the action id, or else the payload type."""
        if "command" in self.payload:
            return str(self.payload["command"])
        if "event" in self.payload:
            return str(self.payload["event"]["type"])
        actions = self.payload.get("actions") or [{"action_id": self.payload.get("type")}]
        return str(actions[0]["action_id"])

    @property
    def channel_id(self) -> str | None:
        """The channel of the action, or None for an action in a form."""
        inside: Json = self.payload.get("channel") or {}
        return self.payload.get("channel_id") or inside.get("id")

    def by(self, person: SimulatedUser) -> "Genuine":
        """Return the same action by another person, with their trigger and response_url."""
        slack, payload = person.slack, copy.deepcopy(self.payload)
        if "event" in payload:
            return replace(self, payload=payload)
        if "user" in payload:
            payload["user"] |= {"id": person.id, "team_id": person.team_id, "name": person.name}
        else:
            payload |= {"user_id": person.id, "team_id": person.team_id, "user_name": person.name}
        if "trigger_id" in payload:
            payload["trigger_id"] = slack.triggers.issue(person)
        if "response_url" in payload and self.channel_id:
            payload["response_url"] = slack.response_urls.issue(person, slack.channels[self.channel_id])
        return replace(self, payload=payload)

    def saying(self, text: str) -> "Genuine":
        """The same command with another text after it."""
        return replace(self, payload={**self.payload, "text": text})


async def record(
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
    ops: Channel,
    ask: Callable[[str], Awaitable[Form]],
) -> Callable[[str], Genuine]:
    """Let Ana do everything once, in #pki and below an alert in #ops; returns the first payload of each name."""
    certcentral.add_order(ORDER, ["shop.example.com"])
    certcentral.add_domain(DOMAIN, "example.net")
    certcentral.add_order(ORDER + 60, ["www.example.net"], product="ov")
    for number in range(2, 14):
        certcentral.add_order(ORDER + number, ["twice.example.org"])
    await ana.command("/dcv-status", "", pki)
    await ana.click(await ana.receives("pending orders"), "Next")
    form = await ask("twice.example.org")
    await form.choose(str(ORDER + 2), action_id="match")
    certcentral.faults.plan(f"GET /order/certificate/{ORDER + 3}", answers(403))
    await (await ask(str(ORDER + 3))).click("Try again")
    form = await ask("www.example.net")
    await show_more(form)
    await form.choose("www.example.net", action_id="scope")
    form = await ask("")
    await form.search(str(ORDER))
    await form.choose("shop.example.com", action_id="target")
    form = await ask(str(ORDER))
    await form.choose("admin@example.com", label="Recipient for shop.example.com")
    form.fill("Reason", "a new mailbox")
    await form.submit()
    root = await sees_end(slack, pki, ORDER)
    await ana.click(root, "Check now")
    await ana.click(root, "Resend to another address…")
    await ana.sees_form("give a reason")
    line = f"{ORDER} to admin@example.com in de"
    await ana.command("/dcv-resend", line, pki)
    await ana.receives("Nothing was sent")
    alert = slack.post_alert(ops, "monitoring", f"Order {ORDER + 2} is pending")
    offer = await slack.sees_message(ops, "is waiting for email approval", thread=alert)
    await ana.click(offer, f"Resend {ORDER + 2}…")
    await ana.sees_form("Recipient for twice.example.org")
    await ana.click(offer, "Not now")
    await ana.shortcut("dcv_resend_message", alert)
    slack.add_usergroup("pki-team").set_members([ana])
    pam = slack.add_person("pam")
    # More than a page: a slow disk may leave out some refusals.
    for number in range(20):
        await pam.command("/dcv-resend", str(ORDER + number), pki)
    await slack.wait_for(lambda: len(pam.ephemerals) == 20, "Pam to be refused", 20.0)
    await ana.command("/dcv-resend", f"history <@{pam.id}|pam>", pki)
    await ana.click(await ana.receives("Recent requests"), "Older")
    # The last one: what is followed is asked for by the bot itself now and then.
    await ana.click(root, "Stop tracking")
    await (await ana.sees_form("I'll stop checking")).submit()
    await slack.wait_for(lambda: "tracking stopped by" in root.text, "tracking to stop", 20.0)
    await slack.wait_for_events()

    found = [Genuine(delivery.kind, copy.deepcopy(delivery.sent)) for delivery in slack.deliveries]
    assert slack.problems == []
    by_name = {each.name: each for each in reversed(found)}
    alerts = [
        each for each in found if each.payload.get("event", {}).get("bot_profile", {}).get("name") == "monitoring"
    ]
    by_name |= {"message": alerts[0]}
    by_name |= {each.name: each for each in _unhandled(by_name)}
    return by_name.__getitem__


def _unhandled(found: dict[str, Genuine]) -> Iterator[Genuine]:
    for kind in ("view_closed", "dialog_submission", "nothing"):
        yield Genuine("interactive", {**found["view_submission"].payload, "type": kind})
    pressed = found["message_action"].payload
    without = {key: part for key, part in pressed.items() if key not in {"message", "channel", "message_ts"}}
    yield Genuine("interactive", {**without, "type": "shortcut"})
    yield Genuine("slash_commands", {**found["/dcv-resend"].payload, "command": "/other"})
    message_payload = found["message"].payload
    for kind in ("app_mention", "function_executed"):
        yield Genuine("events_api", {**message_payload, "event": {**message_payload["event"], "type": kind}})


def forge(genuine: Json, changes: Changes) -> Json:
    """The payload with some of its parts taken away, or something else in their place; shallow ones come first."""
    payload = copy.deepcopy(genuine)
    for part, junk in changes:
        paths = sorted(_paths(payload), key=lambda path: (len(path), str(path)))
        if isinstance(part, tuple):
            _change(payload, part, junk)
        elif paths:
            _change(payload, paths[part % len(paths)], junk)
    return payload


def _paths(value: Any, above: Path = ()) -> list[Path]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = []
    for key, part in inside:
        if key not in {"blocks", "message"} or not above:
            found.append((*above, key))
            found += _paths(part, (*above, key)) if len(above) < 6 else []
    return found


def _change(payload: Json, path: Path, junk: Any) -> None:
    parent: Any = payload
    for key in path[:-1]:
        parent = parent[key]
    if junk == GONE:
        parent.pop(path[-1], *([None] if isinstance(parent, dict) else []))
    else:
        parent[path[-1]] = copy.deepcopy(junk)
