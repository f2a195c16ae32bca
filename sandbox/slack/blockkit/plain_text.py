"""The visible text of blocks and attachments, as plain lines."""

import re
from collections.abc import Iterator
from typing import Any

from sandbox.json_types import Json

NEVER_SHOWN = frozenset({"confirm", "state", "metadata"})
RICH_LINES = frozenset({"rich_text_section", "rich_text_preformatted", "rich_text_quote"})
ATTACHMENT_LINES = ("pretext", "author_name", "title", "text", "footer")

# `<target|label>` and `<target>`: links, mentions and dates.
_LINK = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")
# Bold, italic and strike need a non-space inside and no word character outside, as Slack renders them.
_STYLED = re.compile(r"(?<!\w)([*_~])(?=\S)(.+?)(?<=\S)\1(?!\w)")


def render_mrkdwn(mrkdwn: str) -> str:
    """Return mrkdwn as a user reads it: without markup, links and dates by label, entities decoded."""
    text = _LINK.sub(_link_text, mrkdwn.replace("`", ""))
    text = _STYLED.sub(r"\2", text)
    # `&amp;` comes last, so that `&amp;lt;` reads `&lt;` and not `<`.
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def block_lines(blocks: list[Json]) -> list[str]:
    """Return every text in blocks, in order, with its mrkdwn."""
    return [raw for raw, _ in _lines(blocks)]


def visible_text(blocks: list[Json]) -> str:
    """Return the text that a user reads in blocks, one line for each text object."""
    return "\n".join(shown for _, shown in _lines(blocks))


def attachment_lines(attachments: list[Json]) -> list[str]:
    """Return every text in attachments, with its mrkdwn. The fallback counts only if nothing else is shown."""
    lines: list[str] = []
    for attachment in attachments:
        shown = [str(attachment[name]) for name in ATTACHMENT_LINES if attachment.get(name)]
        for field in attachment.get("fields") or []:
            shown += [str(field.get("title", "")), str(field.get("value", ""))]
        shown += block_lines(attachment.get("blocks") or [])
        lines += shown or [str(attachment.get("fallback", ""))]
    return lines


def _link_text(match: re.Match[str]) -> str:
    target, label = match[1], match[2]
    if target.startswith("@"):
        return match[0]
    if target.startswith("#"):
        return f"#{label or target[1:]}"
    if target.startswith("!"):
        return label or f"@{target[1:]}"
    return label or target


def _lines(node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, list):
        for item in node:
            yield from _lines(item)
    elif isinstance(node, dict):
        # The parts of one rich-text line are read together, with no line break between them.
        if node.get("type") in RICH_LINES:
            yield _joined(node)
            return
        yield from _own_line(node)
        for key, value in node.items():
            if key not in NEVER_SHOWN:
                yield from _lines(value)


def _joined(rich: Json) -> tuple[str, str]:
    parts = list(_lines(rich.get("elements") or []))
    return "".join(raw for raw, _ in parts), "".join(shown for _, shown in parts)


def _own_line(node: Json) -> Iterator[tuple[str, str]]:
    match node:
        case {"type": "mrkdwn" | "markdown", "text": str(text)}:
            yield text, render_mrkdwn(text)
        case {"type": "link", "url": str(url)}:
            label = str(node.get("text") or url)
            yield label, label
        case {"type": "data_table", "caption": str(text)} | {"type": "data_visualization" | "plan", "title": str(text)}:
            yield text, text
        case {"text": str(text)} | {"alt_text": str(text)}:
            yield text, text
        case _:
            yield from _rich_part(node)


def _rich_part(node: Json) -> Iterator[tuple[str, str]]:
    match node:
        case {"type": "emoji", "name": str(name)}:
            yield f":{name}:", f":{name}:"
        case {"type": "user", "user_id": str(user)}:
            yield f"<@{user}>", f"<@{user}>"
        case {"type": "usergroup", "usergroup_id": str(group)}:
            yield f"<!subteam^{group}>", f"@{group}"
        case {"type": "broadcast", "range": str(audience)}:
            yield f"<!{audience}>", f"@{audience}"
        case {"type": "date", "timestamp": int(seconds)}:
            # As with a date in mrkdwn, the fallback is what a user reads here.
            shown = str(node.get("fallback") or seconds)
            yield shown, shown
