"""The card of a request: its one message, edited as the request proceeds, with the buttons that can help now."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement, ConfirmObject

from bot.follow_up_schedule import NOT_SUBMITTED
from bot.models import (
    Call,
    CallResult,
    FollowUp,
    FollowUpState,
    LedgerEvent,
    NameState,
    ResendRequest,
    SeenValidated,
)
from bot.views.blocks import (
    Message,
    channel,
    confirmation,
    context,
    date_time,
    emails,
    escape,
    join_names,
    menu,
    name,
    person,
    plain,
    section,
    time_of_day,
    truncate,
    without_internals,
)
from bot.views.console_links import console_button
from bot.views.revalidation_card import Stop, deciding_call, stop_of
from bot.views.validity import valid_until

Results = Mapping[int, CallResult]

CHECK_NOW = "check_now"
SEND_AGAIN = "send_again"
TRY_AGAIN = "try_again"
RESUME_TRACKING = "resume_tracking"
# The ⋯ menu, and its entries.
REQUEST_MENU = "request_menu"
ASK_TO_APPROVE = "ask_to_approve"
TRACE_EMAIL = "trace_email"
DETAILS = "details"
STOP_TRACKING = "stop_tracking"
# The button of earlier versions, which is still below their messages.
STOP_FOLLOWING = "stop_following"

GONE = "gone"
MOST_SHOWN = 5
_ISSUED = "issued"
_ROOM_FOR_A_NAME = 300
MAY_HAVE_BEEN_SENT = frozenset({LedgerEvent.SENT, LedgerEvent.UNKNOWN})
_FAILED = frozenset({LedgerEvent.REFUSED, LedgerEvent.NOT_SENT})
_ROOM_FOR_A_LINE = 500
_ROOM_FOR_A_REASON = 1500
# A time that is further away than this is shown with its day.
_SAME_DAY = timedelta(hours=12)

_EMOJI_SENT, _EMOJI_WAITING, _EMOJI_UNKNOWN, _EMOJI_FAILED, _EMOJI_VALIDATED = "📨", "⏳", "⚠️", "⛔", "✅"

_MENU = {
    CHECK_NOW: "Check now",
    ASK_TO_APPROVE: "Ask someone to approve…",
    TRACE_EMAIL: "Where did the email go?",
    DETAILS: "Details",
    STOP_TRACKING: "Stop tracking",
}
_RESEND_LABELS = {
    LedgerEvent.UNKNOWN: "Resend anyway…",
    LedgerEvent.REFUSED: "Choose another recipient…",
    LedgerEvent.NOT_SENT: "Try again",
    LedgerEvent.SENT: "Resend to another address…",
}


@dataclass(frozen=True, slots=True)
class Successor:
    """The newer request for the same target: who made it, a link to its card, and whether its email may be sent."""

    user_id: str
    link: str | None = None
    is_sent: bool = True


@dataclass(frozen=True, slots=True)
class CardFacts:
    """Everything that the card of an ended request shows.

    `successors` are the newer requests by id. `resent` is the one that was made from this card, if any. `validated` are
    the names that checks saw validated, by call number. `has_buttons` is False while a newer message of the thread has
    them. `can_resume` means that a stopped tracking has a check left.
    """

    request: ResendRequest
    results: Results
    follow_ups: Sequence[FollowUp] = ()
    successors: Mapping[str, Successor] = field(default_factory=dict)
    resent: Successor | None = None
    validated: Mapping[int, SeenValidated] = field(default_factory=dict)
    has_buttons: bool = True
    can_resume: bool = False
    console_url: str = ""

    def follow_up(self, call_no: int) -> FollowUp | None:
        """Return the follow-up of a call, or None."""
        return next((each for each in self.follow_ups if each.call_no == call_no), None)

    @property
    def is_tracked(self) -> bool:
        """True if the bot still checks by itself."""
        return any(each.is_open for each in self.follow_ups)

    @property
    def checked_at(self) -> datetime | None:
        """The time of the last check, or None."""
        return max((each.observed_at for each in self.follow_ups if each.observed_at), default=None)


class _State(Enum):
    """The state of one name. The order is that of the lines on the card."""

    FAILED = 1
    UNKNOWN = 2
    WAITING = 3
    RESENT = 4
    ENDED = 5
    VALIDATED = 6


_SETTLED = frozenset({_State.VALIDATED, _State.RESENT, _State.ENDED})


@dataclass(frozen=True, slots=True)
class _Name:
    """One name of a request, its call, and its state."""

    ascii_name: str
    call: Call
    result: CallResult
    state: _State
    follow_up: FollowUp | None

    @property
    def word(self) -> str:
        """The reason why the follow-up ended, or the id of the newer request."""
        return self.follow_up.word if self.follow_up else ""


def in_progress(request: ResendRequest) -> Message:
    """Return the card of an accepted request whose calls have not ended."""
    doing = "Revalidating" if request.revalidates else "Resending DCV email for"
    return _card(_EMOJI_WAITING, f"{doing} {title(request)}…", (), _origin(request))


def waiting(
    request: ResendRequest, results: Results, again_at: datetime, busy: bool, words: str = "DigiCert cannot be reached."
) -> Message:
    """Return the card while the bot waits for a retry: when it is due, and why.

    `busy` means that DigiCert limits requests. Otherwise, `words` is the reason.
    """
    head = "Waiting for DigiCert" if busy else "Not sent yet"
    cause = "DigiCert is limiting requests." if busy else escape(words)
    steps = " steps" if request.revalidates else ""
    so_far = f"{len(results)} of {len(request.calls)}{steps} done." if results else "No email has been sent yet."
    return _card(_EMOJI_WAITING, head, [f"{cause} {so_far} Next try: {time_of_day(again_at)}."], _origin(request))


def progress(request: ResendRequest, results: Results) -> Message:
    """Return the card when some of several calls have ended."""
    doing, steps = (f"Revalidating {title(request)}", " steps") if request.revalidates else ("Sending", "")
    head = f"{doing}: {len(results)} of {len(request.calls)}{steps} done"
    return _card(_EMOJI_WAITING, head, (), _origin(request))


def result(facts: CardFacts) -> Message:
    """Return the card of a request whose calls have ended: the state, the recipients, and what can help now."""
    every = _names_of(facts)
    emoji, state = _headline(facts, every)
    about = [*_origin(facts.request), *_checks(facts)]
    return _card(emoji, f"{title(facts.request)} · {state}", _lines(facts, every), about, buttons(facts))


def headline(facts: CardFacts) -> str:
    """Return the first line of the card as marked-up text."""
    emoji, state = _headline(facts, _names_of(facts))
    return f"{emoji} *{title(facts.request)} · {state}*"


def state_of_tracking(facts: CardFacts) -> str:
    """Return when the bot checked and checks next, or how tracking ended; empty if there is no tracking."""
    return ", ".join(_checks(facts))


def checked(states: Sequence[NameState], now: datetime) -> Message:
    """Return DigiCert's state of the names of a request, for the user who asked for a check."""
    open_ones = [state for state in states if state.waits]
    if open_ones:
        still = "domain still needs" if len(states) == 1 else "domains still need"
        head = f"{len(open_ones)} of {len(states)} {still} approval"
    else:
        # A closed order has no name left to approve, although not each of its names is validated.
        head = "Nothing is waiting for approval"
    listed = sorted(states, key=lambda state: not state.waits)[:MOST_SHOWN]
    lines = [f"• {name(state.name)}: {escape(state.words)}" for state in listed]
    return _card("", head, [*lines, *_more(len(states) - len(listed))], [f"Checked {time_of_day(now)}"])


