"""manifest.yml, and what docs/deployment.md makes of it, ask for what the bot uses, no less and no more."""

import re
from pathlib import Path

import pytest
import yaml
from slack_bolt.async_app import AsyncApp

from bot.slack import scopes
from handlers.listeners.app import FEATURES
from handlers.transport.http import PATH
from sandbox.slack.workspace.workspace_settings import BOT_SCOPES

# Slack delivers these as one event, `message`, and tells the kind of channel inside.
KINDS_OF_MESSAGE = frozenset({"message.channels", "message.groups", "message.im", "message.mpim"})


class Anything:
    """A stand-in for every argument of a feature's `register`, none of which is used before a payload arrives."""

    def __getattr__(self, _):
        return self


class Listeners:
    """A fake Bolt app that records what the features listen to."""

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

    def action(self, constraint, matchers=()):
        return self._note("inside", str(constraint))

    options = view = action

    def _note(self, kind, name):
        self.heard[kind].add(name)
        return lambda listener: listener


ROOT = Path(__file__).parents[1]


def socket_mode():
    return yaml.safe_load((ROOT / "manifest.yml").read_text(encoding="utf-8"))


def http_mode():
    """The manifest with the changes that the page names."""
    page = (ROOT / "docs/deployment.md").read_text(encoding="utf-8")
    changed = re.search("```yaml\n(.*?)```", page, re.DOTALL)
    return merged(socket_mode(), yaml.safe_load(changed[1]))


def merged(whole, changes):
    """Objects key by key, slash commands by name; whatever else is named is replaced."""
    if isinstance(whole, dict):
        return whole | {key: merged(whole.get(key), value) for key, value in changes.items()}
    if isinstance(whole, list):
        by_name = {entry["command"]: entry for entry in whole}
        return list((by_name | {each["command"]: by_name[each["command"]] | each for each in changes}).values())
    return changes


def addresses(part):
    """Everything that Slack would call."""
    if isinstance(part, dict):
        inside = [value for key, value in part.items() if key == "url" or key.endswith("_url")]
        return inside + [each for value in part.values() for each in addresses(value)]
    return [each for value in part for each in addresses(value)] if isinstance(part, list) else []


@pytest.fixture(scope="module", params=[socket_mode, http_mode], ids=["socket", "http"])
def manifest(request):
    return request.param()


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


def test_tokens_stay_as_they_are(manifest):
    assert not manifest["settings"]["token_rotation_enabled"]


def test_by_socket_mode_no_address_is_called():
    manifest = socket_mode()

    assert manifest["settings"]["socket_mode_enabled"]
    assert addresses(manifest) == []


def test_by_http_all_that_slack_delivers_goes_to_the_one_address():
    manifest = http_mode()
    settings, commands = manifest["settings"], manifest["features"]["slash_commands"]

    assert not settings["socket_mode_enabled"]
    assert [command["url"].endswith(PATH) for command in commands] == [True] * len(commands)
    assert set(settings["interactivity"]) == {"is_enabled", "request_url", "message_menu_options_url"}
    assert "request_url" in settings["event_subscriptions"]
    assert set(addresses(manifest)) == {commands[0]["url"]}
    assert commands[0]["url"].startswith("https://")


@pytest.mark.parametrize("method", [name for name in vars(Listeners) if not name.startswith("_")])
def test_bolt_knows_every_way_to_listen_that_is_noted_here(method):
    assert callable(getattr(AsyncApp, method))
