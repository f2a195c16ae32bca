"""`/dcv-status`: a read-only report for one person alone."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.faults import answers
from sandbox.slack import Channel, Message, SimulatedUser, Slack
from tests.e2e.helpers import SENT, Rows, cards, resend, sees_end, tells

MakeBot = Callable[..., BotProcess]

ORDER = 700001
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


async def asks(person: SimulatedUser, channel: Channel, text: str, containing: str) -> Message:
    """Type the command, and wait for a whisper that was not there before."""
    before = len(person.ephemerals)

    def heard() -> Message | None:
        new = person.ephemerals[before:]
        return next((message for message in new if message.content.says(containing)), None)

    await person.command("/dcv-status", text, channel)
    return await person.slack.wait_for(heard, f"a whisper to {person.name}: {containing!r}", 20.0)


@pytest.fixture
def three_pages(certcentral: CertCentral) -> list[int]:
    """Ids of 23 pending orders, the oldest first."""
    ids = [ORDER + number for number in range(23)]
    for number, order_id in enumerate(ids):
        certcentral.add_order(order_id, [f"n{number}.example.com"], created=LONG_AGO + timedelta(days=number))
    return ids


def listed(message: Message, ids: list[int]) -> list[int]:
    """Return those of these orders that an ephemeral message lists, in its order."""
    text = message.visible_text
    return sorted((each for each in ids if f"{each} ·" in text), key=lambda each: text.index(f"{each} ·"))


def page_buttons(message: Message) -> list[str]:
    """Return the buttons below an ephemeral message that are not those of a row."""
    return [label for label in message.buttons if label not in {"Resend…", "Details"}]


async def test_an_order_is_shown_by_name_with_state_method_and_the_last_resend(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    names = ["shop.example.com", "done.example.org", "*.example.net"]
    certcentral.add_order(ORDER, names, validated=["done.example.org"])
    await ana.command("/dcv-resend", f"{ORDER} to admin@example.com to admin@example.net", pki)
    root = await sees_end(slack, pki, ORDER)
    certcentral.add_order(ORDER + 1, ["dns.example"], method="dns-txt-token")

    whisper = await asks(ana, pki, str(ORDER), f"Order {ORDER}")
    by_dns = await asks(ana, pki, "dns.example", "dns.example")

    assert "⏳ Needs email approval (2): shop.example.com and *.example.net" in whisper.visible_text
    assert "✅ Validated by email (1): done.example.org" in whisper.visible_text
    assert f"by <@{ana.id}> to 2 recipients: admin@example.com and admin@example.net" in whisper.text
    assert f"/{pki.id}/p{root.ts.replace('.', '')}" in whisper.text
    assert whisper.buttons == ["Resend…", "Open in CertCentral", "All pending orders"]
    assert "(1): dns.example" in by_dns.visible_text
    assert "resent" not in by_dns.text
    assert by_dns.buttons == ["Open in CertCentral", "All pending orders"]
    assert slack.problems == []


async def test_what_is_over_unknown_or_misspelt_is_said_plainly(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    for number, status in enumerate(("issued", "needs_approval", "canceled")):
        certcentral.add_order(ORDER + number, [f"{status.replace('_', '-')}.example"], status=status)

    assert "has been issued" in (await asks(ana, pki, f"#{ORDER}", "has been issued")).text
    assert "needs approval" in (await asks(ana, pki, "https://needs-approval.example/", "approval")).text
    assert "was canceled" in (await asks(ana, pki, "*.canceled.example", "was canceled")).text
    assert "No order 5 " in (await asks(ana, pki, "5", "No order 5")).text
    assert "found for nowhere.example" in (await asks(ana, pki, "nowhere.example", "found for")).text
    assert "such as 700001" in (await asks(ana, pki, "shop", "such as 700001")).text
    assert "pending orders" in (await asks(ana, pki, "help", "/dcv-status:")).text
    assert slack.problems == []


async def test_a_domain_is_shown_with_its_last_resend(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    certcentral.add_domain(1, "waits.com", created=LONG_AGO)
    certcentral.add_domain(2, "valid.com", pending=False)
    certcentral.add_order(ORDER, ["shop.waits.com"], product="ov")

    before = await asks(ana, pki, "waits.com", "Domain waits.com")
    await ana.command("/dcv-resend", "waits.com to admin@waits.com", pki)
    await slack.sees_message(pki, containing=SENT)
    after = await asks(ana, pki, "waits.com", "last resent")
    valid = await asks(ana, pki, "valid.com", "valid.com is already validated until")
    order = await asks(ana, pki, "shop.waits.com", f"Order {ORDER}")
    waiting = await asks(ana, pki, "", "1 pending order")

    assert "waiting for email approval" in before.text
    assert "resent" not in before.text
    assert "to admin@waits.com (<http" in after.text
    assert valid.buttons == ["Open in CertCentral", "All pending orders"]
    assert order.text.count("to admin@waits.com") == 2
    assert "to admin@waits.com" in waiting.text
    assert slack.problems == []


async def test_a_row_leads_to_its_details_in_place_and_to_the_filled_form(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    certcentral.add_order(ORDER, ["shop.example.com"], created=LONG_AGO)
    certcentral.add_order(ORDER + 1, ["dns.example.com"], method="dns-txt-token")
    page = await asks(ana, pki, "", "2 pending orders")
    rows = page.buttons

    await ana.click(page, "Details")
    await slack.wait_for(lambda: page.content.says(f"Order {ORDER}"), "the details in place", 20.0)
    await ana.click(page, "Resend…")
    form = await ana.sees_form("shop.example.com")
    await form.submit()
    root = await sees_end(slack, pki, ORDER)

    assert rows == ["Resend…", "Details", "Details"]
    assert len(ana.ephemerals) == 1
    assert root.channel is pki
    assert len(certcentral.resends) == 1
    assert slack.problems == []


async def test_nothing_waits(bot: BotProcess, certcentral: CertCentral, ana: SimulatedUser, pki: Channel) -> None:
    certcentral.add_order(ORDER, ["issued.com"], status="issued")

    whisper = await asks(ana, pki, "", "No pending orders")

    assert whisper.buttons == []


async def test_pages_are_turned_in_place_and_checked_against_the_policy_each_time(
    make_bot: MakeBot,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
    ledger: Rows,
    three_pages: list[int],
) -> None:
    team = slack.add_usergroup("pki", [ana])
    await make_bot(DCV_ALLOWED_USERS="", DCV_ALLOWED_USERGROUPS=team.id).start()
    await slack.wait_for_connection()

    whisper = await asks(ana, pki, "", "23 pending orders")
    observation = [(listed(whisper, three_pages), page_buttons(whisper))]
    for label, number in (("Next", 2), ("Next", 3), ("Previous", 2), ("Previous", 1)):
        await ana.click(whisper, label)
        await slack.wait_for(lambda page=number: whisper.content.says(f"Page {page} of 3"), f"page {number}", 20.0)
        observation.append((listed(whisper, three_pages), page_buttons(whisper)))
    whispers, asked = len(ana.ephemerals), len(certcentral.calls)
    team.set_members([])
    await slack.wait_for_events()
    await ana.click(whisper, "Next")
    await ana.receives("view status")

    first, second, third = (three_pages[start : start + 10] for start in (0, 10, 20))
    middle = (second, ["Previous", "Next"])
    assert observation == [(first, ["Next"]), middle, (third, ["Previous"]), middle, (first, ["Next"])]
    assert (whispers, len(ana.ephemerals), len(certcentral.calls)) == (1, 1, asked)
    assert [row["kind"] for row in ledger()] == ["denied"]
    assert slack.problems == []


async def test_a_stranger_to_the_list_is_refused_and_digicert_hears_nothing(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, pki: Channel, ledger: Rows
) -> None:
    certcentral.add_order(ORDER, ["shop.example.com"])
    ben, before = slack.add_person("ben"), len(certcentral.calls)

    for text in ("", str(ORDER), "shop.example.com"):
        await asks(ben, pki, text, "view status")

    rows = ledger()
    assert [(row["kind"], row["detail"]["action"]) for row in rows] == [("denied", "status")] * 3
    assert [row["detail"]["status"] for row in rows] == ["page:0", f"order:{ORDER}", "name:shop.example.com"]
    assert (len(certcentral.calls), pki.messages) == (before, [])


async def test_a_name_on_many_orders_is_shown_for_five_of_them(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    for number in range(8):
        certcentral.add_order(ORDER + number, ["shop.example.com"], created=LONG_AGO + timedelta(days=number))

    whisper = await asks(ana, pki, "shop.example.com", f"Order {ORDER}")

    assert [number for number in range(8) if f"Order {ORDER + number}" in whisper.text] == [0, 1, 2, 3, 4]
    assert "3 more orders include shop.example.com" in whisper.text
    assert slack.problems == []


async def test_250_names_fit(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    names = [f"{'host' * 15}{number:03}.{'zone' * 15}{number:03}.com" for number in range(250)]
    certcentral.add_order(ORDER, names, name_scope="fqdn", validated=names[:100])
    await resend(ana, ORDER, pki)
    await sees_end(slack, pki, ORDER)

    whisper = await asks(ana, pki, str(ORDER), f"Order {ORDER}")

    assert "Needs email approval (150)" in whisper.text
    assert "Validated by email (100)" in whisper.text
    assert " more" in whisper.text
    assert whisper.blocks
    assert slack.problems == []


async def test_digicert_is_away_and_the_same_is_asked_again(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    certcentral.add_order(ORDER, ["shop.example.com"])
    certcentral.faults.plan("GET /order/*", answers(503, "<html>"), times=None)

    whisper = await asks(ana, pki, "shop.example.com", "Can't load the status")
    text, buttons = whisper.text, whisper.buttons
    certcentral.faults.clear()
    await ana.click(whisper, "Try again")
    await slack.wait_for(lambda: whisper.content.says(f"Order {ORDER}"), "the answer in place", 20.0)

    assert "DigiCert had an internal error" in text
    assert buttons == ["Try again"]
    assert len(ana.ephemerals) == 1


async def test_the_bot_need_not_be_in_the_channel(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser
) -> None:
    certcentral.add_order(ORDER, ["shop.example.com"])
    closed = slack.add_channel("closed", private=True, member=False)

    whisper = await asks(ana, closed, "", "1 pending order")

    assert whisper.channel is closed
    assert slack.problems == []


async def test_a_thread_in_somebody_s_direct_messages_is_linked_for_them_alone(
    make_bot: MakeBot, slack: Slack, certcentral: CertCentral, ana: SimulatedUser
) -> None:
    ben = slack.add_person("ben")
    closed = slack.add_channel("closed", private=True, member=False)
    await make_bot(DCV_ALLOWED_USERS=f"{ana.id},{ben.id}").start()
    await slack.wait_for_connection()
    certcentral.add_order(ORDER, ["shop.example.com"])
    certcentral.add_order(ORDER + 1, ["www.example.com"])

    await ana.command("/dcv-resend", f"{ORDER} to admin@example.com", closed)
    await ana.gets_direct_message(SENT)
    await ana.command("/dcv-resend", f"{ORDER + 1} to admin@example.com", slack.dm(ana))
    await slack.wait_for(lambda: list(map(tells, cards(slack.dm(ana)))) == ["sent", "sent"], "both cards", 20.0)
    shown = {person: await asks(person, closed, "", "2 pending orders") for person in (ana, ben)}

    assert shown[ana].text.count("|thread>") == 2
    assert "|thread>" not in shown[ben].text
    assert shown[ben].text.count("last email to admin@example.com") == 2


async def test_it_changes_nothing(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ledger: Rows
) -> None:
    certcentral.add_order(ORDER, ["shop.example.com"])
    certcentral.add_domain(1, "waits.com")

    for text, said in (("", "1 pending order"), (str(ORDER), f"Order {ORDER}"), ("waits.com", "Domain waits.com")):
        await asks(ana, pki, text, said)

    assert certcentral.resends == []
    assert {call.method for call in certcentral.calls} == {"GET"}
    assert ledger() == []
    assert pki.messages == []
    assert (await resend(ana, ORDER, pki)).closed
    await sees_end(slack, pki, ORDER)
