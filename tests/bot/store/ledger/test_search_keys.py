"""The search keys of a row: its orders, domains and names, in every form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.store.ledger.search_keys import search_keys

JSON = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@pytest.mark.parametrize(
    ("detail", "keys"),
    [
        ({"target": "order 7"}, {"order:7"}),
        ({"target": "domain 12 (shop.example.org)"}, {"domain:12", "name:shop.example.org", "name:example.org"}),
        ({"target": 'domain 2 (a"b\n:\u2603)'}, {"domain:2"}),
        ({"subject": "order 7"}, {"order:7"}),
        ({"subject": "domain example.org"}, {"name:example.org"}),
        ({"status": "order:7"}, {"order:7"}),
        ({"status": "name:*.example.org", "channel": "C0PKI"}, {"name:example.org"}),
        ({"status": "page:0"}, set()),
        ({"history": "user:U0ANA"}, set()),
        ({"text": "order 7 and more"}, set()),
        ({"text": "x" * 200}, set()),
        ({"text": f"{'a' * 63}." * 4 + "example.com"}, set()),
        ({"words": "order 7"}, set()),
        (
            {"form": "f1", "order": 7, "names": ["*.shop.example.org", "é.example.org", 5]},
            {"order:7", "name:shop.example.org", "name:example.org"},
        ),
        ({"order": True, "names": "shop.example.org"}, set()),
        (
            {"calls": [{"target": "order 7", "recipients": {"a.example.co.uk": [], "b.example.co.uk": ["x@y.z"]}}]},
            {"order:7", "name:a.example.co.uk", "name:b.example.co.uk", "name:example.co.uk"},
        ),
    ],
)
def test_a_row_is_found_by_what_it_names(detail, keys):
    assert search_keys(detail) == keys


FIELDS = st.sampled_from(["target", "calls", "subject", "text", "names", "order"])


@given(detail=st.dictionaries(FIELDS | st.text(), JSON))
def test_no_row_fails_for_its_keys(detail):
    assert all(key.isascii() and key.isprintable() and len(key) <= 300 for key in search_keys(detail))


@given(text=st.sampled_from(["order ", "domain 1 (", "name:"]).flatmap(lambda start: st.text().map(start.__add__)))
def test_whatever_follows_makes_no_key_that_a_table_cannot_hold(text):
    assert all(key.isascii() and key.isprintable() and len(key) <= 300 for key in search_keys({"target": text}))
