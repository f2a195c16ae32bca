"""`subteam_members_changed`: who is in a user group counts at once, not a minute later."""

from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.slack.directory import Directory
from bot.wiring import Services
from handlers.listeners.error_boundary import ErrorBoundary


class UserGroups:
    """Listener for changes of user groups."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def forget(self, event: dict[str, Any]) -> None:
        """Read the group anew at the next question."""
        self._directory.group_changed(str(event.get("subteam_id")))


def register(app: AsyncApp, services: Services, _: ErrorBoundary) -> None:
    """Attach this feature's listeners."""
    app.event("subteam_members_changed")(UserGroups(services.directory).forget)
