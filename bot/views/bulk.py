"""Plans: the form, the card in each of its states, the tables in its thread, and its details."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    EmailInputElement,
    PlainTextInputElement,
    StaticSelectElement,
)
from slack_sdk.models.views import View

from bot.bulk import (
    APPROVAL_TIME,
    Audience,
    BulkInput,
    BulkItem,
    BulkOutcome,
    BulkPlan,
    BulkState,
    LeftOut,
    LeftOutKind,
    count_emails,
    counts,
    domains,
    left,
    mailboxes,
)
from bot.errors import InvalidInput
from bot.languages import LANGUAGES, language
from bot.parsing.commands import LONGEST_REASON, readable
from bot.parsing.domain_names import display_name
from bot.parsing.targets import LONGEST_TEXT
from bot.views import revalidation_card
from bot.views.blocks import (
    Message,
    checkboxes,
    context,
    date_time,
    emails,
    escape,
    join_names,
    menu,
    names,
    option,
    person,
    plain,
    radio_buttons,
    section,
    time_of_day,
    truncate,
)
from bot.views.blocks import (
    field as form_field,
)
from bot.views.resend_form import ModalView
from bot.views.tables import Cell, DataTable

CALLBACK = "bulk_form"
TITLE = "Resend many"
WANTED = "wanted"
AUDIENCE = "audience"
AGAIN = "revalidates"
MAILBOX = "mailbox"
LOCALE = "language"
REASON = "reason"
SEND = "bulk_send"
CHANGE = "bulk_change"
DISCARD = "bulk_discard"
ASK = "bulk_ask"
APPROVE = "bulk_approve"
REJECT = "bulk_reject"
STOP = "bulk_stop"
CONTINUE = "bulk_continue"
SHOW_UNKNOWN = "bulk_show_unknown"
MENU = "bulk_menu"
DETAILS = "details"
DETAILS_PAGE = "bulk_page"
UNKNOWN_ONLY = "unknown"
ROWS_ON_A_PAGE = 20
_ROWS_IN_A_SECTION = 5
_ROOM_FOR_A_ROW = 580
_MOST_HIDDEN = 50
_MOST_TITLES = 5
_ROOM_IN_A_LABEL = 60
_AUDIENCES = {
    Audience.USED: ("The mailbox that worked before", "Else the one used last, a contact from DNS, or admin@"),
    Audience.ADMIN: ("admin@ everywhere", "Domains that don't allow it are left out"),
    Audience.MAILBOX: ("One mailbox", "For each domain that allows it"),
}
_WORDS = {
    BulkOutcome.SENT: "sent",
    BulkOutcome.UNKNOWN: "unknown",
    BulkOutcome.REFUSED: "rejected",
    BulkOutcome.NOT_SENT: "not sent",
    BulkOutcome.SKIPPED: "skipped",
}
_LEFT_OUT = {
    LeftOutKind.VALIDATED: ("validated already", "validated already"),
    LeftOutKind.METHOD: ("uses DNS or files", "use DNS or files"),
    LeftOutKind.COOLDOWN: ("in cooldown", "in cooldown"),
    LeftOutKind.OTHER: ("for another reason", "for other reasons"),
}


@dataclass(frozen=True, slots=True)
class BulkFacts:
    """Everything that the card of a plan shows.

    `reason_over` and `needs_approval` decide on the button. `waiting` says why nothing is sent at the moment, as
    marked-up text. `validated` counts the domains that were validated since. `interrupted` are revalidations that a
    person may continue. `seconds_left` is an estimate.
    """

    plan: BulkPlan
    items: Sequence[BulkItem] = ()
    needs_reason: bool = False
    needs_approval: bool = False
    is_direct: bool = False
    waiting: str = ""
    validated: int = 0
    interrupted: Sequence[BulkItem] = ()
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True)
class BulkFormInput:
    """A submitted form. `replaces` is the id of the plan that it changes, or empty."""

    asked: BulkInput
    form_id: str


def form(form_id: str, asked: BulkInput, everyone: int = 0, rest: Sequence[str] = ()) -> ModalView:
    """Return the form, filled in with what was asked for. `everyone` counts the emails to all allowed addresses.

    `rest` are the targets for which the list has no room.
    """
    audiences = dict(_AUDIENCES)
    if everyone:
        audiences[Audience.EVERYONE] = (f"All allowed addresses ({_counted(everyone, 'email')})", "Rarely needed")
    options = {each: option(each.value, *texts) for each, texts in audiences.items()}
    languages = {code: option(code, words) for code, words in LANGUAGES.items()}
    known = languages.get(asked.locale) or option(asked.locale, language(asked.locale))
    wanted = PlainTextInputElement(
        action_id=WANTED,
        multiline=True,
        initial_value=asked.wanted[:LONGEST_TEXT] or None,
        max_length=LONGEST_TEXT,
        focus_on_load=True,
    )
    reason = PlainTextInputElement(
        action_id=REASON, initial_value=(asked.reason or "")[:LONGEST_REASON] or None, max_length=LONGEST_REASON
    )
    mailbox = EmailInputElement(action_id=MAILBOX, initial_value=asked.mailbox or None)
    again = option(AGAIN, "Revalidate domains that are not pending", "If that moves their end by a week or more")
    chosen = [again] if asked.revalidates else []
    place = StaticSelectElement(
        action_id=LOCALE, options=list({**languages, asked.locale: known}.values()), initial_option=known
    )
    hint = "Or a filter: waiting > 3d, expiring < 30d, *.shop.example.com, method email"
    blocks: list[Block] = [
        form_field("Orders and domains", wanted, block_id=WANTED, hint=hint),
        *_no_room(rest),
        form_field(
            "Send to", radio_buttons(AUDIENCE, list(options.values()), options.get(asked.audience)), block_id=AUDIENCE
        ),
        form_field("Mailbox, if it is one for all", mailbox, block_id=MAILBOX, optional=True),
        form_field("Also", checkboxes(AGAIN, [again], chosen), block_id=AGAIN, optional=True),
        form_field("Email language", place, block_id=LOCALE),
        form_field("Reason", reason, block_id=REASON, optional=True),
        context("Nothing is sent yet. You see a preview first."),
    ]
    view = View(
        type="modal",
        callback_id=CALLBACK,
        private_metadata=form_id,
        title=plain(TITLE, 24),
        submit=plain("Preview"),
        close=plain("Cancel"),
        blocks=blocks,
    )
    return cast(ModalView, view.to_dict())


def _no_room(rest: Sequence[str]) -> list[Block]:
    """Return the line about the targets that the list has no room for."""
    if not rest:
        return []
    some = join_names([truncate(escape(each), 100) for each in rest], _MOST_TITLES)
    verb = "does not" if len(rest) == 1 else "do not"
    return [section(f"*{len(rest)} more {verb} fit into this list:* {some}. Use another bulk resend for the rest.")]


def read_form(view: Mapping[str, Any]) -> BulkFormInput:
    """Return what was submitted. Raises InvalidInput with the field to correct, also if Slack's data is malformed."""
    try:
        values = view["state"]["values"]
        audience = Audience(values[AUDIENCE][AUDIENCE]["selected_option"]["value"])
        locale = _opaque(values[LOCALE][LOCALE]["selected_option"]["value"])
        typed = {each: str(values[each][each].get("value") or "") for each in (WANTED, MAILBOX, REASON)}
        revalidates = bool(values[AGAIN][AGAIN].get("selected_options"))
        form_id = _opaque(view["private_metadata"])
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInput("This form has expired. Run /dcv-resend bulk again.") from error
    if audience is Audience.MAILBOX and not typed[MAILBOX]:
        raise InvalidInput("Enter a mailbox.", {MAILBOX: "Enter a mailbox."})
    mailbox = readable(typed[MAILBOX])[:320] if audience is Audience.MAILBOX else ""
    reason = readable(typed[REASON][:LONGEST_TEXT])[:LONGEST_REASON] or None
    asked = BulkInput(typed[WANTED], audience, locale, mailbox, reason, revalidates)
    return BulkFormInput(asked, form_id)


