"""People with a rule for some names learn nothing about others: the answer is the same whether those exist or not."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.slack import Channel, SimulatedUser, Slack
from tests.e2e.helpers import PolicyFile

pytestmark = pytest.mark.fault("M5")

MINE, THEIRS, SHARED, THEIRS_ISSUED, MISSING = 700001, 700002, 700003, 700004, 799999

Ask = Callable[[str, str], Awaitable[str]]


@pytest.fixture(autouse=True)
def account(certcentral: CertCentral) -> None:
    """Pending targets: an order of the shop, one of pay, one of both, and a domain of pay."""
    certcentral.add_order(MINE, ["shop.example.com"], name_scope="fqdn")
    certcentral.add_order(THEIRS, ["pay.example.org"], name_scope="fqdn")
    certcentral.add_order(
        SHARED, ["pay.example.net", "shop.example.net"], name_scope="fqdn", common_name="pay.example.net"
    )
    certcentral.add_order(THEIRS_ISSUED, ["old.pay.example.org"], status="issued")
    certcentral.add_domain(1234, "pay.example")


@pytest.fixture
async def shop_bot(
    make_bot: Callable[..., BotProcess],
    slack: Slack,
    ana: SimulatedUser,
    bob: SimulatedUser,
    pki: Channel,
    tmp_path: Path,
) -> BotProcess:
    """A bot whose rules let Ana resend and look for the shop, and Bob everything."""
    rules = f"""
[[rule]]
name = "shop"
allow = ["resend", "status"]
users = ["{ana.id}"]
names = ["shop.example.com", "shop.example.net", "shop.example.edu"]

[[rule]]
name = "all"
allow = ["resend", "status"]
users = ["{bob.id}"]

[[rule]]
name = "pay is frozen"
deny = ["resend"]
names = ["pay.example.info"]
"""
    bot = make_bot(DCV_ALLOWED_USERS="", DCV_POLICY_FILE=str(PolicyFile(tmp_path / "policy.toml", rules)))
    await bot.start()
    await slack.wait_for_connection()
    return bot


@pytest.fixture
def bob(slack: Slack) -> SimulatedUser:
    return slack.add_person("bob")


@pytest.fixture
def ask(slack: Slack, ana: SimulatedUser, pki: Channel, shop_bot: BotProcess) -> Ask:
    """Let Ana type a command, and return the answer: a whisper, or what her form says once it is drawn."""

    async def ask(command: str, text: str) -> str:
        whispers, forms = len(ana.ephemerals), {form.view_id for form in ana.open_forms}

        def answer() -> str | None:
            if len(ana.ephemerals) > whispers:
                return ana.ephemerals[-1].visible_text
            new = [form for form in ana.open_forms if form.view_id not in forms and not form.says("Looking up")]
            return new[0].text if new else None

        await ana.command(command, text, pki)
        return await slack.wait_for(answer, f"an answer to {command} {text}", 20.0)

    return ask


@pytest.mark.parametrize(
    ("command", "line", "there", "not_there"),
    [
        *(("/dcv-status", "{}", there, MISSING) for there in (THEIRS, THEIRS_ISSUED)),
        *(
            ("/dcv-resend", line, there, not_there)
            for line in ("{}", "{} to admin@example.com")
            for there, not_there in (
                (THEIRS, MISSING),
                (THEIRS_ISSUED, MISSING),
                (SHARED, MISSING),
                ("shop.example.net", "shop.example.edu"),
            )
        ),
    ],
)
async def test_what_is_hidden_is_answered_like_what_does_not_exist(
    ask: Ask, command: str, line: str, there: int | str, not_there: int | str
) -> None:
    first, second = [await ask(command, line.format(wanted)) for wanted in (there, not_there)]

    assert first.replace(str(there), "…") == second.replace(str(not_there), "…")
    assert "pay" not in first


async def test_the_status_of_an_order_shows_the_names_that_the_person_may_see(ask: Ask) -> None:
    shown = [await ask("/dcv-status", text) for text in ("", str(SHARED), "shop.example.net")]

    assert all("shop.example.net" in each and "pay" not in each for each in shown)
    assert str(THEIRS) not in shown[0]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("", {MINE, SHARED}),
        ("pay", set()),
        ("example", {MINE, SHARED}),
        (str(SHARED), {SHARED}),
        (str(THEIRS), {f"Search CertCentral for order {THEIRS}"}),
        (str(MISSING), {f"Search CertCentral for order {MISSING}"}),
        ("pay.example.net", {"Search CertCentral for “pay.example.net”"}),
        ("pay.example.gov", {"Search CertCentral for “pay.example.gov”"}),
    ],
)
async def test_a_search_finds_by_what_the_person_may_see(
    slack: Slack, ana: SimulatedUser, pki: Channel, shop_bot: BotProcess, typed: str, found: set[int | str]
) -> None:
    await ana.command("/dcv-resend", "", pki)
    form = await ana.sees_form("Order or domain")

    options = await form.search(typed)

    elsewhere = {option["text"] for option in options if option["text"].startswith("Search CertCentral")}
    listed = [option for option in options if option["text"] not in elsewhere]
    assert {int(option["value"].removeprefix("order:")) for option in listed} | elsewhere == found
    assert not any("pay" in f"{option['text']} {option['description']}" for option in listed)


async def test_a_message_is_answered_like_one_that_names_nothing_that_exists(
    slack: Slack, ana: SimulatedUser, pki: Channel, shop_bot: BotProcess
) -> None:
    answers = []
    for order_id in (THEIRS, MISSING):
        alert = slack.post_alert(pki, "monitoring", f"Order {order_id} is pending")
        await ana.shortcut("dcv_resend_message", alert)
        form = await ana.sees_form(f"You can't resend for {order_id}.")
        answers.append(form.text.replace(str(order_id), "…"))
        await form.close()

    assert answers[0] == answers[1]


async def test_why_names_the_patterns_that_the_person_may_see(ask: Ask, shop_bot: BotProcess) -> None:
    shown = await ask("/dcv-resend", "why")

    assert "shop.example.com" in shown
    assert "pay is frozen" in shown
    assert "pay.example" not in shown


async def test_who_may_see_everything_learns_what_is_so(
    slack: Slack, bob: SimulatedUser, pki: Channel, shop_bot: BotProcess
) -> None:
    await bob.command("/dcv-resend", f"{MISSING} to admin@example.com", pki)
    await bob.receives(f"No order {MISSING} in this CertCentral account.")
    await bob.command("/dcv-status", str(THEIRS_ISSUED), pki)
    await bob.receives("has been issued")
