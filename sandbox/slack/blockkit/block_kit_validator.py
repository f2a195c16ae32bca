"""The validation of messages and views by Slack's documented structure and limits."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from sandbox.slack.blockkit import layout_rules
from sandbox.slack.blockkit.limits import STRICTEST, BlockKitLimits, find_excess, find_extra_tables
from sandbox.slack.blockkit.metadata import metadata_payload
from sandbox.slack.blockkit.placed_blocks import iter_blocks
from sandbox.slack.blockkit.schema import ObjectSchema, Validator, Violation, list_of, string
from sandbox.slack.blockkit.views import VIEWS

MAX_POSTED_TEXT = 40_000
MAX_UPDATED_TEXT = 4_000
MAX_MESSAGE_BLOCKS = 50
MAX_ATTACHMENTS = 100
MAX_MARKDOWN = 12_000
MAX_BLOCK_TEXT = 13_200  # not documented: app authors measured 13,297 with markdown blocks alone, less with more blocks
MAX_METADATA_BYTES = 16_000  # Slack names the error but no figure
MAX_VIEW_BYTES = 250_000


@dataclass(frozen=True)
class Problem:
    """One reason for Slack to reject a message or view."""

    error: str
    pointer: str
    message: str


_ATTACHMENT = ObjectSchema(
    optional={
        "blocks": layout_rules.block_list("message", MAX_MESSAGE_BLOCKS),
        "fields": list_of(ObjectSchema(loose=True), least=0),
        **dict.fromkeys(("color", "fallback", "footer", "pretext", "text", "title"), string(least=0)),
    },
    loose=True,
)
_METADATA = ObjectSchema(required={"event_type": string(), "event_payload": metadata_payload})

_PARTS: dict[str, tuple[str, Validator]] = {
    "blocks": ("invalid_blocks", layout_rules.block_list("message", MAX_MESSAGE_BLOCKS)),
    "attachments": ("invalid_attachments", list_of(_ATTACHMENT, MAX_ATTACHMENTS, least=0)),
    "metadata": ("invalid_metadata_format", _METADATA),
}


def check_message(
    payload: Mapping[str, Any], *, update: bool = False, limits: BlockKitLimits = STRICTEST
) -> list[Problem]:
    """Return the problems of the arguments of chat.postMessage or, with `update`, of chat.update.

    Text, blocks, attachments and metadata are checked. The last three may be JSON strings, as some clients send them.
    """
    if not isinstance(payload, Mapping):
        return [Problem("invalid_arguments", "", "A message must be an object.")]
    message = {name: _decode(payload.get(name)) for name in ("blocks", "attachments", "metadata")}
    text = payload.get("text")
    # In an update, an empty object removes the metadata.
    if update and message["metadata"] == {}:
        message["metadata"] = None
    parts = [*_check_text(text, MAX_UPDATED_TEXT if update else MAX_POSTED_TEXT), *_check_parts(message)]
    # Totals over several blocks need valid parts, so they are checked only once there is no other problem.
    return parts or [*_check_not_empty(text, message), *_check_totals(message, limits)]


def check_view(view: Mapping[str, Any], *, limits: BlockKitLimits = STRICTEST) -> list[Problem]:
    """Return the problems of a modal or home view. Pointers start at the view itself."""
    problems = [*_as_problems("invalid_arguments", VIEWS(view, ""))]
    if not problems:
        places = [*iter_blocks(view["blocks"], "/blocks")]
        found = chain(find_excess(places, limits), find_extra_tables(places, limits))
        problems += _as_problems("invalid_arguments", found)
    if _size(view) > MAX_VIEW_BYTES:
        problems.append(Problem("view_too_large", "", f"A view can have {MAX_VIEW_BYTES:,} bytes at most."))
    return problems


def _as_problems(error: str, violations: Iterable[Violation]) -> Iterator[Problem]:
    return (Problem(error, violation.pointer, violation.message) for violation in violations)


def _decode(value: Any) -> Any:
    """Parse a JSON string. A blank string counts as absent, and a string that is not JSON stays a string."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value.strip() else None
    except (ValueError, RecursionError):
        return value


def _size(value: Any) -> int:
    """Return the size of the value as JSON in bytes, or 0 if it cannot be JSON."""
    try:
        encoded = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str, skipkeys=True)
    except (ValueError, RecursionError):
        return 0
    return len(encoded.encode(errors="surrogatepass"))


def _check_text(text: Any, most: int) -> Iterator[Problem]:
    if isinstance(text, str):
        return _as_problems("msg_too_long", string(most, least=0)(text, "/text"))
    return iter(() if text is None else [Problem("invalid_arguments", "/text", "This must be a string.")])


def _check_parts(message: Mapping[str, Any]) -> Iterator[Problem]:
    for name, (error, validator) in _PARTS.items():
        value = message[name]
        if name == "blocks" and not isinstance(value, list | tuple | None):
            yield Problem("invalid_blocks_format", "/blocks", "The blocks must be a list, or one written as JSON.")
        elif value is not None:
            yield from _as_problems(error, validator(value, f"/{name}"))


def _check_not_empty(text: str | None, message: Mapping[str, Any]) -> Iterator[Problem]:
    if not ((text and text.strip()) or message["blocks"] or message["attachments"]):
        yield Problem("no_text", "", "A message needs text, blocks or attachments.")


def _check_totals(message: Mapping[str, Any], limits: BlockKitLimits) -> Iterator[Problem]:
    blocks = message["blocks"] or ()
    own = [*iter_blocks(blocks, "/blocks")]
    characters = layout_rules.count_characters(blocks, cells_count=limits.cells_count)
    if characters > MAX_BLOCK_TEXT or layout_rules.count_markdown(own) > MAX_MARKDOWN:
        yield Problem("msg_blocks_too_long", "/blocks", "The blocks together have too many characters.")
    # A table in an attachment counts towards the one table of the message.
    attached = (
        iter_blocks(attachment.get("blocks", ()), f"/attachments/{index}/blocks")
        for index, attachment in enumerate(message["attachments"] or ())
    )
    everywhere = [*chain(own, *attached)]
    yield from _as_problems("invalid_blocks", find_excess(everywhere, limits))
    yield from _as_problems("invalid_attachments", find_extra_tables(everywhere, limits))
    if _size(message["metadata"]) > MAX_METADATA_BYTES:
        yield Problem("metadata_too_large", "/metadata", f"Metadata can have {MAX_METADATA_BYTES:,} bytes at most.")
