"""The digest of a channel, from its table to a resend and a snooze, and the same domains on Home and in a command."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.slack import Channel, Message, SimulatedUser, Slack
from tests.e2e.helpers import Rows

MakeBot = Callable[..., BotProcess]

HEADLINE = "need you before"


@pytest.fixture
def shop(slack: Slack) -> Channel:
    return slack.add_channel("shop-ops")


@pytest.fixture
def domains(certcentral: CertCentral) -> None:
    """One domain is waiting, one ends in six days, one has expired, and one is fine."""
    now = certcentral.now()
    certcentral.add_domain(1, "waiting.example.com", created=now - timedelta(days=4))
    certcentral.add_domain(2, "week.example.com", pending=False, validated_until=now + timedelta(days=6))
    certcentral.add_domain(3, "lapsed.example.com", pending=False, validated_until=now - timedelta(days=2))
    certcentral.add_domain(4, "fine.example.com", pending=False, validated_until=now + timedelta(days=90))


@pytest.fixture
def make_digest_bot(make_bot: MakeBot, tmp_path: Path) -> Callable[..., BotProcess]:
    """Make a bot whose digest for a channel was due a minute ago."""

    def create(channel: Channel, owner: str = "") -> BotProcess:
        due = datetime.now(UTC) - timedelta(minutes=1)
        owned = f'owner = "{owner}"\n' if owner else ""
        file = tmp_path / "digests.toml"
        file.write_text(f'[[digest]]\nchannel = "{channel.id}"\nat = "{due:%H:%M}"\n{owned}')
        return make_bot(DCV_DIGEST_FILE=str(file), DCV_FOLLOW_UPS="1s,3s,6s,12s,24s,48s")

    return create


async def starts(bot: BotProcess, slack: Slack) -> None:
    await bot.start()
    await slack.wait_for_connection(60)


def cells(message: Message) -> list[list[str]]:
    """Return the texts of a message's table."""
    [table] = [block for block in message.blocks if block["type"] == "data_table"]
    return [[cell["text"] for cell in row] for row in table["rows"]]


async def test_a_digest_lists_what_needs_someone_and_resends_it(
    make_digest_bot: Callable[..., BotProcess],
    domains: None,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    shop: Channel,
) -> None:
    group = slack.add_usergroup("shop-sre", [ana])
    await starts(make_digest_bot(shop, group.id), slack)
    digest = await slack.sees_message(shop, HEADLINE)
    table = cells(digest)

    await ana.click(digest, "Resend 1…")
    form = await ana.sees_form("waiting.example.com")
    await form.submit()
    card = await slack.sees_message(shop, "waiting for approval", thread=digest)
    certcentral.approve(certcentral.outbox[0])
    await slack.wait_for(lambda: digest.content.says("2 of 4 domains"), "the digest to follow", 60.0)

    assert [row[0] for row in table] == ["Domain", "week.example.com", "waiting.example.com", "lapsed.example.com"]
    assert {row[4] for row in table[1:]} == {"@shop-sre"}
    assert card.thread_ts == digest.ts
    assert [mail.recipient for mail in certcentral.outbox] == ["admin@waiting.example.com"]
    # The domain that ends within seven days was announced in the thread, with the owner.
    warning = await slack.sees_message(shop, "1 validation ends within 7 days", thread=digest)
    assert f"<!subteam^{group.id}>" in warning.text
    assert slack.problems == []


async def test_a_snooze_needs_the_permission_to_resend_and_a_reason(
    make_digest_bot: Callable[..., BotProcess],
    domains: None,
    slack: Slack,
    ana: SimulatedUser,
    shop: Channel,
    ledger: Rows,
) -> None:
    ben = slack.add_person("ben")
    await starts(make_digest_bot(shop), slack)
    digest = await slack.sees_message(shop, HEADLINE)

    await ben.click(digest, "Snooze…")
    refusal = await ben.receives("You can't resend")
    await ana.click(digest, "Snooze…")
    form = await slack.wait_for(lambda: next((f for f in ana.open_forms if "Reason" in f.labels), None), "the form", 20)
    await form.choose(["waiting.example.com"])
    await form.choose("Until tomorrow")
    form.fill("Reason", "on vacation")
    await form.submit()
    await ana.receives("Snoozed in this channel")
    await slack.wait_for(lambda: digest.content.says("1 is snoozed."), "the digest without it", 20.0)

    assert ben.open_forms == []
    assert refusal is not None
    assert "waiting.example.com" not in str(cells(digest))
    [row] = [row for row in ledger() if row["kind"] == "snoozed"]
    assert (row["user_id"], row["detail"]["reason"]) == (ana.id, "on vacation")
    assert row["detail"]["names"] == ["waiting.example.com"]
    assert slack.problems == []


async def test_home_and_the_command_show_the_nearest_end_first_and_only_what_one_may_see(
    make_bot: MakeBot, domains: None, slack: Slack, ana: SimulatedUser, pki: Channel, tmp_path: Path
) -> None:
    ben = slack.add_person("ben")
    policy = tmp_path / "policy.toml"
    policy.write_text(
        f'[[rule]]\nname = "one"\nallow = ["status"]\nusers = ["{ben.id}"]\nnames = ["week.example.com"]\n'
    )
    await starts(make_bot(DCV_POLICY_FILE=str(policy)), slack)

    await ana.opens_home()
    home = await ana.sees_home("Expiring")
    await ana.command("/dcv-status", "expiring 30d", pki)
    answer = await ana.receives("2 validations end within 30 days")
    await ben.command("/dcv-status", "expiring", pki)
    narrow = await ben.receives("1 validation ends within 30 days")

    assert home.text.index("week.example.com") < home.text.index("lapsed.example.com")
    assert "fine.example.com" not in home.text
    assert answer.text.index("week.example.com") < answer.text.index("lapsed.example.com")
    assert "lapsed.example.com" not in narrow.text
    assert slack.problems == []
