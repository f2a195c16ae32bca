"""The app's manifest: what it declares, and what of it the workspace grants when the app is installed."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from sandbox.json_types import Json
from sandbox.slack.workspace.workspace_settings import WorkspaceSettings


@dataclass(frozen=True)
class Manifest:
    """A manifest as it was read."""

    declared: Json

    @classmethod
    def read(cls, path: Path) -> "Manifest":
        """Read the file."""
        return cls(yaml.safe_load(path.read_text(encoding="utf-8")))

    @property
    def name(self) -> str:
        """The app's name."""
        return str(self.declared["display_information"]["name"])

    @property
    def description(self) -> str:
        """The app in a sentence."""
        return str(self.declared["display_information"].get("description", ""))

    @property
    def commands(self) -> list[Json]:
        """The slash commands, with usage_hint and description."""
        return list(self._features.get("slash_commands") or [])

    @property
    def message_shortcuts(self) -> list[Json]:
        """What the app adds to the menu of messages."""
        return [entry for entry in self._features.get("shortcuts") or [] if entry.get("type") == "message"]

    @property
    def is_read_only(self) -> bool:
        """Whether people cannot write to the app directly."""
        return bool(self._features.get("app_home", {}).get("messages_tab_read_only_enabled"))

    def install(self, settings: WorkspaceSettings) -> None:
        """Grant what is asked for and deliver what is subscribed to; optional scopes are not granted."""
        settings.granted_scopes = set(self.declared["oauth_config"]["scopes"]["bot"])
        settings.subscriptions = set(self.declared["settings"].get("event_subscriptions", {}).get("bot_events") or [])

    @property
    def _features(self) -> Json:
        return dict(self.declared.get("features") or {})
