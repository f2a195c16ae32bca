"""The errors of Slack's Web API."""

from typing import Any

from sandbox.json_types import Json
from sandbox.slack.blockkit.block_kit_validator import Problem, check_message, check_view
from sandbox.slack.blockkit.limits import BlockKitLimits


class SlackError(Exception):
    """An answer with `ok: false`. `mistake` marks errors that only a programming error of the app can cause."""

    def __init__(self, error: str, *, mistake: bool = False, messages: tuple[str, ...] = (), **extras: Any) -> None:
        super().__init__(error, *messages)
        self.error = error
        self.mistake = mistake
        self.extras: Json = {**extras, "response_metadata": {"messages": list(messages)}} if messages else extras


def invalid_arguments(message: str) -> SlackError:
    """Return the error for arguments that are missing or of the wrong type."""
    return SlackError("invalid_arguments", mistake=True, messages=(f"[ERROR] {message}",))


def require_valid_message(payload: Json, limits: BlockKitLimits, *, update: bool = False) -> None:
    """Raise SlackError if Slack would reject this message."""
    _raise_first(check_message(payload, update=update, limits=limits))


def require_valid_view(view: object, limits: BlockKitLimits) -> Json:
    """Return the view. Raises SlackError if Slack would reject it."""
    if not isinstance(view, dict):
        raise invalid_arguments("missing required field: view")
    _raise_first(check_view(view, limits=limits), root="/view")
    return view


def _raise_first(problems: list[Problem], root: str = "") -> None:
    if problems:
        messages = tuple(f"[ERROR] {problem.message} [json-pointer:{root}{problem.pointer}]" for problem in problems)
        raise SlackError(problems[0].error, mistake=True, messages=messages)
