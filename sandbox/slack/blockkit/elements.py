"""The elements that stand inside blocks, and which of them may stand in which block."""

# https://docs.slack.dev/reference/block-kit/block-elements

from sandbox.slack.blockkit.objects import (
    CONFIRM,
    CONVERSATIONS,
    DISPATCH,
    FEEDBACK,
    IDENTIFIER,
    MARKED_OPTION,
    MENU_OPTION,
    OPTION_GROUP,
    OVERFLOW_OPTION,
    SLACK_FILE,
    STYLE,
    URL,
    WORKFLOW,
    plain,
)
from sandbox.slack.blockkit.rich_text import RICH_TEXT
from sandbox.slack.blockkit.rules import (
    exactly_one_of,
    in_order,
    initially_among_options,
    initially_at_most,
)
from sandbox.slack.blockkit.schema import Choice, Kind, Rule, Shape, flag, many, matching, string, whole

_DATE = matching(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", "a date such as 2026-01-31")
_TIME = matching(r"([01]\d|2[0-3]):[0-5]\d", "a time such as 09:30")
_NUMERAL = matching(r"-?\d+(\.\d+)?", "a number written as a string")
_SECONDS = whole(1_000_000_000, 9_999_999_999)
_NAMES = many(string())

Fields = dict[str, Kind]

_ACTION: Fields = {"action_id": IDENTIFIER}
_CHOSEN: Fields = {**_ACTION, "confirm": CONFIRM, "focus_on_load": flag}
_TYPED: Fields = {**_ACTION, "placeholder": plain(150), "focus_on_load": flag, "dispatch_action_config": DISPATCH}


def _menu(tag: str, *rules: Rule, **optional: Kind) -> Shape:
    return Shape(tag, optional={**_CHOSEN, "placeholder": plain(150), **optional}, rules=rules)


def _group(tag: str, **optional: Kind) -> Shape:
    required = {"options": many(MARKED_OPTION, 10)}
    return Shape(tag, required=required, optional={**_CHOSEN, **optional}, rules=(initially_among_options,))


def _typed(tag: str, *rules: Rule, **optional: Kind) -> Shape:
    return Shape(tag, optional={**_TYPED, **optional}, rules=rules)


BUTTON = Shape(
    "button",
    required={"text": plain(75)},
    optional={
        "action_id": IDENTIFIER,
        "value": string(2000),
        "url": URL,
        "style": STYLE,
        "confirm": CONFIRM,
        "accessibility_label": string(75),
        "visible_to_user_ids": _NAMES,
        "agent_prompt": string(4000),
        "agent_prompt_display": string(),
    },
)
WORKFLOW_BUTTON = Shape(
    "workflow_button",
    required={"text": plain(75), "workflow": WORKFLOW},
    optional={"action_id": IDENTIFIER, "style": STYLE, "accessibility_label": string(75)},
)
FEEDBACK_BUTTONS = Shape(
    "feedback_buttons",
    required={"positive_button": FEEDBACK, "negative_button": FEEDBACK},
    optional={"action_id": IDENTIFIER},
)
ICON_BUTTON = Shape(
    "icon_button",
    required={"icon": string(), "text": plain(75)},
    optional={
        "action_id": IDENTIFIER,
        "value": string(2000),
        "confirm": CONFIRM,
        "accessibility_label": string(75),
        "visible_to_user_ids": many(string(), 10),
    },
)
IMAGE = Shape(
    "image",
    required={"alt_text": string(2000)},
    optional={"image_url": URL, "slack_file": SLACK_FILE},
    rules=(exactly_one_of("image_url", "slack_file"),),
)
OVERFLOW = Shape(
    "overflow",
    required={"options": many(OVERFLOW_OPTION, 5)},
    optional={"action_id": IDENTIFIER, "confirm": CONFIRM},
)

_STATIC: Fields = {"options": many(MENU_OPTION, 100), "option_groups": many(OPTION_GROUP, 100)}
_OFFERED = (exactly_one_of("options", "option_groups"), initially_among_options)
_SEARCHED: Fields = {"min_query_length": whole(0)}
_CONVERSATION: Fields = {"filter": CONVERSATIONS, "default_to_current_conversation": flag}
_ANSWERED: Fields = {"response_url_enabled": flag}


def _several(tag: str, initial: str, kind: Kind, *rules: Rule, **optional: Kind) -> Shape:
    chosen: Fields = {initial: many(kind), "max_selected_items": whole(1)}
    return _menu(tag, *rules, initially_at_most(initial), **chosen, **optional)


SELECTS = (
    _menu("static_select", *_OFFERED, initial_option=MENU_OPTION, **_STATIC),
    _menu("external_select", initial_option=MENU_OPTION, **_SEARCHED),
    _menu("users_select", initial_user=string()),
    _menu("conversations_select", initial_conversation=string(), **_CONVERSATION, **_ANSWERED),
    _menu("channels_select", initial_channel=string(), **_ANSWERED),
    _several("multi_static_select", "initial_options", MENU_OPTION, *_OFFERED, **_STATIC),
    _several("multi_external_select", "initial_options", MENU_OPTION, **_SEARCHED),
    _several("multi_users_select", "initial_users", string()),
    _several("multi_conversations_select", "initial_conversations", string(), **_CONVERSATION),
    _several("multi_channels_select", "initial_channels", string()),
)
CHECKBOXES = _group("checkboxes", initial_options=many(MARKED_OPTION))
RADIO_BUTTONS = _group("radio_buttons", initial_option=MARKED_OPTION)

DATEPICKER = _menu("datepicker", initial_date=_DATE)
TIMEPICKER = _menu("timepicker", initial_time=_TIME, timezone=string())
DATETIMEPICKER = Shape("datetimepicker", optional={**_CHOSEN, "initial_date_time": _SECONDS})

RICH_TEXT_INPUT = _typed("rich_text_input", initial_value=RICH_TEXT, min_lines=whole(1), max_lines=whole(1))
TEXT_INPUTS = (
    _typed(
        "plain_text_input",
        in_order("min_length", "max_length"),
        initial_value=string(3000, least=0),
        multiline=flag,
        min_length=whole(0, 3000),
        max_length=whole(1, 3000),
    ),
    _typed("email_text_input", initial_value=string(least=0)),
    _typed("url_text_input", initial_value=string(least=0)),
)
NUMBER_INPUT = Shape(
    "number_input",
    required={"is_decimal_allowed": flag},
    optional={**_TYPED, "initial_value": _NUMERAL, "min_value": _NUMERAL, "max_value": _NUMERAL},
    rules=(in_order("min_value", "max_value"),),
)
FILE_INPUT = Shape("file_input", optional={**_ACTION, "filetypes": _NAMES, "max_files": whole(1, 10)})

_EVERYWHERE = (*SELECTS, CHECKBOXES, RADIO_BUTTONS, DATEPICKER, TIMEPICKER)

IN_SECTION = Choice(*_EVERYWHERE, BUTTON, WORKFLOW_BUTTON, OVERFLOW, IMAGE)
IN_ACTIONS = Choice(*_EVERYWHERE, BUTTON, WORKFLOW_BUTTON, OVERFLOW, DATETIMEPICKER, RICH_TEXT_INPUT)
IN_INPUT = Choice(*_EVERYWHERE, DATETIMEPICKER, RICH_TEXT_INPUT, *TEXT_INPUTS, NUMBER_INPUT, FILE_INPUT)
IN_CONTEXT_ACTIONS = Choice(FEEDBACK_BUTTONS, ICON_BUTTON)
