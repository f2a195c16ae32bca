"""Modals and home tabs: their content, the values that users entered, and the stacks of modals."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.json_types import Json
from sandbox.slack.blockkit.interactive_elements import ElementKey, Field, find_fields, nest_values
from sandbox.slack.workspace.api_errors import SlackError
from sandbox.slack.workspace.id_generator import IdGenerator
from sandbox.slack.workspace.models import Member
from sandbox.slack.workspace.stored_content import stored_view

STACK_LIMIT = 3


@dataclass(eq=False)
class View:
    """A modal or home tab of one user. `content` comes from the app, `values` is what the user entered.

    A home tab exists before the app `published` it, without blocks.
    """

    id: str
    person: Member
    content: Json
    hash: str
    root_id: str
    previous_id: str | None = None
    is_open: bool = True
    published: bool = True
    values: dict[ElementKey, Json] = field(default_factory=dict)
    touched: set[ElementKey] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Start with the initial values."""
        self.values = {each.key: each.initial_state() for each in self.fields}

    @property
    def blocks(self) -> list[Json]:
        """Return the blocks as Slack stores them."""
        return list(self.content["blocks"])

    @property
    def is_home(self) -> bool:
        """Return whether this is a home tab."""
        return bool(self.content["type"] == "home")

    @property
    def fields(self) -> list[Field]:
        """Return the elements that hold a value."""
        return find_fields(self.content["blocks"])

    def value(self, each: Field) -> Any:
        """Return the current value of this field."""
        return self.values[each.key][each.value_key]

    def set_value(self, each: Field, value: object) -> None:
        """Set the value of this field, as entered by the user."""
        self.values[each.key] = each.state_with(value)
        self.touched.add(each.key)

    def replace_content(self, content: Json, new_hash: str) -> None:
        """Replace the content. An entered value stays if block_id, action_id and type are unchanged."""
        # Only values that the user entered survive an update. Initial values are read again.
        before, touched = self.values, self.touched
        self.content, self.hash = content, new_hash
        self.values, self.touched = {}, set()
        for each in self.fields:
            previous = before.get(each.key)
            if previous is not None and each.key in touched and _still_offered(each, previous):
                self.set_value(each, previous[each.value_key])
            else:
                self.values[each.key] = each.initial_state()

    def state(self) -> Json:
        """Return the state with the value of every field."""
        return nest_values(self.values)


class Modals:
    """All views of a workspace, open and closed."""

    def __init__(self, ids: IdGenerator) -> None:
        self._ids = ids
        self._views: dict[str, View] = {}

    def open(self, person: Member, view: Json) -> View:
        """Show a modal to a user, as the root of a new stack."""
        view_id = self._ids.new_id("V")
        return self._add(View(view_id, person, self._prepare(view), self._ids.new_hash(), root_id=view_id))

    def push(self, below: View, view: Json) -> View:
        """Show a modal on top of another. Raises SlackError if the stack has three already."""
        stack = self.stack(below)
        # Slack allows three modals on top of each other.
        if len(stack) >= STACK_LIMIT:
            raise SlackError("push_limit_reached")
        content = self._prepare(view)
        top = stack[-1] if stack else below
        return self._add(
            View(self._ids.new_id("V"), below.person, content, self._ids.new_hash(), below.root_id, top.id)
        )

    def update(self, view: View, content: Json) -> None:
        """Replace the content of a view. Its id stays, its hash changes."""
        view.replace_content(self._prepare(content, view), self._ids.new_hash())

    def home(self, person: Member) -> View:
        """Return the home tab of a user. It is empty until the app publishes it."""
        for view in self._views.values():
            if view.person is person and view.is_home:
                return view
        home = self.open(person, {"type": "home", "blocks": []})
        home.published = False
        return home

    def publish(self, home: View, content: Json) -> None:
        """Replace what a home tab shows."""
        self.update(home, content)
        home.published = True

    def stack(self, view: View) -> list[View]:
        """Return the open views of this view's stack, the root first."""
        return [each for each in self._views.values() if each.root_id == view.root_id and each.is_open]

    def close(self, view: View) -> None:
        """Close one view, and those on top of it."""
        stack = self.stack(view)
        # Closing a modal closes those on top of it.
        for each in stack[stack.index(view) :] if view in stack else []:
            each.is_open = False

    def clear(self, view: View) -> None:
        """Close the whole stack."""
        for each in self.stack(view):
            each.is_open = False

    def top(self, person: Member) -> list[View]:
        """Return the top of each open stack of a user, newest last."""
        shown = [each for each in self._views.values() if each.person is person and each.is_open and not each.is_home]
        return [each for each in shown if self.stack(each)[-1] is each]

    def find(self, view_id: object = None, external_id: object = None) -> View:
        """Return the open view with this id or external id. Raises SlackError("not_found") if there is none."""
        for view in self._views.values():
            named = view.id == view_id if view_id else external_id and view.content["external_id"] == external_id
            if named and view.is_open:
                return view
        raise SlackError("not_found")

    def _add(self, view: View) -> View:
        self._views[view.id] = view
        return view

    def _prepare(self, view: Json, replacing: View | None = None) -> Json:
        external_id = view.get("external_id")
        for other in self._views.values():
            if external_id and other is not replacing and other.is_open and other.content["external_id"] == external_id:
                # An external id must be unique among open views.
                raise SlackError("duplicate_external_id", mistake=True)
        return stored_view(view, self._ids)


def _still_offered(each: Field, previous: Json) -> bool:
    if previous["type"] != each.kind:
        return False
    chosen = previous[each.value_key]
    if not each.options or chosen is None:
        return True
    # An option that the new content does not offer cannot stay chosen.
    offered = {option["value"] for option in each.options}
    return all(option["value"] in offered for option in (chosen if each.is_multi else [chosen]))
