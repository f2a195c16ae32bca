"""A member who uses the app: the interactions that every action in a message or a modal sends."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.json_types import Json
from sandbox.slack.blockkit.interactive_elements import ElementKey, OptionKey, button_labels, find_buttons
from sandbox.slack.blockkit.plain_text import visible_text
from sandbox.slack.people.confirmation import ConfirmationDialog, read_confirmation
from sandbox.slack.workspace import payloads
from sandbox.slack.workspace.app_workspace import AppWorkspace
from sandbox.slack.workspace.deliveries import Delivery
from sandbox.slack.workspace.models import Member
from sandbox.slack.workspace.views import View


@dataclass(frozen=True)
class Press:
    """A button, or a menu and one of its options."""

    block_id: str
    element: Json
    option: Json | None = None

    @property
    def dialog(self) -> ConfirmationDialog:
        """Return the dialog in which Slack asks first. Raises LookupError if there is none."""
        if (dialog := read_confirmation(self.element)) is None:
            raise LookupError(f"{self.element['action_id']} does not ask for confirmation")
        return dialog


@dataclass(eq=False, kw_only=True)
class AppUser(Member):
    """A member who can send interactions to the app."""

    slack: AppWorkspace = field(repr=False)

    def find_press(
        self,
        blocks: list[Json],
        label: str | ElementKey | OptionKey | None,
        action_id: str | None,
        after: str | None = None,
    ) -> Press:
        """Return the press of a button with this label, key or action_id, or of a menu option with this label or key.

        With `after`, only the first block with this text and those below it count. Raises LookupError, with the buttons
        that exist, if there is no such button.
        """
        blocks = _blocks_from(blocks, after)
        for block_id, element in find_buttons(blocks):
            if element["type"] == "overflow":
                for option in element["options"]:
                    # An edit while the menu is open gives the block a new id, and the choice still counts.
                    is_key = isinstance(label, tuple) and label[1:] == (element["action_id"], option["value"])
                    if is_key or label == option["text"]["text"]:
                        return Press(block_id, element, option)
            elif label in (element["text"]["text"], (block_id, element["action_id"])) or (
                action_id and action_id == element["action_id"]
            ):
                return Press(block_id, element)
        raise LookupError(f"there is no button {label or action_id!r} among {button_labels(blocks)}")

    def compose_press(self, press: Press) -> Json:
        """Compose the action of a press."""
        chosen = {} if press.option is None else {"selected_option": press.option}
        return payloads.action(self.slack, press.block_id, press.element, **chosen)

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


def _blocks_from(blocks: list[Json], text: str | None) -> list[Json]:
    if text is None:
        return blocks
    for index, block in enumerate(blocks):
        if text in visible_text([block]):
            return blocks[index:]
    raise LookupError(f"no block says {text!r}")