def previous_result(request: ResendRequest, results: Results) -> str | None:
    """Return what became of a request, for the form that repeats it; None if no email can have been sent.

    The form requires a reason if there is one.
    """
    outcomes = {each.outcome for each in results.values()}
    if not outcomes & MAY_HAVE_BEEN_SENT:
        return None
    is_doubtful = LedgerEvent.UNKNOWN in outcomes
    done, doubt = ("requested", " It may or may not have been sent.") if is_doubtful else ("resent", "")
    asked = f"{person(request.actor.user_id)} {done} this email {date_time(request.at)}."
    return f"{asked}{doubt} To resend it again, give a reason."


def title(request: ResendRequest) -> str:
    """Return the first name of a request, and how many more there are: `shop.example.com + 1`."""
    first, *more = dict.fromkeys(each for call in request.calls for each in call.names)
    return (
        f"{truncate(name(first), _ROOM_FOR_A_NAME)} + {len(more)}" if more else truncate(name(first), _ROOM_FOR_A_NAME)
    )


def is_settled(facts: CardFacts) -> bool:
    """Return True if nothing is left to do: each name is validated, resent, or closed."""
    return all(each.state in _SETTLED for each in _names_of(facts))


def buttons(facts: CardFacts) -> ActionsBlock | None:
    """Return the buttons that can help now, or None: a request has one set of them."""
    every = _names_of(facts)
    is_continued = facts.resent is not None and facts.request.revalidates
    if is_continued or any(each.state is _State.RESENT for each in every):
        return None
    console = [console_button(facts.console_url, facts.request.key)] if facts.console_url else []
    unsettled = [each.result.outcome for each in every if each.state not in _SETTLED]
    if facts.resent and not _FAILED.isdisjoint(unsettled):
        # What failed has its buttons on the card of the next attempt. What was sent is still tracked here.
        unsettled = [outcome for outcome in unsettled if outcome not in _FAILED]
        console = console if unsettled else []
    if not unsettled:
        # A link is no button of the set: nothing can be done with it twice.
        return ActionsBlock(elements=console) if console else None
    if not facts.has_buttons:
        return None
    stop = stop_of(facts.request, facts.results)
    if stop and stop.buttons:
        pressed = _pressed(facts.request, stop.buttons, is_primary=stop.can_continue)
        details = {entry: _MENU[entry] for entry in (CHECK_NOW, DETAILS)}
        return ActionsBlock(elements=[*pressed, *console, menu(REQUEST_MENU, facts.request.id, details)])
    worst = next(outcome for outcome in _RESEND_LABELS if outcome in unsettled)
    shown = {RESUME_TRACKING: "Resume tracking"} if facts.can_resume and not facts.is_tracked else {}
    if worst is LedgerEvent.UNKNOWN and not shown:
        shown[CHECK_NOW] = _MENU[CHECK_NOW]
    repeats = worst is LedgerEvent.NOT_SENT and not facts.request.revalidates
    shown[TRY_AGAIN if repeats else SEND_AGAIN] = _RESEND_LABELS[worst]
    hidden = {*shown, *(() if facts.is_tracked else (STOP_TRACKING,))}
    hidden |= {CHECK_NOW, ASK_TO_APPROVE, TRACE_EMAIL} if worst in _FAILED else set()
    entries = {entry: label for entry, label in _MENU.items() if entry not in hidden}
    pressed = _pressed(facts.request, shown, confirm=_try_again(facts) if repeats else None)
    return ActionsBlock(elements=[*pressed, *console, menu(REQUEST_MENU, facts.request.id, entries)])


