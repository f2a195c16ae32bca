"""The shared building blocks of all views. Foreign text is escaped here and in no other module."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from slack_sdk.models.blocks import (
    Block,
    CheckboxesElement,
    ConfirmObject,
    ContextBlock,
    InputBlock,
    MarkdownTextObject,
    Option,
    OverflowMenuElement,
    PlainTextObject,
    RadioButtonsElement,
    SectionBlock,
    StaticMultiSelectElement,
    StaticSelectElement,
)
from slack_sdk.models.blocks.basic_components import TextObject

from bot.parsing.domain_names import display_name
from bot.parsing.slack_ids import is_person

OPTION_TEXT = 75
# Above this number of options, a select is easier to read than a list of buttons.
MOST_BUTTON_OPTIONS = 5
SECTION_TEXT = 3000
# The limit of chat.update, which is stricter than that of chat.postMessage. Messages are updated later.
MESSAGE_TEXT = 4000
_INTERNALS = re.compile(r" \((?:HTTP [0-9]+|DIGICERT_[A-Z_]+)\)|; check DIGICERT_[A-Z_]+| Check DIGICERT_[A-Z_]+\.")
_MOST_EMAILS = 3
_ROOM_FOR_AN_EMAIL = 80
# The mark for an invisible character, and the characters that are blank although Unicode calls them printable.
_UNSEEN = "\N{REPLACEMENT CHARACTER}"
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
# C for channels, G for older private channels and group messages.
_CHANNEL_ID = re.compile(r"[CG][A-Z0-9]+")
_GROUP_ID = re.compile(r"S[A-Z0-9]+")


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `text` alone contains everything important, for notifications and screen readers."""

    text: str
    blocks: tuple[Block, ...] = ()

    def payload(self) -> dict[str, Any]:
        """Return the arguments of a posting call. Building them runs the SDK's length checks."""
        return {"text": truncate(self.text, MESSAGE_TEXT), "blocks": [block.to_dict() for block in self.blocks]}


def escape(foreign: str) -> str:
    """Return foreign text for mrkdwn: one line that contains no mention, link or code, and hides no characters."""
    plain = sanitize(foreign).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return plain.replace("`", "")


def sanitize(foreign: str) -> str:
    """Return the text on one line, with a mark for each character that is invisible or changes the writing direction.

    With such characters, one name could look like another.
    """
    if foreign.isascii() and foreign.isprintable():
        return foreign
    return "".join(map(_shown, foreign))


def _shown(char: str) -> str:
    if char.isspace():
        return " "
    return char if char.isprintable() and char not in _BLANK else _UNSEEN


def truncate(marked_up: str, limit: int) -> str:
    """Return marked-up text, cut at the end if it is longer than `limit` characters.

    No mention or entity is cut in two.
    """
    if len(marked_up) <= limit:
        return marked_up
    kept = marked_up[: limit - 1]
    # An opening character after the last closing one is a mention or an entity that the cut would split.
    for opening, closing in ("<>", "&;"):
        start = kept.rfind(opening)
        if start > kept.rfind(closing):
            kept = kept[:start]
    return f"{kept}…"


def truncate_middle(text: str, limit: int) -> str:
    """Return the text, cut in the middle if it is longer than `limit` characters."""
    if len(text) <= limit:
        return text
    room = limit - 1
    return f"{text[: room - room // 2]}…{text[len(text) - room // 2 :]}"


def name(ascii_name: str) -> str:
    """Return a domain name in its display form, escaped for mrkdwn."""
    return escape(display_name(ascii_name))


def names(ascii_names: Sequence[str], room: int = 1200) -> str:
    """Return domain names as a list in a sentence, as many as fit into `room` characters."""
    shown: list[str] = []
    for ascii_name in ascii_names:
        if shown and len(", ".join(shown)) + len(ascii_name) > room:
            break
        shown.append(name(ascii_name))
    return join_names([*shown, *ascii_names[len(shown) :]], len(shown))


def join_names(items: Sequence[str], most: int | None = None, last: str = "and") -> str:
    """Return the first `most` items, or all, as a list in a sentence, and how many more there are."""
    more = len(items) - len(items[:most])
    *first, end = [*items[:most], f"{more} more"] if more else items or [""]
    return f"{', '.join(first)} {last} {end}" if first else end


def without_internals(words: str) -> str:
    """Return an error without status codes and names of settings, which help in the log, not in Slack."""
    return _INTERNALS.sub("", words)


def emails(addresses: Sequence[str]) -> str:
    """Return the first few addresses as a list in a sentence."""
    return join_names([truncate(escape(address), _ROOM_FOR_AN_EMAIL) for address in addresses], _MOST_EMAILS)


def person(user_id: str) -> str:
    """Return a mention of a user by Slack's id. Text that is no id is escaped instead."""
    return f"<@{user_id}>" if is_person(user_id) else escape(user_id)


def channel(channel_id: str) -> str:
    """Return a link to a channel by Slack's id. Text that is no id is escaped instead."""
    return f"<#{channel_id}>" if _CHANNEL_ID.fullmatch(channel_id) else escape(channel_id)


