"""Help: what each command does, limited to what the user may do."""

from bot.policy.rules import AccessContext, Action, Resource
from bot.views.blocks import Message, section
from bot.views.command_buttons import command_buttons

OPEN_FORM = ("Open the form", "/dcv-resend")
_TITLE = "*What you can type*"
# The action that a line needs, what to type, and what it does.
_LINES = (
    (Action.RESEND, "/dcv-resend", "find a pending order or domain. Add an order or a domain to open its form"),
    (Action.RESEND, "/dcv-resend 700001 to admin@example.com because new mailbox", "resend without the form"),
    (Action.RESEND, "/dcv-resend bulk", "resend many at once, from a list or a filter"),
    (Action.RESEND, "/dcv-resend where shop.example.com", "which mailboxes were emailed, and who runs them"),
    (Action.STATUS, "/dcv-status", "pending orders. Add an order or a domain for its state and last resend"),
    (Action.STATUS, "/dcv-status expiring 30d", "validations that end soon"),
    (Action.STATUS, "/dcv-resend history", "past requests, also of an order, a domain or a person"),
    (None, "/dcv-resend why shop.example.com", "your permissions"),
)


def usage(access: AccessContext, channel: str | None) -> Message:
    """Return a line for each command that the user may run in a channel, and the way into the form."""
    may = {action for action in Action if access.permits(action, Resource(channel))}
    lines = [(typed, effect) for action, typed, effect in _LINES if action is None or action in may]
    shown = "\n".join(f"• `{typed}`: {effect}" for typed, effect in lines)
    spoken = "; ".join(f"{typed}: {effect}" for typed, effect in lines)
    buttons = command_buttons(OPEN_FORM) if Action.RESEND in may else ()
    return Message(f"What you can type. {spoken}.", (section(f"{_TITLE}\n{shown}"), *buttons))
