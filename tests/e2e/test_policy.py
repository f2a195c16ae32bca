"""Rules of a file: enforced at every entry point with what is known there, reloaded, and explained in words."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.faults import stalls
from sandbox.slack import Channel, SimulatedUser, Slack
from tests.e2e.helpers import PolicyFile, Rows, kinds, open_form, resend, roots, sees_end, sends
from tests.forked_bot import ForkedBot

SHOP, PAY, BOTH, OTHER = 700001, 700002, 700003, 700004
SOON = 4.0

Start = Callable[..., Awaitable[BotProcess]]
Explain = Callable[..., Awaitable[tuple[int, str]]]


@pytest.fixture(autouse=True)
def orders(certcentral: CertCentral) -> None:
    """Pending orders: one that is allowed, one that is denied, one that is both, and one that no rule names."""
    certcentral.add_order(SHOP, ["shop.example.com"])
    certcentral.add_order(PAY, ["pay.shop.example.com"])
    certcentral.add_order(BOTH, ["www.shop.example.com", "pay.shop.example.com"])
    certcentral.add_order(OTHER, ["other.example.org"])


@pytest.fixture
def bob(slack: Slack) -> SimulatedUser:
    """A colleague of the team that may do everything."""
    return slack.add_person("bob")


@pytest.fixture
def policy(slack: Slack, ana: SimulatedUser, bob: SimulatedUser, pki: Channel, tmp_path: Path) -> PolicyFile:
    """Ana may resend and read for the shop in #pki, Bob's group may do everything, and resends for pay are denied."""
    group = slack.add_usergroup("pki-team", [bob])
    return PolicyFile(
        tmp_path / "policy.toml",
        f"""
[[rule]]
name = "pki"
allow = ["resend", "status", "override-cooldown"]
groups = ["{group.id}"]

[[rule]]
name = "shop"
allow = ["resend", "status"]
users = ["{ana.id}"]
channels = ["{pki.id}"]
names = ["shop.example.com", "*.shop.example.com"]

[[rule]]
name = "pay is frozen"
deny = ["resend"]
names = ["pay.shop.example.com"]
""",
    )


@pytest.fixture
async def start(make_bot: Callable[..., BotProcess], slack: Slack, policy: PolicyFile) -> Start:
    """Start a bot with the policy file alone, and wait until it serves."""

    async def start(**settings: str) -> BotProcess:
        bot = make_bot(**{"DCV_ALLOWED_USERS": "", "DCV_POLICY_FILE": str(policy), **settings})
        await bot.start()
        await slack.wait_for_connection()
        return bot

    return start


@pytest.fixture
async def explain(make_bot: Callable[..., BotProcess], policy: PolicyFile, tmp_path: Path) -> Explain:
    """Run `dcv-resend policy explain`, and return its exit status and what it said."""

    async def explain(*words: str, **settings: str) -> tuple[int, str]:
        bot = make_bot(**{"DCV_ALLOWED_USERS": "", "DCV_POLICY_FILE": str(policy), **settings})
        log = tmp_path / "-".join(["explain", *words]).replace("*", "x")
        process = ForkedBot(bot.settings, log, ("dcv-resend", "policy", "explain", *words))
        await process.start()
        return await process.wait_for_exit(), process.log

    return explain


async def test_a_refusal_at_the_command_costs_digicert_no_call(
    start: Start,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    bob: SimulatedUser,
    pki: Channel,
    ledger: Rows,
) -> None:
    await start()
    elsewhere, eve = slack.add_channel("elsewhere"), slack.add_person("eve")
    asked_at_start = len(certcentral.calls)

    await eve.command("/dcv-resend", "", pki)
    await eve.receives("You can't resend DCV emails.")
    await ana.command("/dcv-resend", "pay.shop.example.com", pki)
    denied = await ana.receives("You can't resend for pay.shop.example.com. Blocked by the rule “pay is frozen”.")
    await ana.command("/dcv-resend", f"{OTHER} to admin@example.org", elsewhere)
    await ana.receives(f"You can't resend for {OTHER}")
    await ana.command("/dcv-status", "other.example.org", pki)
    foreign = await ana.receives("You can't view status for other.example.org")

    assert " can." not in denied.text
    assert re.search(r"<!subteam\^\w+> can\.$", foreign.text)
    assert [(row["kind"], row["detail"]["action"], row["detail"]["rule"]) for row in ledger()] == [
        ("denied", "resend", "no-rule"),
        ("denied", "resend", "pay is frozen"),
        ("denied", "resend", "no-rule"),
        ("denied", "status", "no-rule"),
    ]
    assert [person.open_forms for person in (ana, eve)] == [[], []]
    assert (certcentral.calls[asked_at_start:], pki.messages, slack.problems) == ([], [], [])


