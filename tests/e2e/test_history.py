"""`/dcv-resend history`: whispers what was asked, by whom and with what outcome, refusals too."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.faults import answers, drops
from sandbox.slack import Channel, Message, SimulatedUser, Slack
from tests.e2e.helpers import ON_BOTH, Rows, is_chained, locked, put, resend, sees_end

ORDER = 700001


async def asks(person: SimulatedUser, channel: Channel, text: str, containing: str) -> Message:
    """Type the command, and wait for a whisper that was not there before."""
    before = len(person.ephemerals)

    def heard() -> Message | None:
        new = person.ephemerals[before:]
        return next((message for message in new if message.content.says(containing)), None)

    await person.command("/dcv-resend", f"history {text}".strip(), channel)
    return await person.slack.wait_for(heard, f"a whisper to {person.name}: {containing!r}", 20.0)


def request_lines(message: Message) -> list[str]:
    """The lines about requests."""
    return message.text.splitlines()[1:]


@ON_BOTH
async def test_each_request_is_listed_with_outcome_person_recipients_reason_and_thread(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    ben = slack.add_person("ben")
    for number, name in enumerate(("shop.example.com", "www.example.org", "api.example.org")):
        certcentral.add_order(ORDER + number, [name])
    certcentral.faults.plan(put(ORDER + 1), answers(400, {"errors": [{"code": "x", "message": "<!here> no"}]}))
    certcentral.faults.plan(put(ORDER + 2), drops(effect=True))
    roots = []
    for number, host in enumerate(("shop.example.com", "www.example.org", "api.example.org")):
        line = f"{ORDER + number} to admin@{host.partition('.')[2]} because <b> of a new mailbox"
        await ana.command("/dcv-resend", line, pki)
        roots.append(await sees_end(slack, pki, ORDER + number))
    await ana.command("/dcv-resend", f"{ORDER} to admin@example.com", pki)
    await ana.receives("To resend before")
    await ben.command("/dcv-resend", str(ORDER), pki)
    await ben.receives("resend for")

    everything = await asks(ana, pki, "", "Recent requests")
    of_order = await asks(ana, pki, str(ORDER), f"for order {ORDER}")
    of_name = await asks(ana, pki, "example.org", "for example.org")
    of_ben = await asks(ana, pki, f"<@{ben.id}|ben>", f"by <@{ben.id}>")

    outcomes = [line.split("*")[1] for line in request_lines(everything)]
    assert outcomes == ["Not permitted", "Blocked by cooldown", "Unknown", "Refused", "Sent"]
    assert [line.split("*")[1] for line in request_lines(of_order)] == ["Not permitted", "Blocked by cooldown", "Sent"]
    assert [line.split("*")[1] for line in request_lines(of_name)] == ["Unknown", "Refused"]
    assert [line.split("*")[1] for line in request_lines(of_ben)] == ["Not permitted"]
    sent, refused = request_lines(everything)[4], request_lines(everything)[3]
    assert f"order {ORDER} (shop.example.com) · <@{ana.id}> · to admin@example.com · <http" in sent
    assert "Reason: &lt;b&gt; of a" in sent
    assert f"/{pki.id}/p{roots[0].ts.replace('.', '')}|thread>" in sent
    assert "&lt;!here&gt; no" in refused
    assert f"· <@{ben.id}>" in request_lines(of_ben)[0]
    assert slack.problems == []


async def test_a_person_who_may_not_read_sees_no_row(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ledger: Rows
) -> None:
    certcentral.add_order(ORDER, ["shop.example.com"])
    await resend(ana, ORDER, pki)
    await sees_end(slack, pki, ORDER)
    ben = slack.add_person("ben")

    for text in ("", str(ORDER), "shop.example.com", f"<@{ana.id}>"):
        await asks(ben, pki, text, "view status")

    details = [row["detail"] for row in ledger() if row["kind"] == "denied"]
    assert [detail["history"] for detail in details] == [
        "all",
        f"order:{ORDER}",
        "name:shop.example.com",
        f"user:{ana.id}",
    ]
    assert not any(message.content.says("admin@") or message.content.says("Sent") for message in ben.ephemerals)


async def test_pages_are_turned_in_place(
    bot: BotProcess, slack: Slack, ana: SimulatedUser, pki: Channel, certcentral: CertCentral
) -> None:
    ben = slack.add_person("ben")
    for number in range(12):
        await ben.command("/dcv-resend", str(ORDER + number), pki)
        await slack.wait_for(lambda count=number + 1: len(ben.ephemerals) == count, "a refusal", 20.0)

    whisper = await asks(ana, pki, f"<@{ben.id}>", "Recent requests")
    first, buttons = request_lines(whisper), whisper.buttons
    await ana.click(whisper, "Older")
    await slack.wait_for(lambda: whisper.buttons == ["Newer"], "the older page", 20.0)
    second = request_lines(whisper)
    await ana.click(whisper, "Newer")
    await slack.wait_for(lambda: whisper.buttons == ["Older"], "the newer page", 20.0)

    assert (len(first), len(second), buttons) == (10, 2, ["Older"])
    assert f"order {ORDER + 11}" in first[0]
    assert f"order {ORDER}" in second[1]
    assert request_lines(whisper) == first
    assert len(ana.ephemerals) == 1
    assert slack.problems == []


async def test_what_cannot_be_found_or_understood_is_said_plainly(
    bot: BotProcess, slack: Slack, ana: SimulatedUser, pki: Channel, database_url: str
) -> None:
    await asks(ana, pki, "700001", "No requests for order 700001 yet.")
    await asks(ana, pki, "@ben", "pick the person")
    await asks(ana, pki, "shop", "such as 700001")
    await asks(ana, pki, "help", "/dcv-resend history")
    with locked(database_url):
        await asks(ana, pki, "", "No requests yet.")
    assert slack.problems == []


async def test_it_changes_nothing(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ledger: Rows
) -> None:
    before = len(certcentral.calls)

    await asks(ana, pki, "", "No requests yet.")

    assert (ledger(), pki.messages, len(certcentral.calls)) == ([], [], before)


MakeBot = Callable[..., BotProcess]
PAY, SHOP = 700001, 700002


@pytest.fixture
def ben(slack: Slack) -> SimulatedUser:
    """A colleague who may see the shop alone."""
    return slack.add_person("ben")


@pytest.fixture
async def ruled(
    make_bot: MakeBot, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, ben: SimulatedUser, tmp_path: Path
) -> BotProcess:
    """A bot whose rules let Ana do everything, and Ben see the shop and resend for it."""
    file = tmp_path / "policy.toml"
    file.write_text(
        f"""
