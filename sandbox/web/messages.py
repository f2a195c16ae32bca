"""Messages as users write them on the page."""

from sandbox.slack import Channel, Message, SimulatedUser, Slack


def escape_text(text: str) -> str:
    """Return typed text as Slack escapes it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def post_as(slack: Slack, person: SimulatedUser, channel: Channel, text: str, thread_ts: str | None = None) -> Message:
    """Post a message without waiting for the app. Lines and spaces stay as typed."""
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    content = slack.build_content(escape_text(text), [{"type": "rich_text", "elements": [section]}])
    return slack.post(channel, person.author, content, thread_ts=thread_ts)
