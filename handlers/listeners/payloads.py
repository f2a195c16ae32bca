"""Who did what where, read out of Slack's payloads; Misunderstood for a shape that Slack does not give them.

A listener reads who acts before it acks: an error there is acked by `app`, while one right after an ack can cost it.
"""

from collections.abc import Mapping
from typing import Any

from bot.errors import InvalidInput
from bot.models import Actor, Destination, Interaction

Payload = Mapping[str, Any]


def read_command_interaction(body: Payload) -> Interaction:
    """Who typed a slash command where."""
    actor = Actor(_text(body, "user_id"), _text(body, "team_id"))
    return Interaction(actor, read_destination(body), _text_or_none(body, "response_url"))


def read_destination(body: Payload) -> Destination:
    """Where a slash command was typed; it cannot be typed in a thread."""
    return Destination(_text(body, "channel_id"))


def read_trigger(body: Payload) -> str:
    """The right to open one form, for three seconds; no other act has the same."""
    return _text(body, "trigger_id")


def read_actor(body: Payload) -> Actor:
    """Who used a form, a button or a select; where the whole organisation has the app `team` is null."""
    told = (_text_or_none(body, *path) for path in (("user", "team_id"), ("team", "id")))
    return Actor(_text(body, "user", "id"), next(filter(None, told), None) or _text(body, "enterprise", "id"))


def read_thread(body: Payload) -> Destination:
    """The thread of the message whose button was pressed."""
    above = _text_or_none(body, "message", "thread_ts") or _text_or_none(body, "container", "thread_ts")
    return Destination(_text(body, "container", "channel_id"), above or _text(body, "container", "message_ts"))


def read_message_interaction(body: Payload) -> Interaction:
    """Who pressed a button below a message; whispers go into its thread, where a response_url would not."""
    return Interaction(read_actor(body), read_thread(body))


def read_shortcut_thread(body: Payload) -> Destination:
    """The thread of the message on which a shortcut was used; a response_url would not reach it."""
    above = _text_or_none(body, "message", "thread_ts") or _text_or_none(body, "message", "ts")
    return Destination(_text(body, "channel", "id"), above or _text(body, "message_ts"))


def read_ephemeral_interaction(body: Payload) -> Interaction:
    """Who pressed a button below a whisper, and the address at which Slack takes what replaces it."""
    destination = Destination(_text(body, "container", "channel_id"), _text_or_none(body, "container", "thread_ts"))
    return Interaction(read_actor(body), destination, _text_or_none(body, "response_url"))


def read_view(body: Payload) -> Payload:
    """The form in somebody's hands; empty where there is none."""
    view = body.get("view")
    return view if isinstance(view, Mapping) else {}


def read_view_id(body: Payload) -> str:
    """Slack's id of that form, which stays when it is drawn anew."""
    return _text(body, "view", "id")


def read_form_id(body: Payload) -> str:
    """The opaque id that a form carries; empty, which is no form's, where it carries none."""
    return _text_or_none(body, "view", "private_metadata") or ""


def read_choice(body: Payload) -> str | None:
    """The value that was picked in a select, or of the button that was pressed; None where a choice was cleared."""
    action = body["actions"][0]
    picked = action.get("selected_option") or action
    return None if _found(picked, "value") is None else _text(picked, "value")


def read_index(body: Payload) -> int:
    """A picked value that is an index into what the form offers."""
    try:
        return int(read_choice(body) or "")
    except ValueError:
        raise InvalidInput("That is not one of the choices.") from None


def _found(part: Any, *path: str) -> Any:
    """What stands at the end of the path; None where it leads nowhere."""
    for name in path:
        part = part.get(name) if isinstance(part, Mapping) else None
    return part


def _text_or_none(body: Payload, *path: str) -> str | None:
    """An id or address of Slack's, or a value of ours that it brings back: all of them are printable."""
    value = _found(body, *path)
    return value if isinstance(value, str) and value and value.isprintable() else None


def _text(body: Payload, *path: str) -> str:
    if (text := _text_or_none(body, *path)) is None:
        raise InvalidInput("Slack sent something that the bot cannot read. Begin anew with /dcv-resend.")
    return text