def looking_up(plan: BulkPlan, done: int, total: int) -> Message:
    """Return the card while the targets are looked up."""
    head = f"Looking up {done} of {total}…" if total else "Looking up…"
    return _card("⏳", head, (), plan)


def card(facts: BulkFacts) -> Message:
    """Return the card of a plan in its state, with the buttons that can help now."""
    plan = facts.plan
    match plan.state:
        case BulkState.LOOKING_UP:
            return looking_up(plan, 0, 0)
        case BulkState.READY | BulkState.ASKING:
            return _preview(facts)
        case BulkState.RUNNING:
            return _running(facts)
        case BulkState.STOPPED | BulkState.FINISHED:
            return _result(facts)
        case BulkState.REJECTED:
            return _card("⛔", f"Rejected · {_headline(facts)}", [_nothing_sent(facts)], plan)
        case BulkState.EXPIRED:
            return _card("⛔", f"Expired · {_headline(facts)}", [_nothing_sent(facts)], plan)
        case BulkState.DISCARDED:
            if plan.problem or not plan.targets:
                return _card("⛔", "No emails to send", [escape(plan.problem) or _line_counts(facts)], plan)
            return _card("⛔", f"Discarded · {_headline(facts)}", [_nothing_sent(facts)], plan)


def _preview(facts: BulkFacts) -> Message:
    plan = facts.plan
    lines = [_line_counts(facts)]
    if plan.repeated:
        lines.append(f"{_counted(plan.repeated, 'line')} would send the same email as another line, so I send it once.")
    if again := sum(item.revalidates for item in facts.items):
        lines.append(f"{_counted(again, 'domain')} will be revalidated: submitted again first, then emailed.")
    is_asking = plan.state is BulkState.ASKING
    if is_asking and plan.asked_at:
        until = date_time(plan.asked_at + APPROVAL_TIME)
        lines.append(f"Someone else must approve this until {until}.")
    elif facts.needs_reason:
        lines.append("A plan of this size needs a reason. Add one with *Change…*.")
    elif facts.needs_approval and facts.is_direct:
        lines.append("Someone else must approve a plan of this size, so start it in a channel that I'm in.")
    elif facts.needs_approval:
        lines.append("Someone else must approve a plan of this size.")
    head = f"{_headline(facts)} · waiting for approval" if is_asking else _headline(facts)
    return _card("⏳" if is_asking else "", head, lines, plan, _preview_buttons(facts))


