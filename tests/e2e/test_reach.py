"""A deny rule covers everything that an email would validate, by any way of requesting it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.faults import answers
from sandbox.slack import Channel, SimulatedUser, Slack
from tests.e2e.helpers import SENT, PolicyFile, Rows

pytestmark = pytest.mark.fault("H2")

DV, OV, EV = 700001, 700002, 700003
DOMAIN = 1234
Start = Callable[..., Awaitable[PolicyFile]]


@pytest.fixture
def start(make_bot: Callable[..., BotProcess], slack: Slack, ana: SimulatedUser, pki: Channel, tmp_path: Path) -> Start:
    """Start a bot with one rule that allows Ana this, and with further rules."""

    async def start(rules: str = "", names: str = "") -> PolicyFile:
        allow = f'[[rule]]\nname = "pki"\nallow = ["resend", "status"]\nusers = ["{ana.id}"]\n{names}\n'
        policy = PolicyFile(tmp_path / "policy.toml", allow + rules)
        await make_bot(DCV_ALLOWED_USERS="", DCV_POLICY_FILE=str(policy)).start()
        await slack.wait_for_connection()
        return policy

    return start


def listed(names: Iterable[str | int]) -> str:
    return "names = [" + ", ".join(f'"{name}"' if isinstance(name, str) else str(name) for name in names) + "]"


def denies(*names: str | int) -> str:
    return f'\n[[rule]]\nname = "frozen"\ndeny = ["resend"]\n{listed(names)}\n'


@pytest.mark.parametrize(
    ("names", "typed", "is_denied"),
    [
        pytest.param(("pay.example.com",), OV, True, id="a name below the scope, by order id"),
        pytest.param(("pay.example.com",), "example.com", True, id="a name below the domain"),
        pytest.param(("*.pay.example.com",), "example.com", True, id="a wildcard below the domain"),
        pytest.param(("*.example.com",), "example.com", True, id="everything below the domain"),
        pytest.param(("example.com",), "example.com", True, id="the domain"),
        pytest.param((OV,), "example.com", True, id="an order that the domain's validation would help"),
        pytest.param((OV,), OV, True, id="the order itself"),
        pytest.param((EV,), OV, False, id="an order of another domain"),
        pytest.param(("pay.example.org",), "example.com", False, id="a name of another domain"),
        pytest.param(("done.example.net",), DV, True, id="a name of the order that is validated already"),
        pytest.param(("*.example.net",), DV, True, id="a wildcard above a name of the order"),
        pytest.param(("example.net",), DV, True, id="the scope that the order validates"),
        pytest.param((DV,), "shop.example.net", True, id="a DV order, by its name"),
        pytest.param(("pay.example.net",), DV, False, id="a name below a DV order's scope that is not on it"),
        pytest.param((DV,), "example.com", False, id="a DV order never reuses a domain's validation"),
    ],
)
async def test_a_deny_holds_for_all_that_an_email_would_validate(
    start: Start,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
    ledger: Rows,
    names: tuple[str | int, ...],
    typed: str | int,
    is_denied: bool,
) -> None:
    certcentral.add_domain(DOMAIN, "example.com")
    certcentral.add_order(DV, ["shop.example.net", "done.example.net"], validated=["done.example.net"])
    certcentral.add_order(OV, ["pay.example.com"], product="ov")
    certcentral.add_order(EV, ["www.example.org"], product="ev")
    await start(denies(*names))
    mailbox = "admin@example.net" if typed in (DV, "shop.example.net") else "admin@example.com"

    await ana.command("/dcv-resend", str(typed), pki)
    answer = await slack.wait_for(lambda: _answer(ana), "an answer", 20.0)
    await ana.command("/dcv-resend", f"{typed} to {mailbox}", pki)
    if is_denied:
        await ana.receives("Blocked by the rule “frozen”")
    else:
        await slack.sees_message(pki, containing=SENT)

    assert ("Blocked by the rule “frozen”" in answer) == is_denied
    assert (certcentral.resends == []) == is_denied
    assert ("denied" in {row["kind"] for row in ledger()}) == is_denied
    assert slack.problems == []


def _answer(person: SimulatedUser) -> str | None:
    """The refusal that the person got, or what the form says once DigiCert has answered."""
    if person.ephemerals:
        return person.ephemerals[-1].text
    drawn = (form for form in person.open_forms if not form.says("Looking up"))
    return next((f"{form.text} {form.submit_text}" for form in drawn), None)


async def test_a_rule_that_comes_later_holds_at_the_submit(
    start: Start, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    certcentral.add_domain(DOMAIN, "example.com")
    policy = await start()
    await ana.command("/dcv-resend", "example.com", pki)
    form = await ana.sees_form("Recipients for example.com")

    policy.write(policy.rules + denies("pay.example.com"))
    for _ in range(50):
        # The file is read when somebody asks, once a second.
        if "frozen" in (await _explained(ana, pki)):
            break
        await asyncio.sleep(0.2)
    await form.submit()
    await ana.receives("Blocked by the rule “frozen”")

    assert certcentral.resends == []


async def _explained(person: SimulatedUser, channel: Channel) -> str:
    """Ask which rule decides about one name, and return the newest answer."""
    await person.command("/dcv-resend", "why pay.example.com", channel)
    return (await person.receives("permissions for pay.example.com")).text


async def test_an_account_that_cannot_be_listed_is_no_refusal(
    start: Start, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ledger: Rows
) -> None:
    certcentral.add_domain(DOMAIN, "example.com")
    certcentral.add_order(OV, ["pay.example.com"], product="ov")
    await start(denies(OV))
    certcentral.faults.plan("GET /order/certificate", answers(503), times=None)

    await ana.command("/dcv-resend", "example.com to admin@example.com", pki)
    await ana.receives("DigiCert had an internal error")
    certcentral.faults.clear()
    await ana.command("/dcv-resend", "example.com to admin@example.com", pki)
    await ana.receives("Blocked by the rule “frozen”")

    assert [row["detail"]["rule"] for row in ledger() if row["kind"] == "denied"] == ["frozen"]
    assert certcentral.resends == []


async def test_a_refusal_names_what_else_would_be_validated_to_those_who_may_see_it(
    start: Start, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    certcentral.add_domain(DOMAIN, "example.com")
    await start(denies("pay.example.com"))

    await ana.command("/dcv-resend", "example.com to admin@example.com", pki)
    refusal = await ana.receives("Blocked by the rule “frozen”")

    assert "The email would also validate pay.example.com." in refusal.text


@pytest.mark.parametrize(("names", "is_allowed"), [([OV], False), ([OV, "example.com"], True), (["example.com"], True)])
async def test_an_ov_order_needs_an_allow_for_the_domain_that_its_email_validates(
    start: Start,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
    names: list[str | int],
    is_allowed: bool,
) -> None:
    certcentral.add_order(OV, ["pay.example.com"], product="ov")
    await start(names=listed(names))

    await ana.command("/dcv-resend", f"{OV} to admin@example.com", pki)
    if is_allowed:
        await slack.sees_message(pki, containing=SENT)
    else:
        await ana.receives(f"You can't resend for {OV}. No rule allows it for example.com.")

    assert len(certcentral.resends) == is_allowed


@pytest.mark.parametrize(
    ("denied", "typed", "mailbox"),
    [
        pytest.param("late.example.net", DV, "admin@example.net", id="a name that joined a DV order"),
        pytest.param(EV, "example.com", "admin@example.com", id="an order that the domain's validation helps now"),
    ],
)
async def test_what_an_email_would_validate_is_read_again_right_before_the_call(
    start: Start,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
    ledger: Rows,
    denied: str | int,
    typed: str | int,
    mailbox: str,
) -> None:
    certcentral.add_domain(DOMAIN, "example.com")
    order = certcentral.add_order(DV, ["shop.example.net"])
    await start(denies(denied))
    certcentral.faults.plan("PUT *", answers(429, headers={"Retry-After": "6"}))

    await ana.command("/dcv-resend", f"{typed} to {mailbox}", pki)
    await slack.sees_message(pki, "Waiting for DigiCert")
    order.dns_names.append("late.example.net")
    certcentral.add_order(EV, ["pay.example.com"], product="ev")
    await slack.sees_message(pki, "lost permission")

    assert (len(certcentral.resends), certcentral.outbox) == (1, [])
    assert [row["kind"] for row in ledger()][-2:] == ["turned_away", "not_sent"]
