"""Questions to approve an email: allowed like a resend, to the right people only, five in a day, posted once."""

import dataclasses
import json

import pytest

from bot.errors import CaUnavailable, InvalidInput, NotAllowed, SlackRejected, SlackUnavailable
from bot.models import Actor, Destination, FollowUpState
from bot.policy.rules import Action, Rule
from bot.slack.channels import Channel
from bot.views.approvals import ApprovalInput


def questions(chat):
    return [text for _, text in chat.texts if "Please open it and approve it" in text]


def kinds(rows):
    return [row.kind for row in rows]


async def test_a_person_gets_the_question_directly_and_the_ledger_has_it(ask, chat, rows, request_sent):
    await ask()

    [(destination, text, key)] = [post for post in chat.posts if "Please open it" in post[1]]
    assert destination == Destination("U0EVE")
    assert key.startswith("r1.")
    assert text.startswith("DigiCert sent an email to admin@example.com (<!date^")
    assert "Approving validates shop.example.com, possibly all of example.com. Asked by <@U0ANA>" in text
    last = (await rows())[-1]
    assert (last.kind, last.request_id, last.user_id) == ("asked", "r1", "U0ANA")
    assert json.loads(last.detail) == {
        "asked": "U0EVE",
        "email": "admin@example.com",
        "names": ["shop.example.com"],
    }
    assert chat.ephemerals == [
        ("U0ANA", Destination("C0PKI"), "I asked <@U0EVE> to approve the email to admin@example.com.")
    ]


async def test_a_channel_gets_the_question_too(ask, chat):
    await ask("C0NET")

    assert [where for where, text in chat.texts if text in questions(chat)] == ["C0NET"]
    assert chat.ephemerals[0][2].startswith("I asked <#C0NET>")


async def test_the_same_form_submitted_twice_asks_once(ask, chat, rows):
    assert await ask() == await ask()

    assert len(questions(chat)) == 1
    assert kinds(await rows()).count("asked") == 1


async def test_a_lost_answer_of_slack_leaves_one_question(ask, chat):
    chat.lose_next = SlackUnavailable("Slack did not answer.")

    await ask("C0NET")

    assert len(questions(chat)) == 1


async def test_five_questions_a_day_then_no_more_until_tomorrow(ask, clock, rows, chat):
    for number in range(5):
        await ask(view_id=f"V{number}")
        clock.advance(hours=1)
    with pytest.raises(InvalidInput, match="5 people were asked"):
        await ask(view_id="V6")
    clock.advance(hours=19, minutes=1)
    await ask(view_id="V7")

    assert kinds(await rows()).count("asked") == 6


PEOPLE = {
    "a guest": {"guest": True},
    "a stranger": {"stranger": True},
    "a bot": {"bot": True},
    "deactivated": {"deleted": True},
}


@pytest.mark.parametrize("traits", PEOPLE.values(), ids=PEOPLE)
async def test_only_full_members_can_be_asked(ask, directory, chat, rows, traits):
    directory.add("U0GIL", **traits)

    with pytest.raises(InvalidInput) as caught:
        await ask("U0GIL")

    assert caught.value.fields == {"person": "Choose a full member of this workspace."}
    assert questions(chat) == []
    assert "asked" not in kinds(await rows())


CHANNELS = {
    "unknown": (None, "I'm not in that channel."),
    "without the bot": (Channel("C0X", "x", is_member=False, is_shared=False), "I'm not in that channel."),
    "shared": (Channel("C0X", "x", is_member=True, is_shared=True), "That channel is shared"),
}


@pytest.mark.parametrize(("channel", "words"), CHANNELS.values(), ids=CHANNELS)
async def test_only_channels_with_the_bot_and_without_strangers_can_be_asked(ask, channels, chat, channel, words):
    if channel:
        channels.by_id["C0X"] = channel

    with pytest.raises(InvalidInput) as caught:
        await ask("C0X")

    assert caught.value.fields["channel"].startswith(words)
    assert questions(chat) == []


async def test_who_may_not_resend_can_neither_open_nor_submit(asks, ask, directory, chat, rows):
    eve = Actor("U0EVE", "T0HOME")

    with pytest.raises(NotAllowed):
        await asks.start(eve, "r1")
    with pytest.raises(NotAllowed):
        await ask(by=eve)

    assert questions(chat) == []
    assert "asked" not in kinds(await rows())


