"""A member who uses the app: the interactions that every action in a message or a modal sends."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.json_types import Json
from sandbox.slack.blockkit.interactive_elements import ElementKey, find_buttons
from sandbox.slack.workspace import payloads
from sandbox.slack.workspace.app_workspace import AppWorkspace
from sandbox.slack.workspace.deliveries import Delivery
from sandbox.slack.workspace.models import Member
from sandbox.slack.workspace.views import View


@dataclass(eq=False, kw_only=True)
class AppUser(Member):
    """A member who can send interactions to the app."""

    slack: AppWorkspace = field(repr=False)

    def compose_press(self, blocks: list[Json], label: str | ElementKey | None, action_id: str | None) -> Json:
        """Compose the action of the button with this label, key or action_id, or of the option with this label.

        Raises LookupError, with the buttons that exist, if there is none.
        """
        for block_id, element in find_buttons(blocks):
            if element["type"] == "overflow":
                for option in element["options"]:
                    if label == option["text"]["text"]:
                        return payloads.action(self.slack, block_id, element, selected_option=option)
            elif label in (element["text"]["text"], (block_id, element["action_id"])) or (
                action_id and action_id == element["action_id"]
            ):
                return payloads.action(self.slack, block_id, element)
        there = [element.get("text", {}).get("text", element["action_id"]) for _, element in find_buttons(blocks)]
        raise LookupError(f"there is no button {label or action_id!r} among {there}")

    async def interact(self, kind: str, what: str, view: View | None = None, **parts: Any) -> Delivery:
        """Send an interaction of this kind. With `view`, it comes from within that view."""
        if view is not None:
            # Slack sends no state with these two kinds.
            shown = None if kind in {"block_suggestion", "view_closed"} else view.state()
            parts["view"] = payloads.view_json(self.slack, view, shown)
        return await self.send(payloads.interaction(self.slack, kind, self, **parts), what, view)

    async def send(self, payload: Json, what: str, view: View | None = None) -> Delivery:
        """Send a payload that is already composed, with a trigger id if its kind has one."""
        if payload["type"] not in {"block_suggestion", "view_closed"}:
            payload["trigger_id"] = self.slack.triggers.issue(self, view)
        return await self.slack.deliver("interactive", payload, f"{what} by {self.name}")
