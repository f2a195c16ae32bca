"""Who is no full member of this workspace is refused at every door; colleagues on Enterprise Grid are not."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.slack import Channel, Delivery, Form, SimulatedUser, Slack
from tests.e2e.helpers import Row, Rows, open_form, resend, sees_end
from tests.e2e.recorded_payloads import ORDER, STORY, Genuine, record
from tests.web_api_methods import called_in_code

GUEST = ("guest", "Guests can't resend DCV emails. Ask a full member of this workspace.")
BOT = ("bot", "Bots and workflows can't use this command.")
GONE = ("deactivated", "Your Slack account is deactivated")
ELSEWHERE = ("other-workspace", "Only members of this workspace can resend DCV emails.")
NO_GRANTEES = ("unknown", "I couldn't verify your Slack account")
TEXTS = {
    "/dcv-resend": (
        "",
        str(ORDER),
        "shop.example.com",
        f"{ORDER} to admin@example.com in de because new mailbox",
        "history",
        f"history {ORDER}",
        "history <@U0ANA>",
        "why <@U0ANA> shop.example.com",
    ),
    "/dcv-status": ("", str(ORDER), "shop.example.com"),
}
SOON = 10.0
Story = Callable[[str], Genuine]


@dataclass(frozen=True)
class WorkspaceTexts:
    """All texts in a workspace, with those for one person apart."""

    by_others: list[str]
    whispers: list[str]

    @classmethod
    def of(cls, slack: Slack, person: SimulatedUser) -> "WorkspaceTexts":
        said = [message.visible_text for channel in slack.channels.values() for message in channel.messages]
        others = [each for each in slack.people.values() if each is not person]
        whispered = [message.visible_text for each in others for message in each.ephemerals]
        forms = [str(view.content) for each in others for view in slack.modals.top(each)]
        return cls([*said, *whispered, *forms], [message.visible_text for message in person.ephemerals])


@pytest.fixture
def outsiders(slack: Slack) -> dict[SimulatedUser, tuple[str, str]]:
    """Everyone who is ineligible by any rule, with the ledger's rule and the text that they get."""
    elsewhere = {"enterprise_id": "E0OTHERORG", "teams": ("T0ELSEWHERE",)}
    people = {
        slack.add_person("gil", guest=True): GUEST,
        slack.add_person("uma", ultra_guest=True): GUEST,
        slack.add_person("gus", guest=True, team_id="T0SISTER", enterprise_id="E0ORG"): GUEST,
        slack.add_person("robo", bot=True): BOT,
        slack.add_person("flow", workflow_bot=True): BOT,
        slack.add_person("dee", deleted=True): GONE,
        slack.add_person("stu", stranger=True): ELSEWHERE,
        slack.add_person("oli", team_id="T0ELSEWHERE"): ELSEWHERE,
        slack.add_person("max", team_id="T0ELSEWHERE", enterprise_user_id="W0MAX", **elsewhere): ELSEWHERE,
        slack.add_person("eva", team_id="E0OTHERORG", **elsewhere): ELSEWHERE,
    }
    robot, nobody = slack.people[str(slack.ensure_app("workflows").user)], slack.add_person("ned")
    del slack.people[nobody.id]
    named = SimulatedUser(id=robot.id, name="workflows", team_id=slack.team_id, bot=True, slack=slack)
    slack.add_member(named)
    return {**people, named: BOT, nobody: NO_GRANTEES}


@pytest.fixture
async def story(
    make_bot: Callable[..., BotProcess],
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
    ops: Channel,
    outsiders: dict[SimulatedUser, tuple[str, str]],
    ask: Callable[[str], Awaitable[Form]],
) -> Story:
    """A bot on Enterprise Grid that lists each outsider twice over, and all that Ana did with it."""
    slack.enterprise_id = "E0ORG"
    group = slack.add_usergroup("everybody", outsiders)
    ids = ",".join([ana.id, "W0MAX", *(person.id for person in outsiders)])
    bot = make_bot(DCV_ALLOWED_USERS=ids, DCV_ALLOWED_USERGROUPS=group.id, DCV_ALERT_CHANNELS=ops.id)
    await bot.start()
    await slack.wait_for_connection(60)
    return await record(slack, certcentral, ana, pki, ops, ask)


def doors(story: Story) -> Iterator[tuple[str, Genuine]]:
    """Each way in, commands in all their forms."""
    for name in STORY:
        for text in TEXTS.get(name, (None,)):
            yield f"{name} {text or ''}", story(name) if text is None else story(name).saying(text)


async def knock(slack: Slack, transport: Genuine, person: SimulatedUser, what: str) -> Delivery:
    mine = transport.by(person)
    return await slack.deliver(mine.kind, mine.payload, f"{what} of {person.name}")


def is_there(person: SimulatedUser) -> bool:
    """Return if Slack delivers every ephemeral message to them. Some to a deleted account are lost."""
    return person.id in person.slack.people and not person.deleted


