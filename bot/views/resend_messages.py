"""The messages of one request: the root message, which is updated as it proceeds, and the details in its thread."""

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

Results = Mapping[int, CallResult]

CHECK_NOW = "check_now"
SEND_AGAIN = "send_again"
STOP_FOLLOWING = "stop_following"
OPEN = frozenset({LedgerEvent.SENT, LedgerEvent.UNKNOWN})
MOST_STATES = 25

# Slack takes about 13,200 characters in all blocks of a message, and 4,000 in its text. The calls share this room.
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
    """Return the root message of an accepted request whose calls have not ended."""
    words = f"Sending: {person(request.actor.user_id)} asks DigiCert to resend the DCV mail for {_subject(request)}."
    return Message(words, (section(f":hourglass_flowing_sand: {words}"),))


def waiting(
    request: ResendRequest, results: Results, again_at: datetime, busy: bool, words: str = "DigiCert cannot be reached."
) -> Message:
    """Return the root message while the bot waits for a retry: when it is due, and why.

    `busy` means that DigiCert answered 429. Otherwise, `words` is the reason.
    """
    cause = "DigiCert asks the bot to slow down (429)" if busy else escape(words.rstrip("."))
    so_far = f"{len(results)} of {len(request.calls)} calls are done" if results else "Nothing was sent yet"
    words = f"Waiting: {cause}. {so_far} for {_subject(request)}; next try {date_time(again_at)}."
    return Message(words, (section(f":hourglass: {words}"), *_lines(request, results)))


def progress(request: ResendRequest, results: Results) -> Message:
    """Return the root message when some of several calls have ended."""
    words = f"Sending: {len(results)} of {len(request.calls)} calls done for {_subject(request)}."
    return Message(words, (section(f":hourglass_flowing_sand: {words}"), *_lines(request, results)))


@dataclass(frozen=True, slots=True)
class FollowUpStatus:
    """The state of the names since the call ended. If `settled`, it is shown before the outcome."""

    words: str
    icon: str
    settled: bool
    followed: bool


def result(request: ResendRequest, results: Results, follow_up: FollowUpStatus | None = None) -> Message:
    """Return the root message with the result of every call and, if it is followed, the current state."""
    quiet = f"Asked by {person(request.actor.user_id)}.{_delivery(results)}"
    spoken = _spoken(request, results)
    if len(request.calls) == 1:
        blocks: list[Block] = [section(f"{_EMOJI[results[0].outcome]} {spoken}")]
    else:
        subject = _subject(request)
        words = f"{subject[:1].upper()}{subject[1:]}: {_tally(results)}."
        spoken, blocks = f"{words} {spoken}", [section(f"*{words}*"), *_lines(request, results)]
    if follow_up and follow_up.words:
        now = section(f"{follow_up.icon} {follow_up.words}")
        spoken = f"{follow_up.words} {spoken}" if follow_up.settled else f"{truncate(spoken, 2800)} {follow_up.words}"
        blocks = [now, *blocks] if follow_up.settled else [*blocks, now]
    stop = [buttons(request, STOP_FOLLOWING)] if follow_up and follow_up.followed else []
    return Message(f"{spoken} {quiet}", (*blocks, context(quiet), *stop))


