"""Order ids in texts: near their words and in CertCentral's links, and no other number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.parsing.order_mentions import find_order_ids


def ordered(text):
    return sorted({order_id for _, order_id in find_order_ids(text)})


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
        "Domain;Order no.;Status\na;700001;x\nb;#700002;y\nc;700003;z",
        "Orders:\n- 700001: pending\n- 700002: pending\n- 700003",
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
        "order " + "9" * 19,
        "order for shop.example.com:8443",
        "a,b\n700001,2",
        "https://shop.example.com/orders/700001",
        "https://shop.example.com/?order=700001",
        "https://shop.example.com/orders-700001",
        "see https://shop.example.com/order-id:700001 for it",
        "https://digicert.com.example.net/order/700001",
        "https://notdigicert.com/order/700001",
        "https://www.digicert.com/secure/certificates/700001",
        "https://www.digicert.com/account/700001",
        "order \u0667\u0660\u0660\u0660",
    ],
)
def test_any_other_number_is_left_out(text):
    assert ordered(text) == []


@pytest.mark.fault("K10")
@pytest.mark.parametrize(
    "table",
    [
        "```Order #\tDate\tOrganization\tStatus\n700001\t03 Nov 2026\tExample Ltd\tPending```",
        "| Order # | Org | Status |\n|---|---|---|\n| 700001 | Ex | Pending |",
        "Order #,Domain\n700001,shop",
        'Domain,"Order #"\n"shop, api",700001',
        "Order #    Date     Org\n700001     3 Nov    Ex",
        "Order\u2116\tOrg\n700001\tEx",
        "CertCentral order number\tOrg\r\n700001\tEx\r\n",
        "Auftragsnr.\tDatum\n700001\t3.11.",
        "Domain;N° commande\nshop;700001",
        "Domaine;Numéro de commande\nshop;700001",
    ],
)
def test_an_order_is_found_below_the_head_of_its_column(table):
    assert ordered(table) == [700001]


@pytest.mark.fault("K10")
def test_a_row_without_an_id_does_not_end_a_table():
    assert ordered("Order #\tOrg\n700001\ta\n-\tb\n\tc\n700002\td") == [700001, 700002]


@pytest.mark.fault("K12")
@pytest.mark.parametrize(
    "text",
    [
        "stuck orders: 700001 700002 700003",
        "Digicert order numbers:\n700001 ana@example.com\n700002 bob@example.com\n700003 cho@example.com",
        "Orders 700001 (corp), 700002 (shop), 700003 (blog) wait for DCV",
        "orders 700001 [corp.example.com, 2 names]; 700002 [shop]; 700003",
        "orders 700001 - a.example.com, 700002 - b.example.com, 700003 - c",
        "orders 700001: pending, 700002: pending, 700003: pending",
        "orders 700001 a.example.com, 700002 b.example.com, 700003 c.example.com",
        "order 700001 for a.example.com, 700002 for b.example.com and 700003 for c.example.com",
        "orders 700001 → shop, 700002 → api, 700003 → blog",
        "orders 700001 ana@example.com, 700002 bob@example.com, 700003 cho@example.com",
        "orders #700001 #700002 #700003",
        "orders `700001` `700002` `700003`",
        "orders 700001 | 700002 | 700003",
        "orders 700001 · 700002 · 700003",
        "Orders that wait\n700001 shop.example.com\n700002 api.example.com\n700003 blog.example.com",
        "Aufträge 700001, 700002 und 700003",
        "commandes 700001, 700002 et 700003",
        "注文 700001、700002、700003",
        "订单 700001、700002 和 700003",
        "заказы 700001, 700002 и 700003",
    ],
)
def test_several_orders_are_found_with_something_in_between(text):
    assert ordered(text) == [700001, 700002, 700003]


@pytest.mark.parametrize(
    "text",
    [
        "order 700001 took 4711002 ms, pid 4711003",
        "order 700001 took 12 s, 4711003 bytes were read",
        "order 700001 4711002",
        "order 700001, account 4711002",
        "order 700001 (4711002)",
        "| order 700001 | 4711002 | pending |",
        "order 700001 · 4711002 · pending",
        "order 700001: pending, 4711002 left",
        "order 700001 - pending, 4711002 left",
        "orders 700001 at 1764000000",
        "order 700001 since 2026-11-03, build 4711003",
    ],
)
def test_a_number_that_only_follows_an_order_is_none(text):
    assert ordered(text) == [700001]


@pytest.mark.fault("K19")
@pytest.mark.parametrize(
    "text",
    [
        "Order number:\r\n\r\n700001\r\n\r\nStatus:\r\n\r\nPending\r\n",
        "*Order #*\r\n\r\n  700001",
        "Order ID\n \n\t\n`700001`",
        "Order\r\n\r\n700001\r\n",
        "DigiCert order\n\n\n700001",
        "Auftragsnummer:\r\n\r\n700001",
        "Numéro de commande :\n\n700001",
    ],
)
def test_empty_lines_may_part_a_label_from_its_number(text):
    assert ordered(text) == [700001]


@pytest.mark.fault("K19")
@pytest.mark.parametrize(
    "text",
    [
        "pending orders\n\n700001\n700002",
        "Order IDs:\r\n\r\n700001\r\n\r\n700002\r\n",
        "Orders\n\n• 700001\n\n• 700002",
    ],
)
def test_empty_lines_may_part_the_numbers_of_a_list(text):
    assert ordered(text) == [700001, 700002]


@pytest.mark.parametrize(
    "text",
    [
        "We lost the order.\n\n700001 bytes were read",
        "cannot place orders\n1764000000 next line",
        "cannot place the order\n\n\n\n\n\n\n700001",
        "the order\n\n4711001 lines follow",
    ],
)
def test_a_line_that_happens_to_begin_with_a_number_is_no_list(text):
    assert ordered(text) == []


@given(
    st.lists(st.sampled_from(["order", "orders", "id", "#", "\n", " ", ":", "700001", "|", ",", "•", "digicert.com/"]))
)
def test_no_text_makes_reading_raise(pieces):
    text = "".join(pieces)
    for at, order_id in find_order_ids(text):
        assert 0 <= at < len(text)
        assert order_id > 0