async def test_one_name_is_allowed_and_another_is_not(
    start: Start, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ledger: Rows
) -> None:
    await start()

    form = await open_form(ana, SHOP, pki)
    options = await form.search("example")
    await ana.command("/dcv-resend", str(BOTH), pki)
    refused = await ana.sees_form("Blocked by the rule “pay is frozen” for pay.shop.example.com")
    await ana.command("/dcv-resend", f"{BOTH} to admin@example.com", pki)
    await ana.receives("“pay is frozen” for pay.shop.example.com")
    await form.submit()
    await sees_end(slack, pki, SHOP)

    assert {option["description"].split(" · ")[0] for option in options} == {str(SHOP), str(BOTH)}
    assert not sends(refused)
    assert [call.name.split("/")[3] for call in certcentral.resends] == [str(SHOP)]
    assert [row["detail"].get("rule") for row in ledger() if row["kind"] == "denied"] == ["pay is frozen"]
    assert slack.problems == []


async def test_the_status_shows_what_somebody_may_see(
    start: Start, slack: Slack, ana: SimulatedUser, bob: SimulatedUser, pki: Channel
) -> None:
    await start()

    await ana.command("/dcv-status", "", pki)
    mine = await ana.receives(str(SHOP))
    await bob.command("/dcv-status", "", pki)
    all_of_them = await bob.receives(str(OTHER))

    assert (str(PAY) in mine.visible_text, str(OTHER) in mine.visible_text) == (True, False)
    assert all(str(order) in all_of_them.visible_text for order in (SHOP, PAY, BOTH, OTHER))


async def test_a_file_that_changes_counts_at_the_submit_and_before_the_call(
    start: Start,
    slack: Slack,
    certcentral: CertCentral,
    bob: SimulatedUser,
    pki: Channel,
    policy: PolicyFile,
    ledger: Rows,
) -> None:
    bot = await start()
    at_submit, before_call = [await open_form(bob, order, pki) for order in (SHOP, OTHER)]
    announced = asyncio.Event()
    slack.faults.plan("chat.postMessage", stalls(hold=announced))
    submitted = await before_call.submit()

    policy.write(f'{policy.rules}\n[[rule]]\nname = "stop"\ndeny = ["resend"]\n')
    await _is_read(slack, bot, bob, pki, "stop")
    announced.set()
    end = await sees_end(slack, pki, OTHER)
    await at_submit.submit()
    await bob.receives("Blocked by the rule “stop”")
    policy.write(policy.rules)
    await _is_read(slack, bot, bob, pki, "allowed by “pki”", without="stop")
    await resend(bob, SHOP, pki)
    await sees_end(slack, pki, SHOP)

    assert submitted.closed
    assert "no email was sent" in end.text
    assert "lost permission" in end.text
    assert (kinds(ledger(), OTHER), len(certcentral.resends)) == (["not_sent"], 1)
    assert slack.problems == []


async def test_a_broken_new_version_is_ignored_and_reported_loudly(
    start: Start, slack: Slack, ana: SimulatedUser, bob: SimulatedUser, pki: Channel, policy: PolicyFile
) -> None:
    bot, gil = await start(), slack.add_person("gil", guest=True)

    policy.write(policy.rules.replace("users = [", "user = ["))
    await _is_read(slack, bot, bob, pki, "The latest policy file has an error")
    shown = bob.ephemerals[-1].text
    await ana.command("/dcv-resend", "why", pki)
    shown_in_part = (await ana.receives("The latest policy file has an error")).text
    await gil.command("/dcv-resend", "why", pki)
    shown_outside = (await gil.receives("whatever the policy says")).text
    await resend(ana, SHOP, pki)
    await sees_end(slack, pki, SHOP)
    policy.remove()
    await _is_read(slack, bot, bob, pki, "latest policy file", logged="can't be read")
    policy.write(policy.rules)
    await _is_read(slack, bot, ana, pki, "allowed by “shop”", without="latest policy file")

    assert "the previous version is still in use" in shown
    assert "policy.toml" not in shown
    assert "unknown key" in bot.log
    assert shown_in_part.endswith("so the previous version is still in use.")
    assert "file" not in shown_outside
    assert bot.log.count("the policy file is invalid; the previous version stays in effect") == 2
    assert slack.problems == []