[[rule]]
name = "ana"
allow = ["resend", "status", "override-cooldown"]
users = ["{ana.id}"]

[[rule]]
name = "ben"
allow = ["resend", "status"]
users = ["{ben.id}"]
names = ["shop.example.com"]
"""
    )
    certcentral.add_order(PAY, ["pay.example.com"])
    certcentral.add_order(SHOP, ["shop.example.com"])
    bot = make_bot(DCV_ALLOWED_USERS="", DCV_POLICY_FILE=str(file))
    await bot.start()
    await slack.wait_for_connection(60)
    return bot


@pytest.mark.fault("L1")
@pytest.mark.fault("M5")
@ON_BOTH
async def test_history_shows_what_its_reader_may_see_and_nothing_of_the_rest(
    ruled: BotProcess, slack: Slack, ana: SimulatedUser, ben: SimulatedUser, pki: Channel
) -> None:
    cat = slack.add_person("cat")
    await resend(ana, PAY, pki)
    await sees_end(slack, pki, PAY)
    for text in (str(PAY), "pay.example.com", "shop.example.com", "history"):
        before = len(cat.ephemerals)
        await cat.command("/dcv-resend", text, pki)
        await slack.wait_for(lambda before=before: len(cat.ephemerals) > before, "a refusal", 20.0)

    of_ana, of_ben = await asks(ana, pki, "", "Recent requests"), await asks(ben, pki, "", "Recent requests")
    began = time.monotonic()
    there = await asks(ben, pki, str(PAY), "No requests")
    took = time.monotonic() - began
    began = time.monotonic()
    nothing = await asks(ben, pki, "799999", "No requests")
    difference = abs(time.monotonic() - began - took)
    of_cat = await asks(ben, pki, f"<@{cat.id}|cat>", "Recent requests")

    assert [line.split("*")[1] for line in request_lines(of_ana)] == ["Not permitted", "Sent"]
    assert "2 more denials: type /dcv-resend history" in request_lines(of_ana)[0]
    for message in (of_ben, of_cat):
        [line] = request_lines(message)
        assert "shop.example.com" in line
        assert not re.search("pay|70000[13]", message.content.visible_text)
        assert message.buttons == []
    assert re.sub(r"\d{6}", "ORDER", there.text) == re.sub(r"\d{6}", "ORDER", nothing.text)
    assert there.buttons == nothing.buttons == []
    assert difference < 1.0
    assert slack.problems == []


@pytest.mark.fault("L1")
async def test_refusals_of_one_person_neither_fill_a_page_nor_the_ledger(
    ruled: BotProcess, slack: Slack, ana: SimulatedUser, ben: SimulatedUser, pki: Channel, ledger: Rows
) -> None:
    await resend(ben, SHOP, pki)
    await sees_end(slack, pki, SHOP)
    cat = slack.add_person("cat")

    for number in range(60):
        name = "shop.example.com" if number % 2 else f"made-up-{number}.example.com"
        await cat.command("/dcv-status", name, pki)
        if number % 10 == 9:
            # On a busy machine, a row that waits for sixty others would come too late.
            await slack.wait_for(lambda most=number + 1: len(cat.ephemerals) == most, "each refusal", 30.0)
    page = await asks(ana, pki, "", "Recent requests")
    theirs = [row for row in ledger() if row["user_id"] == cat.id]
    await ruled.stop()
    counts = [row for row in ledger() if row["user_id"] == cat.id][len(theirs) :]

    assert [line.split("*")[1] for line in request_lines(page)] == ["Not permitted", "Sent"]
    assert len(theirs) == 20
    assert sorted(row["detail"]["times"] for row in counts) == [11, 29]
    assert is_chained(ledger())
    assert len(slack.problems) == 0
