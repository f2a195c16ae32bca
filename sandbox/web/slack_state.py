"""The state of the local Slack for the page, as one user sees it."""

import json
from collections.abc import Iterator, Sequence

from sandbox.json_types import Json
from sandbox.slack import Channel, Message, SimulatedUser, Slack, Usergroup
from sandbox.slack.workspace.message_content import MessageAuthor
from sandbox.slack.workspace.views import View
from sandbox.web.personas import Persona, can_see
from sandbox.web.state_diff import StatePart


def read_slack_state(slack: Slack, persona: Persona, notices: Sequence[Message]) -> Iterator[StatePart]:
    """Yield every part that this user sees. `notices` are Slackbot's messages to the user."""
    yield from (_person(slack, user_id) for user_id in slack.people)
    yield from (_usergroup(group) for group in slack.usergroups.values())
    seen = [channel for channel in slack.channels.values() if can_see(persona, channel)]
    for channel in seen:
        yield _channel(channel)
        yield from (_message(message) for message in channel.messages)
    yield from (_message(message) for message in (*persona.person.ephemerals, *notices) if message.channel in seen)
    # The page shows one modal at a time: the one in front.
    yield from (_view(slack, view) for view in slack.modals.top(persona.person)[-1:])
    yield _home(persona.person)
    connected = slack.sockets > 0
    yield StatePart(
        "app", connected, lambda: {"connected": connected, "user": slack.bot_user_id, "bot": slack.bot.bot_id}
    )


def make_part(name: str, drawn: Json) -> StatePart:
    """Return a part whose version is its JSON, for parts that are cheap to render."""
    return StatePart(name, json.dumps(drawn, default=str), lambda: drawn)


def _person(slack: Slack, user_id: str) -> StatePart:
    person = slack.people[user_id]
    return make_part(f"person/{user_id}", {"id": user_id, "name": person.real_name or person.name, "app": person.bot})


def _usergroup(group: Usergroup) -> StatePart:
    return make_part(f"group/{group.id}", {"id": group.id, "handle": group.handle, "members": list(group.members)})


def _channel(channel: Channel) -> StatePart:
    shown = {
        "id": channel.id,
        "name": channel.name,
        "with_bot": channel.im is not None,
        "private": channel.private,
        "shared": channel.ext_shared,
        "joined": channel.member,
        "archived": channel.archived,
    }
    return make_part(f"channel/{channel.id}", shown)


def _message(message: Message) -> StatePart:
    # A message changes only by an edit, or when it becomes the root of a thread.
    version = (len(message.history), message.thread_ts)
    return StatePart(f"message/{message.channel.id}/{message.ts}", version, lambda: message_json(message))


def message_json(message: Message) -> Json:
    """Return a message as the page draws it."""
    return {
        "channel": message.channel.id,
        "ts": message.ts,
        "thread_ts": message.thread_ts if message.is_reply else None,
        "broadcast": message.broadcast,
        "by": _author(message.by),
        "text": message.text,
        "blocks": message.blocks,
        "attachments": message.attachments,
        "edited": message.edited is not None,
        "only_you": message.seen_only_by is not None,
    }


def _author(author: MessageAuthor) -> Json:
    return {"name": author.name, "user": author.user, "bot": author.bot_id}


def _view(slack: Slack, view: View) -> StatePart:
    depth = len(slack.modals.stack(view))
    return StatePart("view", (view.id, view.hash), lambda: view_json(view, depth))


def _home(person: SimulatedUser) -> StatePart:
    home = person.home_tab
    view = home.view
    shown = (
        None if home.is_placeholder else {"id": home.view_id, "blocks": home.blocks, "values": view["state"]["values"]}
    )
    return StatePart("home", None if home.is_placeholder else view["hash"], lambda: shown)


def view_json(view: View, depth: int = 1) -> Json:
    """Return a modal as the page draws it: the app's content, and the values that the user entered."""
    shown = {name: view.content[name] for name in ("title", "close", "submit", "blocks")}
    return {"id": view.id, "hash": view.hash, "depth": depth, "values": view.state()["values"], **shown}
