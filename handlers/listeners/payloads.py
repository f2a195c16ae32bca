"""Readers for Slack's payloads. Raise InvalidInput for a shape that Slack does not send.

A listener reads the actor before it acks: the app acks an error there, while an error right after an ack can lose
the ack.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from bot.errors import InvalidInput
from bot.models import Actor, Destination, Interaction

Payload = Mapping[str, Any]


def read_command_interaction(body: Payload) -> Interaction:
    """Return the user who typed a slash command, and its channel and response_url."""
    actor = Actor(_text(body, "user_id"), _text(body, "team_id"))
    line = " ".join([_text_or_none(body, "command") or "", *str(body.get("text") or "").split()])
    return Interaction(actor, read_destination(body), _text_or_none(body, "response_url"), line)


def read_destination(body: Payload) -> Destination:
    """Return the channel of a slash command. Slash commands cannot be used in threads."""
    return Destination(_text(body, "channel_id"))


def read_trigger(body: Payload) -> str:
    """Return the trigger id, which opens one form within three seconds. It is unique per user action."""
    return _text(body, "trigger_id")


def read_actor(body: Payload) -> Actor:
    """Return the user of a form, a button or a select.

    `team` is null in an org-wide installation, so the user's own team or the enterprise is used instead.
    """
    teams = (_text_or_none(body, *path) for path in (("user", "team_id"), ("team", "id")))
    return Actor(_text(body, "user", "id"), next(filter(None, teams), None) or _text(body, "enterprise", "id"))


def read_thread(body: Payload) -> Destination:
    """Return the thread of the message whose button was pressed."""
    above = _text_or_none(body, "message", "thread_ts") or _text_or_none(body, "container", "thread_ts")
    return Destination(_text(body, "container", "channel_id"), above or _text(body, "container", "message_ts"))


def read_message_interaction(body: Payload) -> Interaction:
    """Return the user who pressed a button below a message, and the place of the message.

    Omits the response_url, because it would not reply in the thread. A message in the channel is answered there:
    Slack shows an ephemeral message in a thread only if the thread has replies.
    """
    thread = read_thread(body)
    is_reply = thread.thread_ts != _text_or_none(body, "container", "message_ts")
    return Interaction(read_actor(body), thread if is_reply else Destination(thread.channel_id))


def read_shortcut_thread(body: Payload) -> Destination:
    """Return the thread of the message on which a shortcut was used. A response_url would not reach it."""
    above = _text_or_none(body, "message", "thread_ts") or _text_or_none(body, "message", "ts")
    return Destination(_text(body, "channel", "id"), above or _text(body, "message_ts"))


def read_ephemeral_interaction(body: Payload) -> Interaction:
    """Return the user who pressed a button below an ephemeral message, and the response_url that replaces it."""
    destination = Destination(_text(body, "container", "channel_id"), _text_or_none(body, "container", "thread_ts"))
    return Interaction(read_actor(body), destination, _text_or_none(body, "response_url"))


def read_button_interaction(body: Payload) -> Interaction:
    """Return the user who pressed a button, in an ephemeral message or in one that everybody sees.

    An answer with `Chat.send_ephemeral(…, replace=True)` replaces the ephemeral message. Below any other message it is
    a new ephemeral message in the thread: there, the response_url would replace what everybody sees.
    """
    if _found(body, "container", "is_ephemeral") is True:
        return read_ephemeral_interaction(body)
    return read_message_interaction(body)


def read_screen_interaction(body: Payload) -> Interaction:
    """Return the user who pressed a button in a message or on Home. Answers to Home go to a direct message."""
    if _is_on_home(body):
        return Interaction(read_actor(body), None)
    return read_button_interaction(body)


def read_form_destination(body: Payload) -> Destination:
    """Return the destination of a form that a button opens: its channel, or from Home a direct message.

    To post to a user's id opens the direct message. No rule that is limited to a channel matches it.
    """
    if _is_on_home(body):
        return Destination(read_actor(body).user_id)
    destination = read_button_interaction(body).destination
    return destination or Destination(read_actor(body).user_id)


def _is_on_home(body: Payload) -> bool:
    return bool(_found(body, "view", "type") == "home")


def read_home_opening(body: Payload) -> tuple[Actor, str | None] | None:
    """Return the user who opened Home, and the hash of what Home showed if anything; None for the other tab."""
    if _found(body, "event", "tab") != "home":
        return None
    return Actor(_text(body, "event", "user"), _text(body, "team_id")), _text_or_none(body, "event", "view", "hash")


def read_view_hash(body: Payload) -> str | None:
    """Return the version of the view in which a button was pressed."""
    return _text_or_none(body, "view", "hash")


def read_view(body: Payload) -> Payload:
    """Return the user's open view, or an empty mapping if there is none."""
    view = body.get("view")
    return view if isinstance(view, Mapping) else {}


def read_view_id(body: Payload) -> str:
    """Return Slack's id of the open view, which remains the same when the view is updated."""
    return _text(body, "view", "id")


def read_form_id(body: Payload) -> str:
    """Return the form id from the view's private_metadata, or an empty string, which matches no form."""
    return _text_or_none(body, "view", "private_metadata") or ""


def read_choice(body: Payload) -> str | None:
    """Return the value of the picked option or of the pressed button, or None if a choice was cleared."""
    action = body["actions"][0]
    picked = action.get("selected_option") or action
    return None if _found(picked, "value") is None else _text(picked, "value")


def read_list(body: Payload) -> str:
    """Return the lines of the value of the pressed button."""
    lines = str(body["actions"][0].get("value") or "").split("\n")
    if not all(line.isprintable() for line in lines):
        raise InvalidInput("I couldn't read that request. Run /dcv-resend again.")
    return "\n".join(lines)


def read_menu(body: Payload) -> tuple[str, str]:
    """Return the entry that was picked in a ⋯ menu, and the value that the menu was built with."""
    entry, _, value = (read_choice(body) or "").partition(":")
    return entry, value


def menu_entry(entry: str) -> Callable[..., Awaitable[bool]]:
    """Return a matcher for Bolt that accepts only this entry of a ⋯ menu."""

    async def matches(body: dict[str, Any]) -> bool:
        try:
            return read_menu(body)[0] == entry
        except InvalidInput:
            # Unprintable, so it is no entry of ours. Another listener answers, or none.
            return False

    return matches


def read_index(body: Payload) -> int:
    """Return a picked value as an index into the form's choices. Raises InvalidInput if it is not a number."""
    try:
        return int(read_choice(body) or "")
    except ValueError:
        raise InvalidInput("Choose one of the listed options.") from None


def _found(part: Any, *path: str) -> Any:
    """Return the value at the end of the path, or None if the path does not exist."""
    for name in path:
        part = part.get(name) if isinstance(part, Mapping) else None
    return part


def _text_or_none(body: Payload, *path: str) -> str | None:
    """Return a non-empty printable string at the path, or None. Slack's ids and URLs and our values are printable."""
    value = _found(body, *path)
    return value if isinstance(value, str) and value and value.isprintable() else None


def _text(body: Payload, *path: str) -> str:
    if (text := _text_or_none(body, *path)) is None:
        raise InvalidInput("I couldn't read that request. Run /dcv-resend again.")
    return text
