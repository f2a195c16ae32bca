"""Questions to those who may resend: what becomes of one that is answered, and of one in a channel that is shared."""

import pytest

from bot.models import NO_GRANTEES, Actor, Destination, ResendAsk
from bot.services.resend.asks import ResendAskService
from bot.store.resend_asks import POST, ResendAsks
from bot.views import resend_asks as views

PKI = Destination("C0PKI")
BEN = Actor("U0BEN", "T0HOME")


@pytest.fixture
def asks(authorizer, database, publisher, clock):
    return ResendAskService(authorizer, ResendAsks(database), publisher, clock)


@pytest.fixture
def post(database, publisher, clock):
    """Return a function that stores and posts a question of Ben's."""

    async def post_it(target="order:700001"):
        ask = ResendAsk("a1", BEN, PKI, target, clock())
        await ResendAsks(database).add(ask)
        await publisher.publish(f"{POST}{ask.id}", PKI, views.question(ask, NO_GRANTEES), None)

    return post_it


def has_button(chat):
    return "Review and resend" in str(chat.messages["1.0"][1].payload())


@pytest.mark.parametrize(
    ("target", "is_answered"),
    [
        ("order:700001", True),
        ("order:700002", False),
        ("name:www.shop.example.com", True),
        ("name:*.example.com", True),
        ("name:example.org", False),
        ("", True),
    ],
)
async def test_a_question_says_who_sent_what_was_asked_for(asks, post, chat, make_request, target, is_answered):
    await post(target)

    await asks.show_answer(make_request(key="order:700001", answers="a1"))

    text = chat.messages["1.0"][1].text
    assert ("Resent by <@U0ANA>" in text, has_button(chat)) == (is_answered, not is_answered)


async def test_a_question_that_is_no_longer_stored_is_not_posted_again(asks, chat, make_request):
    await asks.show_answer(make_request(key="order:700001", answers="a1"))

    assert chat.messages == {}


async def test_a_question_is_withdrawn_once_its_channel_is_shared(asks, post, chat, make_request):
    await post()
    await asks.withdraw()
    before = has_button(chat)
    chat.shared.add("C0PKI")
    await asks.withdraw()
    await asks.show_answer(make_request(key="order:700001", answers="a1"))

    assert before
    assert "withdrew" in chat.messages["1.0"][1].text
    assert "700001" not in str(chat.messages["1.0"][1].payload())