async def test_within_the_cooldown_only_those_send_again_who_may_override_it(
    start: Start,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    bob: SimulatedUser,
    pki: Channel,
    ledger: Rows,
) -> None:
    await start()
    early = await open_form(ana, SHOP, pki)
    await resend(bob, SHOP, pki)
    await sees_end(slack, pki, SHOP)

    await ana.command("/dcv-resend", str(SHOP), pki)
    form = await ana.sees_form("You can resend it after")
    await early.submit()
    await ana.receives(f"You can't resend during the cooldown for {SHOP}")
    await ana.command("/dcv-resend", f"{SHOP} to admin@example.com because lost", pki)
    await slack.wait_for(lambda: len(ana.ephemerals) == 2, "a second whisper", SOON)
    await bob.command("/dcv-resend", f"{SHOP} to admin@example.com because lost", pki)
    await slack.wait_for(lambda: len(roots(pki, SHOP)) == 2, "a second resend", 20.0)
    await slack.wait_for(lambda: len(certcentral.resends) == 2, "a second call", 20.0)

    assert not sends(form)
    assert form.says("Who can: <!subteam^")
    denied = [(row["user_id"], row["detail"]["action"]) for row in ledger() if row["kind"] == "denied"]
    assert denied == [(ana.id, "override-cooldown")]
    assert slack.problems == []


async def test_why_tells_which_rule_decides_and_who_else_may(
    start: Start, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, bob: SimulatedUser, pki: Channel
) -> None:
    await start()
    eve, gil = slack.add_person("eve"), slack.add_person("gil", guest=True)
    asked_at_start = len(certcentral.calls)

    await ana.command("/dcv-resend", "why shop.example.com", pki)
    own = (await ana.receives(f"<@{ana.id}>'s permissions for shop.example.com in <#{pki.id}>")).text
    await ana.command("/dcv-resend", f"why <@{bob.id}|bob> pay.shop.example.com", pki)
    other = (await ana.receives(f"<@{bob.id}>'s permissions for pay.shop.example.com")).text
    await eve.command("/dcv-resend", "why", pki)
    nothing = (await eve.receives(f"<@{eve.id}>'s permissions")).text
    await eve.command("/dcv-resend", f"why <@{bob.id}>", pki)
    await eve.receives("You can't view status")
    await gil.command("/dcv-resend", "why", pki)
    guest = (await gil.receives("whatever the policy says")).text

    where = f"*.shop.example.com or shop.example.com in <#{pki.id}>"
    assert f"✅ Resend · allowed by “shop” for {where}" in own
    assert "⛔ Resend during cooldown · no rule allows it. Who can: <!subteam^S" in own
    assert "⛔ Resend · blocked by “pay is frozen” for pay.shop.example.com. No one can." in other
    assert "✅ View status · allowed by “pki”" in other
    assert nothing.count("no rule allows it. Who can: <!subteam^") == 3
    assert "Guests" in guest
    assert "Who can" not in guest
    assert not any("policy.toml" in each for each in (own, other, nothing, guest))
    assert (certcentral.calls[asked_at_start:], slack.problems) == ([], [])


async def test_a_start_with_a_broken_file_is_refused_with_its_rule(
    make_bot: Callable[..., BotProcess], slack: Slack, policy: PolicyFile
) -> None:
    policy.write(policy.rules.replace("shop.example.com", "shop..example.com"))
    bot = make_bot(DCV_POLICY_FILE=str(policy))

    await bot.start()

    assert await bot.wait_for_exit() == 2
    assert bot.log.startswith(f'{policy}, rule 2 ("shop"): “shop..example.com” can never match.')
    assert "Traceback" not in bot.log
    assert slack.api_calls == []


