"""Tells whether Slack would take a message or a view, by its documented structure and limits."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from sandbox.slack.blockkit import layout_rules
from sandbox.slack.blockkit.schema import Flaw, Kind, Shape, many, string
from sandbox.slack.blockkit.views import VIEWS

POSTED_TEXT = 40_000
UPDATED_TEXT = 4_000
BLOCKS_IN_A_MESSAGE = 50
ATTACHMENTS = 100
MARKDOWN = 12_000
ALL_BLOCKS = 13_200  # not documented: app authors measured 13,297 with markdown blocks alone, less with more blocks
METADATA_BYTES = 16_000  # Slack names the error but no figure
VIEW_BYTES = 250_000


@dataclass(frozen=True)
class Problem:
    """One reason for Slack to refuse a message or view."""

    error: str
    pointer: str
    message: str


_ATTACHMENT = Shape(
    optional={
        "blocks": layout_rules.stack("message", BLOCKS_IN_A_MESSAGE),
        "fields": many(Shape(loose=True), least=0),
        **dict.fromkeys(("color", "fallback", "footer", "pretext", "text", "title"), string(least=0)),
    },
    loose=True,
)
_METADATA = Shape(required={"event_type": string(), "event_payload": Shape(loose=True)})

_PARTS: dict[str, tuple[str, Kind]] = {
    "blocks": ("invalid_blocks", layout_rules.stack("message", BLOCKS_IN_A_MESSAGE)),
    "attachments": ("invalid_attachments", many(_ATTACHMENT, ATTACHMENTS, least=0)),
    "metadata": ("invalid_metadata_format", _METADATA),
}


def check_message(payload: Mapping[str, Any], *, update: bool = False) -> list[Problem]:
    """Return what is wrong with the arguments of chat.postMessage (or, with `update`, of chat.update).

    Looks at text, blocks, attachments and metadata; the last three may be JSON strings, as the wire may carry them.
    Totals over several blocks are asked only once each part holds by itself.
    """
    if not isinstance(payload, Mapping):
        return [Problem("invalid_arguments", "", "A message must be an object.")]
    message = {name: _decoded(payload.get(name)) for name in ("blocks", "attachments", "metadata")}
    text = payload.get("text")
    parts = [*_text(text, UPDATED_TEXT if update else POSTED_TEXT), *_parts(message)]
    return parts or [*_nothing_to_say(text, message), *_totals(message)]


def check_view(view: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with a modal or home view; pointers start at the view itself."""
    problems = [*_named("invalid_arguments", VIEWS(view, ""))]
    if _size(view) > VIEW_BYTES:
        problems.append(Problem("view_too_large", "", f"A view can have {VIEW_BYTES:,} bytes at most."))
    return problems


def _named(error: str, flaws: Iterable[Flaw]) -> Iterator[Problem]:
    return (Problem(error, flaw.pointer, flaw.message) for flaw in flaws)


def _decoded(value: Any) -> Any:
    """Read JSON out of a string; blank counts as absent, and what cannot be read stays a string."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value.strip() else None
    except (ValueError, RecursionError):
        return value


def _size(value: Any) -> int:
    """Count the bytes of the value as JSON; what no JSON can hold has no size."""
    try:
        encoded = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str, skipkeys=True)
    except (ValueError, RecursionError):
        return 0
    return len(encoded.encode(errors="surrogatepass"))


def _text(text: Any, most: int) -> Iterator[Problem]:
    if isinstance(text, str):
        return _named("msg_too_long", string(most, least=0)(text, "/text"))
    return iter(() if text is None else [Problem("invalid_arguments", "/text", "This must be a string.")])


def _parts(message: Mapping[str, Any]) -> Iterator[Problem]:
    for name, (error, kind) in _PARTS.items():
        value = message[name]
        if name == "blocks" and not isinstance(value, list | tuple | None):
            yield Problem("invalid_blocks_format", "/blocks", "The blocks must be a list, or one written as JSON.")
        elif value is not None:
            yield from _named(error, kind(value, f"/{name}"))


def _nothing_to_say(text: str | None, message: Mapping[str, Any]) -> Iterator[Problem]:
    if not ((text and text.strip()) or message["blocks"] or message["attachments"]):
        yield Problem("no_text", "", "A message needs text, blocks or attachments.")


def _totals(message: Mapping[str, Any]) -> Iterator[Problem]:
    blocks = message["blocks"] or ()
    own = [*layout_rules.placed(blocks, "/blocks")]
    if layout_rules.length(blocks) > ALL_BLOCKS or layout_rules.markdown_length(own) > MARKDOWN:
        yield Problem("msg_blocks_too_long", "/blocks", "The blocks together have too many characters.")
    attached = (
        layout_rules.placed(attachment.get("blocks", ()), f"/attachments/{index}/blocks")
        for index, attachment in enumerate(message["attachments"] or ())
    )
    yield from _named("invalid_attachments", layout_rules.second_tables(chain(own, *attached)))
    if _size(message["metadata"]) > METADATA_BYTES:
        yield Problem("metadata_too_large", "/metadata", f"Metadata can have {METADATA_BYTES:,} bytes at most.")