async def test_an_outsider_is_refused_at_every_entry_point_and_alone_learns_why(
    slack: Slack, certcentral: CertCentral, ledger: Rows, story: Story, outsiders: dict[SimulatedUser, tuple[str, str]]
) -> None:
    asked, wrong, kinds = len(certcentral.calls), [], 1

    def refused(person: SimulatedUser) -> list[Row]:
        return [row for row in ledger() if row["user_id"] == person.id]

    for person, (rule, words) in outsiders.items():
        before, expected = WorkspaceTexts.of(slack, person), 0
        for what, transport in doors(story):
            delivery = await knock(slack, transport, person, what)
            expected += is_there(person)
            what_for = f"a whisper about {what} to {person.name}"
            await slack.wait_for(lambda: len(person.ephemerals) >= expected, what_for, SOON)  # noqa: B023 - waited for at once
            wrong += [] if delivery.acked and not (delivery.payload or {}).get("options") else [what]
        await slack.wait_for(lambda: len(refused(person)) >= kinds, f"the rows of {person.name}", SOON)  # noqa: B023 - waited for at once
        # Equal ones are only counted, so the first person has as many rows as each other.
        kinds = len(refused(person))
        after = WorkspaceTexts.of(slack, person)
        assert [each for each in after.whispers if not each.startswith(words)] == []
        assert len(after.whispers) == expected or not is_there(person)
        assert after.by_others == before.by_others
        assert {(row["kind"], row["detail"]["rule"]) for row in refused(person)} == {("denied", rule)}

    assert 10 < kinds <= 20
    assert [person.name for person in outsiders if person.open_forms] == []
    assert ([call.name for call in certcentral.calls[asked:]], wrong, slack.problems) == ([], [], [])


async def test_no_other_method_is_called_than_the_code_names(slack: Slack, story: Story) -> None:
    """The page for auditors is compared with what the code names; here the bot was everywhere."""
    assert story("/dcv-resend")
    assert {call.method for call in slack.api_calls} <= called_in_code()


async def test_an_outsider_who_asks_why_learns_that_and_no_more(
    slack: Slack, certcentral: CertCentral, story: Story, outsiders: dict[SimulatedUser, tuple[str, str]]
) -> None:
    asked = len(certcentral.calls)

    for person in outsiders:
        await knock(slack, story("/dcv-resend").saying("why shop.example.com"), person, "why")
        whisper = await person.receives("whatever the policy says")
        assert "Who can" not in whisper.visible_text
        assert len(person.ephemerals) == 1

    assert [call.name for call in certcentral.calls[asked:]] == []


async def test_strangers_in_a_channel_that_became_shared_read_nothing_and_get_no_offer(
    slack: Slack, certcentral: CertCentral, story: Story, ana: SimulatedUser, pki: Channel, ops: Channel
) -> None:
    pki.ext_shared = ops.ext_shared = True
    said, posted = len(pki.messages), len(ops.messages)
    certcentral.add_order(ORDER + 50, ["new.example.com"])
    form = await open_form(ana, ORDER + 50, slack.dm(ana))
    asked = len(certcentral.calls)

    slack.post_alert(ops, "monitoring", f"Order {ORDER + 50} is pending")
    await slack.wait_for_events()
    unasked = certcentral.calls[asked:]
    await form.submit()
    await sees_end(slack, slack.dm(ana), ORDER + 50)

    assert unasked == []
    assert (len(pki.messages), len(ops.messages)) == (said, posted + 1)


@pytest.mark.parametrize("is_org_wide", [False, True])
async def test_colleagues_on_enterprise_grid_are_admitted(
    make_bot: Callable[..., BotProcess],
    slack: Slack,
    certcentral: CertCentral,
    pki: Channel,
    ledger: Rows,
    is_org_wide: bool,
) -> None:
    slack.enterprise_id, slack.is_org_wide = "E0ORG", is_org_wide
    grid = {"enterprise_id": "E0ORG"}
    listed = SimulatedUser(id="W0WENDY", name="wendy", team_id=slack.team_id, slack=slack, enterprise_id="E0ORG")
    slack.add_member(listed)
    sister = slack.add_person("sam", team_id="T0SISTER", **grid)
    org = slack.add_person("olga", team_id="E0ORG", teams=(slack.team_id,), **grid)
    moved = slack.add_person("mia", enterprise_user_id="W0MIA", **grid)
    grouped = slack.add_person("gia", enterprise_user_id="W0GIA", **grid)
    group = slack.add_usergroup("pki")
    group.members = ["W0GIA"]
    ids = ",".join([listed.id, sister.id, org.id, "W0MIA"])
    bot = make_bot(DCV_ALLOWED_USERS=ids, DCV_ALLOWED_USERGROUPS=group.id)
    await bot.start()
    await slack.wait_for_connection(60)

    for number, person in enumerate([listed, sister, org, moved, grouped], start=ORDER):
        certcentral.add_order(number, [f"n{number}.example.com"])
        await resend(person, number, pki)
        root = await sees_end(slack, pki, number)
        await person.click(root, "Check now")
        await person.receives("1 of 1 domain still needs approval")
        await person.command("/dcv-status", str(number), pki)
        await person.receives(f"n{number}.example.com")

    assert [row for row in ledger() if row["kind"] == "denied"] == []
    assert (len(certcentral.resends), slack.problems) == (5, [])
