"""The answers: only of who was asked, a check at most once a minute, and nothing is revealed."""

from datetime import timedelta

import pytest

from bot.errors import CaUnavailable, InvalidInput, NotAllowed, PermissionUnknown, SlackRejected
from bot.models import Actor

EVE = Actor("U0EVE", "T0HOME")
BOB = Actor("U0BOB", "T0HOME")


async def due_at(follow_ups):
    [follow_up] = await follow_ups.of("r1")
    return follow_up.due_at


async def test_i_approved_it_makes_the_check_due_and_only_thanks(ask, answers, follow_ups, worker, clock, certcentral):
    ask_id = await ask()
    certcentral.asked.clear()

    answer = await answers.approved(EVE, ask_id, "D0EVE")

    assert answer.text == "Thanks, checking"
    assert await due_at(follow_ups) == clock()
    assert worker.count == 1
    assert certcentral.asked == []


async def test_once_a_minute_for_all_questions_about_a_request(ask, answers, worker, clock):
    first, second = await ask(), await ask("C0NET", view_id="V2")
    await answers.approved(EVE, first, "D0EVE")
    clock.advance(seconds=59)
    again = await answers.approved(BOB, second, "C0NET")
    clock.advance(seconds=1)
    after = await answers.approved(BOB, second, "C0NET")

    assert (again.text, after.text) == ("I'm already checking. Try again in a minute.", "Thanks, checking")
    assert worker.count == 2


async def test_a_request_that_is_not_tracked_any_more_is_checked_at_once(
    ask, answers, follow_ups, clock, ana, certcentral, chat
):
    ask_id = await ask()
    await follow_ups.stop("r1", ana.user_id, clock())
    certcentral.add_order(700001, "shop.example.com", entries=[certcentral.entry("shop.example.com", is_open=False)])

    answer = await answers.approved(EVE, ask_id, "D0EVE")

    assert answer.text == "Thanks, checking"
    [follow_up] = await follow_ups.of("r1")
    assert follow_up.validated == ("shop.example.com",)


async def test_digicert_that_does_not_answer_is_no_matter_of_who_was_asked(
    ask, answers, follow_ups, clock, ana, certcentral
):
    ask_id = await ask()
    await follow_ups.stop("r1", ana.user_id, clock())
    certcentral.always["order_validation"] = CaUnavailable("DigiCert cannot be reached.", may_have_arrived=False)

    assert (await answers.approved(EVE, ask_id, "D0EVE")).text == "Thanks, checking"


OUTSIDERS = {
    "someone else": ("U0EVE", BOB, {}, "D0BOB"),
    "another channel": ("C0NET", BOB, {}, "C0OTHER"),
    "a guest in the channel": ("C0NET", BOB, {"guest": True}, "C0NET"),
    "a stranger in the channel": ("C0NET", BOB, {"stranger": True}, "C0NET"),
    "a bot in the channel": ("C0NET", BOB, {"bot": True}, "C0NET"),
    "who became a guest": ("U0EVE", EVE, {"guest": True}, "D0EVE"),
}


@pytest.mark.parametrize("button", ["approved", "missing"])
@pytest.mark.parametrize(("asked", "actor", "traits", "channel"), OUTSIDERS.values(), ids=OUTSIDERS)
async def test_nobody_else_can_answer(
    ask, answers, directory, follow_ups, worker, chat, asked, actor, traits, channel, button
):
    ask_id = await ask(asked)
    directory.add(actor.user_id, **traits)
    before = await due_at(follow_ups), list(chat.posts)

    with pytest.raises(NotAllowed) as caught:
        await getattr(answers, button)(actor, ask_id, channel)

    assert (await due_at(follow_ups), chat.posts) == before
    assert worker.count == 0
    assert "example.com" not in str(caught.value)


async def test_a_channel_that_became_shared_answers_nothing_and_loses_the_question(ask, answers, chat, worker):
    ask_id = await ask("C0NET")
    chat.shared.add("C0NET")

    with pytest.raises(InvalidInput, match="no longer ask questions in this channel"):
        await answers.approved(BOB, ask_id, "C0NET")

    assert worker.count == 0
    assert not any("example.com" in text for where, text in chat.texts if where == "C0NET")


async def test_i_cannot_find_it_says_what_to_try_and_adds_one_line_to_the_thread(ask, answers, chat):
    ask_id = await ask()

    for _ in range(2):
        answer = await answers.missing(EVE, ask_id, "D0EVE")

    assert "look in spam and quarantine" in answer.text
    lines = [(where, text) for where, text, _ in chat.posts if "can't find the email" in text]
    [(where, text)] = lines
    assert (where.channel_id, where.thread_ts) == ("C0PKI", "1.0")
    assert text.startswith("<@U0ANA>: <@U0EVE> can't find the email to admin@example.com.")


@pytest.mark.parametrize("button", ["approved", "missing"])
async def test_an_unknown_question_has_expired(ask, answers, button):
    await ask()

    with pytest.raises(InvalidInput, match="has expired"):
        await getattr(answers, button)(EVE, "0" * 16, "D0EVE")


async def test_slack_that_does_not_say_who_answers_is_no_yes(ask, answers, directory, worker):
    ask_id = await ask()
    directory.failure = SlackRejected("internal_error")

    with pytest.raises(PermissionUnknown):
        await answers.approved(EVE, ask_id, "D0EVE")

    assert worker.count == 0


async def test_a_newer_request_for_the_same_order_is_checked_instead(
    ask, answers, accept, make_request, database, follow_ups, clock
):
    from bot.store import follow_ups as rows

    ask_id = await ask()
    newer = await accept(make_request("r2"))
    async with database.write() as transaction:
        await rows.begin(transaction, newer, 0, clock(), clock() + timedelta(hours=1))

    await answers.approved(EVE, ask_id, "D0EVE")

    [follow_up] = await follow_ups.of("r2")
    assert follow_up.due_at == clock()