def group(group_id: str) -> str:
    """Return a mention of a user group by Slack's id. Text that is no id is escaped instead."""
    return f"<!subteam^{group_id}>" if _GROUP_ID.fullmatch(group_id) else escape(group_id)


def admins(contact: str | None) -> str:
    """Return how to reach the admins of the bot: a channel, a user group or a user, as DCV_CONTACT names them."""
    if contact is None:
        return "the bot admins"
    return next((show(contact) for show in (channel, group) if show(contact) != contact), person(contact))


def date_time(at: datetime) -> str:
    """Return a date and time in each reader's own time zone, with UTC for clients that show the text alone."""
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} {{time}}|{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC>"


def time_of_day(moment: datetime) -> str:
    """Return the time alone, for messages that are sent right after the event: the message carries the date."""
    return f"<!date^{int(moment.timestamp())}^{{time}}|{moment:%H:%M} UTC>"


def duration_since(since: datetime, now: datetime) -> str:
    """Return the time from `since` to `now` in one unit, for example `20 days`."""
    seconds = max(0, int((now - since).total_seconds()))
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = seconds // length
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "less than a minute"


def mrkdwn(text: str, limit: int = SECTION_TEXT) -> MarkdownTextObject:
    """Return marked-up text, cut at Slack's limit."""
    return MarkdownTextObject(text=truncate(text, limit), verbatim=True)


def plain(text: str, limit: int = 2000) -> PlainTextObject:
    """Return plain text, cut in the middle at Slack's limit."""
    return PlainTextObject(text=truncate_middle(sanitize(text), limit), emoji=False)


def section(text: str, **extras: Any) -> SectionBlock:
    """Return a paragraph."""
    return SectionBlock(text=mrkdwn(text), **extras)


def fields(pairs: Sequence[tuple[str, str]]) -> SectionBlock:
    """Return up to ten labelled values in two columns."""
    texts: list[str | dict[str, Any] | TextObject] = [
        mrkdwn(f"*{label}*\n{value}", 2000) for label, value in pairs[:10]
    ]
    return SectionBlock(fields=texts)


def context(text: str, limit: int = SECTION_TEXT) -> ContextBlock:
    """Return a line in small grey text."""
    return ContextBlock(elements=[mrkdwn(text, limit)])


def option(value: str, text: str, description: str | None = None) -> Option:
    """Return one option of a select. `value` is an opaque id of at most 150 characters."""
    return Option(
        value=value,
        text=plain(text, OPTION_TEXT),
        description=plain(description, OPTION_TEXT) if description else None,
    )


def radio_buttons(
    action_id: str, options: Sequence[Option], initial: Option | None = None, *, has_focus: bool = False
) -> RadioButtonsElement | StaticSelectElement:
    """Return a choice of one option: radio buttons for up to five options, else a select.

    `initial` must equal one of the options. Only one element of a view may have the focus.
    """
    element = RadioButtonsElement if len(options) <= MOST_BUTTON_OPTIONS else StaticSelectElement
    return element(action_id=action_id, options=options, initial_option=initial, focus_on_load=has_focus or None)


def checkboxes(
    action_id: str, options: Sequence[Option], initial: Sequence[Option] = (), *, has_focus: bool = False
) -> CheckboxesElement | StaticMultiSelectElement:
    """Return a choice of several options: checkboxes for up to five options, else a multi-select.

    Each of `initial` must equal one of the options. Only one element of a view may have the focus.
    """
    element = CheckboxesElement if len(options) <= MOST_BUTTON_OPTIONS else StaticMultiSelectElement
    # Slack rejects an empty list of initial options.
    begin = list(initial) or None
    return element(action_id=action_id, options=options, initial_options=begin, focus_on_load=has_focus or None)


def confirmation(
    title: str, text: str, confirm: str, deny: str = "Cancel", *, style: str | None = None
) -> ConfirmObject:
    """Return the dialog that Slack shows before it sends the click on a button. `text` is marked up.

    `style` is None, "primary" or "danger". Slack's limits: title 100 characters, text 300, labels 30.
    """
    return ConfirmObject(
        title=plain(title, 100),
        text=mrkdwn(text, 300),
        confirm=plain(confirm, 30),
        deny=plain(deny, 30),
        style=style,
    )


def menu(action_id: str, value: str, entries: Mapping[str, str]) -> OverflowMenuElement:
    """Return a ⋯ menu of at most five entries, by entry and label. Each option's value is `entry:value`."""
    return OverflowMenuElement(
        action_id=action_id, options=[option(f"{entry}:{value}", label) for entry, label in entries.items()]
    )


def field(
    label: str,
    element: Any,
    *,
    block_id: str,
    optional: bool = False,
    hint: str | None = None,
    dispatches: bool = False,
) -> InputBlock:
    """Return one labelled field of a form. If it `dispatches`, Slack sends each change of it to the bot."""
    return InputBlock(
        label=plain(label),
        element=element,
        block_id=block_id,
        optional=optional,
        hint=plain(hint) if hint else None,
        dispatch_action=dispatches or None,
    )
