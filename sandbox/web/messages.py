"""Messages as users write them on the page."""

import re

from sandbox.slack import Channel, Message, SimulatedUser, Slack


def escape_text(text: str) -> str:
    """Return typed text as Slack escapes it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def escape_mentions(slack: Slack, text: str) -> str:
    """Return typed text as Slack sends it to a command with `should_escape`: names become ids.

    Source: https://docs.slack.dev/interactivity/implementing-slash-commands, "Escaping mentions in your command".
    """
    mentions = {f"#{channel.name}": f"<#{channel.id}|{channel.name}>" for channel in slack.channels.values()}
    mentions |= {f"@{group.handle}": f"<!subteam^{group.id}|@{group.handle}>" for group in slack.usergroups.values()}
    for user_id, person in slack.people.items():
        mentions |= {f"@{name}": f"<@{user_id}|{person.name}>" for name in (person.name, person.real_name) if name}
    # Of two names that begin alike, the longer one is meant.
    known = "|".join(map(re.escape, sorted(mentions, key=len, reverse=True)))
    parts = re.split(rf"(?<!\S)({known})(?!\w)", text)
    return "".join(mentions[part] if number % 2 else escape_text(part) for number, part in enumerate(parts))


def post_as(slack: Slack, person: SimulatedUser, channel: Channel, text: str, thread_ts: str | None = None) -> Message:
    """Post a message without waiting for the app. Lines and spaces stay as typed."""
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    content = slack.build_content(escape_text(text), [{"type": "rich_text", "elements": [section]}])
    return slack.post(channel, person.author, content, thread_ts=thread_ts)