async def test_a_deny_of_anything_that_approving_validates_counts(make_asks, make_policy, request_sent, ana, directory):
    """The email is for shop.example.com, and with a mailbox of example.com possibly for all of that."""
    deny = Rule("frozen", False, frozenset({Action.RESEND}), names=frozenset({"example.com"}))
    asks = make_asks(make_policy(deny))
    directory.add("U0EVE")

    form = await asks.form(ana, request_sent)
    with pytest.raises(NotAllowed):
        await asks.accept(ana, "V1", ApprovalInput("r1", 0, "U0EVE"))

    assert "submit" not in form


async def test_while_digicert_cannot_say_what_it_validates_nothing_is_asked(
    make_asks, make_policy, request_sent, ana, certcentral
):
    deny = Rule("frozen", False, frozenset({Action.RESEND}), names=frozenset({"pay.example.com"}))
    asks = make_asks(make_policy(deny))
    certcentral.always["order"] = CaUnavailable("DigiCert cannot be reached.", may_have_arrived=False)

    form = await asks.form(ana, request_sent)
    with pytest.raises(CaUnavailable):
        await asks.accept(ana, "V1", ApprovalInput("r1", 0, "U0EVE"))

    assert "DigiCert cannot be reached." in str(form)


async def test_the_form_offers_who_answered_for_the_mailbox_before(asks, ask, answers, request_sent, ana, chat):
    assert "initial_user" not in str(await asks.form(ana, request_sent))
    ask_id = await ask("C0NET")
    await answers.approved(Actor("U0BOB", "T0HOME"), ask_id, "C0NET")

    assert "'initial_user': 'U0BOB'" in str(await asks.form(ana, request_sent))


async def test_when_nothing_waits_any_more_nothing_is_asked(asks, ask, follow_ups, ana, request_sent, clock, chat):
    def validated(follow_up):
        from bot.follow_up_schedule import Transition
        from bot.models import StatusUpdate

        return Transition(StatusUpdate(clock(), FollowUpState.VALIDATED), ("shop.example.com",), 0, None)

    await follow_ups.record_observation("r1", {0: validated}, clock())

    assert "No email of this request is waiting" in str(await asks.form(ana, request_sent))
    with pytest.raises(Exception, match="No email of this request is waiting"):
        await ask()
    assert questions(chat) == []


async def test_a_channel_that_refuses_the_question_is_said_to_who_asks(ask, chat, clock):
    chat.closed["C0NET"] = "is_archived"

    await ask("C0NET")

    assert questions(chat) == []
    assert chat.ephemerals == [
        ("U0ANA", Destination("C0PKI"), "I couldn't post in <#C0NET>, so I asked no one. Choose someone else.")
    ]


async def test_a_question_that_could_not_be_posted_for_a_day_is_dropped(asks, ask, engine, steps, chat, clock):
    engine.steps = None
    ask_id = await ask()
    clock.advance(days=1, seconds=1)
    engine.steps = steps

    await asks.post(ask_id)

    assert questions(chat) == []
    assert chat.ephemerals == []


async def test_a_forged_number_of_a_mailbox_asks_nobody(asks, request_sent, ana):
    for number in (-1, 1):
        with pytest.raises(InvalidInput, match="no longer waiting"):
            await asks.accept(ana, "V1", ApprovalInput("r1", number, "U0EVE"))


async def test_slack_that_does_not_say_who_that_is_asks_nobody(asks, request_sent, ana, directory, chat):
    people = dict(directory.people)
    original = directory.person

    async def only_ana(user_id, groups=(), *, afresh=False):
        if user_id != "U0ANA":
            raise SlackRejected("internal_error")
        return await original(user_id, groups, afresh=afresh)

    directory.person = only_ana
    with pytest.raises(InvalidInput, match="Slack didn't say who that is"):
        await asks.accept(ana, "V1", ApprovalInput("r1", 0, "U0EVE"))

    assert people == directory.people
    assert questions(chat) == []


async def test_old_questions_are_deleted(asks, ask, ask_rows, clock):
    ask_id = await ask()
    clock.advance(days=399)
    await asks.clean_up()
    before = await ask_rows.get(ask_id)
    clock.advance(days=2)
    await asks.clean_up()

    assert before is not None
    assert await ask_rows.get(ask_id) is None
    assert dataclasses.replace(before, id="x") != before
