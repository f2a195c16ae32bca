"""manifest.yml asks for what the bot uses, no less and no more."""

from pathlib import Path

import pytest
import yaml
from slack_bolt.async_app import AsyncApp

from bot.slack import scopes
from handlers.app import FEATURES
from sandbox.slack.conditions import BOT_SCOPES

# Slack delivers these as one event, `message`, and tells the kind of channel inside.
KINDS_OF_MESSAGE = frozenset({"message.channels", "message.groups", "message.im", "message.mpim"})


class Anything:
    """Whatever a feature takes to register with; nothing of it is used before somebody speaks."""

    def __getattr__(self, _):
        return self


class Listeners:
    """Notes what the features listen to, as Bolt's app would take it."""

    def __init__(self):
        self.heard = {"command": set(), "shortcut": set(), "event": set(), "inside": set()}

    def command(self, name):
        return self._note("command", name)

    def event(self, constraint, middleware=()):
        return self._note("event", constraint["type"] if isinstance(constraint, dict) else constraint)

    def shortcut(self, constraint):
        return self._note("shortcut", constraint["callback_id"] if isinstance(constraint, dict) else constraint)

    def message_shortcut(self, callback_id):
        return self._note("shortcut", callback_id)

    def global_shortcut(self, callback_id):
        return self._note("shortcut", callback_id)

    def action(self, constraint):
        return self._note("inside", str(constraint))

    options = view = action

    def _note(self, kind, name):
        self.heard[kind].add(name)
        return lambda listener: listener


@pytest.fixture(scope="module")
def manifest():
    return yaml.safe_load((Path(__file__).parents[1] / "manifest.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def heard():
    listeners = Listeners()
    for feature in FEATURES:
        feature.register(listeners, Anything(), Anything())
    return listeners.heard


def test_the_manifest_asks_for_the_scopes_that_the_bot_needs(manifest):
    asked = manifest["oauth_config"]["scopes"]

    assert asked["bot"] == list(scopes.NEEDED)
    assert asked["bot_optional"] == list(scopes.OPTIONAL)


def test_the_local_slack_grants_the_needed_scopes_and_no_other():
    assert set(BOT_SCOPES) == set(scopes.NEEDED)


def test_every_command_of_the_manifest_is_heard_and_no_other(manifest, heard):
    assert {entry["command"] for entry in manifest["features"].get("slash_commands", ())} == heard["command"]


def test_every_shortcut_of_the_manifest_is_heard_and_no_other(manifest, heard):
    assert {entry["callback_id"] for entry in manifest["features"].get("shortcuts", ())} == heard["shortcut"]


def test_every_event_of_the_manifest_is_heard_and_no_other(manifest, heard):
    asked = set(manifest["settings"]["event_subscriptions"]["bot_events"])

    assert {"message" if event in KINDS_OF_MESSAGE else event for event in asked} == heard["event"]


def test_clicks_are_delivered_where_anything_can_be_clicked(manifest, heard):
    assert manifest["settings"]["interactivity"]["is_enabled"] == bool(heard["inside"] | heard["shortcut"])


def test_socket_mode_is_on_and_tokens_stay_as_they_are(manifest):
    assert manifest["settings"]["socket_mode_enabled"]
    assert not manifest["settings"]["token_rotation_enabled"]


@pytest.mark.parametrize("method", [name for name in vars(Listeners) if not name.startswith("_")])
def test_bolt_knows_every_way_to_listen_that_is_noted_here(method):
    assert callable(getattr(AsyncApp, method))
