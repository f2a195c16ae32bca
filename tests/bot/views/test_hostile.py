"""All views with hostile text from outside: Slack accepts the payload, and no mention or link results.

A view that is missing in the table below fails the test. `slack` in conftest.py checks the payloads.
"""

import importlib
import inspect
import pkgutil
import typing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block

import bot.views
import bot.views.help
from bot.bulk import (
    Audience,
    BulkInput,
    BulkItem,
    BulkOutcome,
    BulkPlan,
    BulkState,
    LeftOut,
    LeftOutKind,
)
from bot.dns.mail_findings import MailFinding, MailSituation
from bot.errors import (
    CaRejected,
    CaUnavailable,
    CooldownActive,
    InvalidInput,
    MistypedCommand,
    NotAllowed,
    NotResendable,
    SlackRejected,
    SlackUnavailable,
)
from bot.expiry.calendar import shipped_calendar
from bot.expiry.digest_content import cover, digest_content
from bot.expiry.digest_file import DigestRule
from bot.expiry.domain_expiry import expiries
from bot.models import (
    BEGINNINGS,
    NO_REACH,
    Actor,
    ApprovalAsk,
    CallResult,
    Cooldown,
    DcvToken,
    Destination,
    Domain,
    Expired,
    FollowUp,
    FollowUpState,
    Grantees,
    LastResend,
    Mailbox,
    NameState,
    Offer,
    OfferTarget,
    Order,
    PastCall,
    PastRequest,
    Pending,
    ResendAsk,
    ResultRoute,
    StatusUpdate,
    Valid,
    name_key,
)
from bot.policy.principal import Principal
from bot.policy.rules import AccessContext, Action, Resource, Rule, Rules
from bot.track_records import TrackRecord
from bot.views import (
    alert_offers,
    approvals,
    bulk,
    digest,
    digest_forms,
    errors,
    expiring,
    follow_up,
    history,
    home,
    mail_trace,
    pending_rows,
    policy_explanation,
    request_details,
    resend_asks,
    resend_form,
    resend_messages,
    result_route,
    revalidation_card,
    status,
)
from bot.views.blocks import Message
from bot.views.resend_messages import CardFacts, Successor
from bot.views.tables import RawBlock, without_tables
from tests.quick import examples

LINES = st.sampled_from(["", "/dcv-status", "/dcv-resend 7 to a@b.example"])
LINK = "https://slack.test/p1"
ODD_IDS = ["U0ANA", "U0BOB", "U0EVE> <!channel", "@here", "<!everyone>", ""]


