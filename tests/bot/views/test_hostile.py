"""Every view at once: whatever text comes from outside, Slack takes the drawing, and no mention or link comes of it.

A view that is not in the table below fails the test; `slack` in conftest.py tells what a drawing may not hold.
"""

import importlib
import inspect
import pkgutil
import typing

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block

import bot.views
from bot.errors import (
    CaRefused,
    CaUnavailable,
    CooledDown,
    Misunderstood,
    NotAllowed,
    NothingToDo,
    SlackRefused,
    SlackUnavailable,
)
from bot.models import (
    BEGINNINGS,
    Cooldown,
    Domain,
    Ending,
    Following,
    FollowState,
    Holders,
    LastResend,
    NameState,
    News,
    Offer,
    Offered,
    Order,
    PastCall,
    PastRequest,
    Place,
)
from bot.policy.principal import Person
from bot.policy.rules import Action, Matter, Rule, Rules, Standing
from bot.views import alert_offers, errors, follow_up, history, policy_explanation, resend_form, resend_messages, status
from bot.views.blocks import Message
from tests.quick import examples

LINK = "https://slack.test/p1"
ODD_IDS = ["U0ANA", "U0BOB", "U0EVE> <!channel", "@here", "<!everyone>", ""]
# Views that are not drawn by themselves: parts of others, or words for them.
PARTS = {"messages.buttons"}


