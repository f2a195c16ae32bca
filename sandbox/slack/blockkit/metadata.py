"""The payload of a message's metadata."""

# https://docs.slack.dev/messaging/message-metadata

from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.slack.blockkit.schema import Violation, child_pointer

_PLAIN = (str, int, float, bool)


def metadata_payload(value: Any, at: str) -> Iterator[Violation]:
    """Yield a violation for each property that is not plain, a flat object, or a list of these."""
    if not isinstance(value, Mapping):
        yield Violation(at, "This must be an object.")
        return
    for name, content in value.items():
        items = content if isinstance(content, list | tuple) else [content]
        if not all(_is_flat(item) for item in items):
            yield Violation(child_pointer(at, name), "This must be plain, a flat object, or a list of these.")


def _is_flat(item: Any) -> bool:
    if isinstance(item, Mapping):
        return all(isinstance(value, _PLAIN) for value in item.values())
    return isinstance(item, _PLAIN)
