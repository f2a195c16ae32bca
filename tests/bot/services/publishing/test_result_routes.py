"""The route of a result: what the form says before it is sent, and the answer in a channel without the bot."""

import pytest

from bot.errors import SlackRejected, SlackUnavailable
from bot.models import Actor, Destination, Interaction, ResultRoute
from bot.services.publishing.result_routes import ResultRoutes
from bot.views.result_route import result_goes

ANA = Actor("U0ANA", "T0HOME")
PUBLIC_SCOPE = frozenset({"chat:write.public"})
ROUTES = [
    # The channel, whether the bot is in it, private and shared, the scopes, the route, and the sentence.
    ("C0PKI", "", frozenset(), ResultRoute.CHANNEL, "I'll post the result in <#C0PKI>."),
    ("C0PKI", "strange", PUBLIC_SCOPE, ResultRoute.CHANNEL, "I'll post the result in <#C0PKI>."),
    (
        "C0PKI",
        "strange",
        frozenset(),
        ResultRoute.NOT_A_MEMBER,
        "I'm not in <#C0PKI>, so I'll message you directly. To get results here: `/invite @DCV Resend`.",
    ),
    (
        "G0PKI",
        "strange private",
        PUBLIC_SCOPE,
        ResultRoute.NOT_A_MEMBER,
        "I'm not in this conversation, so I'll message you directly. To get results here: `/invite @DCV Resend`.",
    ),
    (
        "C0PKI",
        "shared",
        frozenset(),
        ResultRoute.SHARED,
        "<#C0PKI> is shared with another organization, so I'll message you directly.",
    ),
    ("U0ANA", "", frozenset(), ResultRoute.DIRECT, "I'll message you directly."),
]


@pytest.mark.parametrize(("channel", "traits", "scopes", "route", "sentence"), ROUTES)
async def test_the_form_says_where_the_result_will_go(chat, channel, traits, scopes, route, sentence):
    for trait in traits.split():
        getattr(chat, trait).add(channel)

    destination = Destination(channel)
    assert await ResultRoutes(chat, scopes).of(destination) is route
    assert result_goes(destination, route) == sentence


@pytest.mark.parametrize(
    ("error", "route"),
    [
        (SlackRejected("channel_not_found"), ResultRoute.NOT_A_MEMBER),
        (SlackRejected("missing_scope"), ResultRoute.DIRECT),
        (SlackUnavailable("Slack did not answer."), ResultRoute.UNKNOWN),
    ],
)
async def test_what_slack_does_not_answer_is_not_promised(chat, error, route):
    chat.failures = [error]

    assert await ResultRoutes(chat).of(Destination("C0PKI")) is route


@pytest.mark.parametrize(
    ("url", "traits", "answers"),
    [
        ("https://hooks.example/1", "strange", 1),
        ("https://hooks.example/1", "shared", 1),
        ("https://hooks.example/1", "", 0),
        (None, "strange", 0),
    ],
)
async def test_only_a_channel_without_the_result_gets_an_answer(chat, url, traits, answers):
    for trait in traits.split():
        getattr(chat, trait).add("C0PKI")

    await ResultRoutes(chat).explain(Interaction(ANA, Destination("C0PKI"), url), "order 7")

    assert len(chat.responses) == answers
    assert all(each == url and text.startswith("Resending the DCV email for order 7.") for each, text in chat.responses)
