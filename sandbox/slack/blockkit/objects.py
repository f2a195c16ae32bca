"""The schemas of composition objects: texts, options, confirmations and other small parts of Block Kit."""

# https://docs.slack.dev/reference/block-kit/composition-objects

from sandbox.slack.blockkit.rules import any_of, exactly_one_of
from sandbox.slack.blockkit.schema import (
    ObjectSchema,
    TaggedUnion,
    Validator,
    boolean,
    list_of,
    one_of,
    pattern,
    string,
)

IDENTIFIER = string(255)
STYLE = one_of("primary", "danger")
URL = pattern(r"https?://[^\s/].*", "an address that starts with http:// or https://", 3000)


def plain_text(most: int) -> ObjectSchema:
    """Return the schema of a plain_text object of at most `most` characters."""
    return ObjectSchema("plain_text", required={"text": string(most)}, optional={"emoji": boolean})


def mrkdwn(most: int) -> ObjectSchema:
    """Return the schema of a mrkdwn object of at most `most` characters."""
    return ObjectSchema("mrkdwn", required={"text": string(most)}, optional={"verbatim": boolean})


def text_object(most: int = 3000) -> TaggedUnion:
    """Return the schema of a plain_text or mrkdwn object of at most `most` characters."""
    return TaggedUnion(plain_text(most), mrkdwn(most))


def option(text: Validator, **optional: Validator) -> ObjectSchema:
    """Return the schema of an option with this validator for its text and description."""
    return ObjectSchema(required={"text": text, "value": string(150)}, optional={"description": text, **optional})


MENU_OPTION = option(plain_text(75))
MRKDWN_OPTION = option(text_object(75))
OVERFLOW_OPTION = option(plain_text(75), url=URL)

OPTION_GROUP = ObjectSchema(required={"label": plain_text(75), "options": list_of(MENU_OPTION, 100)})

CONFIRM = ObjectSchema(
    required={"title": plain_text(100), "text": text_object(300), "confirm": plain_text(30), "deny": plain_text(30)},
    optional={"style": STYLE},
)

DISPATCH = ObjectSchema(required={"trigger_actions_on": list_of(one_of("on_enter_pressed", "on_character_entered"))})

CONVERSATIONS = ObjectSchema(
    optional={
        "include": list_of(one_of("im", "mpim", "private", "public")),
        "exclude_bot_users": boolean,
        "exclude_external_shared_channels": boolean,
    },
    rules=(any_of("include", "exclude_bot_users", "exclude_external_shared_channels"),),
)

SLACK_FILE = ObjectSchema(optional={"id": string(), "url": URL}, rules=(exactly_one_of("id", "url"),))

WORKFLOW = ObjectSchema(
    required={
        "trigger": ObjectSchema(
            required={"url": URL},
            optional={
                "customizable_input_parameters": list_of(
                    ObjectSchema(required={"name": string(), "value": string(least=0)}), least=0
                )
            },
        )
    }
)

FEEDBACK = ObjectSchema(
    required={"text": plain_text(75), "value": string(2000)},
    optional={"accessibility_label": string(75)},
)
