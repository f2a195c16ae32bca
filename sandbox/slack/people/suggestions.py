"""The answer to a search in a select."""

from collections.abc import Callable

from sandbox.json_types import Json
from sandbox.slack.blockkit.limits import STRICTEST
from sandbox.slack.workspace.api_errors import SlackError, require_valid_view
from sandbox.slack.workspace.deliveries import Delivery


class SuggestionsTimeout(Exception):
    """An error for a search that the app did not answer within three seconds."""


def read_offered_options(delivery: Delivery, report_problem: Callable[[str], None]) -> list[Json]:
    """Return the options that came with the ack, as Slack would show them. Raises SuggestionsTimeout without an ack."""
    if not delivery.acked:
        raise SuggestionsTimeout(f"no options for {delivery.sent['value']!r} within three seconds")
    return read_suggestions(delivery.payload, report_problem)


def read_suggestions(answer: Json | None, report_problem: Callable[[str], None]) -> list[Json]:
    """Return the options that Slack would show. An invalid answer is reported as a problem and shows none."""
    answer = answer or {}
    names = [name for name in ("options", "option_groups") if isinstance(answer.get(name), list)]
    if len(names) != 1:
        report_problem("the answer to a search has neither options nor option_groups")
        return []
    try:
        _require_valid_options(names[0], answer[names[0]])
    except SlackError as error:
        report_problem(f"the answer to a search was refused: {error.error} {error.extras}")
        return []
    if names[0] == "options":
        return list(answer["options"])
    return [option for group in answer["option_groups"] for option in group["options"]]


def _require_valid_options(name: str, offered: list[Json]) -> None:
    """Validate options as if they were in a select."""
    # An empty list is invalid in a select, yet a valid answer to a search.
    if not offered:
        return
    words = {"type": "plain_text", "text": "Search"}
    element = {"type": "static_select", "action_id": "search", name: offered}
    block = {"type": "input", "label": words, "element": element}
    require_valid_view({"type": "modal", "title": words, "submit": words, "blocks": [block]}, STRICTEST)
