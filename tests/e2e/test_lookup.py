"""Finding what waits: the select searches the account's listing, and a name leads to what carries it."""

import asyncio
import copy
import dataclasses
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.faults import stalls
from sandbox.slack import Channel, Form, SimulatedUser, Slack
from tests.e2e.helpers import AS_COMMAND, locked, sends

Ask = Callable[[str], Awaitable[Form]]


async def found(form: Form, typed: str) -> list[str]:
    """The texts of the options for what was typed."""
    return [option["text"] for option in await form.search(typed)]


DV = "GeoTrust DV SSL"


def listings(certcentral: CertCentral) -> dict[str, int]:
    """Count the requests for each of DigiCert's two lists, by page and by status."""
    names = [call.name for call in certcentral.calls]
    return {name: names.count(name) for name in ("GET /order/certificate", "GET /domain")}


async def test_the_select_searches_ids_and_all_names_of_what_is_pending(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ask: Ask
) -> None:
    certcentral.add_order(700001, ["www.example.com", "shop.example.com", "*.xn--mnchen-3ya.de"])
    certcentral.add_order(700002, ["mail.example.org"], status="reissue_pending", product="ov")
    certcentral.add_order(700003, ["old.example.com"], status="issued")
    certcentral.add_order(700004, ["gone.example.com"], status="canceled")
    certcentral.add_domain(1234, "corp.example")
    new = "waiting less than a minute"
    three, mail, corp = (
        f"Order · www.example.com +2 · {new}",
        "Order · mail.example.org · waiting",
        f"Domain · corp.example · {new}",
    )
    form = await ask("")
    by_typing = {
        "70000": {three, mail, "Search CertCentral for order 70000"},
        "700002": {mail},
        "WWW.example.c": {three, "Search CertCentral for “www.example.c”"},
        "shop.example.com": {three},
        "münch": {three},
        "xn--mnchen-3ya.de": {three},
        "mail": {mail},
        "corp": {corp},
        "123": {corp, "Search CertCentral for order 123"},
        "old.example.com": {"Search CertCentral for “old.example.com”"},
        "gone": set(),
    }

    observation = {typed: set(await found(form, typed)) for typed in by_typing}

    assert observation == by_typing
    assert {three, mail, corp} < set(await found(form, ""))
    assert slack.problems == []


async def test_an_option_names_id_name_and_how_long_it_waits_the_longest_waiting_first(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ask: Ask
) -> None:
    now = certcentral.now()
    certcentral.add_order(700001, ["a.example.com"], created=now - timedelta(hours=5))
    certcentral.add_order(700002, ["b.example.com", "c.example.com"], created=now - timedelta(days=20))
    certcentral.add_order(700003, ["d.example.com"], created=now - timedelta(days=1))
    certcentral.add_domain(1234, "valid.example", pending=False)
    form = await ask("")

    options = await form.search("")

    assert [(option["text"], option["description"]) for option in options] == [
        ("Order · b.example.com +1 · waiting 20 days", f"700002 · {DV}"),
        ("Order · d.example.com · waiting 1 day", f"700003 · {DV}"),
        ("Order · a.example.com · waiting 5 hours", f"700001 · {DV}"),
    ]
    assert slack.problems == []


async def test_a_form_that_is_there_can_be_searched_even_when_the_database_was_slow(
    bot: BotProcess, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, tmp_path: Path
) -> None:
    certcentral.add_order(700001, ["shop.example.com"])

    with locked(tmp_path / "bot.db"):
        await ana.command("/dcv-resend", "", pki)
        await asyncio.sleep(0.3)
        early = [await found(form, "") for form in ana.open_forms]
    form = await ana.sees_form()

    assert early == []
    assert await found(form, "") == ["Order · shop.example.com · waiting less than a minute"]
    assert ana.ephemerals == []


async def test_one_listing_serves_every_search_of_a_minute(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ask: Ask
) -> None:
    certcentral.add_order(700001, ["shop.example.com"])
    form, other = await ask(""), await ask("")

    await asyncio.gather(
        *(each.search(typed) for each in (form, other) for typed in ("", "s", "shop", "shop.example.com"))
    )
    await ask("shop.example.com")

    assert listings(certcentral) == {"GET /order/certificate": 2, "GET /domain": 1}
    assert slack.problems == []


async def test_of_300_orders_a_hundred_are_offered_and_the_others_are_found_by_typing(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ask: Ask
) -> None:
    now = certcentral.now()
    for number in range(300):
        certcentral.add_order(700000 + number, [f"n{number}.example.com"], created=now - timedelta(minutes=number))
    form = await ask("")

    all_of_them = await found(form, "")
    with_a_name = await found(form, "example.com")
    the_youngest = await found(form, "700000")

    names = [text.split(" · ")[1] for text in all_of_them]
    assert names == [f"n{number}.example.com" for number in range(299, 199, -1)]
    assert with_a_name == [*all_of_them[:99], "Search CertCentral for “example.com”"]
    assert the_youngest == ["Order · n0.example.com · waiting less than a minute"]
    assert slack.problems == []


