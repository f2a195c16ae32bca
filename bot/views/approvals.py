"""*Ask someone to approve*: the form that chooses whom, the question with its two buttons, and the answers to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ConversationFilter,
    ConversationSelectElement,
    StaticSelectElement,
    UserSelectElement,
)
from slack_sdk.models.views import View

from bot.errors import InvalidInput
from bot.models import ApprovalAsk, Mailbox
from bot.parsing.slack_ids import is_person
from bot.views.blocks import (
    Message,
    channel,
    context,
    date_time,
    emails,
    escape,
    field,
    join_names,
    name,
    option,
    person,
    plain,
    section,
)
from bot.views.resend_form import ModalView

CALLBACK = "ask_to_approve"
MAILBOX = "mailbox"
PERSON = "person"
CHANNEL = "channel"
APPROVED = "approval_done"
MISSING = "approval_missing"
SENDER = "no-reply@digitalcertvalidation.com"
MOST_ASKS = 5
_MOST_MAILBOXES = 100
_MOST_NAMES = 5


@dataclass(frozen=True, slots=True)
class ApprovalInput:
    """A submitted form: the request, the number of the mailbox, and the id of the user or channel to ask."""

    request_id: str
    mailbox: int
    asked: str


def loading(request_id: str) -> ModalView:
    """Return the first view, which is opened before anything is read."""
    return _modal(request_id, [section("⏳ Loading…")], submit=None)


def form(request_id: str, mailboxes: Sequence[Mailbox], approvers: Mapping[str, str]) -> ModalView:
    """Return the form. `approvers` has the ids of the users who answered last, by mailbox."""
    first = next((number for number, each in enumerate(mailboxes) if each.email in approvers), 0)
    blocks: list[Block] = []
    if len(mailboxes) == 1:
        blocks.append(section(f"I'll ask them to approve the email to *{emails([mailboxes[0].email])}*."))
    else:
        options = [option(str(number), each.email) for number, each in enumerate(mailboxes[:_MOST_MAILBOXES])]
        select = StaticSelectElement(action_id=MAILBOX, options=options, initial_option=options[first])
        blocks.append(field("Email sent to", select, block_id=MAILBOX))
    known = approvers.get(mailboxes[first].email)
    hint = "They approved an email to this address before." if known else None
    user = UserSelectElement(action_id=PERSON, initial_user=known, focus_on_load=True)
    blocks.append(field("Person", user, block_id=PERSON, optional=True, hint=hint))
    which = ConversationFilter(
        include=["public", "private"], exclude_external_shared_channels=True, exclude_bot_users=True
    )
    place = ConversationSelectElement(action_id=CHANNEL, filter=which)
    blocks.append(field("Or a channel that I'm in", place, block_id=CHANNEL, optional=True))
    return _modal(request_id, blocks, submit="Ask")


def denied(request_id: str, sentence: str) -> ModalView:
    """Return the view that says why no question can be asked."""
    return _modal(request_id, [section(escape(sentence))], submit=None)


def read_form(view: Mapping[str, Any]) -> ApprovalInput:
    """Return what was submitted. Raises InvalidInput with the field to correct, also if Slack's data is malformed."""
    try:
        values = view["state"]["values"]
        user = values[PERSON][PERSON].get("selected_user") or ""
        place = values[CHANNEL][CHANNEL].get("selected_conversation") or ""
        picked = values[MAILBOX][MAILBOX]["selected_option"]["value"] if MAILBOX in values else "0"
        filled = ApprovalInput(_opaque(view["private_metadata"]), int(picked), _opaque(user) or _opaque(place))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInput("I can't read this form. Open it again.") from error
    if not filled.asked:
        raise InvalidInput("Choose a person or a channel.", {PERSON: "Choose a person or a channel."})
    if user and place:
        raise InvalidInput("Choose a person or a channel.", {CHANNEL: "Choose a person or a channel, not both."})
    return filled


def question(ask: ApprovalAsk, mailbox: Mailbox) -> Message:
    """Return the question to a person or a channel, with its two buttons."""
    sent = "sent an email" if mailbox.certain else "may have sent an email"
    words = (
        f"DigiCert {sent} to *{emails([mailbox.email])}* ({date_time(mailbox.sent_at)}), from {SENDER}. "
        f"Please open it and approve it. {validates(mailbox)}"
    )
    by = f"Asked by {person(ask.actor.user_id)}"
    buttons = ActionsBlock(
        elements=[
            ButtonElement(text=plain("I approved it"), action_id=APPROVED, value=ask.id, style="primary"),
            ButtonElement(text=plain("I can't find it"), action_id=MISSING, value=ask.id),
        ]
    )
    return Message(f"{words} {by}".replace("*", ""), (section(words), context(by), buttons))


def validates(mailbox: Mailbox) -> str:
    """Return what approving the email validates, as a sentence."""
    parts = [_listed(mailbox.names)] if mailbox.names else []
    if mailbox.below:
        parts.append(f"{_listed(mailbox.below)} and everything below {'it' if len(mailbox.below) == 1 else 'them'}")
    if mailbox.parents:
        parts.append(f"possibly all of {_listed(mailbox.parents)}")
    return f"Approving validates {', '.join(parts)}."


def thanks() -> Message:
    """Return the answer to *I approved it*, which says nothing else."""
    return _ephemeral("Thanks, checking")


def asked_lately() -> Message:
    """Return the answer to *I approved it* within a minute after another one."""
    return _ephemeral("I'm already checking. Try again in a minute.")


def what_to_try(mailbox_email: str) -> Message:
    """Return the answer to *I can't find it*."""
    return _ephemeral(
        f"Try this: search all folders for {SENDER}, and look in spam and quarantine. If {emails([mailbox_email])} is "
        "a shared mailbox or a list, ask the people who read it. I've added a note to the request's thread."
    )


def cannot_find(ask: ApprovalAsk, user_id: str) -> Message:
    """Return the line in the thread of the request. It mentions the user who asked, who can act."""
    words = (
        f"{person(ask.actor.user_id)}: {person(user_id)} can't find the email to {emails([ask.email])}. "
        "You can resend it to another address, or ask someone else."
    )
    return Message(words, (section(words),))


def posted(ask: ApprovalAsk) -> Message:
    """Return the notice to the user who asks that the question is posted."""
    return _ephemeral(f"I asked {_whom(ask)} to approve the email to {emails([ask.email])}.")


def not_posted(ask: ApprovalAsk) -> Message:
    """Return the notice to the user who asks that Slack did not accept the question."""
    return _ephemeral(f"I couldn't post in {_whom(ask)}, so I asked no one. Choose someone else.")


def _whom(ask: ApprovalAsk) -> str:
    return person(ask.asked) if is_person(ask.asked) else channel(ask.asked)


def _listed(ascii_names: Sequence[str]) -> str:
    return join_names([name(each) for each in ascii_names], _MOST_NAMES)


def _ephemeral(words: str) -> Message:
    return Message(words, (section(words),))


def _opaque(value: Any) -> str:
    if not isinstance(value, str) or (value and not value.isprintable()):
        raise TypeError
    return value


def _modal(request_id: str, blocks: Sequence[Block], *, submit: str | None) -> ModalView:
    view = View(
        type="modal",
        callback_id=CALLBACK,
        private_metadata=request_id,
        title=plain("Ask someone to approve", 24),
        submit=plain(submit) if submit else None,
        close=plain("Cancel" if submit else "Close"),
        blocks=blocks,
    )
    return cast(ModalView, view.to_dict())
