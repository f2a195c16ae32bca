"""Text from DigiCert and users, and the checks of what it may never become."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import strategies as st

from bot.digicert.fields import clean, domain_name
from bot.languages import LANGUAGES
from bot.models import (
    OUTCOMES,
    AccountEntry,
    Actor,
    Address,
    Call,
    CallResult,
    Cooldown,
    Destination,
    DomainTarget,
    Kind,
    OrderTarget,
    Plan,
    Recipient,
    ResendRequest,
    WaitingName,
)
from bot.recipients import constructed
from sandbox.slack.blockkit.block_kit_validator import check_message, check_view

NOW = datetime(2026, 7, 1, 10, 0, tzinfo=UTC)
LONGEST = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])
UMLAUTS = ".".join(["xn--bcher-kva", *["xn--mller-kva"] * 17, "example"])
ODD = [
    "<!channel>",
    "<!here|here>",
    "<@U1>",
    "<#C1|general>",
    "<https://evil.example|click here>",
    "https://evil.example",
    "<script>alert(1)</script>",
    "`code`",
    "```",
    "one\ntwo\r\nthree\tfour",
    "&lt;!channel&gt; &amp;",
    "*bold* _italic_ ~struck~ :bomb:",
    "\u202egnp.exe",
    "\u2028\x0b\x85",
    "pay\u200bpal\u2066\ud800\u3164",
    "<html><head><title>502 Bad Gateway</title></head><body>",
    "☃ größer 日本語 🎉",
    "'\"\\{}[]|^",
    "",
    "   ",
    "&" * 3000,
    "<" * 700,
    "very long words " * 700,
]
# The bot's own markup: mentions of a few, dates, the channel, links to a thread, and typed text.
OURS = re.compile(
    r"<@U0(?:ANA|BOB)>|<#C0(?:PKI|HELP)>|<!subteam\^S0(?:PKI|OPS)>|`[0-9a-f]{8}`"
    r"|<!date\^\d+\^(\{date_short_pretty\} )?\{time\}\|[0-9: -]+ UTC>"
    r"|<https://slack\.test/p1\|[a-z ]+>|`/dcv-(?:resend|status)[a-z0-9 .@]*`|`because`|`why[^`<>]*`"
    r"|`no-reply@digitalcertvalidation\.com`"
    r"|`/invite @DCV Resend`|<https://docs\.digicert\.com/[a-z/-]+\.html\|[A-Za-z ]+>|<https://slack\.test/r2\|open>"
)


class Foreign:
    """Strategies for data from outside."""

    text = st.lists(st.one_of(st.sampled_from(ODD), st.text(max_size=40)), max_size=4).map("".join)
    # A domain name as bot.digicert returns it: one line of at most 300 characters, and rarely a real one.
    name = st.one_of(
        st.sampled_from([LONGEST, UMLAUTS, "shop.example.com", "xn--bcher-kva.example", "xn--", "*.example.com"]),
        st.from_regex(r"[a-z0-9]{1,20}(\.[a-z0-9-]{1,20}){0,5}\.example", fullmatch=True),
        text.map(domain_name).filter(bool),
    )
    email = st.tuples(text.map(lambda text: clean(text)[:64]), name).map(lambda parts: clean("@".join(parts)))
    words = st.one_of(st.sampled_from(["", "DigiCert cannot be reached."]), text)
    destination = st.sampled_from(
        [Destination("C0PKI"), Destination("C0PKI", "17.5"), Destination("D0ANA"), Destination("G0PKI")]
    )
    moment = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
    target = st.one_of(
        st.integers(1, 10**18 - 1).map(OrderTarget),
        st.builds(DomainTarget, st.integers(1, 10**18 - 1), name),
    )
    outcome = st.sampled_from(OUTCOMES)

    @classmethod
    def call(cls, most_names):
        names = st.lists(cls.name, min_size=1, max_size=3, unique=True)
        recipients = st.builds(
            lambda names, emails, count: tuple(
                Recipient(
                    names[number % len(names)] if number < len(names) else f"n{number}.{names[0]}"[:300],
                    emails[number % len(emails)],
                )
                for number in range(count)
            ),
            names,
            st.lists(cls.email, min_size=1, max_size=20),
            st.integers(1, most_names),
        )
        return st.builds(Call, cls.target, recipients)

    @classmethod
    def request(cls):
        """Draw one to ten calls with up to 250 names each."""
        calls = st.integers(1, 10).flatmap(lambda count: st.lists(cls.call(250), min_size=count, max_size=count))
        return st.builds(
            ResendRequest,
            id=st.just("0123456789abcdef"),
            actor=st.just(Actor("U0ANA", "T0HOME")),
            destination=cls.destination,
            subject=st.one_of(st.just("order 700001"), cls.name.map(lambda name: f"domain {name}")),
            calls=calls.map(tuple),
            locale=st.sampled_from([*LANGUAGES, "nl", "pt-BR"]),
            reason=st.one_of(st.none(), cls.text.map(lambda text: text[:300].strip() or None)),
            at=cls.moment,
        )

    @classmethod
    def results(cls, request, least=None):
        """Draw results of all calls of a request, or of at least so many."""
        everyone = len(request.calls)
        count = st.just(everyone) if least is None else st.integers(least, everyone)
        result = st.builds(CallResult, cls.outcome, cls.words, cls.moment)
        return count.flatmap(
            lambda count: st.lists(result, min_size=count, max_size=count).map(lambda some: dict(enumerate(some)))
        )

    @classmethod
    def waiting(cls, target):
        """Draw a pending name with up to 150 allowed addresses, with the constructed ones of its scope."""

        def build(name, scope, emails, txts, count, preferred):
            more = [
                Address(f"{number}{email}" if number >= len(emails) else email, scope, (number % 7) in txts)
                for number, email in enumerate((emails * 150)[:count])
            ]
            allowed = tuple({address.email: address for address in (*more, *constructed(scope))}.values())[:150]
            last = tuple(dict.fromkeys(allowed[index % len(allowed)].email for index in preferred))
            return WaitingName(name, scope, target, True, allowed, last)

        return st.builds(
            build,
            cls.name,
            cls.name,
            st.lists(cls.email, min_size=1, max_size=5),
            st.sets(st.integers(0, 6)),
            st.integers(0, 145),
            st.lists(st.integers(0, 149), max_size=3),
        )

    @classmethod
    def plan(cls):
        """Draw an order with 1 to 250 pending names, or one to ten domains."""
        target = st.one_of(st.just(OrderTarget(700001)), st.just(DomainTarget(1234, "example.com")))
        some = target.flatmap(lambda target: st.lists(cls.waiting(target), min_size=1, max_size=10))
        names = st.tuples(some, st.sampled_from([1, 2, 25])).map(lambda parts: tuple(parts[0] * parts[1]))
        remarks = st.lists(cls.text.filter(bool), max_size=12).map(tuple)
        return st.builds(
            lambda names, title, remarks, scope: Plan(
                "order:700001", f"700001 · {title}", names, remarks, (names[0].scope, scope) if scope else ()
            ),
            names,
            cls.name,
            remarks,
            st.one_of(st.none(), cls.name),
        )

    @classmethod
    def listed(cls):
        """Draw an entry of the account's listing."""
        return st.builds(
            AccountEntry,
            kind=st.sampled_from(list(Kind)),
            id=st.integers(1, 10**18 - 1),
            name=st.one_of(st.just(""), cls.name),
            names=st.lists(cls.name, max_size=3).map(tuple),
            since=st.one_of(st.none(), cls.moment),
            waiting=st.sampled_from([True, False, None]),
        )

    cooldown = st.one_of(
        st.none(),
        st.sampled_from([None, "https://slack.test/p1"]).map(
            lambda link: Cooldown("U0ANA", NOW, NOW + timedelta(minutes=15), link=link)
        ),
    )