def _pressed(
    request: ResendRequest, shown: Mapping[str, str], *, is_primary: bool = False, confirm: ConfirmObject | None = None
) -> list[ButtonElement]:
    """Return the buttons by action and label. If `is_primary`, the first one is what helps most.

    `confirm` is the dialog of TRY_AGAIN.
    """
    styles = ["primary" if is_primary else None, *(None for _ in shown)]
    return [
        ButtonElement(
            text=plain(label),
            action_id=action,
            value=request.id,
            style=style,
            confirm=confirm if action == TRY_AGAIN else None,
        )
        for (action, label), style in zip(shown.items(), styles, strict=False)
    ]


def _try_again(facts: CardFacts) -> ConfirmObject:
    """Return the dialog before exactly those emails are sent that were not."""
    not_sent = [call for number, call in enumerate(facts.request.calls) if _is_not_sent(facts.results[number])]
    addresses = list(dict.fromkeys(recipient.email for call in not_sent for recipient in call.recipients))
    count = sum(len(call.recipients) for call in not_sent)
    question = f"Send {'one DCV email' if count == 1 else f'{count} DCV emails'} to {emails(addresses)}?"
    return confirmation("Resend DCV email", question, "Send")


def _is_not_sent(ended: CallResult) -> bool:
    return ended.outcome is LedgerEvent.NOT_SENT