def _preview_buttons(facts: BulkFacts) -> ActionsBlock:
    plan, value = facts.plan, plan_value(facts.plan)
    entries = {DETAILS: "Details"}
    buttons: list[ButtonElement] = []
    if plan.state is BulkState.ASKING:
        buttons = [_button("Approve", APPROVE, value, "primary"), _button("Reject", REJECT, value)]
        entries[DISCARD] = "Discard"
    else:
        if facts.needs_reason or (facts.needs_approval and facts.is_direct):
            pass
        elif facts.needs_approval:
            buttons.append(_button("Ask for approval", ASK, value, "primary"))
        else:
            buttons.append(_button(f"Send {plan.emails}", SEND, value, "primary"))
        buttons += [_button("Change…", CHANGE, value), _button("Discard", DISCARD, value)]
    return ActionsBlock(elements=[*buttons, menu(MENU, plan.id, entries)])


def _running(facts: BulkFacts) -> Message:
    plan = facts.plan
    about = [f"about {_seconds(facts.seconds_left)} left"] if facts.seconds_left else []
    head = " · ".join([f"{_done(facts)} of {plan.targets}", *_by_outcome(facts), *about])
    lines = [facts.waiting] if facts.waiting else []
    buttons = [_button("Stop", STOP, plan_value(plan)), menu(MENU, plan.id, {DETAILS: "Details"})]
    return _card("⏳", head, lines, plan, ActionsBlock(elements=buttons))


def _result(facts: BulkFacts) -> Message:
    plan, remaining = facts.plan, left(facts.items)
    is_open = plan.state is BulkState.STOPPED
    unknown = counts(facts.items)[BulkOutcome.UNKNOWN]
    buttons: list[Any] = []
    if is_open and remaining:
        label = f"Continue with the {len(remaining)} left"
        buttons.append(_button(label, CONTINUE, plan_value(plan), "primary"))
    if facts.interrupted:
        # Buttons of one block need different ids, so it is one domain at a time.
        first = facts.interrupted[0]
        label = f"Continue {truncate(display_name(first.title), _ROOM_IN_A_LABEL)}"
        buttons.append(_button(label, revalidation_card.CONTINUE, first.request_id))
    if unknown:
        buttons.append(_button(f"Show the {unknown} unknown", SHOW_UNKNOWN, plan.id))
    buttons.append(menu(MENU, plan.id, {DETAILS: "Details"}))
    head = " · ".join([f"{_done(facts)} of {plan.targets}", *_by_outcome(facts)])
    lines = [plan.note] if plan.note else []
    sent = counts(facts.items)[BulkOutcome.SENT] + unknown
    total = len(domains(item for item in facts.items if item.outcome in (BulkOutcome.SENT, BulkOutcome.UNKNOWN)))
    is_validated = sent and facts.validated == total and not remaining
    if sent:
        lines.append(f"{facts.validated} of {_counted(total, 'domain')} validated")
    if facts.interrupted:
        lines.append(f"Submitted, but stopped before the email: {_titles(facts.interrupted)}")
    emoji = _emoji(facts, sent, unknown, is_validated=bool(is_validated))
    lines.append(f"To export it: dcv-resend bulk export {plan.id}")
    return _card(emoji, f"{'Stopped: ' if is_open else ''}{head}", lines, plan, ActionsBlock(elements=buttons))