async def test_while_digicert_stalls_the_search_answers_and_what_was_typed_can_be_looked_up(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, ask: Ask
) -> None:
    certcentral.add_order(700001, ["shop.example.com"])
    certcentral.add_order(700002, ["www.example.org"])
    hold = asyncio.Event()
    certcentral.faults.plan("GET /order/certificate", stalls(hold=hold), times=None)
    form = await ask("")

    by_id = await found(form, "700002")
    seconds = form.last_search_seconds
    await form.choose("Search CertCentral for order 700002", action_id="target")
    await ana.sees_form("Recipient for www.example.org")
    by_name = await found(form, "shop.example.com")
    await form.choose("Search CertCentral for “shop.example.com”", action_id="target")
    await ana.sees_form("Loading order details")
    hold.set()
    await ana.sees_form("Recipient for shop.example.com")

    assert by_id == ["Search CertCentral for order 700002"]
    assert by_name == ["Search CertCentral for “shop.example.com”"]
    assert seconds is not None
    assert seconds < 2.5
    assert slack.problems == []


@AS_COMMAND
async def test_the_first_search_is_answered_from_the_listing_of_the_start(
    make_bot: Callable[..., BotProcess], slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    certcentral.add_order(700001, ["shop.example.com"])
    bot = make_bot()
    await bot.start()
    await slack.wait_for_connection(60)
    await certcentral.wait_for_call("GET", "/domain")
    await certcentral.wait_for_call("GET", "/order/certificate", count=2)
    certcentral.faults.plan("GET /order/certificate", stalls(hold=(hold := asyncio.Event())), times=None)

    await ana.command("/dcv-resend", "", pki)
    form = await ana.sees_form()
    options = await found(form, "s")
    hold.set()

    assert options == ["Order · shop.example.com · waiting less than a minute"]
    assert slack.problems == []


async def test_a_name_leads_to_the_pending_dv_order_that_carries_it_else_to_the_nearest_domain(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ask: Ask
) -> None:
    certcentral.add_order(700001, ["www.example.com", "shop.example.com"])
    certcentral.add_order(700002, ["*.wild.example.com"])
    certcentral.add_order(700003, ["pay.example.com"], product="ov")
    certcentral.add_order(700004, ["late.example.org"], status="processing")
    certcentral.add_domain(1235, "corp.example.com")
    at_example_com = next(domain.id for domain in certcentral.domains.values() if domain.name == "example.com")
    leads_to = {
        "shop.example.com": "700001 · www.example.com",
        "wild.example.com": "700002 · *.wild.example.com",
        "*.wild.example.com": "700002 · *.wild.example.com",
        "pay.example.com": f"{at_example_com} · example.com",
        "example.com": f"{at_example_com} · example.com",
        "corp.example.com": "1235 · corp.example.com",
        "a.b.corp.example.com": "1235 · corp.example.com",
        "late.example.org": "700004 · late.example.org",
    }

    observation = {name: (await ask(name)).selected(action_id="target")[0] for name in leads_to}

    assert observation == leads_to
    assert slack.problems == []


async def test_several_orders_with_the_name_are_a_choice_and_never_a_guess(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, ask: Ask
) -> None:
    now = certcentral.now()
    certcentral.add_order(700001, ["shop.example.com"], created=now - timedelta(hours=1))
    certcentral.add_order(700002, ["*.shop.example.com", "a.example.org"], created=now - timedelta(days=2))
    certcentral.add_order(700003, ["www.example.com"])

    form = await ask("shop.example.com")
    before = form.text, form.submit_text
    await form.choose("700002", action_id="match")
    await ana.sees_form("Recipient for a.example.org")

    assert "2 pending orders include shop.example.com" in before[0]
    assert "700003" not in before[0]
    assert before[1] == "Continue"
    assert form.selected(action_id="target") == ["700002 · *.shop.example.com"]
    assert sends(form)
    assert slack.problems == []


@pytest.mark.fault("K2")
async def test_a_name_leads_to_the_order_that_it_belongs_to(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ask: Ask
) -> None:
    certcentral.add_order(700301, ["shop.skala.net"])
    certcentral.add_order(700302, ["www.nurwww.org"])
    certcentral.add_order(700304, ["*.apps.wildly.net"])
    leads_to = {
        "skala.net": "700301 · shop.skala.net",
        "nurwww.org": "700302 · www.nurwww.org",
        "login.apps.wildly.net": "700304 · *.apps.wildly.net",
        "wildcard.apps.wildly.net": "700304 · *.apps.wildly.net",
        "wildly.net": "700304 · *.apps.wildly.net",
    }

    observation = {name: (await ask(name)).selected(action_id="target")[0] for name in leads_to}
    unreachable = [(await ask(name)).text for name in ("other.skala.net", "a.login.apps.wildly.net")]
    await ana.command("/dcv-status", "skala.net", pki)
    status = await ana.receives("shop.skala.net")

    assert observation == leads_to
    assert all("No order or domain found" in text for text in unreachable)
    assert status.content.says("700301")
    assert slack.problems == []


@pytest.mark.fault("K16")
async def test_of_domains_of_one_name_the_pending_one_is_found(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ask: Ask
) -> None:
    certcentral.add_domain(9002, "twice.net")
    valid = copy.copy(certcentral.domains[9002])
    valid.id, valid.pending, valid.approved = 9001, False, certcentral.now()
    valid.validated_until = certcentral.now() + timedelta(days=100)
    certcentral.domains = {9001: valid, 9002: certcentral.domains[9002], 9003: dataclasses.replace(valid, id=9003)}

    form = await ask("twice.net")

    assert form.selected(action_id="target") == ["9002 · twice.net"]
    assert sends(form)
    assert slack.problems == []