_DETOURS = {
    "shared_channel": "{channel} is shared with another organization",
    "not_in_channel": "I'm not in {channel}. To see results there, run `/invite @DCV Resend` in it",
    "channel_not_found": "I don't have access to {channel}. Invite me to see results there",
    "is_archived": "{channel} is archived",
    "thread_not_found": "the original message in {channel} was deleted",
}


def as_direct_message(message: Message, detour: str, channel_id: str) -> Message:
    """Return the message for a direct conversation, with the reason why it is not in the original channel.

    `detour` is Slack's error code.
    """
    reason = _DETOURS.get(detour, "Slack did not let me post in {channel}")
    shown = channel(channel_id) if channel(channel_id).startswith("<#") else "that conversation"
    words = f"Only you can see this because {reason.format(channel=shown)}."
    return Message(f"{message.text} {words.replace('`', '')}", (*message.blocks, context(words)))


def withdrawn() -> Message:
    """Return the line that replaces a message in a channel that became shared. It says nothing about the request."""
    return Message(_WITHDRAWN, (context(_WITHDRAWN),))


_WITHDRAWN = "I withdrew this message because the channel is shared with another organization."


def _card(emoji: str, head: str, lines: Sequence[str], about: Sequence[str], actions: Block | None = None) -> Message:
    icon, quiet = f"{emoji} " if emoji else "", " · ".join(about)
    blocks = [section("\n".join([f"{icon}*{head}*", *lines])), context(quiet), *([actions] if actions else [])]
    return Message(f"{icon}{head}. {' '.join([*lines, quiet])}", tuple(blocks))


def _names_of(facts: CardFacts) -> list[_Name]:
    """Return every name of a request with its state, in the order of the calls."""
    return [
        _Name(each, call, facts.results[number], _state(each, facts.results[number], follow_up), follow_up)
        for number, call in _deciding_calls(facts)
        for follow_up in [facts.follow_up(number)]
        for each in call.names
    ]


def _deciding_calls(facts: CardFacts) -> list[tuple[int, Call]]:
    """Return the calls that the card shows: of a revalidation only the step that it ended with."""
    if not facts.request.revalidates:
        return list(enumerate(facts.request.calls))
    return [deciding_call(facts.request, facts.results)]


def _state(ascii_name: str, outcome: CallResult, follow_up: FollowUp | None) -> _State:
    if outcome.outcome in _FAILED:
        return _State.FAILED
    if follow_up and (follow_up.state is FollowUpState.VALIDATED or ascii_name in follow_up.validated):
        return _State.VALIDATED
    ended = {FollowUpState.SUPERSEDED: _State.RESENT, FollowUpState.ENDED: _State.ENDED}
    if follow_up and follow_up.state in ended:
        return ended[follow_up.state]
    return _State.UNKNOWN if outcome.outcome is LedgerEvent.UNKNOWN else _State.WAITING


def _headline(facts: CardFacts, every: Sequence[_Name]) -> tuple[str, str]:
    """Return the emoji and the words that answer if the request is done."""
    found = Counter(each.state for each in every)
    total = len(every)
    if found[_State.VALIDATED] == total:
        return _EMOJI_VALIDATED, f"validated{_order_state(every)}"
    if stop := stop_of(facts.request, facts.results):
        return (_EMOJI_UNKNOWN if stop.can_continue else _EMOJI_FAILED), stop.headline
    if unknown := found[_State.UNKNOWN]:
        return _EMOJI_UNKNOWN, f"may or may not have been sent{_of_all(unknown, total)}"
    if failed := found[_State.FAILED]:
        return _EMOJI_FAILED, f"no email was sent{_of_all(failed, total)}"
    if found[_State.RESENT] == total:
        return (_EMOJI_UNKNOWN if _is_doubtful(every) else _EMOJI_SENT), "resent"
    ended = [each for each in every if each.state is _State.ENDED]
    if ended and not found[_State.WAITING]:
        is_issued = ended[0].word == _ISSUED and not _is_doubtful(every)
        return (_EMOJI_SENT if is_issued else _EMOJI_FAILED), closed(ended[0].word)
    if validated := found[_State.VALIDATED]:
        return _EMOJI_SENT, f"{validated} of {total} validated"
    return _EMOJI_SENT, "waiting for approval"


