"""The few shapes every view is made of; foreign text is escaped here and nowhere else."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from slack_sdk.models.blocks import (
    Block,
    ContextBlock,
    InputBlock,
    MarkdownTextObject,
    Option,
    PlainTextObject,
    SectionBlock,
)
from slack_sdk.models.blocks.basic_components import TextObject

from bot.parsing.domain_names import display_name
from bot.parsing.slack_ids import is_person

OPTION_TEXT = 75
SECTION_TEXT = 3000
# What chat.update takes; a message is edited as it goes.
MESSAGE_TEXT = 4000
_MOST_EMAILS = 3
_ROOM_FOR_AN_EMAIL = 80
# What stands for a character that cannot be seen, and those that Unicode calls printable although they look like none.
_UNSEEN = "\N{REPLACEMENT CHARACTER}"
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_CHANNEL_ID = re.compile(r"[CG][A-Z0-9]+")


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `text` alone tells all that matters, for notifications and screen readers."""

    text: str
    blocks: tuple[Block, ...] = ()

    def payload(self) -> dict[str, Any]:
        """The arguments of a posting call; building them runs the SDK's length checks."""
        return {"text": truncate(self.text, MESSAGE_TEXT), "blocks": [block.to_dict() for block in self.blocks]}


def escape(foreign: str) -> str:
    """Foreign text, fit for mrkdwn: one line that can make no mention, no link and no code, and hides nothing."""
    plain = sanitize(foreign).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return plain.replace("`", "")


def sanitize(foreign: str) -> str:
    """The text in one line, with a mark for each character that nobody sees or that turns the direction of writing.

    With them a name could look like another one.
    """
    if foreign.isascii() and foreign.isprintable():
        return foreign
    return "".join(map(_shown, foreign))


def _shown(char: str) -> str:
    if char.isspace():
        return " "
    return char if char.isprintable() and char not in _BLANK else _UNSEEN


def truncate(marked_up: str, limit: int) -> str:
    """Marked-up text, its end left out where it is longer than `limit`; no mention and no entity is cut in two."""
    if len(marked_up) <= limit:
        return marked_up
    kept = marked_up[: limit - 1]
    for opening, closing in ("<>", "&;"):
        start = kept.rfind(opening)
        if start > kept.rfind(closing):
            kept = kept[:start]
    return f"{kept}…"


def truncate_middle(text: str, limit: int) -> str:
    """The text, its middle left out where it is longer than `limit`."""
    if len(text) <= limit:
        return text
    keep = limit - 1
    return f"{text[: keep - keep // 2]}…{text[len(text) - keep // 2 :]}"


def name(ascii_name: str) -> str:
    """A domain name as people read it, fit for mrkdwn."""
    return escape(display_name(ascii_name))


def names(ascii_names: Sequence[str], room: int = 1200) -> str:
    """Domain names in a sentence, as many as fit into `room` characters."""
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


def emails(addresses: Sequence[str]) -> str:
    """Addresses in a sentence, the first few of them."""
    return join_names([truncate(escape(address), _ROOM_FOR_AN_EMAIL) for address in addresses], _MOST_EMAILS)


def person(user_id: str) -> str:
    """A mention of a colleague by Slack's id; what is no id is told as it is."""
    return f"<@{user_id}>" if is_person(user_id) else escape(user_id)


def channel(channel_id: str) -> str:
    """A link to a channel by Slack's id; what is no id is told as it is."""
    return f"<#{channel_id}>" if _CHANNEL_ID.fullmatch(channel_id) else escape(channel_id)


def date_time(at: datetime) -> str:
    """A moment in each reader's own zone, with UTC for those who see the text alone."""
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} {{time}}|{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC>"


def time_of_day(moment: datetime) -> str:
    """The time of day alone, for what is told as soon as it was seen: the message carries the date."""
    return f"<!date^{int(moment.timestamp())}^{{time}}|{moment:%H:%M} UTC>"


def duration_since(since: datetime, now: datetime) -> str:
    """How long something lasts, in one unit: `20 days`."""
    seconds = max(0, int((now - since).total_seconds()))
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = seconds // length
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "less than a minute"


def mrkdwn(text: str, limit: int = SECTION_TEXT) -> MarkdownTextObject:
    """Marked-up text of ours, cut where Slack would refuse it."""
    return MarkdownTextObject(text=truncate(text, limit), verbatim=True)


def plain(text: str, limit: int = 2000) -> PlainTextObject:
    """Plain text, cut where Slack would refuse it."""
    return PlainTextObject(text=truncate_middle(sanitize(text), limit), emoji=False)


def section(text: str, **extras: Any) -> SectionBlock:
    """A paragraph."""
    return SectionBlock(text=mrkdwn(text), **extras)


def fields(pairs: Sequence[tuple[str, str]]) -> SectionBlock:
    """Up to ten labelled values in two columns."""
    texts: list[str | dict[str, Any] | TextObject] = [
        mrkdwn(f"*{label}*\n{value}", 2000) for label, value in pairs[:10]
    ]
    return SectionBlock(fields=texts)


def context(text: str, limit: int = SECTION_TEXT) -> ContextBlock:
    """A quiet line."""
    return ContextBlock(elements=[mrkdwn(text, limit)])


def option(value: str, text: str, description: str | None = None) -> Option:
    """One choice of a select; `value` is an opaque id of at most 150 characters."""
    return Option(
        value=value,
        text=plain(text, OPTION_TEXT),
        description=plain(description, OPTION_TEXT) if description else None,
    )


def field(label: str, element: Any, *, block_id: str, optional: bool = False, hint: str | None = None) -> InputBlock:
    """One labelled field of a form."""
    return InputBlock(
        label=plain(label), element=element, block_id=block_id, optional=optional, hint=plain(hint) if hint else None
    )


def still_wait(waiting: int, total: int) -> str:
    """How many of the names still wait, as the beginning of a sentence."""
    return f"{waiting} of {total} names still wait" if total > 1 else "The name still waits"
