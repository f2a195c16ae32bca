"""The answer to a search in a select."""

from collections.abc import Callable

from sandbox.json_types import Json
from sandbox.slack.workspace.api_errors import Refused, require_view
from sandbox.slack.workspace.deliveries import Delivery


class Unanswered(Exception):
    """The app did not answer within three seconds."""


def offered(delivery: Delivery, complain: Callable[[str], None]) -> list[Json]:
    """Return the options that came with the ack, as Slack would show them; Unanswered when none came in time."""
    if not delivery.acked:
        raise Unanswered(f"no options for {delivery.sent['value']!r} within three seconds")
    return read_suggestions(delivery.payload, complain)


def read_suggestions(answer: Json | None, complain: Callable[[str], None]) -> list[Json]:
    """Return the options that Slack would show; a flawed answer is complained about and shows none."""
    answer = answer or {}
    names = [name for name in ("options", "option_groups") if isinstance(answer.get(name), list)]
    if len(names) != 1:
        complain("the answer to a search has neither options nor option_groups")
        return []
    try:
        _require_shape(names[0], answer[names[0]])
    except Refused as refusal:
        complain(f"the answer to a search was refused: {refusal.error} {refusal.extras}")
        return []
    if names[0] == "options":
        return list(answer["options"])
    return [option for group in answer["option_groups"] for option in group["options"]]


def _require_shape(name: str, offered: list[Json]) -> None:
    """Check options as if they stood in a select; only there an empty list would be wrong."""
    if not offered:
        return
    words = {"type": "plain_text", "text": "Search"}
    element = {"type": "static_select", "action_id": "search", name: offered}
    block = {"type": "input", "label": words, "element": element}
    require_view({"type": "modal", "title": words, "submit": words, "blocks": [block]})
