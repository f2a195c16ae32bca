"""An account, alerts and people full of hostile text: nothing that the bot shows mentions, links or hides anything."""

import json
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.faults import answers
from sandbox.slack import Channel, Form, SimulatedUser, Slack
from tests.e2e.helpers import put, see_details, sees_end

MARKUP = "<!channel> <@U0EVERYBODY> <!subteam^S0ALL> <https://evil.example|DigiCert> `x` \n*bold*"
UNREADABLE = "pay\u200bpal\u202egpj.exe\u2066\u3164\x1b[31m"
HOSTILE = f"{MARKUP} {UNREADABLE} &lt;!here&gt;"
HTML = "<!DOCTYPE html><html><body><h1>502 <a href='https://evil.example'>Bad Gateway</a></h1></body></html>"
ORDER, BY_DOMAIN, REFUSED, LOST = 700001, 700002, 700003, 700004
POLICY = """
[[rule]]
name = "<!channel> <@U0EVERYBODY>"
allow = ["resend", "status", "override-cooldown"]
users = ["ANA"]

[[rule]]
name = "<https://evil.example|`frozen`>"
deny = ["resend"]
names = ["frozen.example.com"]
"""
# All that a reader of Slack may click or be called by: people, groups, channels, times and our own threads.
MENTION = re.compile(r"<@(\w+)>|<#(\w+)>|<!subteam\^(\w+)>")
OURS = re.compile(r"<!date\^\d+\^[^|>]*\|[^|>]*>|<https://sandbox\.slack\.test/archives/[^|>]*\|[a-z ]+>")


def error(text: str) -> Any:
    return answers(400, {"errors": [{"code": text, "message": text}]})


async def test_hostile_text_from_everywhere_is_shown_as_text_alone(
    make_bot: Callable[..., BotProcess],
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    ask: Callable[[str], Awaitable[Form]],
    pki: Channel,
    tmp_path: Path,
) -> None:
    ops = slack.add_channel("ops <!channel>")
    ana.name = ana.real_name = pki.name = HOSTILE
    _fill(certcentral)
    policy = tmp_path / "policy.toml"
    policy.write_text(POLICY.replace("ANA", ana.id))
    bot = make_bot(DCV_ALLOWED_USERS="", DCV_POLICY_FILE=str(policy), DCV_ALERT_CHANNELS=ops.id)
    await bot.start()
    await slack.wait_for_connection(60)

    form = await ask(str(ORDER))
    form.fill("Reason", MARKUP.replace("\n", " "))
    await form.submit()
    root = await sees_end(slack, pki, ORDER)
    await see_details(ana, root)
    await ana.click(root, "Check now")
    await ana.receives("Checked ")
    await ana.click(root, "Resend to another address…")
    await ana.sees_form("give a reason")
    for order, trouble in ((REFUSED, error(HOSTILE)), (LOST, answers(502, HTML))):
        certcentral.faults.plan(put(order), trouble)
        await ana.command("/dcv-resend", f"{order} to admin@example.com because {HOSTILE}", pki)
        await sees_end(slack, pki, order)
    certcentral.faults.plan(f"GET /order/certificate/{LOST}", error(HOSTILE))
    await ask(str(LOST))
    certcentral.faults.plan(f"GET /order/certificate/{LOST}", answers(502, HTML))
    await ana.command("/dcv-status", str(LOST), pki)
    search = await ask("")
    await search.search("<!channel>")
    await search.search("7000")
    await ask(str(BY_DOMAIN))
    typed = (
        "history",
        "why frozen.example.com",
        "why",
        HOSTILE,
        f"history {HOSTILE}",
        f"{ORDER} to {HOSTILE}",
        "frozen.example.com",
    )
    for text in typed:
        await _is_answered(ana, "/dcv-resend", text, pki)
    for text in ("", str(ORDER), str(BY_DOMAIN), HOSTILE):
        await _is_answered(ana, "/dcv-status", text, pki)
    alert = slack.post_alert(ops, HOSTILE, f"Order {BY_DOMAIN} is pending {HOSTILE}", attachments=[{"text": HOSTILE}])
    await slack.sees_message(ops, "is waiting for email approval", thread=alert)
    await ana.shortcut("dcv_resend_message", alert)
    await ana.sees_form("the message")

    shown = list(_shown(slack))
    texts = [text for is_marked_up, text in shown if is_marked_up]
    mentioned = {each for text in texts for found in MENTION.findall(text) for each in found if each}
    assert [text for text in texts if set("<>") & set(MENTION.sub("", OURS.sub("", text)))] == []
    assert mentioned <= {ana.id, pki.id, ops.id}
    assert [text for _, text in shown if not text.replace("\n", "").isprintable()] == []
    assert all(any("!channel" in text for kind, text in shown if kind is each) for each in (True, False))
    assert ("Traceback" in bot.log, slack.problems) == (False, [])


def _fill(certcentral: CertCentral) -> None:
    """Orders and domains with hostile text in each field that DigiCert has."""
    for order_id in (ORDER, REFUSED, LOST):
        order = certcentral.add_order(order_id, ["shop.example.com"], organization=HOSTILE, common_name=HOSTILE)
        order.product = replace(order.product, name=HOSTILE, name_id=HOSTILE)
    by_domain = certcentral.add_order(BY_DOMAIN, ["www.example.net"], product="ov", organization=HOSTILE)
    by_domain.product = replace(by_domain.product, name=HOSTILE)
    certcentral.add_order(BY_DOMAIN + 50, [f"{UNREADABLE}.example.org", "<!channel>.example.org"], common_name=HOSTILE)
    certcentral.add_domain(4711, "<!channel>.example.org", organization=HOSTILE)
    certcentral.add_domain(4712, f"{UNREADABLE}.example.com", organization=HOSTILE)
    certcentral.set_permitted_emails(
        "example.net", ["admin@example.net", f"{HOSTILE}@example.net", "<!here>@example.net"]
    )


async def _is_answered(person: SimulatedUser, command: str, text: str, channel: Channel) -> None:
    """Type it, and wait until a whisper or a form answers."""

    def heard() -> int:
        return len(person.ephemerals) + len(person.open_forms)

    before = heard()
    await person.command(command, text, channel)
    await person.slack.wait_for(lambda: heard() > before, f"an answer to {command} {text!r}", 20.0)


def _shown(slack: Slack) -> Iterator[tuple[bool, str]]:
    """Every text that the bot had Slack show, in calls, whispers and acks, and whether Slack reads markup in it."""
    for call in slack.api_calls:
        yield from _texts(call.params)
    for delivery in slack.deliveries:
        yield from _texts(delivery.payload)
    for person in slack.people.values():
        for whisper in person.ephemerals:
            yield from _texts({"text": whisper.text, "blocks": whisper.content.all_blocks})


def _texts(value: Any) -> Iterator[tuple[bool, str]]:
    if isinstance(value, list):
        for part in value:
            yield from _texts(part)
    elif isinstance(value, dict):
        for name, part in value.items():
            if name == "text" and isinstance(part, str):
                yield value.get("type") != "plain_text", part
            elif name in {"blocks", "view", "attachments"} and isinstance(part, str):
                yield from _texts(json.loads(part))
            else:
                yield from _texts(part)
