"""The messages of one request: the root that is edited as it goes, and the detail in its thread."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from slack_sdk.models.blocks import Block

from bot.models import Call, DomainTarget, Ending, OrderTarget, Outcome, ResendRequest
from bot.views.blocks import Message, context, escape, fields, names, person, section, time
from bot.views.languages import language

Endings = Mapping[int, Ending]

_WORD = {
    Outcome.SENT: "Sent",
    Outcome.REFUSED: "Refused",
    Outcome.NOT_SENT: "Not sent",
    Outcome.UNKNOWN: "Unknown",
}
_EMOJI = {
    Outcome.SENT: ":white_check_mark:",
    Outcome.REFUSED: ":no_entry:",
    Outcome.NOT_SENT: ":no_entry_sign:",
    Outcome.UNKNOWN: ":warning:",
}
_WHAT_NOW = {
    Outcome.SENT: (
        "The recipients open the mail from no-reply@digitalcertvalidation.com and approve it. DigiCert does not "
        "report delivery: if nothing came after some minutes, look in spam, then choose another recipient."
    ),
    Outcome.REFUSED: "Mend what DigiCert names, then ask again. Nothing was sent, so there is no waiting time.",
    Outcome.NOT_SENT: "Nothing was sent, so there is no waiting time: ask again when the cause is gone.",
    Outcome.UNKNOWN: (
        "Ask the recipients whether a mail came, or look in CertCentral. It is not repeated by itself; "
        "to send again, ask once more and give a reason."
    ),
}


def sending(request: ResendRequest) -> Message:
    """Accepted, and on its way to DigiCert."""
    words = f"Sending: {person(request.actor.user_id)} asks DigiCert to resend the DCV mail for {_subject(request)}."
    return Message(words, (section(f":hourglass_flowing_sand: {words}"),))


def waiting(request: ResendRequest, ended: Endings, again_at: datetime, busy: bool) -> Message:
    """Turned away for now; the next try has a time."""
    cause = "DigiCert asks the bot to slow down (429)" if busy else "DigiCert cannot be reached"
    so_far = f"{len(ended)} of {len(request.calls)} calls are done" if ended else "Nothing was sent yet"
    words = f"Waiting: {cause}. {so_far} for {_subject(request)}; next try {time(again_at)}."
    return Message(words, (section(f":hourglass: {words}"), *_lines(request, ended)))


def progress(request: ResendRequest, ended: Endings) -> Message:
    """Some of several calls have ended."""
    words = f"Sending: {len(ended)} of {len(request.calls)} calls done for {_subject(request)}."
    return Message(words, (section(f":hourglass_flowing_sand: {words}"), *_lines(request, ended)))


def ended(request: ResendRequest, endings: Endings) -> Message:
    """How every call ended, in the root message."""
    quiet = f"Asked by {person(request.actor.user_id)}.{_delivery(endings)}"
    spoken = " ".join(_one_ending(call, endings[number]) for number, call in enumerate(request.calls))
    if len(request.calls) == 1:
        return Message(f"{spoken} {quiet}", (section(f"{_EMOJI[endings[0].outcome]} {spoken}"), context(quiet)))
    words = f"{_tally(endings)} for {_subject(request)}."
    return Message(f"{words} {spoken} {quiet}", (section(f"*{words}*"), *_lines(request, endings), context(quiet)))


def detail(request: ResendRequest, endings: Endings) -> Message:
    """Everything there is to know about a finished request, for its thread."""
    blocks: list[Block] = [_asked(request)]
    for number, call in enumerate(request.calls):
        blocks += [section(f"{_EMOJI[endings[number].outcome]} {_one_ending(call, endings[number])}"), *_mailed(call)]
    advice = [_WHAT_NOW[outcome] for outcome in Outcome if outcome in {ending.outcome for ending in endings.values()}]
    blocks.append(section(f"*What now*\n{' '.join(advice)}"))
    spoken = " ".join(_one_ending(call, endings[number]) for number, call in enumerate(request.calls))
    return Message(f"{spoken} {' '.join(advice)}", tuple(blocks))


_DETOURS = {
    "shared_channel": "people of other organizations read along there",
    "not_in_channel": "the bot is not in that channel; /invite it to read results there",
    "channel_not_found": "the bot cannot see that conversation; /invite it to read results there",
    "is_archived": "that channel is archived",
}


def directly(message: Message, detour: str) -> Message:
    """The same message for a direct conversation, saying why it does not stand where it was asked for."""
    cause = _DETOURS.get(detour, f"Slack does not let the bot post there ({escape(detour)})")
    words = f"Told to you alone, because {cause}."
    return Message(f"{message.text} {words}", (*message.blocks, context(words)))


def _subject(request: ResendRequest) -> str:
    waiting = tuple(dict.fromkeys(name for call in request.calls for name in call.names))
    return f"{escape(request.subject)} ({names(waiting, room=200)})"


def _target(call: Call) -> str:
    match call.target:
        case OrderTarget(order_id):
            return f"order {order_id} ({names(call.names, room=200)})"
        case DomainTarget(_, name_scope):
            return f"domain {names([name_scope])}"


def _one_ending(call: Call, ending: Ending) -> str:
    words = escape(ending.words)
    match ending.outcome:
        case Outcome.SENT:
            return f"*Sent*: DigiCert accepted the resend for {_target(call)}."
        case Outcome.REFUSED:
            return f"*Refused*: DigiCert did not resend for {_target(call)}: {words} Nothing was sent."
        case Outcome.NOT_SENT:
            return f"*Not sent*: nothing went out for {_target(call)}. {words}"
        case Outcome.UNKNOWN:
            return f"*Unknown*: the mail for {_target(call)} may have been sent, or not. {words}"


def _delivery(endings: Endings) -> str:
    """What a 204 does not say."""
    sent = any(ending.outcome is Outcome.SENT for ending in endings.values())
    return " DigiCert does not report whether a mail was delivered." if sent else ""


def _tally(endings: Endings) -> str:
    counts = {outcome: sum(ending.outcome is outcome for ending in endings.values()) for outcome in Outcome}
    return ", ".join(f"{count} {_WORD[outcome].lower()}" for outcome, count in counts.items() if count).capitalize()


def _lines(request: ResendRequest, endings: Endings) -> Sequence[Block]:
    if len(request.calls) == 1:
        return ()
    return [
        section(f"{_EMOJI[endings[number].outcome]} {_one_ending(call, endings[number])}")
        if number in endings
        else section(f":hourglass_flowing_sand: {_target(call)}")
        for number, call in enumerate(request.calls)
    ]


def _asked(request: ResendRequest) -> Block:
    reason = escape(request.reason) if request.reason else "none given"
    return fields(
        [
            ("Asked by", person(request.actor.user_id)),
            ("When", time(request.at)),
            ("Language", f"Asked for {escape(language(request.locale))}"),
            ("Reason", reason),
        ]
    )


def _mailed(call: Call) -> Sequence[Block]:
    by_emails: dict[str, list[str]] = {}
    for recipient in call.recipients:
        by_emails.setdefault(recipient.email, []).append(recipient.name)
    lines = [f"{escape(email)} for {names(mailed, room=600)}" for email, mailed in by_emails.items()]
    shown = "\n".join(lines[:12]) + (f"\nand {len(lines) - 12} more recipients" if len(lines) > 12 else "")
    return [context(f"Recipients:\n{shown}")]
