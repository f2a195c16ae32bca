"""The app's manifest, and the installation that grants what it declares."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from sandbox.json_types import Json
from sandbox.slack.workspace.workspace_settings import WorkspaceSettings


@dataclass(frozen=True)
class Manifest:
    """A parsed manifest."""

    declared: Json

    @classmethod
    def read(cls, path: Path) -> "Manifest":
        """Read a manifest file."""
        return cls(yaml.safe_load(path.read_text(encoding="utf-8")))

    @property
    def name(self) -> str:
        """Return the app's name."""
        return str(self.declared["display_information"]["name"])

    @property
    def description(self) -> str:
        """Return the app's description."""
        return str(self.declared["display_information"].get("description", ""))

    @property
    def commands(self) -> list[Json]:
        """Return the slash commands, with usage_hint and description."""
        return list(self._features.get("slash_commands") or [])

    @property
    def message_shortcuts(self) -> list[Json]:
        """Return the message shortcuts."""
        return [entry for entry in self._features.get("shortcuts") or [] if entry.get("type") == "message"]

    @property
    def is_read_only(self) -> bool:
        """Return whether users cannot send direct messages to the app."""
        return bool(self._features.get("app_home", {}).get("messages_tab_read_only_enabled"))

    def install(self, settings: WorkspaceSettings) -> None:
        """Grant the required scopes and subscribe to the declared events. Optional scopes are not granted."""
        settings.granted_scopes = set(self.declared["oauth_config"]["scopes"]["bot"])
        settings.subscriptions = set(self.declared["settings"].get("event_subscriptions", {}).get("bot_events") or [])

    @property
    def _features(self) -> Json:
        return dict(self.declared.get("features") or {})
