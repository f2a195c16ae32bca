"""Order ids in texts: near their words and in CertCentral's links, and no other number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.orders import orders_in


def ordered(text):
    return sorted({order_id for _, order_id in orders_in(text)})


@pytest.mark.parametrize(
    "text",
    [
        "order 700001",
        "Order #700001",
        "ORDER: 700001",
        "order no 700001",
        "order no. 700001",
        "Order No700001",
        "order nr. 700001",
        "order number 700001",
        "order number is 700001",
        "order id 700001",
        "Order ID: `700001`",
        "Order ID = 700001",
        "order (700001)",
        "order **700001**",
        "order-700001",
        "order_700001",
        "order → 700001",
        "order with id 700001",
        "order_id=700001",
        "PUT /order/certificate/700001/resend-emails: 400",
        "order_id: 700001,",
        '{"order_id":700001}',
        '{"orderId": "700001"}',
        r"{\"order_id\":700001}",
        "digicertOrderId=700001",
        "digicert_order_id: 700001",
        "OrderNumber 700001",
        "DigiCert order 700001 is pending",
        "certificate order 700001.",
        "the order is 700001",
        "the order's id is 700001",
        "*Order ID*\n700001",
        "*Order:*\n`700001`",
        "order id\n700001",
        "Order\n700001",
        "DigiCert order\n700001",
        "The order for shop.example.com is 700001",
        "order for shop.example.com (700001)",
        "order for shop.example.com: #700001",
        "incident 4711: order 700001",
        "in 2 days, order 700001, 3 tries",
        "#700001",
        "#700001 waits",
        "DigiCert #700001",
        "please resend #700001",
        "shop.example.com (#700001)",
        "• #700001",
        "https://www.digicert.com/secure/orders/700001",
        "https://www.digicert.com/secure/orders/700001/details?x=1",
        "https://certcentral.digicert.eu/secure/orders/700001",
        "certcentral.digicert.com/order/700001",
        "https://www.digicert.com/services/v2/order/certificate/700001/resend-emails",
        "https://www.digicert.com/secure/#/list?orderId=700001&x=1",
    ],
)
def test_an_order_is_found_near_its_word_and_in_certcentral(text):
    assert ordered(text) == [700001]


@pytest.mark.parametrize(
    "text",
    [
        "orders 700001, 700002 and 700003",
        "Orders: #700001, #700002, #700003",
        "orders 700001/700002/700003",
        "order 700001, order 700002, order 700003",
        "#700001, #700002 and #700003",
        "Orders:\n700001\n700002\n700003",
        "Orders that wait:\n• 700001 (a.example.com)\n• 700002 (b.example.com)\n• `700003`",
        "Pending orders\n1. 700001 - a.example.com\n2. 700002 - b.example.com\n3. 700003",
        "order_id,domain\n700001,a.example.com\n700002,b.example.com\n700003,c.example.com",
        "domain;Order ID\na.example.com;700001\nb.example.com;700002\nc.example.com;700003",
        "| Domain | Order |\n|---|---|\n| a.example.com | 700001 |\n| b | 700002 |\n| c | `700003` |",
        "Order     Domain\n-------   ------\n700001    a.example.com\n700002    b\n700003    c",
    ],
)
def test_several_orders_are_found_in_sentences_lists_and_columns(text):
    assert ordered(text) == [700001, 700002, 700003]


@pytest.mark.parametrize(
    "text",
    [
        "700001",
        "account 700001",
        "Account ID: 700001",
        "incident 700001",
        "incident #700001",
        "INC0700001",
        "ticket #700001",
        "[Ticket#700001]",
        "[#700001] Down",
        "#700001: Down",
        "pid 700001",
        "build #700001",
        "Run #700001 failed",
        "PR #700001",
        "monitor #700001",
        "team/shop#700001",
        "https://example.com/#700001",
        "color #700001ff",
        "#4711",
        "at 1764000000",
        "in order to free 700001 bytes",
        "reorder 700001",
        "border: 700001",
        "recorded 700001",
        "purchase order 700001",
        "Work order #700001",
        "order account 700001",
        "order date: 700001",
        "order status 700001",
        "order_created_at=1764000000",
        "order: incident 700001",
        "We lost the order. 700001 bytes were read",
        "cannot place the order\n1764000000 next line",
        "order 2026-01-01",
        "order 12.30",
        "order 10.0.0.1",
        "order 700,001",
        "order 10:30",
        "order 100%",
        "order 12",
        "order 700001abc",
        "order 0700001",
        "order " + "9" * 19,
        "order for shop.example.com:8443",
        "a,b\n700001,2",
        "https://shop.example.com/orders/700001",
        "https://digicert.com.example.net/order/700001",
        "https://notdigicert.com/order/700001",
        "https://www.digicert.com/secure/certificates/700001",
        "https://www.digicert.com/account/700001",
        "order \u0667\u0660\u0660\u0660",
    ],
)
def test_any_other_number_is_left_out(text):
    assert ordered(text) == []


@given(
    st.lists(st.sampled_from(["order", "orders", "id", "#", "\n", " ", ":", "700001", "|", ",", "•", "digicert.com/"]))
)
def test_no_text_makes_reading_raise(pieces):
    text = "".join(pieces)
    for at, order_id in orders_in(text):
        assert 0 <= at < len(text)
        assert order_id > 0
