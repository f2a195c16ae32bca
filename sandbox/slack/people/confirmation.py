"""The dialogs in which Slack asks a user to confirm an action."""

from dataclasses import dataclass

from sandbox.json_types import Json
from sandbox.slack.blockkit.plain_text import visible_text


@dataclass(frozen=True)
class ConfirmationDialog:
    """A dialog as the user reads it. `confirm` and `deny` are the labels of its buttons."""

    title: str
    text: str
    confirm: str
    deny: str
    style: str | None = None


class ConfirmationNeeded(Exception):
    """An error for an action that Slack does not send before the user agrees in `dialog`."""

    def __init__(self, dialog: ConfirmationDialog) -> None:
        self.dialog = dialog
        super().__init__(f"Slack asks first: {dialog.title!r} {dialog.text!r} [{dialog.confirm}] [{dialog.deny}]")


def read_confirmation(element: Json) -> ConfirmationDialog | None:
    """Return the dialog of an element, or None if it has none. The dialog of a menu belongs to all its options."""
    confirm = element.get("confirm")
    if confirm is None:
        return None
    title, text, agree, deny = (visible_text([confirm[name]]) for name in ("title", "text", "confirm", "deny"))
    return ConfirmationDialog(title, text, agree, deny, confirm.get("style"))


def require_confirmed(element: Json, *, confirmed: bool) -> None:
    """Raise ConfirmationNeeded if the element has a dialog and the user has not agreed in it."""
    dialog = read_confirmation(element)
    if dialog is not None and not confirmed:
        raise ConfirmationNeeded(dialog)
