"""The app's manifest, as the local Slack reads it."""

from pathlib import Path

import pytest

from sandbox.slack import Slack
from sandbox.slack.workspace.manifest import Manifest


async def test_an_installed_app_has_what_its_manifest_asks_for(slack: Slack, tmp_path: Path) -> None:
    path = tmp_path / "manifest.yml"
    path.write_text(
        """
display_information: {name: Resender}
features:
  app_home: {home_tab_enabled: true, messages_tab_enabled: false, messages_tab_read_only_enabled: true}
  slash_commands: [{command: /resend, usage_hint: "[order]", description: Resend}]
  shortcuts:
    - {name: Resend this, type: message, callback_id: resend}
    - {name: Resend any, type: global, callback_id: any}
oauth_config: {scopes: {bot: [commands, "chat:write"], bot_optional: ["chat:write.public"]}}
settings: {event_subscriptions: {bot_events: [message.channels]}}
""",
        encoding="utf-8",
    )
    manifest = Manifest.read(path)

    manifest.install(slack)

    assert (slack.granted_scopes, slack.subscriptions) == ({"commands", "chat:write"}, {"message.channels"})
    assert (manifest.name, manifest.description, manifest.is_read_only) == ("Resender", "", True)
    assert [entry["command"] for entry in manifest.commands] == ["/resend"]
    assert [entry["callback_id"] for entry in manifest.message_shortcuts] == ["resend"]
    assert [entry["callback_id"] for entry in manifest.global_shortcuts] == ["any"]
    assert slack.shortcuts == {"resend": "message", "any": "global"}
    assert (slack.home_tab_enabled, slack.messages_tab_enabled) == (True, False)

    manifest.install(slack, optional_scopes={"chat:write.public"})
    assert slack.granted_scopes == {"commands", "chat:write", "chat:write.public"}
    with pytest.raises(ValueError, match="files:read"):
        manifest.install(slack, optional_scopes={"files:read"})


def test_an_app_may_declare_next_to_nothing(tmp_path: Path) -> None:
    path = tmp_path / "manifest.yml"
    path.write_text("display_information: {name: Quiet}\n", encoding="utf-8")

    manifest = Manifest.read(path)

    assert (manifest.commands, manifest.message_shortcuts, manifest.is_read_only) == ([], [], False)
