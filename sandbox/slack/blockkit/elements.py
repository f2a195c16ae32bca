"""The schemas of the elements inside blocks, by the block that may contain them."""

# https://docs.slack.dev/reference/block-kit/block-elements

from sandbox.slack.blockkit.objects import (
    CONFIRM,
    CONVERSATIONS,
    DISPATCH,
    FEEDBACK,
    IDENTIFIER,
    MENU_OPTION,
    MRKDWN_OPTION,
    OPTION_GROUP,
    OVERFLOW_OPTION,
    SLACK_FILE,
    STYLE,
    URL,
    WORKFLOW,
    plain_text,
)
from sandbox.slack.blockkit.rich_text import RICH_TEXT
from sandbox.slack.blockkit.rules import (
    exactly_one_of,
    in_order,
    initial_count_allowed,
    initial_option_exists,
)
from sandbox.slack.blockkit.schema import (
    ObjectSchema,
    Rule,
    TaggedUnion,
    Validator,
    boolean,
    integer,
    list_of,
    pattern,
    string,
)

_DATE = pattern(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", "a date such as 2026-01-31")
_TIME = pattern(r"([01]\d|2[0-3]):[0-5]\d", "a time such as 09:30")
# Slack sends and expects the numbers of a number_input as strings.
_NUMERAL = pattern(r"-?\d+(\.\d+)?", "a number written as a string")
# Ten digits, as documented for Unix timestamps.
_SECONDS = integer(1_000_000_000, 9_999_999_999)
_NAMES = list_of(string())

Fields = dict[str, Validator]

_ACTION: Fields = {"action_id": IDENTIFIER}
_CHOSEN: Fields = {**_ACTION, "confirm": CONFIRM, "focus_on_load": boolean}
_TYPED: Fields = {
    **_ACTION,
    "placeholder": plain_text(150),
    "focus_on_load": boolean,
    "dispatch_action_config": DISPATCH,
}


def _menu(tag: str, *rules: Rule, **optional: Validator) -> ObjectSchema:
    return ObjectSchema(tag, optional={**_CHOSEN, "placeholder": plain_text(150), **optional}, rules=rules)


def _option_group(tag: str, **optional: Validator) -> ObjectSchema:
    required = {"options": list_of(MRKDWN_OPTION, 10)}
    return ObjectSchema(tag, required=required, optional={**_CHOSEN, **optional}, rules=(initial_option_exists,))


def _text_input(tag: str, *rules: Rule, **optional: Validator) -> ObjectSchema:
    return ObjectSchema(tag, optional={**_TYPED, **optional}, rules=rules)


BUTTON = ObjectSchema(
    "button",
    required={"text": plain_text(75)},
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
WORKFLOW_BUTTON = ObjectSchema(
    "workflow_button",
    required={"text": plain_text(75), "workflow": WORKFLOW},
    optional={"action_id": IDENTIFIER, "style": STYLE, "accessibility_label": string(75)},
)
FEEDBACK_BUTTONS = ObjectSchema(
    "feedback_buttons",
    required={"positive_button": FEEDBACK, "negative_button": FEEDBACK},
    optional={"action_id": IDENTIFIER},
)
ICON_BUTTON = ObjectSchema(
    "icon_button",
    required={"icon": string(), "text": plain_text(75)},
    optional={
        "action_id": IDENTIFIER,
        "value": string(2000),
        "confirm": CONFIRM,
        "accessibility_label": string(75),
        "visible_to_user_ids": list_of(string(), 10),
    },
)
IMAGE = ObjectSchema(
    "image",
    required={"alt_text": string(2000)},
    optional={"image_url": URL, "slack_file": SLACK_FILE},
    rules=(exactly_one_of("image_url", "slack_file"),),
)
OVERFLOW = ObjectSchema(
    "overflow",
    required={"options": list_of(OVERFLOW_OPTION, 5)},
    optional={"action_id": IDENTIFIER, "confirm": CONFIRM},
)

_STATIC: Fields = {"options": list_of(MENU_OPTION, 100), "option_groups": list_of(OPTION_GROUP, 100)}
_OFFERED = (exactly_one_of("options", "option_groups"), initial_option_exists)
_SEARCHED: Fields = {"min_query_length": integer(0)}
_CONVERSATION: Fields = {"filter": CONVERSATIONS, "default_to_current_conversation": boolean}
_ANSWERED: Fields = {"response_url_enabled": boolean}


def _multi_select(tag: str, initial: str, kind: Validator, *rules: Rule, **optional: Validator) -> ObjectSchema:
    chosen: Fields = {initial: list_of(kind), "max_selected_items": integer(1)}
    return _menu(tag, *rules, initial_count_allowed(initial), **chosen, **optional)


SELECTS = (
    _menu("static_select", *_OFFERED, initial_option=MENU_OPTION, **_STATIC),
    _menu("external_select", initial_option=MENU_OPTION, **_SEARCHED),
    _menu("users_select", initial_user=string()),
    _menu("conversations_select", initial_conversation=string(), **_CONVERSATION, **_ANSWERED),
    _menu("channels_select", initial_channel=string(), **_ANSWERED),
    _multi_select("multi_static_select", "initial_options", MENU_OPTION, *_OFFERED, **_STATIC),
    _multi_select("multi_external_select", "initial_options", MENU_OPTION, **_SEARCHED),
    _multi_select("multi_users_select", "initial_users", string()),
    _multi_select("multi_conversations_select", "initial_conversations", string(), **_CONVERSATION),
    _multi_select("multi_channels_select", "initial_channels", string()),
)
CHECKBOXES = _option_group("checkboxes", initial_options=list_of(MRKDWN_OPTION))
RADIO_BUTTONS = _option_group("radio_buttons", initial_option=MRKDWN_OPTION)

DATEPICKER = _menu("datepicker", initial_date=_DATE)
TIMEPICKER = _menu("timepicker", initial_time=_TIME, timezone=string())
DATETIMEPICKER = ObjectSchema("datetimepicker", optional={**_CHOSEN, "initial_date_time": _SECONDS})

RICH_TEXT_INPUT = _text_input("rich_text_input", initial_value=RICH_TEXT, min_lines=integer(1), max_lines=integer(1))
TEXT_INPUTS = (
    _text_input(
        "plain_text_input",
        in_order("min_length", "max_length"),
        initial_value=string(3000, least=0),
        multiline=boolean,
        min_length=integer(0, 3000),
        max_length=integer(1, 3000),
    ),
    _text_input("email_text_input", initial_value=string(least=0)),
    _text_input("url_text_input", initial_value=string(least=0)),
)
NUMBER_INPUT = ObjectSchema(
    "number_input",
    required={"is_decimal_allowed": boolean},
    optional={**_TYPED, "initial_value": _NUMERAL, "min_value": _NUMERAL, "max_value": _NUMERAL},
    rules=(in_order("min_value", "max_value"),),
)
FILE_INPUT = ObjectSchema("file_input", optional={**_ACTION, "filetypes": _NAMES, "max_files": integer(1, 10)})

_EVERYWHERE = (*SELECTS, CHECKBOXES, RADIO_BUTTONS, DATEPICKER, TIMEPICKER)

IN_SECTION = TaggedUnion(*_EVERYWHERE, BUTTON, WORKFLOW_BUTTON, OVERFLOW, IMAGE)
IN_ACTIONS = TaggedUnion(*_EVERYWHERE, BUTTON, WORKFLOW_BUTTON, OVERFLOW, DATETIMEPICKER, RICH_TEXT_INPUT)
IN_INPUT = TaggedUnion(*_EVERYWHERE, DATETIMEPICKER, RICH_TEXT_INPUT, *TEXT_INPUTS, NUMBER_INPUT, FILE_INPUT)
IN_CONTEXT_ACTIONS = TaggedUnion(FEEDBACK_BUTTONS, ICON_BUTTON)