def _emoji(facts: BulkFacts, sent: int, unknown: int, *, is_validated: bool) -> str:
    if is_validated:
        return "✅"
    if unknown:
        return "⚠️"
    return "📨" if sent else "⛔"


def table(items: Sequence[BulkItem]) -> Message:
    """Return the reply with the first rows of a plan: the targets with their recipients, and how each ended."""
    is_result = any(item.outcome for item in items)
    head = f"{'Result' if is_result else 'Preview'}: {_counted(len(items), 'target')}"
    titles = ("Target", "Domains", "Recipients", *(("Outcome", "Reason") if is_result else ("Waiting since",)))
    rows = DataTable(head, titles, [_cells(item, is_result=is_result) for item in items])
    more = [context(f"+ {rows.left_out} more. *Details* on the card has all of them.")] if rows.left_out else []
    return Message(head, (rows, *more))


def _cells(item: BulkItem, *, is_result: bool) -> tuple[Cell, ...]:
    about = Cell(item.title), Cell(_some(item.names, display_name)), Cell(_some(item.recipients))
    if is_result:
        return *about, Cell(_WORDS[item.outcome] if item.outcome else "left"), Cell(item.words)
    return *about, Cell(f"{item.since:%Y-%m-%d}" if item.since else "")


def hidden(titles: Sequence[str]) -> Message:
    """Return the lines that were not found or that the requester's rules do not cover, for the requester alone."""
    shown = [f"• {truncate(escape(title), 100)}" for title in titles[:_MOST_HIDDEN]]
    if more := len(titles) - len(shown):
        shown.append(f"+ {more} more")
    head = "These lines were not found or aren't covered by your rules:"
    return Message(f"{head} {len(titles)}", (section("\n".join([head, *shown])),))


