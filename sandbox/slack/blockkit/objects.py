"""Composition objects: texts, options, confirmations and the other small parts of Block Kit."""

# https://docs.slack.dev/reference/block-kit/composition-objects

from sandbox.slack.blockkit.rules import any_of, exactly_one_of
from sandbox.slack.blockkit.schema import Choice, Kind, Shape, flag, many, matching, string, word

IDENTIFIER = string(255)
STYLE = word("primary", "danger")
URL = matching(r"https?://[^\s/].*", "an address that starts with http:// or https://", 3000)


def plain(most: int) -> Shape:
    """A plain_text object of at most `most` characters."""
    return Shape("plain_text", required={"text": string(most)}, optional={"emoji": flag})


def mrkdwn(most: int) -> Shape:
    """A mrkdwn object of at most `most` characters."""
    return Shape("mrkdwn", required={"text": string(most)}, optional={"verbatim": flag})


def words(most: int = 3000) -> Choice:
    """A plain_text or mrkdwn object of at most `most` characters."""
    return Choice(plain(most), mrkdwn(most))


def option(text: Kind, **optional: Kind) -> Shape:
    """An option whose text and description are of the kind `text`."""
    return Shape(required={"text": text, "value": string(150)}, optional={"description": text, **optional})


MENU_OPTION = option(plain(75))
MARKED_OPTION = option(words(75))
OVERFLOW_OPTION = option(plain(75), url=URL)

OPTION_GROUP = Shape(required={"label": plain(75), "options": many(MENU_OPTION, 100)})

CONFIRM = Shape(
    required={"title": plain(100), "text": words(300), "confirm": plain(30), "deny": plain(30)},
    optional={"style": STYLE},
)

DISPATCH = Shape(required={"trigger_actions_on": many(word("on_enter_pressed", "on_character_entered"))})

CONVERSATIONS = Shape(
    optional={
        "include": many(word("im", "mpim", "private", "public")),
        "exclude_bot_users": flag,
        "exclude_external_shared_channels": flag,
    },
    rules=(any_of("include", "exclude_bot_users", "exclude_external_shared_channels"),),
)

SLACK_FILE = Shape(optional={"id": string(), "url": URL}, rules=(exactly_one_of("id", "url"),))

WORKFLOW = Shape(
    required={
        "trigger": Shape(
            required={"url": URL},
            optional={
                "customizable_input_parameters": many(
                    Shape(required={"name": string(), "value": string(least=0)}), least=0
                )
            },
        )
    }
)

FEEDBACK = Shape(
    required={"text": plain(75), "value": string(2000)},
    optional={"accessibility_label": string(75)},
)
