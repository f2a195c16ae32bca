"""`subteam_members_changed`: changes of a user group take effect at once instead of after the cache's minute."""

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
        """Evict the group from the cache, so that the next permission check reads its members again."""
        self._directory.group_changed(str(event.get("subteam_id")))


def register(app: AsyncApp, services: Services, _: ErrorBoundary) -> None:
    """Attach this feature's listeners."""
    app.event("subteam_members_changed")(UserGroups(services.directory).forget)
