"""Order ids among words: pasted text, every line that the bot and DigiCert write, and ambiguous text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import InvalidInput
from bot.parsing.commands import OpenForm, ResendNow, ShowHistory, ShowStatus, read_command, read_status
from bot.parsing.targets import DomainRef, OrderRef, read_target

ORDER = OrderRef(700001)
SINCE = "<!date^1764000000^{date_short_pretty} {time}|2026-11-03 10:00 UTC>"
ABOUT = "order 700001 (shop.example.com)"
LABELS = [
    "DigiCert Order #700001",
    "Order #: 700001",
    "Certificate order # 700001",
    "CertCentral 700001",
    "please resend 700001",
    "No. 700001",
    "№700001",
    "Order ID: 700001 Common name: shop.example.com",
    "Order #700001 - shop.example.com",
    "Look up order 700001",
    "Resend DCV email for order 700001",
    "Your DigiCert order 700001 is pending validation",
    "order_id=700001",
    "order/700001",
    "order id is 700001",
    "pending order 700001",
    "700001 · shop.example.com",
    "`700001 · shop.example.com`",
    "700001 · münchen.de (xn--mnchen-3ya.de)",
    "700001 - shop.example.com",
    "700001: shop.example.com",
    "700001 (shop.example.com)",
    "700001 | shop.example.com",
    "Order 700001 (shop.example.com)",
    "Order 700001 (<http://shop.example.com|shop.example.com>)",
    "Order 700001 (a.example.com, b.example.com and c.example.com)",
    "*Order 700001* (*.shop.example.com)",
    "order 700001, shop.example.com",
    "order 700001 for shop.example.com",
    "shop.example.com (order 700001)",
    "shop.example.com (700001)",
    "shop.example.com: order 700001",
    "shop.example.com · 700001",
    "order for shop.example.com is 700001",
    "Order <https://www.digicert.com/secure/orders/700001|700001>",
    "order 700001, order 700001",
]
SENTENCES = [
    "*700001* · shop.example.com + 2 · pending 3 days · not approved 6 hours after the email",
    f"*Order 700001 · shop.example.com* · Secure Site Pro SSL · pending 26 days (since {SINCE})",
    "*Order 700001 · shop.example.com* is waiting for email approval (2 days)",
    "Order 700001 · shop.example.com is waiting for email approval (2 days) · 1 more alert since",
    f"📨 Resent by <@U0ANA> {SINCE} (<https://x.slack.com/C1/p1|thread>) · *Order 700001 · shop.example.com*",
    f"✅ Validated {SINCE} · *Order 700001 · shop.example.com*",
    ":white_check_mark: *Sent*: DigiCert accepted the resend for order 700001 (shop.example.com).",
    "*Refused*: DigiCert did not resend for order 700001 (shop.example.com): Too many tries. Nothing was sent.",
    "*Not sent*: nothing went out for order 700001 (shop.example.com).",
    "*Unknown*: the mail for order 700001 (shop.example.com) may have been sent, or not.",
    "Sending: <@U0ANA> asks DigiCert to resend the DCV mail for order 700001 (shop.example.com).",
    f"{SINCE} · *Sent* · {ABOUT} · <https://example.slack.com/archives/C1/p1|thread>",
    "Looking up *order 700001* at DigiCert …",
    "No order 700001 in this CertCentral account.",
    "Please resend order 700001 in our CertCentral account",
    "Order 700001 (shop.example.com) has no pending domain.",
    "The message names order 700001, and nothing waits for it.",
    "*Recent requests for order 700001* · Newest first",
    "Demonstration of domain control for DigiCert order #00700001",
    "[Domain Approval]: Approval for certificate request :shop.example.com 700001",
    "[Action Required] Approve Certificate Request for shop.example.com Order #700001",
    "Order ID: 700001 Status: pending",
    "can you resend order 700001, it takes 3 days already",
]
SEVERAL = [
    "700001 700002",
    "700001, 700002",
    "700001 to 700002",
    "700001-700002",
    "700001/700002",
    "order 700001 and 700002",
    "order 700001 or order 700002",
    "not order 700001 but 700002",
    "700001 and shop.example.com",
    "700001 or shop.example.com",
    "700001, shop.example.com",
    "700001 shop.example.com",
    "shop.example.com 700001",
    "shop.example.com, order 700001",
    "shop.example.com and order 700001",
    "order 700001 and shop.example.com",
    "order 700001 shop.example.com",
    "order 700001; shop.example.com",
    "order 700001, domain shop.example.com",
    "Waiting too: order 700001, domain shop.example.com",
    "Order 700001 (a.example.com), b.example.com",
    "order 700001 (a.example.com) and b.example.com",
    "order 700001, a.example.com and b.example.com",
    "order 700001 <http://other.example.org|other.example.org>",
    "700001 <https://shop.example.com/x|the shop>",
    "https://www.digicert.com/secure/orders/700001 https://www.digicert.com/secure/orders/700002",
    "https://www.digicert.com/secure/orders/700001 700002",
    "https://www.digicert.com/secure/orders/700001 and shop.example.com",
    "order 700001 for account 123456",
    "order 700001 admin@example.com",
    "Nothing was sent. dual.example.net is on 2 pending orders: 700021, 700022. Use an order number.",
]
OTHER_NUMBERS = [
    *("account 700001", "ticket 700001", "incident #700001", "domain 700001", "certificate 700001", "invoice 700001"),
    *("700001 users", "pid 700001", "build #700001", "we lost 700001 bytes", "purchase order 700001"),
]


@pytest.mark.fault("K14")
@pytest.mark.parametrize("text", [*LABELS, *SENTENCES])
def test_an_id_among_words_is_read(text):
    assert read_command(text) == OpenForm(ORDER)
    assert read_status(text) == ShowStatus(ORDER)
    assert read_command(f"history {text}") == ShowHistory(ORDER)


@pytest.mark.fault("K14")
@pytest.mark.parametrize(
    "text", ["Order 700001 (shop.example.com)", "700001 · shop.example.com", "DigiCert Order #700001"]
)
def test_a_label_may_have_recipients_and_a_reason(text):
    assert read_command(f"{text} to a@example.com") == ResendNow(ORDER, ("a@example.com",))
    assert read_command(f"{text} in de because lost") == OpenForm(ORDER, "de", "lost")


@pytest.mark.parametrize("text", SENTENCES)
def test_a_pasted_sentence_never_sends_at_once(text):
    with pytest.raises(InvalidInput, match="isn't exactly one"):
        read_command(f"{text} to a@example.com")


@pytest.mark.parametrize("text", [*SEVERAL, *OTHER_NUMBERS])
def test_two_things_and_other_numbers_are_refused_in_a_sentence(text):
    for read in (read_target, read_status):
        with pytest.raises(InvalidInput, match="Enter one order number or domain, such as"):
            read(text)


@pytest.mark.fault("K14")
@pytest.mark.parametrize(
    "text",
    [
        "Domain shop.example.com",
        "*Domain: <http://shop.example.com|shop.example.com>*",
        "*Domain shop.example.com* is waiting for email approval (2 days)",
        "*Sent*: DigiCert accepted the resend for domain shop.example.com.",
    ],
)
def test_a_name_behind_its_label_is_read(text):
    assert read_target(text) == DomainRef("shop.example.com")


def test_a_pasted_line_about_recipients_of_a_domain_sends_nothing():
    line = f"*700001* · shop.example.com · pending 2 days · last email to admin@example.com {SINCE} (thread)"

    with pytest.raises(InvalidInput, match="isn't exactly one"):
        read_command(line)


IDS = st.integers(10**5, 10**9)
NAMES = st.sampled_from(["a.example.com", "*.b.example.org", "bücher.de"])
BETWEEN = st.sampled_from([" and ", " or ", "; ", "\n", " plus "])


@given(
    IDS,
    IDS,
    st.sampled_from([" ", ", ", " and ", "; ", " / ", " (", ": ", " · "]),
    st.sampled_from(["", "order ", "#"]),
)
def test_two_ids_are_never_one(one, other, between, word):
    if one == other:
        return
    with pytest.raises(InvalidInput):
        read_target(f"{word}{one}{between}{word}{other}")


@given(IDS, NAMES, BETWEEN, st.sampled_from(["", "order ", "DigiCert Order #"]), st.booleans())
def test_an_id_and_a_name_beside_it_are_never_one(order_id, name, between, word, is_first):
    pair = [f"{word}{order_id}", name]
    with pytest.raises(InvalidInput):
        read_target(between.join(pair if is_first else reversed(pair)))