class Outside:
    """Draws what the views are given, with hostile text wherever a text comes from outside."""

    def __init__(self, foreign, data, now):
        self.foreign, self.draw, self.now = foreign, data.draw, now
        self.text = foreign.text
        self.id = st.sampled_from(ODD_IDS)
        self.link = st.sampled_from([None, LINK])
        self.moment = st.one_of(st.none(), foreign.moment)
        self.names = st.lists(foreign.name, min_size=1, max_size=4).map(tuple)

    def request(self):
        return self.draw(self.foreign.request())

    def endings(self, request, least=None):
        return self.draw(self.foreign.endings(request, least))

    def place(self):
        return self.draw(st.one_of(self.foreign.place, self.text.map(Place), self.id.map(Place)))

    def cooldown(self):
        return self.draw(
            st.builds(lambda user, link: Cooldown(user, self.now, self.now, link=link), self.id, self.link)
        )

    def holders(self):
        return self.draw(st.builds(Holders, st.lists(self.id, max_size=20).map(tuple), st.just(("S0PKI",))))

    def news(self):
        return self.draw(
            st.builds(
                News,
                at=self.foreign.moment,
                state=st.sampled_from(list(FollowState)),
                word=st.one_of(self.text, st.just("gone")),
                fresh=self.names,
                again=self.names,
                nudge=st.integers(0, 3),
                silent=st.booleans(),
            )
        )

    def followings(self, request):
        return [
            self.draw(
                st.builds(
                    Following,
                    request_id=st.just(request.id),
                    call_no=st.just(number),
                    target=st.just(str(call.target)),
                    since=self.foreign.moment,
                    state=st.sampled_from(list(FollowState)),
                    word=st.one_of(self.text, st.just("r2")),
                    ended_at=st.just(self.now),
                    validated=st.sampled_from([(), call.names]),
                    seen_at=self.moment,
                )
            )
            for number, call in enumerate(request.calls)
        ]

    def last(self):
        return st.builds(
            LastResend,
            st.just("r1"),
            self.id,
            self.foreign.moment,
            self.foreign.outcome,
            self.foreign.name,
            st.lists(st.one_of(self.foreign.email, self.text), max_size=6).map(tuple),
            self.link,
        )

    def order(self):
        numbers = st.integers(1, 10**18 - 1)
        words = (self.text, self.foreign.name, self.names, st.booleans(), self.text)
        return st.builds(Order, numbers, *words, st.none(), self.moment)

    def state(self):
        over, last = st.one_of(st.none(), self.text.filter(bool)), st.one_of(st.none(), self.last())
        group = st.builds(status.NameGroup, self.names, st.booleans(), self.text, last)
        orders = st.builds(status.OrderState, self.order(), over, st.lists(group, min_size=1, max_size=9).map(tuple))
        domain = st.builds(
            Domain,
            st.just(7),
            self.foreign.name,
            st.booleans(),
            st.sampled_from([True, None]),
            st.none(),
            self.moment,
            st.none(),
        )
        return st.one_of(orders, st.builds(status.DomainState, domain, over, last))

    def past(self):
        ending = st.one_of(st.none(), st.builds(Ending, self.foreign.outcome, self.text, self.foreign.moment))
        emails = st.lists(st.one_of(self.foreign.email, self.text), max_size=5).map(tuple)
        call = st.builds(PastCall, self.text, self.names, emails, ending)
        return st.builds(
            PastRequest,
            st.just(7),
            self.foreign.moment,
            st.sampled_from(BEGINNINGS),
            self.id,
            st.just("r1"),
            st.one_of(self.text, self.text.map("order:{}".format), self.text.map("user:{}".format)),
            st.lists(call, min_size=1, max_size=3).map(tuple),
            st.one_of(st.none(), self.text),
            st.one_of(st.none(), self.text),
            self.link,
        )

    def offer(self):
        target = st.builds(
            Offered, st.sampled_from(["order:7", "domain:7"]), st.just("order:7"), self.names, self.moment
        )
        return self.draw(
            st.builds(
                Offer,
                st.just("o1"),
                st.just(Place("C0OPS", "1.2")),
                self.foreign.moment,
                st.lists(target, min_size=1, max_size=30).map(tuple),
                st.integers(0, 99),
                self.moment,
                self.id,
            )
        )

    def standing(self):
        ids, channels = st.frozensets(st.sampled_from(["U0ANA", "U0BOB"])), st.sampled_from(["C0PKI"])
        rule = st.builds(
            Rule,
            name=self.text,
            allows=st.booleans(),
            actions=st.just(frozenset(Action)),
            users=ids,
            groups=st.sampled_from([frozenset(), frozenset({"S0PKI"})]),
            channels=st.frozensets(channels),
            names=st.frozensets(self.foreign.name),
            orders=st.frozensets(st.integers(1, 9)),
            where=self.text,
        )
        rules = Rules(self.draw(ids), frozenset(), frozenset({"T0"}), tuple(self.draw(st.lists(rule, max_size=5))))
        flags = self.draw(
            st.sampled_from([{}, {"deleted": True}, {"is_bot": True}, {"is_restricted": True}, {"id": ""}])
        )
        return Standing(rules, Person.read({"id": "U0ANA", "team_id": "T0", **flags}, ["S0PKI"], ["S0OPS"]))

    def matter(self):
        channel = self.draw(st.sampled_from(["C0PKI", None, "C0> <!here>"]))
        return Matter(channel, self.draw(self.names), self.draw(st.sampled_from([None, 7])), self.draw(st.booleans()))

    def error(self):
        words = self.draw(self.text)
        sentences = f"{words}.", self.draw(self.text)
        return self.draw(
            st.sampled_from(
                [
                    Misunderstood(f"{words}: give one name."),
                    CaRefused(words, status=400),
                    CaUnavailable(f"{words}.", may_have_arrived=False),
                    NothingToDo(*sentences),
                    NotAllowed(f"{words}.", words, self.holders()),
                    CooledDown(self.cooldown()),
                    SlackRefused(words),
                    SlackUnavailable(f"Slack asks us to wait ({words})."),
                ]
            )
        )

    def message(self):
        return resend_messages.sending(self.request())


def _following(of):
    request = of.request()
    return request, of.followings(request), of.endings(request)


def _standing(of):
    request, followings, endings = _following(of)
    links = {follow_up.word: LINK for following in followings}
    return resend_messages.ended(request, endings, follow_up.standing(request, endings, followings, links))


