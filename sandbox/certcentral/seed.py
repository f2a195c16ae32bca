"""The account of the demo: one order or domain of each kind, dated relative to now."""

from datetime import timedelta

from sandbox.certcentral.account import Account

LONG = [f"{label}.example.{top}" for top in ("com", "org", "net") for label in ("a", "b", "c", "d")]


def seed(account: Account) -> None:
    """Fill an empty account without sending mail."""
    _domains(account)
    _dv_orders(account)
    _organization_orders(account)
    _other_products(account)
    account.changes.notify_all()


def _domains(account: Account) -> None:
    now = account.now()
    account.add_domain(
        1234,
        "example.com",
        pending=False,
        validated_until=now + timedelta(days=5),
        created=now - timedelta(days=260),
        txt_contacts=["pki@corp.example"],
    )
    account.add_domain(1235, "example.org", created=now - timedelta(days=2), organization="Example Foundation")
    account.add_domain(1236, "corp.example.com", created=now - timedelta(days=1))
    account.add_domain(1237, "mail.example.org", created=now - timedelta(days=1), txt_contacts=["dns@corp.example"])
    account.add_domain(1238, "api.example.net", created=now - timedelta(days=1))
    account.add_domain(1239, "old.example.net", method="dns-txt-token", created=now - timedelta(days=90), active=False)
    long_ago, lapsed = now - timedelta(days=500), now - timedelta(days=12)
    account.add_domain(1240, "lapsed.example.org", pending=False, validated_until=lapsed, created=long_ago)
    account.add_domain(1241, "added.example.org", submitted=False, created=now - timedelta(days=3))
    account.add_domain(1242, "ready.example.net", pending=False, created=now - timedelta(days=40))
    account.add_domain(
        1243, "again.example.org", validated_until=now + timedelta(days=20), created=now - timedelta(days=400)
    )


def _dv_orders(account: Account) -> None:
    now = account.now()
    account.add_order(
        700001,
        ["shop.example.com", "www.example.org", "example.net"],
        validated=["www.example.org"],
        created=now - timedelta(hours=5),
    )
    account.add_order(700003, ["new.example.com"], status="needs_approval", created=now - timedelta(hours=20))
    account.add_order(700005, ["dns.example.org"], method="dns-txt-token", created=now - timedelta(days=3))
    # Twelve names, for the summaries of long lists.
    account.add_order(700006, LONG, name_scope="fqdn", created=now - timedelta(days=1))
    account.add_order(
        700008,
        ["*.example.net", "example.net"],
        status="reissue_pending",
        created=now - timedelta(days=90),
        reissue_requested=now - timedelta(days=9),
    )
    account.add_order(700009, ["gone.example.net"], status="canceled", created=now - timedelta(days=30))


def _organization_orders(account: Account) -> None:
    now = account.now()
    account.add_order(
        700002,
        ["corp.example.com", "mail.example.org", "api.example.net"],
        product="ov",
        name_scope="fqdn",
        created=now - timedelta(days=1),
    )
    account.add_order(700004, ["www.example.com"], product="ov", status="issued", created=now - timedelta(days=190))
    account.add_order(700007, ["pay.example.org"], product="ev", created=now - timedelta(days=2))
    account.add_order(
        700010,
        ["ready.example.net"],
        product="ov",
        name_scope="fqdn",
        created=now - timedelta(days=4),
        organization="Example Newcomer",
        organization_pending=True,
    )
    account.add_order(
        700011,
        ["ev.ready.example.net"],
        product="ev",
        name_scope="fqdn",
        created=now - timedelta(days=3),
        contact_pending=True,
    )


def _other_products(account: Account) -> None:
    now = account.now()
    account.add_order(700012, [], product="code_signing", common_name="Example Ltd", created=now - timedelta(days=6))
    account.add_order(
        700013,
        [],
        product="smime",
        common_name="Ana Example",
        emails=["ana@example.com"],
        created=now - timedelta(hours=30),
    )
