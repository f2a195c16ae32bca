"""The messages of one request: the root that is edited as it goes, and the detail in its thread."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement

from bot.languages import language
from bot.models import OUTCOMES, Call, CallResult, DomainTarget, LedgerEvent, NameState, OrderTarget, ResendRequest
from bot.views.blocks import (
    SECTION_TEXT,
    Message,
    context,
    date_time,
    escape,
    fields,
    names,
    person,
    plain,
    section,
    still_wait,
    truncate,
)

Endings = Mapping[int, CallResult]

CHECK_NOW = "check_now"
SEND_AGAIN = "send_again"
STOP_FOLLOWING = "stop_following"
OPEN = frozenset({LedgerEvent.SENT, LedgerEvent.UNKNOWN})
MOST_STATES = 25

# Slack takes about 13,200 characters in all blocks of a message, and 4,000 in its text: every call gets its share.
_ROOM_IN_BLOCKS = 9600
_ROOM_IN_TEXT = 2400
_ROOM_FOR_NAMES = 600
_MOST_RECIPIENTS = 12

_WORD = {
    LedgerEvent.SENT: "Sent",
    LedgerEvent.REFUSED: "Refused",
    LedgerEvent.NOT_SENT: "Not sent",
    LedgerEvent.UNKNOWN: "Unknown",
}
_EMOJI = {
    LedgerEvent.SENT: ":white_check_mark:",
    LedgerEvent.REFUSED: ":no_entry:",
    LedgerEvent.NOT_SENT: ":no_entry_sign:",
    LedgerEvent.UNKNOWN: ":warning:",
}
_WHAT_NOW = {
    LedgerEvent.SENT: (
        "The recipients open the mail from no-reply@digitalcertvalidation.com and approve it. DigiCert does not "
        "report delivery: if nothing came after some minutes, look in spam, then choose another recipient."
    ),
    LedgerEvent.REFUSED: "Fix what DigiCert names, then ask again: what was not sent has no waiting time.",
    LedgerEvent.NOT_SENT: "Ask again when the cause is gone: what was not sent has no waiting time.",
    LedgerEvent.UNKNOWN: (
        "Ask the recipients whether a mail came, or look in CertCentral. It is not repeated by itself; "
        "*Send again* opens the form once more and wants a reason."
    ),
}
_BUTTONS = {CHECK_NOW: "Check now", SEND_AGAIN: "Send again", STOP_FOLLOWING: "Stop following"}
_EMAIL_ENDS = (
    "Validation by e-mail ends on 2028-03-15 for every certificate authority. Move to validation by a DNS record "
    "before then: the page email-validation-ends.md of the bot's documentation tells how."
)


def in_progress(request: ResendRequest) -> Message:
    """Accepted, and on its way to DigiCert."""
    words = f"Sending: {person(request.actor.user_id)} asks DigiCert to resend the DCV mail for {_subject(request)}."
    return Message(words, (section(f":hourglass_flowing_sand: {words}"),))


def waiting(
    request: ResendRequest, ended: Endings, again_at: datetime, busy: bool, words: str = "DigiCert cannot be reached."
) -> Message:
    """Say when the bot tries again, and why it must: `words` is the reason if DigiCert is not `busy`."""
    cause = "DigiCert asks the bot to slow down (429)" if busy else escape(words.rstrip("."))
    so_far = f"{len(ended)} of {len(request.calls)} calls are done" if ended else "Nothing was sent yet"
    words = f"Waiting: {cause}. {so_far} for {_subject(request)}; next try {date_time(again_at)}."
    return Message(words, (section(f":hourglass: {words}"), *_lines(request, ended)))


def progress(request: ResendRequest, ended: Endings) -> Message:
    """Some of several calls have ended."""
    words = f"Sending: {len(ended)} of {len(request.calls)} calls done for {_subject(request)}."
    return Message(words, (section(f":hourglass_flowing_sand: {words}"), *_lines(request, ended)))


@dataclass(frozen=True, slots=True)
class FollowUpStatus:
    """How it stands with the names since the call ended; what is `settled` comes before the outcome."""

    words: str
    icon: str
    settled: bool
    followed: bool


def result(request: ResendRequest, results: Endings, standing: FollowUpStatus | None = None) -> Message:
    """How every call ended and, where it is followed, how it stands now, in the root message."""
    quiet = f"Asked by {person(request.actor.user_id)}.{_delivery(results)}"
    spoken = _spoken(request, results)
    if len(request.calls) == 1:
        blocks: list[Block] = [section(f"{_EMOJI[results[0].outcome]} {spoken}")]
    else:
        subject = _subject(request)
        words = f"{subject[:1].upper()}{subject[1:]}: {_tally(results)}."
        spoken, blocks = f"{words} {spoken}", [section(f"*{words}*"), *_lines(request, results)]
    if standing and standing.words:
        now = section(f"{standing.icon} {standing.words}")
        spoken = f"{standing.words} {spoken}" if standing.settled else f"{truncate(spoken, 2800)} {standing.words}"
        blocks = [now, *blocks] if standing.settled else [*blocks, now]
    stop = [buttons(request, STOP_FOLLOWING)] if standing and standing.followed else []
    return Message(f"{spoken} {quiet}", (*blocks, context(quiet), *stop))


def detail(request: ResendRequest, results: Endings, *, email_end_note: bool = False) -> Message:
    """Everything there is to know about a finished request, for its thread."""
    blocks: list[Block] = [_asked(request)]
    room = _share(_ROOM_IN_BLOCKS // 2, request)
    for number, call in enumerate(request.calls):
        blocks += [_line(call, results[number], room), _mailed(call, room)]
    advice = _advice(results)
    blocks.append(section(f"*What now*\n{advice}"))
    if any(ending.outcome in OPEN for ending in results.values()):
        blocks.append(buttons(request, CHECK_NOW, SEND_AGAIN))
    if email_end_note:
        blocks.append(context(_EMAIL_ENDS))
    return Message(f"{_spoken(request, results)} {advice}", tuple(blocks))


def checked(request: ResendRequest, states: Sequence[NameState], by: str, now: datetime) -> Message:
    """What DigiCert says of the names of a request, when somebody asks."""
    waiting = [state for state in states if state.waits]
    words = f"{still_wait(len(waiting), len(states))} for validation" if waiting else "No name waits any longer"
    lines = [f"• {names([state.name])}: {escape(state.words)}" for state in states[:MOST_STATES]]
    if more := len(states) - len(lines):
        lines.append(f"and {more} more")
    head = f"{words}, checked by {person(by)} at {date_time(now)}."
    spoken = " ".join(f"{escape(state.name)}: {escape(state.words)}." for state in states[:MOST_STATES])
    return Message(f"{head} {spoken}", (section(f":mag: {head}"), section("\n".join(lines))))


def previous_result(request: ResendRequest, results: Endings) -> str:
    """What came of a request, for the form that asks for it again."""
    asked = f"{person(request.actor.user_id)} asked for this at {date_time(request.at)}."
    return f"{truncate(_spoken(request, results), 2000)} {asked} To send again, say why."


def buttons(request: ResendRequest, *actions: str) -> Block:
    """The buttons for what can be done about a request."""
    return ActionsBlock(
        elements=[ButtonElement(text=plain(_BUTTONS[action]), action_id=action, value=request.id) for action in actions]
    )


_DETOURS = {
    "shared_channel": "people of other organizations read along there",
    "not_in_channel": "the bot is not in that channel; /invite it to read results there",
    "channel_not_found": "the bot cannot see that conversation; /invite it to read results there",
    "is_archived": "that channel is archived",
    "thread_not_found": "the message in whose thread it belongs is gone",
}


def as_direct_message(message: Message, detour: str) -> Message:
    """The same message for a direct conversation, saying why it does not stand where it was asked for."""
    cause = _DETOURS.get(detour, f"Slack does not let the bot post there ({escape(detour)})")
    words = f"Told to you alone, because {cause}."
    return Message(f"{message.text} {words}", (*message.blocks, context(words)))


def withdrawn() -> Message:
    """Return the line that replaces a message in a channel that became shared; it says nothing about the request."""
    return Message(_WITHDRAWN, (context(_WITHDRAWN),))


_WITHDRAWN = "The bot withdrew this message, because people of other organizations can read this channel."


def _subject(request: ResendRequest) -> str:
    waiting = tuple(dict.fromkeys(name for call in request.calls for name in call.names))
    return truncate(f"{escape(request.subject)} ({names(waiting, room=200)})", _ROOM_FOR_NAMES)


def _share(room: int, request: ResendRequest) -> int:
    """How many characters each call of a request may take."""
    return min(SECTION_TEXT, room // len(request.calls))


def _spoken(request: ResendRequest, results: Endings) -> str:
    room = _share(_ROOM_IN_TEXT, request)
    return " ".join(_one_ending(call, results[number], room) for number, call in enumerate(request.calls))


def _target(call: Call, room: int) -> str:
    match call.target:
        case OrderTarget(order_id):
            return truncate(f"order {order_id} ({names(call.names, room=200)})", room)
        case DomainTarget(_, name_scope):
            return truncate(f"domain {names([name_scope])}", room)


def _one_ending(call: Call, ending: CallResult, room: int) -> str:
    """How a call ended, in so many characters; the words may be cut, the outcome never is."""
    target = _target(call, min(_ROOM_FOR_NAMES, room // 2))
    words = escape(ending.message)
    match ending.outcome:
        case LedgerEvent.SENT:
            return f"*Sent*: DigiCert accepted the resend for {target}.{_sent_to(call, room // 3)}"
        case LedgerEvent.REFUSED:
            said, meaning = f"*Refused*: DigiCert did not resend for {target}:", " Nothing was sent."
        case LedgerEvent.NOT_SENT:
            said, meaning = f"*Not sent*: nothing went out for {target}.", ""
        case _:
            said, meaning = f"*Unknown*: the mail for {target} may have been sent, or not.", ""
    return f"{said} {truncate(words, room - len(said) - len(meaning) - 1)}{meaning}".rstrip()


def _sent_to(call: Call, room: int) -> str:
    """Return to whom the email of an uncertain audience went, as far as it is known."""
    if not call.audience_uncertain or len(call.recipients) < 2:
        return ""
    *most, last = [escape(recipient.email) for recipient in call.recipients]
    how_many = "one or both" if len(most) == 1 else "some or all"
    return truncate(f" Sent to {how_many} of {', '.join(most)} and {last}.", room)


def _advice(results: Endings) -> str:
    """What to do now, once for each way in which a call ended."""
    ways = [outcome for outcome in OUTCOMES if outcome in {ending.outcome for ending in results.values()}]
    if len(ways) == 1:
        return _WHAT_NOW[ways[0]]
    return "\n".join(f"*{_WORD[way]}*: {_WHAT_NOW[way]}" for way in ways)


def _delivery(results: Endings) -> str:
    """What a 204 does not say."""
    sent = any(ending.outcome is LedgerEvent.SENT for ending in results.values())
    return " DigiCert does not report whether a mail was delivered." if sent else ""


def _tally(results: Endings) -> str:
    counts = {outcome: sum(ending.outcome is outcome for ending in results.values()) for outcome in OUTCOMES}
    return ", ".join(f"{count} {_WORD[outcome].lower()}" for outcome, count in counts.items() if count)


def _lines(request: ResendRequest, results: Endings) -> Sequence[Block]:
    if len(request.calls) == 1:
        return ()
    room = _share(_ROOM_IN_BLOCKS, request)
    return [
        _line(call, results[number], room)
        if number in results
        else section(f":hourglass_flowing_sand: {_target(call, _ROOM_FOR_NAMES)}")
        for number, call in enumerate(request.calls)
    ]


def _line(call: Call, ending: CallResult, room: int) -> Block:
    icon = _EMOJI[ending.outcome]
    return section(f"{icon} {_one_ending(call, ending, room - len(icon) - 1)}")


def _asked(request: ResendRequest) -> Block:
    reason = escape(request.reason) if request.reason else "none given"
    return fields(
        [
            ("Asked by", person(request.actor.user_id)),
            ("When", date_time(request.at)),
            ("Language", f"Asked for {escape(language(request.locale))}"),
            ("Reason", reason),
        ]
    )


def _mailed(call: Call, room: int) -> Block:
    by_emails: dict[str, list[str]] = {}
    for recipient in call.recipients:
        by_emails.setdefault(recipient.email, []).append(recipient.name)
    lines = [
        f"{escape(email)} for {names(mailed, room=600)}"
        for email, mailed in islice(by_emails.items(), _MOST_RECIPIENTS)
    ]
    if more := len(by_emails) - len(lines):
        lines.append(f"and {more} more recipients")
    return context("\n".join(["Recipients:", *lines]), room)
