"""The app's manifest, and the installation that grants what it declares."""

from collections.abc import Collection
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
    def global_shortcuts(self) -> list[Json]:
        """Return the global shortcuts."""
        return [entry for entry in self._features.get("shortcuts") or [] if entry.get("type") == "global"]

    @property
    def is_read_only(self) -> bool:
        """Return whether users cannot send direct messages to the app."""
        return bool(self._home.get("messages_tab_read_only_enabled"))

    @property
    def has_home_tab(self) -> bool:
        """Return whether the app has a Home tab."""
        return bool(self._home.get("home_tab_enabled"))

    def install(self, settings: WorkspaceSettings, *, optional_scopes: Collection[str] = ()) -> None:
        """Grant the required scopes, subscribe to the declared events, and enable the declared tabs and shortcuts.

        The installer declines every optional scope that is not among `optional_scopes`. Raises ValueError if one of
        these is not declared.
        """
        declared = self.declared["oauth_config"]["scopes"]
        if undeclared := set(optional_scopes) - set(declared.get("bot_optional") or []):
            raise ValueError(f"the manifest does not ask for {sorted(undeclared)}")
        settings.granted_scopes = {*declared["bot"], *optional_scopes}
        settings.subscriptions = set(self.declared["settings"].get("event_subscriptions", {}).get("bot_events") or [])
        settings.shortcuts = {entry["callback_id"]: entry["type"] for entry in self._features.get("shortcuts") or []}
        settings.home_tab_enabled = self.has_home_tab
        settings.messages_tab_enabled = bool(self._home.get("messages_tab_enabled"))

    @property
    def _home(self) -> Json:
        return dict(self._features.get("app_home") or {})

    @property
    def _features(self) -> Json:
        return dict(self.declared.get("features") or {})
