"""The Home tab, for someone who may, with a narrow rule, for a guest, a stranger to the list, and an outsider."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.slack import Channel, SimulatedUser, Slack
from tests.e2e.helpers import Rows

MakeBot = Callable[..., BotProcess]

ORDER = 700001
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
RULES = """
[[rule]]
name = "shop"
allow = ["status", "resend"]
users = ["{ben}"]
names = ["shop.example.com"]

[[rule]]
name = "pay, in one channel"
allow = ["status", "resend"]
users = ["{ben}"]
channels = ["{pki}"]
names = ["pay.example.com"]
"""


async def test_what_needs_ana_is_resent_from_home_and_reported_to_her_directly(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    certcentral.add_order(ORDER, ["shop.example.com"], created=LONG_AGO)
    certcentral.add_order(ORDER + 1, ["dns.example.com"], method="dns-txt-token")

    await ana.opens_home()
    home = await ana.sees_home("Needs you")
    before = home.text
    await home.click("Resend…")
    form = await ana.sees_form("shop.example.com")
    await form.submit()
    root = await ana.gets_direct_message(f"rder {ORDER}")
    await slack.wait_for(lambda: certcentral.resends, "the resend", 20.0)
    await home.click("Refresh")
    after = await ana.sees_home("last email to")

    assert before.index(f"{ORDER} ·") < before.index("Waiting") < before.index(f"{ORDER + 1} ·")
    assert root.channel is slack.dm(ana)
    assert after.text.index("Waiting") < after.text.index(f"{ORDER} ·") < after.text.index("Your requests")
    assert f"order {ORDER} (shop.example.com)" in after.text.split("Your requests")[1]
    assert pki.messages == []
    assert slack.problems == []


async def test_its_buttons_open_the_empty_form_the_rules_and_the_details(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser
) -> None:
    certcentral.add_order(ORDER, ["shop.example.com"])
    await ana.opens_home()
    home = await ana.sees_home("Needs you")

    await home.click("Who can do what")
    rules = await ana.sees_form(f"<@{ana.id}>")
    await rules.close()
    await home.click("Details")
    details = await ana.sees_form("Needs email approval (1): shop.example.com")
    await details.close()
    await home.click("Resend a DCV email")
    form = await ana.sees_form()

    assert (rules.title, details.title) == ("Who can do what", f"Order {ORDER}")
    assert await form.search("shop")
    assert slack.problems == []


async def test_a_narrow_rule_shows_its_names_and_says_what_works_in_a_channel_alone(
    make_bot: MakeBot, slack: Slack, certcentral: CertCentral, pki: Channel, tmp_path: Path
) -> None:
    ben = slack.add_person("ben")
    policy = tmp_path / "policy.toml"
    policy.write_text(RULES.format(ben=ben.id, pki=pki.id))
    await make_bot(DCV_ALLOWED_USERS="", DCV_POLICY_FILE=str(policy)).start()
    await slack.wait_for_connection()
    certcentral.add_order(ORDER, ["shop.example.com"])
    certcentral.add_order(ORDER + 1, ["pay.example.com"])

    await ben.opens_home()
    home = await ben.sees_home("Needs you")

    assert f"{ORDER} ·" in home.text
    assert "pay.example.com" not in home.text
    assert f"Some of your permissions only work in #{pki.id}." in home.text
    assert slack.problems == []


async def test_guests_outsiders_and_strangers_to_the_list_see_two_sentences(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, ledger: Rows
) -> None:
    certcentral.add_order(ORDER, ["shop.example.com"])
    guest, outsider, ben = (
        slack.add_person("gus", guest=True),
        slack.add_person("eve", stranger=True),
        slack.add_person("ben"),
    )
    asked = len(certcentral.calls)

    for person in (guest, outsider, ben):
        await person.opens_home()
    await ben.sees_home("You can't see pending orders here.")
    published = await slack.wait_for(
        lambda: slack.modals.home(guest).published and slack.modals.home(guest), "a tab", 20.0
    )

    assert f"<@{ana.id}>" in ben.home_tab.text
    assert "Only full members of this workspace can use it" in str(published.blocks)
    assert "shop.example.com" not in str(published.blocks) + ben.home_tab.text
    assert outsider.home_tab.is_placeholder
    assert (len(certcentral.calls), ledger()) == (asked, [])
    assert slack.problems == []


async def test_the_messages_tab_draws_nothing_and_a_workspace_without_home_is_logged_once(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser
) -> None:
    await ana.opens_messages()
    assert ana.home_tab.is_placeholder
    await ana.opens_home()
    await ana.sees_home("Your requests")

    assert slack.problems == []
