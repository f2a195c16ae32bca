"""Order ids as spreadsheets and locales write them, in messages and as people type them, and no other number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import InvalidInput
from bot.parsing.commands import OpenForm, read_command
from bot.parsing.mentions import find_mentions
from bot.parsing.targets import OrderRef, read_target

LONG = 1483920571


def orders(text):
    return [each.target.order_id for each in find_mentions({"text": text}) if isinstance(each.target, OrderRef)]


SEPARATED = [
    "1,483,920,571",
    "1.483.920.571",
    "1'483'920'571",
    "1’483’920’571",  # noqa: RUF001 - the Swiss apostrophe
    "1 483 920 571",
    "1\u00a0483\u00a0920\u00a0571",
    "1\u202f483\u202f920\u202f571",
    "1\u2009483\u2009920\u2009571",
    "1,48,39,20,571",
    "1483920571.0",
    "1.483920571E+09",
    "0001483920571",
]


@pytest.mark.fault("K9")
@pytest.mark.parametrize("written", SEPARATED)
def test_an_id_is_read_as_spreadsheets_and_locales_write_it(written):
    assert orders(f"DigiCert order {written} is pending") == [LONG]
    assert orders(f"Order ID: {written}") == [LONG]


@pytest.mark.fault("K9")
@pytest.mark.parametrize("typed", [*SEPARATED, "#1,483,920,571", "Order 1,483,920,571.", "order #1 483 920 571"])
def test_a_typed_id_is_read_as_spreadsheets_and_locales_write_it(typed):
    assert read_command(typed) == OpenForm(OrderRef(LONG))


@pytest.mark.fault("K9")
@pytest.mark.parametrize("typed", ["700,001", "700.001", "7,00,001", "700001.0", "７００００１"])  # noqa: RUF001
def test_a_typed_id_may_have_one_separator_or_wide_digits(typed):
    assert read_target(typed) == OrderRef(700001)


@pytest.mark.fault("K9")
@pytest.mark.parametrize(
    "table",
    [
        "order_id,owner\n1483920571.0,web\n",
        "order_id;owner\n1.483.920.571;web\n",
        'Order,Owner\n"1,483,920,571","Web, Ltd"\n',
        'Owner,Order ID\n"Web, Ltd","1,483,920,571"\n',
        "Order ID\tOwner\n1,483,920,571\tweb",
        "Owner\tOrder #\nweb\t1483920571.00",
        '| Order | Owner |\n|---|---|\n| "1 483 920 571" | web |',
        'Order,Owner\n="1483920571",web',
    ],
)
def test_an_id_is_read_in_a_column_as_spreadsheets_write_it(table):
    assert orders(table) == [LONG]


@pytest.mark.fault("K17")
@pytest.mark.parametrize(
    "text",
    [
        "Demonstration of domain control for DigiCert order #00700001",
        "order 0700001",
        "Order No. 0000700001",
        "DigiCert #00700001",
        "order_id,domain\n00700001,shop",
        "https://www.digicert.com/secure/orders/00700001",
    ],
)
def test_leading_zeros_do_not_count(text):
    assert orders(text) == [700001]


@pytest.mark.fault("K17")
@pytest.mark.parametrize("typed", ["00700001", "#00700001", "order 0700001", "order #00700001"])
def test_leading_zeros_of_a_typed_id_do_not_count(typed):
    assert read_command(typed) == OpenForm(OrderRef(700001))


@pytest.mark.parametrize(
    "text",
    [
        "Order 1,200 widgets; order total 1,483.50; order 2026.11.29",
        "Order 1,483,920.50",
        "order 1,483,920 EUR",
        "order total: $1,483,920.00",
        "order 10.100.200.100",
        "order 10.0.0.1",
        "order v1.2.3",
        "order 29/11/2026",
        "order 12:30:45",
        "order 1,483,92",
        "order 1.48392E+09",
        "order 1,483.920,571",
        "order 700001%",
        "order 0000",
        "in order: 4711001 rows were read",
        "orders 4711001 ms",
    ],
)
def test_money_dates_versions_and_addresses_are_no_ids(text):
    assert orders(text) == []


@pytest.mark.parametrize(
    "typed", ["10.100.200.100", "1.2.3", "2026.11.29", "12.30", "1,483.50", "700001,700002", "12,34"]
)
def test_a_typed_amount_date_or_address_is_refused(typed):
    with pytest.raises(InvalidInput, match="such as 700001"):
        read_target(typed)


@given(st.integers(10**6, 10**18 - 1), st.sampled_from([",", ".", "'", "\u202f", " "]))
def test_every_separated_id_is_the_id(order_id, separator):
    written = f"{order_id:,}".replace(",", separator)

    assert orders(f"Order ID: {written}") == [order_id]
    assert read_target(written) == OrderRef(order_id)