class Outside:
    """The arguments of the views, with hostile text for every text from outside."""

    def __init__(self, foreign, data, now):
        self.foreign, self.draw, self.now = foreign, data.draw, now
        self.text = foreign.text
        self.id = st.sampled_from(ODD_IDS)
        self.link = st.sampled_from([None, LINK])
        self.moment = st.one_of(st.none(), foreign.moment)
        self.names = st.lists(foreign.name, min_size=1, max_size=4).map(tuple)

    def request(self):
        return self.draw(self.foreign.request())

    def results(self, request, least=None):
        return self.draw(self.foreign.results(request, least))

    def destination(self):
        return self.draw(st.one_of(self.foreign.destination, self.text.map(Destination), self.id.map(Destination)))

    def cooldown(self):
        return self.draw(
            st.builds(lambda user, link: Cooldown(user, self.now, self.now, link=link), self.id, self.link)
        )

    def holders(self):
        return self.draw(st.builds(Grantees, st.lists(self.id, max_size=20).map(tuple), st.just(("S0PKI",))))

    def update(self):
        return self.draw(
            st.builds(
                StatusUpdate,
                at=self.foreign.moment,
                state=st.sampled_from(list(FollowUpState)),
                word=st.one_of(self.text, st.just("gone")),
                newly_validated=self.names,
                reopened=self.names,
                nudge=st.integers(0, 3),
                unreachable=st.booleans(),
            )
        )

    def follow_ups(self, request):
        return [
            self.draw(
                st.builds(
                    FollowUp,
                    request_id=st.just(request.id),
                    call_no=st.just(number),
                    target=st.just(str(call.target)),
                    since=self.foreign.moment,
                    state=st.sampled_from(list(FollowUpState)),
                    word=st.one_of(self.text, st.just("r2")),
                    ended_at=st.just(self.now),
                    validated=st.sampled_from([(), call.names]),
                    observed_at=self.moment,
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

    def row(self):
        need, progress = st.one_of(st.just(""), self.text), st.sampled_from(["", "1 of 2 validated"])
        flags = (st.booleans(), need, st.booleans(), progress)
        rows = st.builds(pending_rows.PendingRow, self.order(), st.one_of(st.none(), self.last()), *flags)
        return rows.map(lambda row: replace(row, one_tap=row.last is not None and len(row.last.emails) == 1))

    def row_group(self):
        return st.builds(home.RowGroup, st.lists(self.row(), max_size=3).map(tuple), st.integers(0, 9))

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
        result = st.one_of(st.none(), st.builds(CallResult, self.foreign.outcome, self.text, self.foreign.moment))
        emails = st.lists(st.one_of(self.foreign.email, self.text), max_size=5).map(tuple)
        call = st.builds(PastCall, self.text, self.names, emails, result)
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
            OfferTarget, st.sampled_from(["order:7", "domain:7"]), st.just("order:7"), self.names, self.moment
        )
        return self.draw(
            st.builds(
                Offer,
                st.just("o1"),
                st.just(Destination("C0OPS", "1.2")),
                self.foreign.moment,
                st.lists(target, min_size=1, max_size=30).map(tuple),
                st.integers(0, 99),
                self.moment,
                self.id,
            )
        )

    def context(self):
        ids, channels = st.frozensets(st.sampled_from(["U0ANA", "U0BOB"])), st.sampled_from(["C0PKI"])
        rule = st.builds(
            Rule,
            name=self.text,
            effect_allows=st.booleans(),
            actions=st.just(frozenset(Action)),
            users=ids,
            groups=st.sampled_from([frozenset(), frozenset({"S0PKI"})]),
            channels=st.frozensets(channels),
            names=st.frozensets(self.foreign.name),
            orders=st.frozensets(st.integers(1, 9)),
            scope_text=self.text,
        )
        rules = Rules(self.draw(ids), frozenset(), frozenset({"T0"}), tuple(self.draw(st.lists(rule, max_size=5))))
        flags = self.draw(
            st.sampled_from([{}, {"deleted": True}, {"is_bot": True}, {"is_restricted": True}, {"id": ""}])
        )
        return AccessContext(rules, Principal.read({"id": "U0ANA", "team_id": "T0", **flags}, ["S0PKI"], ["S0OPS"]))

    def resource(self):
        channel = self.draw(st.sampled_from(["C0PKI", None, "C0> <!here>"]))
        return Resource(channel, self.draw(self.names), self.draw(st.sampled_from([None, 7])), self.draw(st.booleans()))

    def ask(self):
        target = st.one_of(st.sampled_from(["", "order:7"]), self.foreign.name.map(name_key))
        return ResendAsk("a1", Actor("U0BOB", "T0HOME"), Destination("C0PKI"), self.draw(target), self.now)

    def mailbox(self):
        names = st.lists(self.foreign.name, min_size=1, max_size=9).map(tuple)
        return st.builds(
            Mailbox,
            self.foreign.email | self.text.filter(str.strip),
            self.foreign.moment,
            st.booleans(),
            names,
            names,
            names,
        )

    def traced(self):
        hosts = st.lists(st.one_of(self.text, self.foreign.name), min_size=1, max_size=3).map(tuple)
        mail = st.builds(MailFinding, st.sampled_from(list(MailSituation)[:6]), hosts)
        email, at = self.foreign.email | self.text.filter(str.strip), self.moment
        records = st.builds(TrackRecord, self.text, st.integers(0, 3), st.just(timedelta(minutes=9)), st.integers(0, 3))
        situations = st.sampled_from(list(MailSituation))
        flags = st.booleans(), st.booleans()
        return st.builds(mail_trace.MailboxLine, email, flags[0], situations, at, mail, records, flags[1])

    def approval_ask(self):
        email, asked = self.draw(self.text), self.draw(self.id)
        return ApprovalAsk("a1", "r1", email, asked, Actor("U0ANA", "T0HOME"), self.now)

    def error(self):
        words = self.draw(self.text)
        sentences = f"{words}.", self.draw(self.text)
        return self.draw(
            st.sampled_from(
                [
                    InvalidInput(f"{words}: give one name."),
                    MistypedCommand(f"“{words}”", f"/dcv-resend why {words}"),
                    CaRejected(words, status=400),
                    CaUnavailable(f"{words}.", may_have_arrived=False),
                    NotResendable(*sentences),
                    NotAllowed(f"{words}.", words, self.holders()),
                    CooldownActive(self.cooldown()),
                    SlackRejected(words),
                    SlackUnavailable(f"Slack asks us to wait ({words})."),
                ]
            )
        )

    def message(self):
        return resend_messages.in_progress(self.request())


def _facts(of):
    request = of.request()
    follow_ups, results = of.follow_ups(request), of.results(request)
    newer = Successor(of.draw(of.id), of.draw(of.link))
    successors = {each.word: newer for each in follow_ups}
    return CardFacts(
        request, results, follow_ups, successors, of.draw(st.sampled_from([None, newer])), console_url=LINK
    )


def _details(of):
    return request_details.details(_facts(of), of.draw(st.integers(0, 9)), email_end_note=True)


def _expiries(of):
    validations = [Pending(), Valid(of.now + timedelta(days=5)), Valid(of.now + timedelta(days=20)), Expired(of.now)]
    domains = [
        Domain(number, of.draw(of.foreign.name), True, validation, of.draw(of.text) or None, of.now)
        for number, validation in enumerate(validations, 1)
    ]
    return expiries(domains, shipped_calendar(), of.now)


def _expiring(row):
    return expiring.ExpiringRow(row, None, can_revalidate=True, can_resend=True)


def _digest(of):
    rule, order = DigestRule("C0PKI", owner="S0OPS"), of.draw(of.order())
    coverage = cover(rule, (rule,), _expiries(of), [order], ())
    return digest_content(coverage, shipped_calendar(), of.now, of.now, of.now - timedelta(days=7))


def _extras(of):
    return digest.DigestExtras("digest-C0PKI.1", {}, of.draw(of.text), of.draw(of.text), of.now)


def _digest_blocks(of):
    return digest.digest(_digest(of), _extras(of), of.now).payload()["blocks"]


def _plan_item(of, number):
    return BulkItem(
        number,
        "order:7",
        of.draw(of.text),
        of.draw(of.text),
        of.request().calls,
        NO_REACH,
        f"r{number}",
        outcome=of.draw(st.sampled_from([None, *BulkOutcome])),
        words=of.draw(of.text),
    )


def _plan_facts(of):
    text, someone = of.draw(of.text), of.draw(of.id)
    asked = BulkInput(text, of.draw(st.sampled_from(Audience)), "de", text, text, revalidates=True)
    items = [_plan_item(of, number) for number in range(1, 4)]
    plan = BulkPlan(
        "0123456789abcdef",
        Actor(someone, "T0HOME"),
        someone,
        Destination("C0PKI"),
        asked,
        of.now,
        of.draw(st.sampled_from(BulkState)),
        "f" * 64,
        lines=9,
        targets=3,
        emails=3,
        left_out=tuple(LeftOut(text, kind, text) for kind in LeftOutKind),
        repeated=1,
        problem=of.draw(st.sampled_from(["", text])),
        asked_at=of.now,
        approver=Actor(someone, "T0HOME"),
        ended_by=someone,
    )
    return bulk.BulkFacts(
        plan, items, waiting=bulk.waiting_line(text, of.now), interrupted=items[:9], seconds_left=40.0
    )


VIEWS = {
    "bulk.card": lambda of: bulk.card(_plan_facts(of)),
    "bulk.looking_up": lambda of: bulk.looking_up(_plan_facts(of).plan, 41, 60),
    "bulk.table": lambda of: bulk.table(_plan_facts(of).items),
    "bulk.changes": lambda of: bulk.changes(_plan_facts(of).items, [], of.now),
    "bulk.hidden": lambda of: bulk.hidden([of.draw(of.text)] * 60),
    "bulk.details": lambda of: bulk.details(_plan_facts(of), 0, hidden_too=True),
    "bulk.form": lambda of: bulk.form("f1", _plan_facts(of).plan.asked, 250, [of.draw(of.text)] * 60),
    "bulk.approvers_wanted": lambda of: bulk.approvers_wanted(_plan_facts(of).plan, "Who can: <@U0ANA>."),
    "follow_up.changed": lambda of: follow_up.changed(of.request(), {0: of.update()}) or of.message(),
    "follow_up.reminder": lambda of: follow_up.reminder(_facts(of), of.now, of.now, is_last=of.draw(st.booleans())),
    "follow_up.reminder_over": lambda of: follow_up.reminder_over(of.now, of.now),
    "follow_up.resent_elsewhere": lambda of: follow_up.resent_elsewhere(Successor(of.draw(of.id), of.draw(of.link))),
    "follow_up.email_ends": lambda _: follow_up.email_ends(),
    "request_details.details": _details,
    "request_details.stop_tracking": lambda of: request_details.stop_tracking(of.request(), of.draw(of.names)),
    "resend_form.loading": lambda of: resend_form.loading("f1", of.draw(of.text)),
    "resend_form.empty": lambda _: resend_form.empty("f1"),
    "resend_form.reloading": lambda _: resend_form.reloading("f1"),
    "resend_form.choice": lambda of: resend_form.choice(
        "f1", of.draw(of.text), of.draw(st.lists(of.foreign.listed(), min_size=2, max_size=9)), of.now
    ),
    "resend_form.named": lambda of: resend_form.named(
        "f1", [(of.draw(of.foreign.listed()), "order:7", of.draw(of.text)) for _ in range(3)], of.now
    ),
    "resend_form.nothing": lambda of: resend_form.nothing("f1", of.draw(of.text), of.draw(of.text)),
    "resend_form.denied": lambda of: resend_form.denied(
        "f1", NotAllowed(of.draw(of.text), "rule", of.holders(), of.ask().target, can_ask=True), "C0HELP", can_ask=True
    ),
    "revalidation_card.dns_record": lambda of: revalidation_card.dns_record(
        Domain(7, of.draw(of.foreign.name), True, Pending(), None, None), DcvToken(of.draw(of.text), of.draw(of.moment))
    ),
    "resend_form.answered": lambda of: resend_form.answered("f1", of.message()),
    "resend_form.in_cooldown": lambda of: resend_form.in_cooldown(
        "f1", of.draw(of.foreign.plan()), of.cooldown(), of.holders(), of.now
    ),
    "resend_form.unavailable": lambda of: resend_form.unavailable("f1", of.draw(of.text), "order:7"),
    "resend_form.resend": lambda of: resend_form.resend(
        "f1",
        of.draw(of.foreign.plan()),
        resend_form.Notes(
            result_route.result_goes(of.destination(), of.draw(st.sampled_from(ResultRoute))),
            resend_form.cooldown_warning(of.cooldown(), of.now),
            of.draw(of.text) or None,
        ),
        "en",
        of.now,
        selections=resend_form.Selections(
            reason=of.draw(of.text)[:300].strip() or None, shows_more=of.draw(st.booleans())
        ),
    ),
    "resend_form.recipient_details": lambda of: resend_form.recipient_details(
        of.draw(of.foreign.plan()), of.draw(st.lists(st.tuples(of.foreign.name, of.text), max_size=9))
    ),
    "result_route.accepted_elsewhere": lambda of: result_route.accepted_elsewhere(
        of.draw(of.text), of.destination(), of.draw(st.sampled_from(ResultRoute))
    ),
    "history.page": lambda of: history.page(
        of.draw(
            st.sampled_from(["", "order:7", "user:U0ANA"]) | of.text.map("name:{}".format) | of.id.map("user:{}".format)
        ),
        of.draw(st.lists(of.past(), max_size=history.PER_PAGE)),
        history.PageLinks("|after:1", None),
    ),
    "resend_messages.in_progress": lambda of: resend_messages.in_progress(of.request()),
    "resend_messages.waiting": lambda of: resend_messages.waiting(
        r := of.request(), of.results(r, 0), of.now, of.draw(st.booleans())
    ),
    "resend_messages.progress": lambda of: resend_messages.progress(r := of.request(), of.results(r, 0)),
    "resend_messages.result": lambda of: resend_messages.result(_facts(of)),
    "resend_messages.checked": lambda of: resend_messages.checked(
        of.draw(st.lists(st.builds(NameState, of.foreign.name, st.booleans(), of.text), min_size=1, max_size=20)),
        of.now,
    ),
    "resend_messages.as_direct_message": lambda of: resend_messages.as_direct_message(
        of.message(), of.draw(of.text), of.draw(of.text)
    ),
    "alert_offers.offer": lambda of: alert_offers.offer(of.offer()),
    "resend_messages.withdrawn": lambda _: resend_messages.withdrawn(),
    "alert_offers.summary": lambda of: alert_offers.summary(of.offer(), of.now - of.now),
    "policy_explanation.explained": lambda of: policy_explanation.explained(
        of.draw(of.id), of.context(), of.resource(), of.context(), is_outdated=of.draw(st.booleans())
    ),
    "errors.message_for": lambda of: errors.message_for(of.error(), "C0HELP", can_ask=True, line=of.draw(LINES)),
    "mail_trace.report": lambda of: mail_trace.report(
        mail_trace.TracedTarget(of.draw(of.foreign.plan()), of.draw(st.integers(0, 9)), "r1"),
        of.draw(st.lists(of.traced(), max_size=12)),
        of.now,
    ),
    "mail_trace.choice": lambda of: mail_trace.choice(
        of.draw(of.foreign.name),
        of.draw(st.lists(of.foreign.listed(), min_size=2, max_size=9, unique_by=lambda each: each.id)),
    ),
    "help.usage": lambda of: bot.views.help.usage(of.context(), "C0PKI"),
    "approvals.loading": lambda _: approvals.loading("r1"),
    "approvals.form": lambda of: approvals.form(
        "r1", of.draw(st.lists(of.mailbox(), min_size=1, max_size=9)), {of.draw(of.text): "U0BOB"}
    ),
    "approvals.denied": lambda of: approvals.denied("r1", of.draw(of.text) + "."),
    "approvals.question": lambda of: approvals.question(of.approval_ask(), of.draw(of.mailbox())),
    "approvals.thanks": lambda _: approvals.thanks(),
    "approvals.asked_lately": lambda _: approvals.asked_lately(),
    "approvals.what_to_try": lambda of: approvals.what_to_try(of.draw(of.text)),
    "approvals.cannot_find": lambda of: approvals.cannot_find(of.approval_ask(), of.draw(of.id)),
    "approvals.posted": lambda of: approvals.posted(of.approval_ask()),
    "approvals.not_posted": lambda of: approvals.not_posted(of.approval_ask()),
    "resend_asks.question": lambda of: resend_asks.question(of.ask(), Grantees(("U0ANA",), ("S0PKI",))),
    "resend_asks.answered": lambda of: resend_asks.answered(of.ask(), resend_messages.Successor("U0ANA", LINK)),
    "resend_asks.asked": lambda _: resend_asks.asked(Grantees(("U0ANA",) * 9, ("S0PKI",))),
    "errors.ephemeral": lambda of: errors.ephemeral(of.draw(of.text) + "."),
    "errors.internal_error": lambda _: errors.internal_error("0a1b2c3d", "C0HELP"),
    "errors.stopping": lambda _: errors.stopping(),
    "status.page": lambda of: status.page(
        status.StatusPage(0, 2, (9, 3), tuple(of.draw(st.lists(of.row(), min_size=1, max_size=10))), of.now), of.now
    ),
    "status.states": lambda of: status.states(
        of.draw(of.text), of.draw(st.lists(of.state(), min_size=1, max_size=5)), 3, of.now, "https://console.example"
    ),
    "pending_rows.row_blocks": lambda of: Message("A row", tuple(pending_rows.row_blocks(of.draw(of.row()), of.now))),
    "home.home": lambda of: home.home(
        home.HomePage(
            pending=home.PendingLists(of.draw(of.row_group()), of.draw(of.row_group()), of.now, of.draw(of.text)),
            problem=of.draw(of.text),
            may_resend=of.draw(st.booleans()),
            requests=of.draw(st.lists(of.past(), max_size=3)),
            recent=of.draw(st.lists(of.past(), max_size=3)),
        ),
        of.now,
    ),
    "digest.digest": lambda of: digest.digest(_digest(of), _extras(of), of.now),
    "digest.closed": lambda of: digest.closed(digest.body_of(digest.digest(_digest(of), _extras(of), of.now))),
    "digest.no_data": lambda of: digest.no_data(of.now),
    "digest.warning": lambda of: digest.warning(_digest(of).rule, _expiries(of), of.now),
    "digest.cannot_post": lambda of: digest.cannot_post("C0PKI"),
    "digest_forms.loading": lambda _: digest_forms.loading(),
    "digest_forms.snooze": lambda of: digest_forms.snooze("digest-C0PKI.1", _digest(of)),
    "digest_forms.unavailable": lambda of: digest_forms.unavailable(of.draw(of.text) + "."),
    "digest_forms.snoozed": lambda of: digest_forms.snoozed({of.draw(of.foreign.name): of.now}),
    "digest_forms.choice_to_revalidate": lambda of: digest_forms.choice_to_revalidate("f1", _expiries(of)),
    "expiring.page": lambda of: expiring.page(
        expiring.ExpiringPage(30, 1, 3, 25, list(map(_expiring, _expiries(of))), of.now, of.draw(of.text))
    ),
    "expiring.row_blocks": lambda of: Message("A row", tuple(expiring.row_blocks(_expiring(_expiries(of)[0])))),
    "resend_form.listed": lambda of: resend_form.listed(
        "f1", of.draw(st.lists(of.foreign.listed(), min_size=2, max_size=9)), of.now
    ),
    "tables.without_tables": lambda of: Message("Rows", tuple(map(RawBlock, without_tables(_digest_blocks(of))))),
    "home.loading": lambda _: home.loading(),
    "home.modal": lambda of: home.modal("Details", of.message()),
    "home.no_permission": lambda _: home.no_permission(True, (), "<@U0ANA> can."),
    "home.outsider": lambda _: home.outsider(),
    "home.unknown": lambda of: home.unknown(of.draw(of.text) + "."),
    "status.unavailable": lambda of: status.unavailable(of.draw(of.text), "order:7"),
}


VIEW_TYPES = {Message, resend_form.ModalView, home.HomeView, Block, list[Block], list[dict[str, Any]]}


def test_every_view_is_tried():
    there = set()
    for each in pkgutil.iter_modules(bot.views.__path__):
        module = importlib.import_module(f"bot.views.{each.name}")
        for name, view in inspect.getmembers(module, inspect.isfunction):
            if view.__module__ == module.__name__ and not name.startswith("_") and each.name != "blocks":
                returned = typing.get_type_hints(view).get("return")
                if VIEW_TYPES & {returned, *typing.get_args(returned)}:
                    there.add(f"{each.name}.{name}")

    assert there == {*VIEWS, "resend_form.suggestions"}


@pytest.mark.parametrize("view", VIEWS)
@settings(
    max_examples=examples(8),
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_no_view_makes_anything_of_foreign_text(view, foreign, slack, now, data):
    rendered = VIEWS[view](Outside(foreign, data, now))

    if isinstance(rendered, dict):
        assert slack.takes_view(rendered)
    elif rendered is not None:
        assert slack.takes_message(rendered)