class Slack:
    """Checks of a payload: Slack's validation, and markup from foreign text. A failure names the flaw."""

    @staticmethod
    def takes_view(view):
        view = json.loads(json.dumps(view))
        assert [*check_view(view), *_markup(view), *_hidden(view)] == []
        return True

    @staticmethod
    def takes_message(message):
        return Slack.takes_payload(message.payload())

    @staticmethod
    def takes_payload(payload):
        payload = json.loads(json.dumps(payload))
        assert [
            *check_message(payload),
            *check_message(payload, update=True),
            *_markup(payload),
            *_hidden(payload),
        ] == []
        assert payload["text"].strip()
        return True


def _markup(payload):
    """Return every mention, link or code span that is not the bot's own."""
    found = []
    for text in _marked_up(payload):
        rest = OURS.sub("", text)
        found += [text] if "<" in rest or ">" in rest or "`" in rest else []
    return found


def _hidden(payload):
    """Return every visible text with invisible characters or changes of the writing direction."""
    if isinstance(payload, list):
        return [flaw for item in payload for flaw in _hidden(item)]
    if not isinstance(payload, dict):
        return []
    shown = payload.get("text")
    flaws = [] if not isinstance(shown, str) or shown.replace("\n", "").isprintable() else [shown]
    return [*flaws, *(flaw for part in payload.values() for flaw in _hidden(part))]


def _marked_up(payload):
    """Yield the texts in which Slack parses markup: mrkdwn objects, and the text of a message."""
    if isinstance(payload, list):
        for item in payload:
            yield from _marked_up(item)
    elif isinstance(payload, dict):
        if payload.get("type") == "mrkdwn" or (isinstance(payload.get("text"), str) and "type" not in payload):
            yield payload["text"]
        for value in payload.values():
            yield from _marked_up(value)


@pytest.fixture(scope="session")
def foreign():
    return Foreign


@pytest.fixture(scope="session")
def slack():
    return Slack


@pytest.fixture(scope="session")
def now():
    return NOW