def _is_doubtful(every: Sequence[_Name]) -> bool:
    """Return True if it is unknown whether the email for one of these names was sent."""
    return any(each.result.outcome is LedgerEvent.UNKNOWN for each in every)


def _of_all(count: int, total: int) -> str:
    return "" if count == total else f" for {count} of {total}"


def _order_state(every: Sequence[_Name]) -> str:
    word = next((each.word for each in every if each.word), "")
    return f", {closed(word)}" if word else ""


def closed(word: str) -> str:
    """Return why nothing is left to approve, as the end of a headline."""
    known = {
        _ISSUED: "certificate issued",
        GONE: "no longer in CertCentral",
        NOT_SUBMITTED: "no longer submitted for validation",
    }
    return known.get(word, f"order {escape(word)}")


def _lines(facts: CardFacts, every: Sequence[_Name]) -> list[str]:
    """Return the lines below the headline: one for all names if they have the same state, else one for each."""
    states = {each.state for each in every}
    doubt = ["The resend itself was unconfirmed."] if states == {_State.VALIDATED} and _is_doubtful(every) else []
    if states == {_State.VALIDATED}:
        listed = [several([each.ascii_name for each in every])] if len(every) > 1 else []
        return [*listed, *_ends(facts, every), *doubt]
    if states == {_State.RESENT}:
        return list(dict.fromkeys(resent_by(facts.successors.get(each.word)) for each in every))
    resent = [resent_by(facts.resent)] if facts.resent else []
    if stop := stop_of(facts.request, facts.results):
        continued = [_made_by(facts.resent, "Continued")] if facts.resent and stop.has_begun else resent
        return [*_stopped(stop), *continued]
    if len(every) == 1 or (len(facts.request.calls) == 1 and len(states) == 1):
        return [_of_one_call(every[0]), *resent]
    listed = [f"• {name(each.ascii_name)}: {_of_one_name(facts, each)}" for each in sorted(every, key=_by_state)]
    return [
        *(truncate(line, _ROOM_FOR_A_LINE) for line in listed[:MOST_SHOWN]),
        *_more(len(listed) - MOST_SHOWN),
        *resent,
    ]


def _ends(facts: CardFacts, every: Sequence[_Name]) -> list[str]:
    """Return until when the validated names are valid, as far as the checks read it."""
    seen = {name: valid_until(each) for each in facts.validated.values() for name in each.names}
    ends = {each.ascii_name: seen.get(each.ascii_name, "") for each in every}
    if len(set(ends.values())) == 1:
        return [f"Valid {end}" for end in list(ends.values())[:1] if end]
    lines = [f"• {name(each)}: valid {end}" for each, end in ends.items() if end]
    return [*lines[:MOST_SHOWN], *_more(len(lines) - MOST_SHOWN)]


def _by_state(each: _Name) -> int:
    return int(each.state.value)


def _stopped(stop: Stop) -> list[str]:
    """Return what is known of a revalidation that stopped: the state of the domain, the reason, and what to check."""
    if stop.is_unknown:
        said = truncate(_shown(stop.result.message), _ROOM_FOR_A_REASON)
        return [stop.state, f"{said} I won't retry by myself.".strip()]
    return list(filter(None, [stop.state, _reason(stop.result), stop.advice]))


def _of_one_call(each: _Name) -> str:
    words = _shown(each.result.message)
    match each.state:
        case _State.FAILED:
            return _reason(each.result)
        case _State.UNKNOWN:
            said = truncate(words, _ROOM_FOR_A_REASON)
            ask = f"Ask {_recipients(each.call)} whether it arrived."
            return f"{said} I won't retry by myself, to avoid a second email. {ask}".strip()
        case _:
            return f"Email sent to {_audience(each.call)}"


