"""What people write, as Slack keeps it."""

from sandbox.slack import Channel, Message, SimulatedUser, Slack


def escape_text(text: str) -> str:
    """Return what was typed as Slack hands it on."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def post_as(slack: Slack, person: SimulatedUser, channel: Channel, text: str, thread_ts: str | None = None) -> Message:
    """Write a message without waiting for any app; lines and spaces stay as they were typed."""
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    content = slack.build_content(escape_text(text), [{"type": "rich_text", "elements": [section]}])
    return slack.post(channel, person.author, content, thread_ts=thread_ts)
