"""The scopes that the bot needs. tests/test_manifest.py checks that the manifest requests the same ones."""

from bot.slack import scopes


def test_what_was_granted_is_not_missing():
    assert scopes.missing({*scopes.NEEDED, "files:read"}) == []


def test_missing_scopes_are_listed_in_the_manifests_order():
    assert scopes.missing({"chat:write"}) == [scope for scope in scopes.NEEDED if scope != "chat:write"]


def test_an_optional_scope_is_never_missing():
    assert not set(scopes.OPTIONAL) & set(scopes.missing([]))