async def test_the_terminal_tells_the_same_words(
    explain: Explain,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    bob: SimulatedUser,
    pki: Channel,
    policy: PolicyFile,
) -> None:
    here = f"--channel={pki.id}"
    for number, name in enumerate(("shop.example.com", "pay.shop.example.com", "example.org"), start=1):
        certcentral.add_domain(number, name)

    allowed, denied = await explain(ana.id, "shop.example.com", here), await explain(bob.id, "pay.shop.example.com")
    nobody, broken_name = await explain("U0NOBODY", "shop.example.com"), await explain(ana.id, "shop")
    policy.write("[[rule]\n")
    broken = await explain(ana.id, str(SHOP))

    assert [status for status, _ in (allowed, denied, nobody, broken_name, broken)] == [0, 1, 2, 2, 2]
    assert allowed[1].startswith(
        f"{ana.id}'s permissions for shop.example.com in {pki.id}\n✅ Resend · allowed by “shop”"
    )
    assert "⛔ Resend · blocked by “pay is frozen” (rule 3 of " in denied[1]
    assert "user_not_found" in nobody[1]
    assert broken[1].startswith(f"{policy}, line 1: invalid TOML")
    also = "Rule “pay is frozen” also stops emails for the domains shop.example.com, "
    assert also in allowed[1]
    assert not any("Traceback" in said for _, said in (allowed, denied, nobody, broken_name, broken))
    assert certcentral.resends == []


async def test_the_check_tells_how_the_file_stands(
    make_bot: Callable[..., BotProcess], slack: Slack, certcentral: CertCentral, policy: PolicyFile, tmp_path: Path
) -> None:
    said = []
    certcentral.add_domain(1, "shop.example.com")
    for content in (policy.rules, "[[rule]]\n"):
        policy.write(content)
        settings = make_bot(DCV_ALLOWED_USERS="", DCV_POLICY_FILE=str(policy)).settings
        process = ForkedBot(settings, tmp_path / f"check-{len(said)}", ("dcv-resend", "check"))
        await process.start()
        said.append((await process.wait_for_exit(), process.log))

    assert f"ok       The policy file {policy} has 2 rules that allow and 1 that denies." in said[0][1]
    assert f"problem  {policy}, rule 1: this rule has no name" in said[1][1]
    assert "also stops emails for the domains shop.example.com, because an email for" in said[0][1]
    assert [status for status, _ in said] == [0, 2]


async def _is_read(
    slack: Slack,
    bot: BotProcess,
    person: SimulatedUser,
    channel: Channel,
    words: str,
    *,
    without: str = "…",
    logged: str = "",
) -> None:
    """Ask why until the answer, or the log, shows that the bot has looked at the changed file."""
    for _ in range(20):
        heard = len(person.ephemerals)
        await person.command("/dcv-resend", "why", channel)
        await slack.wait_for(lambda heard=heard: len(person.ephemerals) > heard, "an answer", SOON)
        shown = person.ephemerals[-1].text
        if words in shown and without not in shown and logged in bot.log:
            return
        await asyncio.sleep(0.25)
    raise AssertionError(f"never heard {words!r}: {person.ephemerals[-1].text}\n{bot.log}")


async def test_the_doors_of_alerts_and_messages_ask_the_rules_of_what_they_name(
    start: Start,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    bob: SimulatedUser,
    pki: Channel,
    ledger: Rows,
) -> None:
    await start(DCV_ALERT_CHANNELS=pki.id)

    alert = slack.post_alert(pki, "monitoring", "Order 700002 is pending")
    offer = await slack.sees_message(pki, "is waiting for email approval", thread=alert)
    await bob.click(offer, "Resend 700002…")
    by_button = await bob.sees_form("pay is frozen")
    await bob.click(offer, "Not now")
    await bob.receives("pay is frozen")
    await bob.shortcut("dcv_resend_message", alert)
    by_shortcut = await bob.sees_form("pay is frozen")

    assert not sends(by_button)
    assert not sends(by_shortcut)
    assert "Snoozed" not in offer.text
    assert {row["detail"]["rule"] for row in ledger() if row["kind"] == "denied"} == {"pay is frozen"}
    assert certcentral.resends == []
    assert slack.problems == []


async def test_the_history_shows_what_the_rules_allow_a_person_to_see(
    start: Start, slack: Slack, ana: SimulatedUser, bob: SimulatedUser, pki: Channel
) -> None:
    await start()
    for person, order_id in ((ana, SHOP), (bob, OTHER)):
        await resend(person, order_id, pki)
        await sees_end(slack, pki, order_id)

    await ana.command("/dcv-resend", "history", pki)
    mine = await ana.receives("Recent requests")
    await bob.command("/dcv-resend", "history", pki)
    all_of_it = await bob.receives("Recent requests")

    assert ("order 700001" in mine.visible_text, "order 700004" in mine.visible_text) == (True, False)
    assert ("order 700001" in all_of_it.visible_text, "order 700004" in all_of_it.visible_text) == (True, True)
    assert slack.problems == []