def _of_one_name(facts: CardFacts, each: _Name) -> str:
    addresses = emails([mailed.email for mailed in each.call.recipients if mailed.name == each.ascii_name])
    match each.state:
        case _State.FAILED:
            return f"no email was sent. {_reason(each.result)}"
        case _State.UNKNOWN:
            return f"may or may not have been sent to {addresses}. {_shown(each.result.message)}"
        case _State.WAITING:
            return f"waiting for approval ({addresses})"
        case _State.RESENT:
            return resent_by(facts.successors.get(each.word))
        case _State.ENDED:
            return closed(each.word)
        case _:
            return "validated"


def _reason(failed: CallResult) -> str:
    """Return why no email was sent. DigiCert's own text is quoted; the bot's texts name DigiCert first."""
    words = truncate(_shown(failed.message), _ROOM_FOR_A_REASON)
    if failed.outcome is not LedgerEvent.REFUSED or words.startswith("DigiCert rejected"):
        return words
    if words and not words.startswith("DigiCert"):
        return f"DigiCert's reason: “{words}”"
    return f"DigiCert rejected the request. {words}".strip()


def _shown(words: str) -> str:
    return without_internals(escape(words))


def resent_by(newer: Successor | None) -> str:
    """Return who made the newer request, with a link to it."""
    if newer is None:
        return "Resent"
    return _made_by(newer, "Resent" if newer.is_sent else "Tried again")


def _made_by(newer: Successor, done: str) -> str:
    link = f" (<{newer.link}|open>)" if newer.link else ""
    return f"{done} by {person(newer.user_id)}{link}"


def _recipients(call: Call) -> str:
    return emails(list(dict.fromkeys(recipient.email for recipient in call.recipients)))


def _audience(call: Call) -> str:
    """Return the recipients, as certain as DigiCert is: it may send to only some of them."""
    if not call.audience_uncertain or len(call.recipients) < 2:
        return _recipients(call)
    return f"{'one or both' if len(call.recipients) == 2 else 'some or all'} of {_recipients(call)}"


def several(ascii_names: Sequence[str]) -> str:
    """Return the first five names, and how many more there are."""
    shown = [truncate(name(each), _ROOM_FOR_A_NAME) for each in ascii_names[:MOST_SHOWN]]
    more = len(ascii_names) - len(shown)
    return f"{', '.join(shown)} + {more} more" if more else join_names(shown)


def _more(count: int) -> list[str]:
    return [f"+ {count} more"] if count > 0 else []


def _origin(request: ResendRequest) -> list[str]:
    subject = escape(truncate(request.subject, _ROOM_FOR_A_NAME))
    by = person(request.actor.user_id)
    if request.requested_by:
        by = f"{person(request.requested_by)}, sent by {by}"
    if request.revalidates:
        subject = f"revalidation of {subject}"
    return [f"{subject[:1].upper()}{subject[1:]}", f"requested by {by} {time_of_day(request.at)}"]


def _checks(facts: CardFacts) -> list[str]:
    """Return when the bot checked and checks next, or how tracking ended."""
    since, checked_at = facts.request.at, facts.checked_at
    seen = [f"checked {_near(checked_at, since)}"] if checked_at else []
    due = [each.due_at for each in facts.follow_ups if each.is_open and each.due_at]
    if due:
        following = _near(min(due), since)
        return [f"{seen[0]}, next {following}"] if seen else [f"next check {following}"]
    if not facts.follow_ups or facts.is_tracked:
        return seen
    stopped = next((each for each in facts.follow_ups if is_stopped_by_person(each)), None)
    if stopped:
        at = f" {_near(stopped.ended_at, since)}" if stopped.ended_at else ""
        return [*seen, f"tracking stopped by {person(stopped.word)}{at}"]
    return [*seen, "tracking ended"]


def is_stopped_by_person(follow_up: FollowUp) -> bool:
    """Return True if a user stopped this follow-up. Otherwise, its word is Slack's error code."""
    return follow_up.state is FollowUpState.STOPPED and follow_up.word.startswith(("U", "W"))


def _near(at: datetime, since: datetime) -> str:
    """Return the time alone if it is on the day of the card, else with its day."""
    return time_of_day(at) if abs(at - since) < _SAME_DAY else date_time(at)
