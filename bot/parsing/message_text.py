"""Extraction of the texts of a raw Slack message, each with its location. Pure, and no JSON value makes it raise."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot.parsing.targets import INVISIBLE, cut_at_word, spaced

_MOST_CHARACTERS = 100_000
_MOST_NODES = 5000
_DEEPEST = 24
_LONGEST_HEAD = 40

# Other angle brackets are text. No part matches an angle bracket, so that matching takes linear time.
_MARKUP = re.compile(
    r"""
    <
    (   [@\#!][^<>|]*+                        # <@U…>, <#C…>, <!date^…>
      | [a-z][a-z0-9+.-]{0,40}+:[^<>|\s]*+    # an address with a scheme
    )
    (?:\|([^<>]*+))?                         # and its label
    >
    """,
    re.IGNORECASE | re.VERBOSE,
)
_WEB = re.compile(r"(?:[a-z][a-z0-9+.-]{0,40}:)?//", re.IGNORECASE)
_ITALIC = re.compile(r"(?<!\w)_([^_\n]++)_(?!\w)")
_BOLD_HEAD = re.compile(r"\s*+\*([^*\n]++)\*")
# Also two Arabic ligatures, which NFKC expands to whole sentences.
_UNSEEN = str.maketrans("", "", INVISIBLE + "\u00ad\ufdfa\ufdfb")


class SpanKind(StrEnum):
    """The kind of a span: text of the sender, or the address of a link. Footers and title links name the sender."""

    PROSE = "prose"
    CODE = "code"
    LINK = "link"
    TITLE_LINK = "title link"
    FOOTER = "footer"


@dataclass(frozen=True, slots=True)
class TextSpan:
    """One text as people see it, without Slack's markup, or the address of a link.

    `location` completes "found in …". It may repeat words of the sender, so views must escape it.
    """

    text: str
    location: str
    kind: SpanKind


def read_spans(message: Any) -> tuple[TextSpan, ...]:
    """Return the spans of a message as Slack delivers it, in order of appearance. Links follow the text they are in.

    Takes any JSON value, reads at most 100,000 characters of it, and returns no span twice. Sources: Slack's "Block
    Kit", "Formatting message text" and "Secondary message attachments", and what senders post in spite of them.
    """
    walker = _MessageWalker()
    if isinstance(message, dict):
        walker.message(message)
    return tuple(walker.spans)


_PROSE, _CODE, _LINK = SpanKind.PROSE, SpanKind.CODE, SpanKind.LINK
_TITLE_LINK, _FOOTER = SpanKind.TITLE_LINK, SpanKind.FOOTER

# The keys that may have a text, in the order in which Slack shows them, with location and kind. None means that the
# location is that of the parent.
_TEXTS: dict[str, tuple[str | None, SpanKind]] = {
    "pretext": (None, _PROSE),
    "author_name": ("the author", _PROSE),
    "author_link": ("the author's link", _TITLE_LINK),
    "title": ("the title", _PROSE),
    "title_link": ("the title's link", _TITLE_LINK),
    "title_url": ("the title's link", _TITLE_LINK),
    "subtitle": ("the title", _PROSE),
    "label": ("a label", _PROSE),
    "caption": ("a caption", _PROSE),
    "text": (None, _PROSE),
    "description": (None, _PROSE),
    "hint": ("a hint", _PROSE),
    "alt_text": ("the text of an image", _PROSE),
    "url": (None, _LINK),
    "fallback": ("the summary", _PROSE),
    "footer": ("the footer", _FOOTER),
}
_FILE_TEXTS: dict[str, tuple[str | None, SpanKind]] = {
    "title": ("the title of a file", _PROSE),
    "name": ("the name of a file", _PROSE),
    "subject": ("the subject of an email", _PROSE),
    "preview": (None, _CODE),
    "preview_plain_text": (None, _CODE),
    "plain_text": (None, _CODE),
}
_PLACES = {
    "header": "the header",
    "context": "a note",
    "button": "a button",
    "rich_text_list": "a list",
    "rich_text_quote": "a quote",
    "rich_text_preformatted": "a code block",
}
_RICH = {"rich_text_section", "rich_text_list", "rich_text_quote", "rich_text_preformatted"}
_WORDLESS = {"user", "usergroup", "channel", "team", "broadcast", "emoji", "color"}
_OF_MARKUP = {"mrkdwn_in"}


class _MessageWalker:
    """One walk through a message, which ends once a limit is reached."""

    def __init__(self) -> None:
        self.spans: list[TextSpan] = []
        self._seen: set[tuple[str, SpanKind]] = set()
        self._characters = _MOST_CHARACTERS
        self._nodes = _MOST_NODES

    def message(self, message: dict[str, Any]) -> None:
        self._add(message.get("text"), "the text", _PROSE)
        self._walk(message.get("blocks"), "the text", 0)
        self._walk(message.get("attachments"), "the text", 0)
        self._files(message.get("files"), 0)

    def _walk(self, node: Any, where: str, depth: int) -> None:
        """Read a block, an element, an attachment, or a list of them."""
        if not self._enter(depth):
            return
        if isinstance(node, list):
            for item in node:
                self._walk(item, where, depth + 1)
        elif isinstance(node, dict):
            self._object(node, _PLACES.get(_type(node), where), depth)
        else:
            self._add(node, where, _PROSE)

    def _object(self, node: dict[str, Any], where: str, depth: int) -> None:
        if _type(node) in _RICH:
            self._rich(node, where, depth)
        elif isinstance(node.get("rows"), list):
            self._table(node["rows"], depth)
        else:
            self._texts(node, _TEXTS, where, depth)
            self._containers(node, where, depth)

    def _texts(
        self, node: dict[str, Any], texts: dict[str, tuple[str | None, SpanKind]], where: str, depth: int
    ) -> None:
        for key, (destination, kind) in texts.items():
            value = node.get(key)
            if isinstance(value, (dict, list)):
                self._walk(value, destination or where, depth + 1)
            elif value is not None:
                self._add(value, destination or where, kind)

    def _containers(self, node: dict[str, Any], where: str, depth: int) -> None:
        """Read objects and lists under any other key, since Slack adds new kinds of blocks."""
        for key, value in node.items():
            if key == "fields":
                self._fields(value, depth)
            elif key == "files":
                self._files(value, depth)
            elif isinstance(value, (dict, list)) and key not in _TEXTS and key not in _OF_MARKUP:
                self._walk(value, where, depth + 1)

    def _fields(self, fields: Any, depth: int) -> None:
        """Read the fields of an attachment, which have titles, or of a section, whose field before may be the title."""
        before = ""
        for field in _listed(fields):
            if not self._enter(depth):
                return
            if isinstance(field, dict) and ("value" in field or "title" in field):
                self._titled(field, depth)
                continue
            text = _written(field)
            head = _BOLD_HEAD.match(text)
            self._add(_headed(before, text) if _is_number(text) else text, _field(head[1] if head else ""), _PROSE)
            before = "" if _is_number(text) else _head(text)

    def _titled(self, field: dict[str, Any], depth: int) -> None:
        title, value = _written(field.get("title")), field.get("value")
        self._add(_headed(title, _written(value)), _field(title), _PROSE)
        if isinstance(value, list):
            self._walk(value, _field(title), depth + 1)

    def _files(self, files: Any, depth: int) -> None:
        for file in _listed(files):
            if isinstance(file, dict) and self._enter(depth):
                self._texts(file, _FILE_TEXTS, "a file preview", depth)

    def _table(self, rows: list[Any], depth: int) -> None:
        """Read the cells, each after the head of its column, which says what a number is."""
        heads: list[str] = []
        for row in rows:
            links: list[str] = []
            cells = [self._inline(cell, links, depth) for cell in _listed(row)]
            for index, cell in enumerate(cells):
                self._add(_headed(heads[index] if index < len(heads) else "", cell), "a table cell", _PROSE)
            self._append_links(links, "a table cell", _PROSE)
            heads = heads or [_head(cell) for cell in cells]

    def _rich(self, node: dict[str, Any], where: str, depth: int) -> None:
        links: list[str] = []
        text = self._inline(node, links, depth)
        self._add(text, where, _CODE if _type(node) == "rich_text_preformatted" else _PROSE)
        self._append_links(links, where, _PROSE)

    def _inline(self, node: Any, links: list[str], depth: int) -> str:
        """Return rich text as one line, with a line for each item of a list. Appends hidden addresses to `links`."""
        if not self._enter(depth):
            return ""
        if not isinstance(node, dict) or _type(node) in _WORDLESS:
            return _written(node) if isinstance(node, (str, int)) else " "
        if isinstance(node.get("elements"), list):
            between = "\n" if _type(node) in {"rich_text", "rich_text_list"} else ""
            return between.join([self._inline(element, links, depth + 1) for element in node["elements"]])
        text = _written(next((node[key] for key in ("text", "value", "fallback") if key in node), None))
        style = node.get("style")
        if text and isinstance(style, dict) and style.get("code") is True:
            text = f"`{text}`"
        return _linked(_written(node.get("url")), text, links) if "url" in node else text

    def _enter(self, depth: int) -> bool:
        """Count a node. Return False if it is too deep, or if a limit is reached."""
        self._nodes -= 1
        return depth <= _DEEPEST and self._nodes >= 0 and self._characters > 0

    def _add(self, value: Any, where: str, kind: SpanKind) -> None:
        """Append `value` if it is a text or a number, and then the addresses that it links to."""
        text = cut_at_word(_written(value), self._characters)
        self._characters -= len(text)
        if kind in {_LINK, _TITLE_LINK}:
            self._append(_unescaped(text), where, kind)
            return
        links: list[str] = []
        self._append(_legible(_unmarked(text, links), kind), where, kind)
        self._append_links(links, where, kind)

    def _append_links(self, links: Iterable[str], where: str, kind: SpanKind) -> None:
        for link in links:
            self._append(link, where, kind if kind is _FOOTER else _LINK)

    def _append(self, text: str, where: str, kind: SpanKind) -> None:
        if text.strip() and (text, kind) not in self._seen:
            self._seen.add((text, kind))
            self.spans.append(TextSpan(text, where, kind))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _type(node: Any) -> str:
    kind = node.get("type") if isinstance(node, dict) else None
    return kind if isinstance(kind, str) else ""


def _written(value: Any) -> str:
    """Return a text, the digits of a number of at most 18, or the text of a text object; else an empty text."""
    if isinstance(value, dict):
        value = value.get("text")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18:
        return str(value)
    return value if isinstance(value, str) else ""


def _head(text: str) -> str:
    return " ".join(text[:_LONGEST_HEAD].split()).strip("*_`: ")


def _headed(head: str, text: str) -> str:
    return f"{head}: {text}" if head and text else head or text


def _is_number(text: str) -> bool:
    return text.strip("`*_# \n").isdecimal()


def _field(title: str) -> str:
    return f"the field “{_head(title)}”" if _head(title) else "a field"


def _unmarked(text: str, links: list[str]) -> str:
    """Return `text` with Slack's markup replaced by what it shows. Appends addresses behind labels to `links`."""

    def shown(found: re.Match[str]) -> str:
        address, label = found[1], found[2] or ""
        if address[0] in "@#":
            return " "
        return label if address[0] == "!" else _linked(address, label, links)

    return _unescaped(_MARKUP.sub(shown, text))


def _linked(address: str, label: str, links: list[str]) -> str:
    """Return what a link shows. A `mailto:` link becomes a space: neither address nor label names a target."""
    if address.lower().startswith("mailto:"):
        return " "
    if not label or label == address:
        return f" {address} "
    web = _WEB.match(address)
    if web and address[web.end() :].rstrip("/").lower() == label.lower():
        # Slack itself links plain names, as <http://shop.example.com|shop.example.com>, and also files like main.rs.
        return label if web[0].lower() == "http://" else f" {address} "
    if web:
        links.append(_unescaped(address))
    return label


def _unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _legible(text: str, kind: SpanKind) -> str:
    """Return `text` in NFKC, without invisible characters and italics, with spaces between words of every script."""
    if not text.isascii():
        text = spaced(text.translate(_UNSEEN))
    return text if kind is _CODE else _ITALIC.sub(r"\1", text)
