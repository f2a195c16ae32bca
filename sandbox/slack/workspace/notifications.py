"""The users whom a new message notifies by a mention, of them, of their user group, or of the whole channel."""

# https://docs.slack.dev/messaging/formatting-message-text#mentioning-users

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sandbox.slack.workspace.message_content import MessageContent
from sandbox.slack.workspace.models import Channel, Member, Message, Usergroup

EVERYONE = frozenset({"here", "channel", "everyone"})
_CODE = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)
_MENTION = re.compile(r"<(?:@([UW][A-Z0-9]+)|!subteam\^(S[A-Z0-9]+)|!(here|channel|everyone))(?:\|[^<>]*)?>")


def notify_mentioned(message: Message, people: Iterable[Member], groups: Mapping[str, Usergroup]) -> None:
    """Add a new message to the notifications of every mentioned member of its channel.

    An edit sends no notification, so it must not be passed here.
    """
    mentioned = set(_iter_mentioned(message.content))
    users = {user for name in mentioned if name in groups for user in groups[name].members} | mentioned
    for person in people:
        reads = _is_inside(person, message.channel) and person.id != message.by.user
        if reads and (person.id in users or mentioned & EVERYONE or message.channel.im is person):
            person.notifications.append(message)


def _is_inside(person: Member, channel: Channel) -> bool:
    if channel.im is not None:
        return channel.im is person
    return not person.bot and not person.deleted and person.id not in channel.absent


def _iter_mentioned(content: MessageContent) -> Iterator[str]:
    """Yield ids of users and groups, and the names of whole audiences.

    If there are blocks, the text is only shown in notifications, and its mentions have no effect. Nor have those in
    attachments.
    """
    yield from _iter_in_blocks(content.blocks) if content.blocks else _iter_in_mrkdwn(content.text)


def _iter_in_blocks(node: Any) -> Iterator[str]:
    match node:
        case list():
            for item in node:
                yield from _iter_in_blocks(item)
        case {"type": "mrkdwn" | "markdown", "text": str(text)}:
            yield from _iter_in_mrkdwn(text)
        case (
            {"type": "user", "user_id": str(name)}
            | {"type": "usergroup", "usergroup_id": str(name)}
            | {"type": "broadcast", "range": str(name)}
        ):
            yield name
        case dict():
            # A dialog of confirmation is not part of the message.
            yield from _iter_in_blocks([value for key, value in node.items() if key != "confirm"])


def _iter_in_mrkdwn(text: str) -> Iterator[str]:
    for match in _MENTION.finditer(_CODE.sub("", text)):
        yield from filter(None, match.groups())