def details(facts: BulkFacts, page: int, *, only: str = "", hidden_too: bool = False) -> ModalView:
    """Return one page of every row of a plan. With `only`, those of unknown outcome. Others see no hidden lines."""
    items = [item for item in facts.items if only != UNKNOWN_ONLY or item.outcome is BulkOutcome.UNKNOWN]
    rows = [_row(item) for item in items]
    if not only:
        visible = [each for each in facts.plan.left_out if hidden_too or each.kind is not LeftOutKind.HIDDEN]
        rows += [_left_out_row(each) for each in visible]
    pages = max(1, -(-len(rows) // ROWS_ON_A_PAGE))
    page = min(max(page, 0), pages - 1)
    shown = rows[page * ROWS_ON_A_PAGE : (page + 1) * ROWS_ON_A_PAGE]
    blocks: list[Block] = [] if page else [section(f"*{_headline(facts)}*")]
    blocks += [
        section("\n".join(shown[start : start + _ROWS_IN_A_SECTION]))
        for start in range(0, len(shown), _ROWS_IN_A_SECTION)
    ]
    blocks += [_turns(facts.plan.id, page, pages, only)] if pages > 1 else []
    if page == pages - 1:
        asked = facts.plan.asked
        reason = f"\nReason: {escape(asked.reason)}" if asked.reason else ""
        words = f"Email language: {escape(language(asked.locale))}{reason}\nPlan {facts.plan.id}"
        blocks.append(context(f"{words}\nTo export it: dcv-resend bulk export {facts.plan.id}"))
    return {
        "type": "modal",
        "title": plain("Details").to_dict(),
        "close": plain("Close").to_dict(),
        "blocks": [block.to_dict() for block in blocks],
    }


def _some(texts: Sequence[str], shown: Callable[[str], str] = str) -> str:
    """Return the first few of these texts, and how many more there are. A cell has no room for hundreds."""
    first = [shown(text) for text in texts[:_MOST_TITLES]]
    return join_names([*first, *texts[len(first) :]], len(first))


def changes(validated: Sequence[BulkItem], others: Sequence[BulkItem], since: datetime) -> Message:
    """Return the reply with what changed since a time: the items that were validated, and those that closed."""
    lines = []
    if validated:
        lines.append(f"✅ Validated since {time_of_day(since)}: {_titles(validated)}")
    if others:
        lines.append(f"No longer tracked: {_titles(others)}")
    text = "\n".join(lines) or "Checked again"
    return Message(text, (section(text),))


def _titles(items: Sequence[BulkItem]) -> str:
    return join_names([truncate(escape(item.title), 100) for item in items], _MOST_TITLES)


def plan_value(plan: BulkPlan) -> str:
    """Return the value of the buttons that act on a plan: its id, and the hash of what was shown."""
    return f"{plan.id}:{plan.hash}"


def read_plan_value(value: str) -> tuple[str, str]:
    """Return the id and the hash of a button's value."""
    plan_id, _, shown = value.partition(":")
    return plan_id, shown


def waiting_line(why: str, until: datetime) -> str:
    """Return the line that says why nothing is sent at the moment, and until when, as marked-up text."""
    return f"{escape(why)} Next try: {time_of_day(until)}."


def approvers_wanted(plan: BulkPlan, who: str) -> Message:
    """Return the reply that asks others to approve. `who` is marked-up text, empty if no one can be named."""
    words = f"{person(plan.actor.user_id)} asks for approval of {_counted(plan.emails, 'email')}."
    text = f"{words} {who}".strip()
    return Message(text, (section(text),))


def _headline(facts: BulkFacts) -> str:
    items = facts.items
    sent, to, about = count_emails(items), len(mailboxes(items)), len(domains(items))
    return f"{_counted(sent, 'email')} to {_counted(to, 'mailbox', 'mailboxes')} for {_counted(about, 'domain')}"


def _line_counts(facts: BulkFacts) -> str:
    """Return how many lines will be sent, are left out, and are not covered by the rules."""
    plan = facts.plan
    by_kind = {kind: sum(each.kind is kind for each in plan.left_out) for kind in LeftOutKind}
    concealed = by_kind.pop(LeftOutKind.HIDDEN)
    parts = [f"{plan.targets} will be sent"]
    if some := sum(by_kind.values()):
        reasons = [f"{count} {_LEFT_OUT[kind][count > 1]}" for kind, count in by_kind.items() if count]
        parts.append(f"{some} left out ({', '.join(reasons)})")
    if concealed:
        parts.append(f"{concealed} not found or not covered by {person(plan.actor.user_id)}'s rules")
    return f"{_counted(plan.lines, 'line')}: {', '.join(parts)}."


def _nothing_sent(facts: BulkFacts) -> str:
    by = f"{person(facts.plan.ended_by)} did that. " if facts.plan.ended_by else ""
    return f"{by}No email was sent."


def _done(facts: BulkFacts) -> int:
    return sum(item.outcome is not None for item in facts.items)


def _by_outcome(facts: BulkFacts) -> list[str]:
    found = counts(facts.items)
    return [f"{found[outcome]} {words}" for outcome, words in _WORDS.items() if found[outcome]]


def _row(item: BulkItem) -> str:
    about = "" if item.title in item.names else f" · {names(item.names, 200)}"
    target = f"*{truncate(escape(item.title), 100)}*{about}"
    end = f" · {_WORDS[item.outcome]}" if item.outcome else ""
    reason = f": {truncate(escape(item.words), 200)}" if item.words else ""
    return truncate(f"{target} → {emails(item.recipients)}{end}{reason}", _ROOM_FOR_A_ROW)


def _left_out_row(each: LeftOut) -> str:
    words = "not found, or not covered by your rules" if each.kind is LeftOutKind.HIDDEN else each.words
    return truncate(f"*{escape(each.title)}* · left out: {escape(words)}", _ROOM_FOR_A_ROW)


def _turns(plan_id: str, page: int, pages: int, only: str) -> Block:
    targets = {"Previous": page - 1, f"Next (page {page + 1} of {pages})": page + 1}
    return ActionsBlock(
        elements=[
            ButtonElement(text=plain(label), action_id=f"{DETAILS_PAGE}.{other}", value=f"{other}:{plan_id}:{only}")
            for label, other in targets.items()
            if 0 <= other < pages
        ]
    )


def _card(emoji: str, head: str, lines: Sequence[str], plan: BulkPlan, buttons: ActionsBlock | None = None) -> Message:
    title = f"{emoji} *{head}*" if emoji else f"*{head}*"
    body = "\n".join([title, *lines])
    by = f"Requested by {person(plan.actor.user_id)} {time_of_day(plan.at)}"
    if plan.approver:
        by += f" · approved by {person(plan.approver.user_id)}"
    blocks: list[Block] = [section(body), context(by)]
    return Message(f"{body}\n{by}".replace("*", ""), (*blocks, *([buttons] if buttons else [])))


def _opaque(value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise TypeError
    return value


def _button(label: str, action: str, value: str, style: str | None = None) -> ButtonElement:
    return ButtonElement(text=plain(label), action_id=action, value=value, style=style)


def _seconds(seconds: float) -> str:
    return f"{round(seconds)} s" if seconds < 90 else f"{round(seconds / 60)} min"


def _counted(number: int, one: str, several: str = "") -> str:
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"
