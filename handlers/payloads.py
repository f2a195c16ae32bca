"""Who did what where, read out of Slack's payloads."""

from collections.abc import Mapping
from typing import Any

from bot.errors import Misunderstood
from bot.models import Actor, Origin, Place

Payload = Mapping[str, Any]


def read_command_origin(body: Payload) -> Origin:
    """Who typed a slash command where."""
    actor = Actor(str(body["user_id"]), str(body["team_id"]))
    return Origin(actor, read_place(body), body.get("response_url"))


def read_place(body: Payload) -> Place:
    """Where a slash command was typed; it cannot be typed in a thread."""
    return Place(str(body["channel_id"]))


def read_actor(body: Payload) -> Actor:
    """Who used a form, a button or a select; on an organisation-wide install `team` is null."""
    user, team = body["user"], body.get("team") or {}
    return Actor(str(user["id"]), str(user.get("team_id") or team["id"]))


def read_thread(body: Payload) -> Place:
    """The thread of the message whose button was pressed."""
    container, message = body["container"], body.get("message") or {}
    ts = message.get("thread_ts") or container.get("thread_ts") or container["message_ts"]
    return Place(str(container["channel_id"]), str(ts))


def read_message_origin(body: Payload) -> Origin:
    """Who pressed a button below a message; whispers go into its thread, where a response_url would not."""
    return Origin(read_actor(body), read_thread(body))


def read_whisper_origin(body: Payload) -> Origin:
    """Who pressed a button below a whisper, and the address at which Slack takes what replaces it."""
    container = body["container"]
    place = Place(str(container["channel_id"]), container.get("thread_ts"))
    return Origin(read_actor(body), place, body.get("response_url"))


def read_form_id(body: Payload) -> str:
    """The opaque id that a form carries."""
    return str(body["view"]["private_metadata"])


def read_choice(body: Payload) -> str | None:
    """The value that was picked in a select, or of the button that was pressed; None where a choice was cleared."""
    action = body["actions"][0]
    picked = action.get("selected_option") or action
    return str(picked["value"]) if picked.get("value") is not None else None


def read_index(body: Payload) -> int:
    """A picked value that is an index into what the form offers."""
    try:
        return int(read_choice(body) or "")
    except ValueError:
        raise Misunderstood("That is not one of the choices.") from None