def detail(request: ResendRequest, results: Results, *, email_end_note: bool = False) -> Message:
    """Return all details of a finished request, for its thread."""
    blocks: list[Block] = [_asked(request)]
    room = _share(_ROOM_IN_BLOCKS // 2, request)
    for number, call in enumerate(request.calls):
        blocks += [_line(call, results[number], room), _mailed(call, room)]
    advice = _advice(results)
    blocks.append(section(f"*What now*\n{advice}"))
    if any(call_result.outcome in OPEN for call_result in results.values()):
        blocks.append(buttons(request, CHECK_NOW, SEND_AGAIN))
    if email_end_note:
        blocks.append(context(_EMAIL_ENDS))
    return Message(f"{_spoken(request, results)} {advice}", tuple(blocks))


def checked(request: ResendRequest, states: Sequence[NameState], by: str, now: datetime) -> Message:
    """Return DigiCert's state of the names of a request, when a user asks for a check."""
    waiting = [state for state in states if state.waits]
    words = f"{still_wait(len(waiting), len(states))} for validation" if waiting else "No name waits any longer"
    lines = [f"• {names([state.name])}: {escape(state.words)}" for state in states[:MOST_STATES]]
    if more := len(states) - len(lines):
        lines.append(f"and {more} more")
    head = f"{words}, checked by {person(by)} at {date_time(now)}."
    spoken = " ".join(f"{escape(state.name)}: {escape(state.words)}." for state in states[:MOST_STATES])
    return Message(f"{head} {spoken}", (section(f":mag: {head}"), section("\n".join(lines))))


def previous_result(request: ResendRequest, results: Results) -> str:
    """Return the result of a request as marked-up text, for the form that repeats it."""
    asked = f"{person(request.actor.user_id)} asked for this at {date_time(request.at)}."
    return f"{truncate(_spoken(request, results), 2000)} {asked} To send again, say why."


def buttons(request: ResendRequest, *actions: str) -> Block:
    """Return the buttons for these actions on a request."""
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
    """Return the message for a direct conversation, with the reason why it is not in the original channel.

    `detour` is Slack's error code.
    """
    cause = _DETOURS.get(detour, f"Slack does not let the bot post there ({escape(detour)})")
    words = f"Told to you alone, because {cause}."
    return Message(f"{message.text} {words}", (*message.blocks, context(words)))


def withdrawn() -> Message:
    """Return the line that replaces a message in a channel that became shared. It says nothing about the request."""
    return Message(_WITHDRAWN, (context(_WITHDRAWN),))


_WITHDRAWN = "The bot withdrew this message, because people of other organizations can read this channel."


def _subject(request: ResendRequest) -> str:
    waiting = tuple(dict.fromkeys(name for call in request.calls for name in call.names))
    return truncate(f"{escape(request.subject)} ({names(waiting, room=200)})", _ROOM_FOR_NAMES)


def _share(room: int, request: ResendRequest) -> int:
    """Return how many characters each call of a request may use."""
    return min(SECTION_TEXT, room // len(request.calls))


def _spoken(request: ResendRequest, results: Results) -> str:
    room = _share(_ROOM_IN_TEXT, request)
    return " ".join(_result_words(call, results[number], room) for number, call in enumerate(request.calls))


def _target(call: Call, room: int) -> str:
    match call.target:
        case OrderTarget(order_id):
            return truncate(f"order {order_id} ({names(call.names, room=200)})", room)
        case DomainTarget(_, name_scope):
            return truncate(f"domain {names([name_scope])}", room)


def _result_words(call: Call, call_result: CallResult, room: int) -> str:
    """Return the result of a call in at most `room` characters. The words may be cut, the outcome never is."""
    target = _target(call, min(_ROOM_FOR_NAMES, room // 2))
    words = escape(call_result.message)
    match call_result.outcome:
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
    """Return the recipients of an email whose audience is uncertain, as far as it is known; empty if it is certain."""
    if not call.audience_uncertain or len(call.recipients) < 2:
        return ""
    *most, last = [escape(recipient.email) for recipient in call.recipients]
    how_many = "one or both" if len(most) == 1 else "some or all"
    return truncate(f" Sent to {how_many} of {', '.join(most)} and {last}.", room)


def _advice(results: Results) -> str:
    """Return what to do now, once for each outcome."""
    ways = [outcome for outcome in OUTCOMES if outcome in {call_result.outcome for call_result in results.values()}]
    if len(ways) == 1:
        return _WHAT_NOW[ways[0]]
    return "\n".join(f"*{_WORD[way]}*: {_WHAT_NOW[way]}" for way in ways)


def _delivery(results: Results) -> str:
    """Return the note that DigiCert does not report delivery; empty if nothing was sent."""
    sent = any(call_result.outcome is LedgerEvent.SENT for call_result in results.values())
    return " DigiCert does not report whether a mail was delivered." if sent else ""


def _tally(results: Results) -> str:
    counts = {outcome: sum(call_result.outcome is outcome for call_result in results.values()) for outcome in OUTCOMES}
    return ", ".join(f"{count} {_WORD[outcome].lower()}" for outcome, count in counts.items() if count)


def _lines(request: ResendRequest, results: Results) -> Sequence[Block]:
    if len(request.calls) == 1:
        return ()
    room = _share(_ROOM_IN_BLOCKS, request)
    return [
        _line(call, results[number], room)
        if number in results
        else section(f":hourglass_flowing_sand: {_target(call, _ROOM_FOR_NAMES)}")
        for number, call in enumerate(request.calls)
    ]


def _line(call: Call, call_result: CallResult, room: int) -> Block:
    icon = _EMOJI[call_result.outcome]
    return section(f"{icon} {_result_words(call, call_result, room - len(icon) - 1)}")


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
