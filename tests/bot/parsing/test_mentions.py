"""Mentions: the targets that the messages of many senders name, and those they only seem to name."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.parsing.mentions import Mention, find_mentions
from bot.parsing.targets import DomainRef, OrderRef, read_target

ORDER = 700001
SHOP, API = "shop.example.com", "api.example.com"


def value(mention):
    target = mention.target
    return target.order_id if isinstance(target, OrderRef) else target.name


def strong(message):
    return [value(mention) for mention in find_mentions(message) if mention.is_explicit]


def weak(message):
    return [value(mention) for mention in find_mentions(message) if not mention.is_explicit]


def section(words):
    return {"type": "section", "text": {"type": "mrkdwn", "text": words}}


def button(words, url):
    return {
        "type": "actions",
        "elements": [{"type": "button", "text": {"type": "plain_text", "text": words}, "url": url}],
    }


def fields(**pairs):
    return [{"title": title, "value": value, "short": True} for title, value in pairs.items()]


def rich(*elements):
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(elements)}]}


SENDERS = {
    "acme.sh, one name": ({"text": "*Renewal of shop.example.com failed*\nHook said no."}, [SHOP], []),
    "acme.sh, several": (
        {"text": "*Renewals failed*\nCertificates:\n  shop.example.com\n  *.api.example.com"},
        [SHOP, API],
        [],
    ),
    "Alertmanager, a probe": (
        {
            "attachments": [
                {
                    "fallback": "[FIRING:2] CertExpires (https://shop.example.com/login) | http://am.corp.internal:9093/#/a",
                    "title": "[FIRING:2] CertExpires (https://shop.example.com/login)",
                    "title_link": "http://am.corp.internal:9093/#/alerts?receiver=pki",
                }
            ]
        },
        [],
        [SHOP],
    ),
    "Alertmanager, an instance": (
        {"attachments": [{"text": "*Labels:*\n • *instance:* `https://shop.example.com:9443`\n • *job:* `tls`\n"}]},
        [SHOP],
        [],
    ),
    "Alertmanager, a DCV rule": (
        {
            "attachments": [
                {
                    "title": "[FIRING:1] DcvWaits",
                    "text": "Order #700001 waits for `shop.example.com` and `*.api.example.com`.",
                    "fields": fields(order_id="700001", domain=SHOP, account="123456"),
                    "actions": [
                        {"type": "button", "text": "Order", "url": "https://www.digicert.com/secure/orders/700001"}
                    ],
                }
            ]
        },
        [ORDER, SHOP, API],
        ["www.digicert.com"],
    ),
    "Alertmanager, cert-manager": (
        {
            "attachments": [
                {"text": "The cert `shop-example-com-tls` in `web` expires in 6d 4h.\n*service:* `cm.web.svc`"}
            ]
        },
        [],
        [],
    ),
    "Gatus": (
        {
            "attachments": [
                {
                    "title": ":helmet_with_white_cross: Gatus",
                    "text": "Alert for *edge/shop.example.com*, failed 4 times:\n> see DigiCert order 700001",
                    "fields": [
                        {"title": "Condition results", "value": ":x: `[CERTIFICATE_EXPIRATION] (90h1m2s) > 240h`"}
                    ],
                }
            ]
        },
        [SHOP, ORDER],
        [],
    ),
    "Grafana": (
        {
            "attachments": [
                {
                    "title": "[FIRING:1] DCV (shop.example.com 700001)",
                    "title_link": "https://grafana.example.net/alerting/list",
                    "text": "**Firing**\nLabels:\n - domain = shop.example.com\n - order_id = 700001\n"
                    "Source: https://grafana.example.net/alerting/abc?matcher=domain%3Dapi.example.com\n",
                    "footer": "Grafana v12.0.1",
                    "footer_icon": "https://grafana.com/fav32.png",
                    "ts": 1764000000,
                }
            ]
        },
        [SHOP, ORDER],
        ["grafana.example.net"],
    ),
    "Healthchecks": (
        {
            "attachments": [
                {
                    "title": "“dcv shop.example.com” is DOWN.",
                    "title_link": "https://healthchecks.io/cloaked/abc/",
                    "fields": fields(Project="pki", Body="```\norder 700001 pending: api.example.com\n```"),
                }
            ]
        },
        [SHOP, ORDER, API],
        ["healthchecks.io"],
    ),
    "Lemur, expiry": (
        {
            "text": "Lemur Expiration Notification",
            "attachments": [
                {
                    "title": "WILDCARD.shop.example.com-DigiCertInc-20250101-20260101",
                    "title_link": "https://lemur.example.net/#/certificates/shop",
                    "fields": fields(Owner="web@example.com", Endpoints=2),
                }
            ],
        },
        [SHOP],
        ["lemur.example.net"],
    ),
    "Lemur, rotation, not in a list": (
        {
            "attachments": {
                "title": "shop.example.com-DigiCertInc-20250101-20260101",
                "fields": fields(Owner="a@example.com"),
            }
        },
        [SHOP],
        [],
    ),
    "PagerDuty": (
        {
            "attachments": [
                {
                    "title": "Incident #4711001 triggered",
                    "title_link": "https://example.pagerduty.com/incidents/PT4KHLK",
                    "text": "Certificate of shop.example.com expires",
                    "footer": "Production Cluster",
                }
            ]
        },
        [SHOP],
        ["example.pagerduty.com"],
    ),
    "Uptime Kuma, plain": (
        {"text": "[shop.example.com][https://api.example.com/health] certificate shop.example.com expires in 7 days"},
        [SHOP],
        [API],
    ),
    "Uptime Kuma, rich": (
        {
            "text": "[Shop] [Down] expired (DigiCert order 700001)",
            "attachments": [
                {
                    "color": "#e01e5a",
                    "blocks": [
                        {"type": "header", "text": {"type": "plain_text", "text": "shop.example.com"}},
                        {"type": "context", "elements": [{"type": "mrkdwn", "text": "_Edge_"}]},
                        button("Open", "https://kuma.example.net/dashboard/7"),
                        button("Visit", "https://api.example.com/health"),
                    ],
                }
            ],
        },
        [ORDER, SHOP],
        ["kuma.example.net", API],
    ),
    "Datadog": (
        {
            "attachments": [
                {
                    "title": "Triggered: TLS of {url:https://shop.example.com/} expires",
                    "title_link": "https://app.datadoghq.com/monitors/12345678",
                    "text": "Monitor #12345678 · @slack-pki @ops@example.com\n`host:web1,url:https://shop.example.com`",
                    "fields": fields(Tags="account:123456, env:prod", Account="987654"),
                    "footer": "status.datadoghq.com",
                }
            ]
        },
        [SHOP],
        ["app.datadoghq.com", "status.datadoghq.com"],
    ),
    "Opsgenie": (
        {
            "attachments": [
                {
                    "title": "#471100: DCV of shop.example.com pending",
                    "title_link": "https://example.app.opsgenie.com/alert/detail/1-2",
                    "fields": [{"title": "Priority", "value": "P3"}, {"title": "Tags", "value": "order:700001, pki"}],
                }
            ]
        },
        [SHOP, ORDER],
        ["example.app.opsgenie.com"],
    ),
    "Sentry": (
        {
            "blocks": [
                section(":red_circle: <https://example.sentry.io/issues/4711001/?a=b&amp;c=d|SSLError>"),
                section("`HTTPSConnectionPool(host='shop.example.com', port=443): Max retries at renew.py`"),
                {
                    "type": "context",
                    "elements": [{"type": "mrkdwn", "text": "Project: pki Short ID: PKI-12 main.rs:7"}],
                },
            ]
        },
        [SHOP],
        ["example.sentry.io"],
    ),
    "Zabbix": (
        {
            "attachments": [
                {
                    "fallback": "Problem: certificate",
                    "title": "Problem: Certificate of shop.example.com:443 expires",
                    "fields": fields(Host="check_ssl_api.example.com", Event="1234567", Time="2026.01.01 10:00:00"),
                }
            ]
        },
        [SHOP, API],
        [],
    ),
    "Checkly": (
        {
            "blocks": [
                section("*SSL certificate of <https://shop.example.com|shop.example.com> expires in 5 days*"),
                section("Check: `api.example.com` • <https://app.checklyhq.com/checks/a-b|View>"),
            ]
        },
        [SHOP, API],
        ["app.checklyhq.com"],
    ),
    "StatusCake": ({"text": "SSL Alert: https://shop.example.com expires in 14 days. IP 192.0.2.1"}, [SHOP], []),
    "SSLMate": (
        {"text": "Approve shop.example.com by mail to admin@example.com. Order ID 700001, invoice #123456."},
        [SHOP, ORDER],
        [],
    ),
    "Venafi": (
        {"text": r"Certificate \VED\Policy\Web\shop.example.com is not issued: DigiCert order number 700001 pending"},
        [SHOP, ORDER],
        [],
    ),
    "cert-manager": (
        {"text": 'Challenge shop-tls-1-2 for "shop.example.com": _acme-challenge.api.example.com, a.svc.cluster.local'},
        [SHOP, API],
        [],
    ),
    "Jira": (
        {
            "attachments": [
                {
                    "pretext": "Ana created <https://jira.example.net/browse/PKI-4711|PKI-4711>",
                    "title": "PKI-4711 Renew *.shop.example.com (order 700001)",
                    "title_link": "https://jira.example.net/browse/PKI-4711",
                    "fields": fields(Ticket="4711001", Reporter="<mailto:ana@example.com|example.com>"),
                }
            ]
        },
        [SHOP, ORDER],
        ["jira.example.net"],
    ),
    "GitHub Actions": (
        {
            "blocks": [
                section(
                    "*<https://github.com/example/pki/actions/runs/1234567890|Run #1234567>* of `renew.yml` failed"
                ),
                section("`scripts/renew.sh` in <https://github.com/example/pki/blob/main/app.py|app.py> v1.2.3"),
                section("```ERROR: shop.example.com: DCV pending\npid 4711001 exited at 1764000000```"),
            ]
        },
        [SHOP],
        ["github.com"],
    ),
    "a person who types": (
        {
            "text": "can you resend <http://shop.example.com|shop.example.com>? README.md says order 700001 <@U0ANA>",
            "blocks": [
                rich(
                    {"type": "text", "text": "can you resend "},
                    {"type": "link", "url": "http://shop.example.com", "text": "shop.example.com"},
                    {"type": "text", "text": "? "},
                    {"type": "link", "url": "http://README.md", "text": "README.md"},
                    {"type": "text", "text": " says order 700001 "},
                    {"type": "user", "user_id": "U0ANA"},
                )
            ],
        },
        [SHOP, ORDER],
        [],
    ),
    "a person with a phone": (
        {"text": "Order <tel:700001|700001> pls, for *.<http://shop.example.com|shop.example.com>"},
        [ORDER, SHOP],
        [],
    ),
    "a person who forwards a mail": (
        {
            "files": [
                {
                    "name": "mail.eml",
                    "title": "DigiCert order 700001",
                    "plain_text": "From: admin@digicert.com\nTo: hostmaster@example.com\nApprove shop.example.com",
                }
            ]
        },
        [ORDER, SHOP],
        [],
    ),
    "a person with a snippet": (
        {"files": [{"name": "waiting.csv", "preview": "order_id,domain,account\n700001,shop.example.com,123456"}]},
        [ORDER, SHOP],
        [],
    ),
    "a table": (
        {
            "blocks": [
                {
                    "type": "table",
                    "rows": [
                        [{"type": "raw_text", "text": words} for words in ("Order ID", "Domain", "Account")],
                        [{"type": "raw_text", "text": words} for words in ("700001", "*.shop.example.com", "123456")],
                    ],
                }
            ]
        },
        [ORDER, SHOP],
        [],
    ),
    "a section of two columns": (
        {
            "blocks": [
                {"type": "section", "fields": [{"text": words} for words in ("*Order*", "700001", "*PID*", "4711")]}
            ]
        },
        [ORDER],
        [],
    ),
    "a bot with a list": (
        {
            "blocks": [
                {
                    "type": "rich_text",
                    "elements": [
                        {
                            "type": "rich_text_list",
                            "style": "bullet",
                            "elements": [
                                {"type": "rich_text_section", "elements": [{"type": "text", "text": name}]}
                                for name in (SHOP, f"{API} (order 700001)", "renew.sh")
                            ],
                        },
                        {
                            "type": "rich_text_preformatted",
                            "elements": [{"type": "text", "text": "_dnsauth.a.example.org"}],
                        },
                    ],
                }
            ]
        },
        [SHOP, API, ORDER, "a.example.org"],
        [],
    ),
    "a bot with JSON": (
        {"text": json.dumps({"orderId": ORDER, "dns": [SHOP, "*.api.example.com"], "pid": 4711001})},
        [ORDER, SHOP, API],
        [],
    ),
    "a message that names nothing": ({"text": "Deploy of v1.2.3 by ana@example.com done, INC0012345 closed."}, [], []),
}


@pytest.mark.parametrize(("message", "strongly", "weakly"), SENDERS.values(), ids=SENDERS)
def test_what_a_sender_names_is_found(message, strongly, weakly):
    assert strong(message) == strongly
    assert weak(message) == weakly


@pytest.mark.fault("K6")
@pytest.mark.parametrize(
    "message",
    [
        {"text": "<https://primer.rs|primer.rs> SSL expires"},
        {"text": "<https://primer.rs|primer.rs> is down"},
        {"attachments": [{"title": "SSL expires", "text": "primer.rs"}]},
        {"text": "TLS expires", "blocks": [section("• *<http://primer.rs|primer.rs>*")]},
    ],
)
def test_a_name_whose_ending_files_have_counts_by_what_is_around_it(message):
    assert strong(message) == ["primer.rs"]


def test_code_and_files_of_a_message_are_no_names():
    code = {"type": "text", "text": "zones.rs", "style": {"code": True}}

    assert strong({"text": "Certificates", "blocks": [rich({"type": "text", "text": "the TLS code: "}, code)]}) == []
    assert strong({"text": "<http://main.rs|main.rs> reads certificates"}) == []


def test_a_mention_has_its_location():
    attachment = {"title": "Down", "text": "order 700001", "fields": fields(Domain=SHOP), "footer": API}

    assert find_mentions({"attachments": [attachment]}) == (
        Mention(OrderRef(ORDER), True, "the text"),
        Mention(DomainRef(SHOP), True, "the field “Domain”"),
        Mention(DomainRef(API), False, "the footer"),
    )


def test_what_is_named_twice_is_one_mention_at_its_strongest_location():
    attachment = {
        "title": "Down",
        "title_link": "https://shop.example.com/a",
        "text": "SHOP.example.com",
        "fallback": SHOP,
    }

    assert find_mentions({"attachments": [attachment]}) == (Mention(DomainRef(SHOP), True, "the text"),)


@pytest.mark.parametrize("key", ["title_link", "author_link", "footer"])
def test_the_sender_s_own_links_are_weak_even_without_a_path(key):
    message = {"attachments": [{"title": "Down", key: "https://shop.example.com"}]}

    assert strong(message) == []
    assert weak(message) == [SHOP]


def test_an_order_is_strong_in_every_link():
    message = {"attachments": [{"title": "Down", "title_link": "https://www.digicert.com/secure/orders/700001"}]}

    assert strong(message) == [ORDER]


def test_at_most_50_mentions_are_returned_and_the_explicit_ones_first():
    links = " ".join(f"https://w{number}.example.com/x" for number in range(60))
    names = " ".join(f"s{number}.example.com" for number in range(20))

    found = find_mentions({"text": f"{links} {names}"})

    assert [value(mention) for mention in found] == [
        *(f"s{number}.example.com" for number in range(20)),
        *(f"w{number}.example.com" for number in range(30)),
    ]


def test_with_more_than_50_strong_ones_the_first_are_given():
    names = [f"s{number}.example.com" for number in range(90)]

    assert strong({"text": " ".join(names)}) == names[:50]


NASTY = [
    *(
        "a",
        "a.",
        "-",
        "_a",
        "_",
        "@",
        "a@",
        ":",
        "/",
        "//",
        "/a.io",
        "http://",
        "<",
        "<a:",
        "<a:b|",
        "*.",
        "*",
        "`",
        "\\n",
    ),
    *(
        "order ",
        "orders\n",
        "order is ",
        "order for x(",
        "order,",
        "# 700001 ",
        "700001, ",
        "• 700001\n",
        "and #700001, ",
        "• 700001 orders\n",
        "digicert.com/",
    ),
    *(
        "a.io",
        "a.io ",
        "a.io-1",
        "xn--a.io ",
        "xn--a.io",
        "ü.io ",
        "\ufdfa",
        "例a",
        "a\u0301",
        "main.rs ",
        " ",
        "\n",
        "\ud800",
    ),
]


@pytest.mark.parametrize("piece", NASTY, ids=ascii)
def test_40000_adversarial_characters_are_read(piece):
    # `make bench` measures the cost. A pattern that backtracks without end would not return at all.
    text = ("orders\n" + piece * 40_000)[:40_000]

    found = find_mentions({"text": text, "attachments": [{"fields": [{"title": "Order", "value": text}]}]})

    assert len(found) <= 50


KEYS = st.sampled_from(
    ["text", "type", "blocks", "attachments", "fields", "files", "elements", "rows", "value", "title", "url", "footer"]
)
TYPES = st.sampled_from(["rich_text", "rich_text_section", "rich_text_list", "table", "link", "context", "mrkdwn"])
TEXTS = st.lists(
    st.sampled_from(
        [*NASTY, SHOP, "bücher.de", "*.рф", "<http://", "|", ">", "order", "id", ":", "700001", "0", ".", "😀"]
    )
    | st.characters(),
    max_size=20,
).map("".join)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | TYPES | TEXTS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=5),
)
MESSAGES = JSON | st.fixed_dictionaries(
    {},
    optional={
        "text": TEXTS,
        "blocks": st.lists(st.fixed_dictionaries({"type": TYPES, "text": TEXTS, "elements": JSON}), max_size=3) | JSON,
        "attachments": st.lists(st.fixed_dictionaries({"title": TEXTS, "footer": TEXTS, "fields": JSON}), max_size=3)
        | JSON,
        "files": JSON,
    },
)


@given(MESSAGES)
def test_no_message_makes_reading_raise_and_every_mention_is_a_target(message):
    found = find_mentions(message)

    assert len(found) <= 50
    assert len({mention.target for mention in found}) == len(found)
    for mention in found:
        assert read_target(str(value(mention))) == mention.target


def test_the_address_behind_a_label_is_a_link_until_the_name_is_written_too():
    linked = "<https://deep.example.org|dashboard>"

    [hidden] = find_mentions({"text": linked})
    [shown, *_] = find_mentions({"text": linked, "blocks": [{"type": "section", "text": "deep.example.org"}]})
    [written] = find_mentions({"text": "<https://deep.example.org>"})

    assert (hidden.is_link, shown.is_link, written.is_link) == (True, False, False)
    assert {each.is_explicit for each in (hidden, shown, written)} == {True}


@pytest.mark.parametrize(
    ("text", "is_key"),
    [
        ("host.name: web-1", True),
        ("event.id=17", True),
        ('{"host.name": "web-1"}', True),
        ("*host.name*: web-1", True),
        ("`cloud.account.id` : 17", True),
        ("host.name", False),
        ("https://host.name:443", False),
        ("done.example.org: certificate pending", False),
    ],
)
def test_what_is_probably_the_key_of_a_field(text, is_key):
    assert [each.is_key for each in find_mentions({"text": text})] == [is_key]