VIEWS = {
    "following.changed": lambda of: follow_up.changed(*(_ := _following(of))[:2], _[0].calls[0], of.news()),
    "following.nudge": lambda of: follow_up.nudge(*_following(of)[:2], of.now),
    "following.stopped": lambda of: follow_up.stopped(*_following(of)[:2], of.news()),
    "following.taken_over": lambda of: follow_up.taken_over(*_following(of)[:2], "r2", of.draw(of.link)),
    "forms.looking_up": lambda of: resend_form.looking_up("f1", of.draw(of.text)),
    "forms.empty": lambda _: resend_form.empty("f1"),
    "forms.reading": lambda _: resend_form.reading("f1"),
    "forms.choice": lambda of: resend_form.choice(
        "f1", of.draw(of.text), of.draw(st.lists(of.foreign.listed(), min_size=2, max_size=9)), of.now
    ),
    "forms.named": lambda of: resend_form.named(
        "f1", [(of.draw(of.foreign.listed()), "order:7", of.draw(of.text)) for _ in range(3)], of.now
    ),
    "forms.nothing": lambda of: resend_form.nothing("f1", of.draw(of.text), of.draw(of.text)),
    "forms.refused": lambda of: resend_form.refused("f1", NotAllowed(of.draw(of.text), "rule", of.holders())),
    "forms.rests": lambda of: resend_form.rests("f1", of.draw(of.foreign.plan()), of.cooldown(), of.holders(), of.now),
    "forms.away": lambda of: resend_form.away("f1", of.draw(of.text), "order:7"),
    "forms.resend": lambda of: resend_form.resend(
        "f1",
        of.draw(of.foreign.plan()),
        of.place(),
        locale="en",
        reason=of.draw(of.text)[:300].strip() or None,
        before=resend_form.cooled(of.cooldown(), of.now),
        found_in=of.draw(of.text) or None,
    ),
    "history.page": lambda of: history.page(
        of.draw(
            st.sampled_from(["", "order:7", "user:U0ANA"]) | of.text.map("name:{}".format) | of.id.map("user:{}".format)
        ),
        of.draw(st.lists(of.past(), max_size=history.PER_PAGE)),
        history.Turn("|after:1", None),
        of.now,
    ),
    "messages.sending": lambda of: resend_messages.sending(of.request()),
    "messages.waiting": lambda of: resend_messages.waiting(
        r := of.request(), of.endings(r, 0), of.now, of.draw(st.booleans())
    ),
    "messages.progress": lambda of: resend_messages.progress(r := of.request(), of.endings(r, 0)),
    "messages.ended": _standing,
    "messages.detail": lambda of: resend_messages.detail(r := of.request(), of.endings(r), email_end_note=True),
    "messages.checked": lambda of: resend_messages.checked(
        of.request(),
        of.draw(st.lists(st.builds(NameState, of.foreign.name, st.booleans(), of.text), min_size=1, max_size=20)),
        of.draw(of.id),
        of.now,
    ),
    "messages.directly": lambda of: resend_messages.directly(of.message(), of.draw(of.text)),
    "offers.offer": lambda of: alert_offers.offer(of.offer()),
    "messages.withdrawn": lambda _: resend_messages.withdrawn(),
    "offers.summary": lambda of: alert_offers.summary(of.offer(), 10, of.now - of.now),
    "permission.explained": lambda of: policy_explanation.explained(
        of.draw(of.id), of.standing(), of.matter(), of.standing(), of.draw(st.lists(of.text, max_size=3))
    ),
    "problems.answer": lambda of: errors.answer(of.error()),
    "problems.whisper": lambda of: errors.whisper(of.draw(of.text) + "."),
    "problems.bug": lambda _: errors.bug("0a1b2c3d"),
    "problems.stopping": lambda _: errors.stopping(),
    "status.page": lambda of: status.page(
        status.Page(
            0, 2, 9, tuple(of.draw(st.lists(of.order(), min_size=1, max_size=10))), {7: of.draw(of.last())}, of.now
        ),
        of.now,
    ),
    "status.states": lambda of: status.states(
        of.draw(of.text), of.draw(st.lists(of.state(), min_size=1, max_size=5)), 3, of.now
    ),
    "status.away": lambda of: status.away(of.draw(of.text), "order:7"),
}


def test_every_view_is_tried():
    there = set()
    for each in pkgutil.iter_modules(bot.views.__path__):
        module = importlib.import_module(f"bot.views.{each.name}")
        for name, view in inspect.getmembers(module, inspect.isfunction):
            if view.__module__ == module.__name__ and not name.startswith("_") and each.name != "blocks":
                returned = typing.get_type_hints(view).get("return")
                if {Message, resend_form.Drawing, Block} & {returned, *typing.get_args(returned)}:
                    there.add(f"{each.name}.{name}")

    assert there == {*VIEWS, *PARTS, "forms.suggestions"}


@pytest.mark.parametrize("view", VIEWS)
@settings(
    max_examples=examples(8),
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_no_view_makes_anything_of_foreign_text(view, foreign, slack, now, data):
    drawn = VIEWS[view](Outside(foreign, data, now))

    if isinstance(drawn, dict):
        assert slack.takes_view(drawn)
    elif drawn is not None:
        assert slack.takes_message(drawn)
