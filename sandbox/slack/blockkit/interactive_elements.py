"""The interactive elements of blocks: fields with a value, buttons and menus."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sandbox.json_types import Json
from sandbox.slack.blockkit.plain_text import visible_text

VALUE_KEYS = {
    "plain_text_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "rich_text_input": ("rich_text_value", "initial_value"),
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "users_select": ("selected_user", "initial_user"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "channels_select": ("selected_channel", "initial_channel"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_external_select": ("selected_options", "initial_options"),
    "checkboxes": ("selected_options", "initial_options"),
    "multi_users_select": ("selected_users", "initial_users"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "file_input": ("files", "initial_files"),
}
TEXT_INPUTS = frozenset({"plain_text_input", "email_text_input", "url_text_input", "number_input"})
EXTERNAL = frozenset({"external_select", "multi_external_select"})
ElementKey = tuple[str, str]
# The same with the value of an option of its menu.
OptionKey = tuple[str, str, str]
"""The block_id and action_id of an element. Several blocks may use one action_id, so both are needed."""
OPTION_KEYS = frozenset({"selected_option", "selected_options"})


@dataclass(frozen=True)
class Field:
    """One element that holds a value. `label` is the text beside it."""

    block_id: str
    element: Json
    label: str
    in_input: bool
    optional: bool
    dispatches: bool

    @property
    def kind(self) -> str:
        """Return the element's type, such as static_select."""
        return str(self.element["type"])

    @property
    def action_id(self) -> str:
        """Return the element's action_id."""
        return str(self.element["action_id"])

    @property
    def key(self) -> ElementKey:
        """Return the block_id and the action_id."""
        return self.block_id, self.action_id

    @property
    def value_key(self) -> str:
        """Return the name of the value in the state."""
        return VALUE_KEYS[self.kind][0]

    @property
    def is_multi(self) -> bool:
        """Return whether several values can be chosen."""
        return self.kind.startswith("multi_") or self.kind in {"checkboxes", "file_input"}

    @property
    def options(self) -> list[Json]:
        """Return the options that are part of the element. External selects have none."""
        groups = self.element.get("option_groups") or []
        return list(self.element.get("options") or []) + [option for group in groups for option in group["options"]]

    def initial_state(self) -> Json:
        """Return the state before any input, with the initial value or an empty one."""
        key, initial_key = VALUE_KEYS[self.kind]
        return self.state_with(self.element.get(initial_key) or ([] if self.is_multi else None), key)

    def state_with(self, value: object, key: str | None = None) -> Json:
        """Return the state with this value."""
        return {"type": self.kind, key or self.value_key: value}


def nest_values(values: Mapping[ElementKey, Json]) -> Json:
    """Return the state of an interaction: block_id → action_id → the value with its type."""
    nested: Json = {}
    for (block_id, action_id), value in values.items():
        nested.setdefault(block_id, {})[action_id] = value
    return {"values": nested}


def find_fields(blocks: list[Json]) -> list[Field]:
    """Return every element that holds a value, in the order of the blocks."""
    return [field for block in _nested(blocks) for field in _fields_of(block)]


def find_buttons(blocks: list[Json]) -> list[tuple[str, Json]]:
    """Return every button and overflow menu with the id of its block."""
    return [
        (str(block.get("block_id", "")), element)
        for block in _nested(blocks)
        for element in _elements_of(block)
        if element.get("type") in {"button", "overflow", "workflow_button"}
    ]


def button_labels(blocks: list[Json]) -> list[str]:
    """Return the labels of the buttons and of the overflow options."""
    labels: list[str] = []
    for _, element in find_buttons(blocks):
        shown = element.get("options") if element["type"] == "overflow" else [element]
        labels += [str(item["text"]["text"]) for item in shown or []]
    return labels


def _nested(blocks: list[Json]) -> Iterator[Json]:
    """Yield the blocks and those inside containers and carousels."""
    for block in blocks:
        yield block
        yield from _nested(block.get("child_blocks") or [])
        if block["type"] == "carousel":
            yield from block["elements"]


def _fields_of(block: Json) -> Iterator[Field]:
    in_input = block.get("type") == "input"
    for element in _elements_of(block):
        if element.get("type") in VALUE_KEYS:
            yield Field(
                block_id=str(block["block_id"]),
                element=element,
                label=_label(block, element),
                in_input=in_input,
                optional=bool(block.get("optional")) or not in_input,
                # Outside of an input block, every change is sent to the app at once.
                dispatches=bool(block.get("dispatch_action")) if in_input else True,
            )


def _elements_of(block: Json) -> list[Json]:
    # A card has a bare list of buttons.
    several = [*(block.get("elements") or []), *(block.get("actions") or [])]
    parts = [block.get("element"), block.get("accessory"), *several]
    return [part for part in parts if isinstance(part, dict)]


def _label(block: Json, element: Json) -> str:
    # An element of an actions block has no label. Its placeholder is what the user reads.
    for beside in (block.get("label"), block.get("text"), element.get("placeholder")):
        if beside:
            return visible_text([beside])
    return ""
