"""Where a result goes, in words: before it is sent, and in a channel in which the bot may not post it."""

from bot.models import Destination, ResultRoute
from bot.views.blocks import Message, channel, escape, section

INVITE = "`/invite @DCV Resend`"
DIRECTLY = "I'll message you directly."


def result_goes(destination: Destination, route: ResultRoute) -> str:
    """Return a sentence on where the result will be posted, as marked-up text."""
    match route:
        case ResultRoute.CHANNEL:
            return f"I'll post the result in {_place(destination)}."
        case ResultRoute.NOT_A_MEMBER:
            return f"I'm not in {_channel(destination)}, so {DIRECTLY} To get results here: {INVITE}."
        case ResultRoute.SHARED:
            return f"{_begin(destination)} is shared with another organization, so {DIRECTLY}"
        case ResultRoute.ARCHIVED:
            return f"{_begin(destination)} is archived, so {DIRECTLY}"
        case ResultRoute.UNKNOWN:
            return f"I'll post the result in {_place(destination)} if I can, or message you directly."
        case _:
            return DIRECTLY


def accepted_elsewhere(subject: str, destination: Destination, route: ResultRoute) -> Message:
    """Return the answer in the channel of a request whose result goes to a direct message."""
    words = f"Resending the DCV email for {escape(subject)}. {result_goes(destination, route)}"
    return Message(words, (section(words),))


def _place(destination: Destination) -> str:
    return "the thread of the message" if destination.thread_ts else _channel(destination)


def _channel(destination: Destination) -> str:
    return channel(destination.channel_id) if destination.channel_id.startswith("C") else "this conversation"


def _begin(destination: Destination) -> str:
    return channel(destination.channel_id) if destination.channel_id.startswith("C") else "This conversation"
