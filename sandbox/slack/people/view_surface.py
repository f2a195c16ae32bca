"""A view as the user who sees it reads it, fills it in and presses its buttons."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.json_types import Json
from sandbox.slack.blockkit.interactive_elements import (
    EXTERNAL,
    TEXT_INPUTS,
    ElementKey,
    Field,
    OptionKey,
    button_labels,
)
from sandbox.slack.blockkit.plain_text import block_lines, visible_text
from sandbox.slack.people.app_user import AppUser
from sandbox.slack.people.confirmation import ConfirmationDialog, require_confirmed
from sandbox.slack.people.form_filling import (
    find_field,
    find_option,
    find_select,
    offered_options,
    option_text,
    require_valid_files,
    require_valid_text,
)
from sandbox.slack.people.pickers import require_offered
from sandbox.slack.people.suggestions import read_offered_options
from sandbox.slack.workspace import payloads
from sandbox.slack.workspace.deliveries import Delivery
from sandbox.slack.workspace.views import View

QUERY_LENGTH = 3


@dataclass(eq=False)
class ViewSurface:
    """A user's handle on one view. It always shows the current content, also after updates."""

    person: AppUser
    _view: View
    last_search_seconds: float | None = None
    _found: dict[str, list[Json]] = field(default_factory=dict, repr=False)

    @property
    def view_id(self) -> str:
        """Return the id of the view."""
        return self._view.id

    @property
    def view(self) -> Json:
        """Return the view as apps receive it, with its current state."""
        return payloads.view_json(self.person.slack, self._view, self._view.state())

    @property
    def title(self) -> str:
        """Return the title."""
        raise NotImplementedError

    @property
    def blocks(self) -> list[Json]:
        """Return the blocks as Slack stores them."""
        return self._view.blocks

    @property
    def text(self) -> str:
        """Return the visible text of the blocks, one line for each text object."""
        return visible_text(self.blocks)

    @property
    def labels(self) -> list[str]:
        """Return the labels of the input blocks."""
        return [each.label for each in self._view.fields if each.in_input]

    @property
    def buttons(self) -> list[str]:
        """Return the labels of the buttons and of the overflow options between the blocks."""
        return button_labels(self.blocks)

    def says(self, fragment: str) -> bool:
        """Return whether title or text contain this fragment, as it reads or as it was written."""
        return (
            fragment in self.title
            or fragment in self.text
            or any(fragment in line for line in block_lines(self.blocks))
        )

    def options(self, label: str | ElementKey | None = None, *, action_id: str | None = None) -> list[Json]:
        """Return the options of a select or of boxes: each one's text, value and description, as they read."""
        each = find_select(self._view.fields, label, action_id)
        return [_flatten(option) for option in offered_options(each, self._found)]

    def selected(self, label: str | None = None, *, action_id: str | None = None) -> list[str]:
        """Return the texts of the chosen options, or ids for users and channels."""
        each = find_select(self._view.fields, label, action_id)
        value = self._view.value(each)
        chosen = value if each.is_multi else [value] if value is not None else []
        return [option_text(item) for item in chosen]

    def typed(self, label: str) -> str:
        """Return the current text of a text field."""
        return str(self._view.value(find_field(self._view.fields, label, TEXT_INPUTS)) or "")

    def fill(self, label: str | ElementKey, text: str) -> None:
        """Type into a text field, by its label, action_id or key. Raises ValueError if Slack would reject the text."""
        self._require_shown()
        each = find_field(self._view.fields, label, TEXT_INPUTS)
        require_valid_text(each, text)
        # Slack sends null for an empty field.
        self._view.set_value(each, text or None)

    def attach(self, label: str | ElementKey, *files: tuple[str, bytes]) -> None:
        """Attach files, each a name and its bytes, in place of the earlier ones. Raises ValueError as Slack would."""
        self._require_shown()
        each = find_field(self._view.fields, label, {"file_input"})
        require_valid_files(each, files)
        added = [self.person.slack.files.add(name, self.person.id, content) for name, content in files]
        self._view.set_value(each, [file.as_json() for file in added])

    async def press_enter(self, label: str | ElementKey) -> Delivery | None:
        """Press Enter in a text field. Returns the delivery if the field dispatches actions."""
        self._require_shown()
        each = find_field(self._view.fields, label, TEXT_INPUTS)
        wanted = each.element.get("dispatch_action_config", {}).get("trigger_actions_on", ["on_enter_pressed"])
        # Without a configuration, Slack dispatches on Enter only.
        if not each.dispatches or "on_enter_pressed" not in wanted:
            return None
        return await self._send_value(each)

    async def search(self, text: str, action_id: str | ElementKey | None = None) -> list[Json]:
        """Type into the search of a select, by its action_id or key. Returns each option's text, value and description.

        Raises SuggestionsTimeout after three seconds, and ValueError if Slack would not ask the app for so short a
        text.
        """
        self._require_shown()
        each = find_field(self._view.fields, action_id, EXTERNAL)
        # Below this length, Slack does not ask the app at all.
        if len(text) < (least := each.element.get("min_query_length", QUERY_LENGTH)):
            raise ValueError(f"Slack asks the app only from {least} characters on")
        delivery = await self._request_suggestions(each, text)
        self.last_search_seconds = delivery.after
        self._found[each.action_id] = read_offered_options(delivery, self.person.slack.report_problem)
        return [_flatten(option) for option in self._found[each.action_id]]

    async def choose(
        self,
        wanted: Any,
        *,
        action_id: str | None = None,
        label: str | ElementKey | None = None,
        confirmed: bool = False,
    ) -> Delivery | None:
        """Choose an option, given as a dict or as part of its text. A list sets all of a multi-select, None clears it.

        Returns the delivery if the choice is sent to the app: outside of input blocks, or if the input dispatches
        actions. Raises ConfirmationNeeded if Slack asks first, unless the user has `confirmed`.
        """
        self._require_shown()
        each, chosen = self._find_options(wanted, label, action_id)
        require_offered(self.person.slack, self.person, each, _picked_ids(chosen))
        require_confirmed(each.element, confirmed=confirmed)
        self._view.set_value(each, chosen)
        return await self._send_value(each) if each.dispatches else None

    async def click(
        self,
        label: str | ElementKey | OptionKey | None = None,
        *,
        action_id: str | None = None,
        after: str | None = None,
        confirmed: bool = False,
    ) -> Delivery:
        """Press a button or choose from an overflow menu. With `after`, it is the first one at or below this text.

        Raises ConfirmationNeeded if Slack asks first, unless the user has `confirmed`.
        """
        self._require_shown()
        press = self.person.find_press(self.blocks, label, action_id, after)
        require_confirmed(press.element, confirmed=confirmed)
        return await self._send_action(self.person.compose_press(press))

    def confirmation(
        self, label: str | ElementKey | None = None, *, action_id: str | None = None, after: str | None = None
    ) -> ConfirmationDialog:
        """Return the dialog in which Slack asks before it sends this press. Raises LookupError if there is none."""
        return self.person.find_press(self.blocks, label, action_id, after).dialog

    def _require_shown(self) -> None:
        """Raise LookupError if the user does not see the view."""
        raise NotImplementedError

    async def _request_suggestions(self, each: Field, text: str) -> Delivery:
        place = {"action_id": each.action_id, "block_id": each.block_id, "value": text}
        what = f"search for {text!r}"
        container = payloads.view_container(self._view)
        return await self.person.interact("block_suggestion", what, self._view, container=container, **place)

    def _find_options(self, wanted: Any, label: str | ElementKey | None, action_id: str | None) -> tuple[Field, Any]:
        candidates = [find_select(self._view.fields, label, action_id)] if label or action_id else self._view.fields
        return find_option(candidates, wanted, self._found)

    async def _send_value(self, each: Field) -> Delivery:
        value = {each.value_key: self._view.value(each)}
        return await self._send_action(payloads.action(self.person.slack, each.block_id, each.element, **value))

    async def _send_action(self, action: Json) -> Delivery:
        container = payloads.view_container(self._view)
        what = f"action {action['action_id']} in {self.title!r}"
        return await self.person.interact("block_actions", what, self._view, container=container, actions=[action])


def _flatten(option: Json) -> Json:
    description = option.get("description")
    shown = visible_text([description]) if description else None
    return {"text": option_text(option), "value": option["value"], "description": shown}


def _picked_ids(chosen: Any) -> list[str]:
    return [item for item in (chosen if isinstance(chosen, list) else [chosen]) if isinstance(item, str)]
