"""The form *Resend DCV email* in each of its states."""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict, cast

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ExternalDataSelectElement,
    InputBlock,
    Option,
    PlainTextInputElement,
    StaticSelectElement,
)
from slack_sdk.models.views import View

from bot.errors import NotAllowed
from bot.languages import LANGUAGES, language
from bot.models import (
    AccountEntry,
    CallStep,
    Cooldown,
    Expired,
    Grantees,
    Kind,
    LedgerEvent,
    NeverValidated,
    Plan,
    TargetKey,
    Valid,
    WaitingName,
    name_key,
    order_key,
)
from bot.parsing.commands import LONGEST_REASON
from bot.parsing.domain_names import display_name
from bot.parsing.targets import DomainRef, OrderRef, TargetRef
from bot.recipients import (
    CONSTRUCTED,
    allows_multiple,
    count_emails,
    needs_shared_mailbox,
    preselected,
    ranked,
    shared_mailboxes,
)
from bot.views.blocks import (
    OPTION_TEXT,
    SECTION_TEXT,
    Message,
    checkboxes,
    context,
    date_time,
    duration_since,
    escape,
    field,
    join_names,
    option,
    person,
    plain,
    radio_buttons,
    section,
    truncate_middle,
)
from bot.views.blocks import name as shown_name
from bot.views.console_links import console_button
from bot.views.dcv_scope import approval_validates
from bot.views.errors import refusal, refusal_buttons
from bot.views.policy_explanation import who_can_instead
from bot.views.revalidation import revalidate_button

CALLBACK = "resend_form"
TITLE = "Resend DCV email"
TARGET = "target"
MATCH = "match"
AGAIN = "again"
SCOPE = "scope"
RECIPIENTS = "recipients"
LOCALE = "language"
REASON = "reason"
MORE = "more_options"
DETAILS = "recipient_details"
RESEND_MANY = "resend_many"
SHARED = f"{RECIPIENTS}.all"
CONTINUE = "Continue"
CHECK_AGAIN = "Check again"
MOST_OPTIONS = 100
# Slack allows 150 characters for the value of a select's option. Users must type a longer name with the command.
MOST_VALUE = 150
# Radio buttons allowed half of that until lately.
SAFE_VALUE = 75
LONGEST_NAME = MOST_VALUE - len(name_key(""))
MOST_REASONS = 5
MOST_NAMED = 5
_MOST_BLOCKS = 100
_MOST_BUTTON_VALUE = 2000


class ModalView(TypedDict, total=False):
    """A modal view as Slack's API expects it."""

    type: str
    callback_id: str
    private_metadata: str
    title: Mapping[str, Any]
    submit: Mapping[str, Any]
    close: Mapping[str, Any]
    blocks: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Selections:
    """The user's input so far. `recipients` are indices into `allowed` by the number of the name.

    Without them, the preselected ones are shown. `shared` is the index of the one mailbox for all names. If
    `shows_more`, the fields behind *More options* are visible. The first of them gets the focus if the user just
    `opened_more`.
    """

    locale: str | None = None
    reason: str | None = None
    recipients: Mapping[int, Sequence[int]] = dataclasses.field(default_factory=dict)
    shared: int = 0
    shows_more: bool = False
    opened_more: bool = False


@dataclass(frozen=True, slots=True)
class Notes:
    """Sentences around the fields, as marked-up text.

    `result_goes` says where the result will be posted. `before` is about an earlier request, and makes a reason
    required. `found_in` is the part of the message that mentions the target, unescaped.
    """

    result_goes: str
    before: str | None = None
    found_in: str | None = None


_SO_FAR = {
    LedgerEvent.SENT: "{who} resent this {ago} ago",
    LedgerEvent.UNKNOWN: "{who} requested this {ago} ago, and it may or may not have been sent",
    None: "{who} requested this {ago} ago",
}


def loading(form_id: str, wanted: str | None) -> ModalView:
    """Return the first view, which is opened before DigiCert is called."""
    if wanted is None:
        return empty(form_id)
    return _drawn(form_id, [section(f":hourglass_flowing_sand: Looking up {shown_name(wanted)}…")])


def empty(form_id: str) -> ModalView:
    """Return the view in which nothing is chosen yet."""
    hint = "Shows pending orders, oldest first. Type an order number or domain to search."
    return _drawn(form_id, [_target_row(None, has_focus=True), context(hint)], CONTINUE)


def reloading(form_id: str) -> ModalView:
    """Return the view while the recipients of a new choice are being read.

    The view keeps the id of the form.
    """
    return _drawn(form_id, [_target_row(None), section(":hourglass_flowing_sand: Loading order details…")], CONTINUE)


def choice(
    form_id: str, wanted: str, matches: Sequence[AccountEntry], now: datetime, *, is_exact: bool = True
) -> ModalView:
    """Return the view in which the user chooses one of several matches.

    If not `is_exact`, no order has the name itself.
    """
    options = [_match_option(listed.key, listed, now) for listed in matches[:MOST_OPTIONS]]
    name = shown_name(wanted)
    if any(listed.kind is Kind.DOMAIN for listed in matches):
        words = f"{len(matches)} pending domains are called {name}"
    else:
        words = f"{len(matches)} pending orders {'include' if is_exact else 'belong to'} {name}"
    return _drawn(form_id, [_target_row(None), section(f"*{words}*"), _match_field(options)], CONTINUE)


def listed(form_id: str, lines: Sequence[AccountEntry], now: datetime) -> ModalView:
    """Return the view in which the user chooses one of several listed targets, the first MOST_OPTIONS of them."""
    options = [_match_option(line.key, line, now) for line in lines[:MOST_OPTIONS]]
    heading = section(f"*Choose one of {len(lines)}*")
    return _drawn(form_id, [_target_row(None), heading, _match_field(options)], CONTINUE)


def named(form_id: str, matches: Sequence[tuple[AccountEntry, str, str]], now: datetime) -> ModalView:
    """Return the view in which the user chooses one of several pending targets of a message.

    Each match comes with the key that opens its form, and the part of the message that mentions it.
    """
    options = [
        _match_option(opens if len(opens) <= SAFE_VALUE else listed.key, listed, now, where)
        for listed, opens, where in matches[:MOST_OPTIONS]
    ]
    kinds = {listed.kind for listed, _, _ in matches}
    what = "orders and domains" if len(kinds) > 1 else f"{next(iter(kinds), Kind.ORDER)}s"
    heading = section(f"*This message mentions {len(matches)} pending {what}*")
    blocks = [_target_row(None), heading, _match_field(options), *_many([listed for listed, _, _ in matches])]
    return _drawn(form_id, blocks, CONTINUE)


def _many(lines: Sequence[AccountEntry]) -> list[Block]:
    """Return the button that opens the form for all of these lines at once, as its value lists them."""
    typed = [str(line.id) if line.kind is Kind.ORDER else line.name for line in lines]
    value = "\n".join(dict.fromkeys(typed))
    if len(lines) < 2 or len(value) > _MOST_BUTTON_VALUE:
        return []
    label = plain(f"Resend all {len(lines)}…")
    return [ActionsBlock(elements=[ButtonElement(text=label, action_id=RESEND_MANY, value=value)])]


def nothing_named(wanted: Sequence[TargetRef], *, hides: bool) -> str:
    """Return a sentence that nothing is pending for the targets of a message.

    If the policy `hides` anything, it says only that the user can resend nothing.
    """
    if not wanted:
        return "I couldn't find an order number or domain in this message."
    words = [f"order {each.order_id}" if isinstance(each, OrderRef) else display_name(each.name) for each in wanted]
    what = join_names(words, MOST_REASONS)
    if hides:
        return f"Nothing that you can resend is pending for {what}."
    return f"Nothing is pending for {what}."


def nothing(
    form_id: str,
    sentence: str,
    instead: str,
    key: str = "",
    *,
    page: str | None = None,
    console: str = "",
    revalidates: str = "",
) -> ModalView:
    """Return the view if there is nothing to resend: the reason, and what to do instead.

    `key` is what was looked up. A button opens a `page` of CertCentral, whose address is `console`. `revalidates` is
    the key of the domain that the user can revalidate, or empty.
    """
    words = section(f"*{escape(sentence)}*\n{escape(instead)}".strip())
    elements = [revalidate_button(revalidates, "the domain")] if revalidates else []
    if console and page is not None:
        elements.append(console_button(console, page))
    actions = [ActionsBlock(elements=elements)] if elements else []
    return _dead_end(form_id, key, words, *actions)


def denied(form_id: str, error: NotAllowed, contact: str | None, *, can_ask: bool, key: str = "") -> ModalView:
    """Return the view for a denial by the policy, with those who can do it, and the ways out."""
    words = section(f":no_entry: {refusal(error, contact)}")
    return _dead_end(form_id, key, words, *refusal_buttons(error, can_ask=can_ask))


def answered(form_id: str, message: Message) -> ModalView:
    """Return the view after the user asked others to resend."""
    return _dead_end(form_id, "", *message.blocks)


def in_cooldown(form_id: str, plan: Plan, cooldown: Cooldown, who: Grantees, now: datetime) -> ModalView:
    """Return the view for a user who may not send again during the cooldown: until when, and who may."""
    words = f"{_so_far(cooldown, now)} You can resend it after {date_time(cooldown.until)}."
    if who.users or who.groups:
        words = f"{words}\n{who_can_instead(who)}"
    return _drawn(form_id, [_target_row(option(plan.key, plan.title)), section(words)], CHECK_AGAIN)


def unavailable(form_id: str, sentence: str, key: str) -> ModalView:
    """Return the view if DigiCert or Slack could not be reached, with a button to retry."""
    again = ButtonElement(text=plain("Try again"), action_id=AGAIN, value=key)
    words = section(f":warning: *{escape(sentence)}*", accessory=again)
    return _drawn(form_id, [_target_row(_key_option(key)), words], CHECK_AGAIN)


def resend(
    form_id: str,
    plan: Plan,
    notes: Notes,
    locale: str,
    now: datetime,
    *,
    selections: Selections | None = None,
    has_focus: bool = True,
) -> ModalView:
    """Return the view with all the fields that are needed to send.

    `locale` is the language without a choice of the user. `has_focus` is False if the user is already in the form.
    """
    chosen = selections or Selections()
    blocks: list[Block] = [_target_row(option(plan.key, plan.title)), section(_heading(plan, now))]
    if plan.validated:
        blocks.append(context(f"Already validated: {_some(plan.validated)}"))
    if notes.found_in:
        blocks.append(context(f"From {escape(notes.found_in)} of the message"))
    if notes.before:
        blocks.append(section(notes.before))
    blocks += _recipient_fields(plan, chosen, has_focus=has_focus and not chosen.opened_more)
    blocks += [context(words) for remark in plan.remarks if (words := escape(remark).strip())]
    blocks.append(_reason_field(chosen.reason, required=notes.before is not None))
    blocks += _more_options(plan, locale, chosen)
    count = count_emails(plan, chosen.recipients, chosen.shared)
    blocks.append(context(f"{_what_happens(plan, count)} {notes.result_goes}"))
    return _drawn(form_id, blocks, _submit(plan, count))


def recipient_details(plan: Plan, emails: Sequence[tuple[str, str]]) -> ModalView:
    """Return the view on top of the form with every name and its address, for a form with too many names."""
    pages = [""]
    for line in (f"{shown_name(name)}: {escape(email)}" for name, email in emails):
        if len(pages[-1]) + len(line) >= SECTION_TEXT:
            pages.append("")
        pages[-1] = f"{pages[-1]}\n{line}".strip()
    blocks = [section(f"*{escape(plan.title)}*"), *map(section, filter(None, pages))]
    view = View(type="modal", title=plain("Recipients"), close=plain("Back"), blocks=blocks[:_MOST_BLOCKS])
    return cast(ModalView, view.to_dict())


def listed_option(listed: AccountEntry, now: datetime) -> Option:
    """Return the option for an inventory line: what it is, its name, and how long it has been pending."""
    kind, age = "Order" if listed.kind is Kind.ORDER else "Domain", _waits(listed, now)
    room = OPTION_TEXT - len(f"{kind} ·  · {age}")
    return option(listed.key, f"{kind} · {truncate_middle(_title(listed), room)} · {age}", _facts(listed))


def suggestions(
    lines: Sequence[AccountEntry], typed: OrderRef | DomainRef | None, now: datetime
) -> list[dict[str, Any]]:
    """Return the options of a search: the inventory lines, then the typed target unless a line is exactly that."""
    last = _lookup_option(typed)
    shown = [listed_option(line, now) for line in lines[: MOST_OPTIONS - len(last)]]
    return [each.to_dict() for each in (*shown, *last)]


def cooldown_warning(cooldown: Cooldown, now: datetime) -> str:
    """Return who sent it recently, and that a reason is needed to send again."""
    return f"{_so_far(cooldown, now)} To resend it before {date_time(cooldown.until)}, give a reason."


def _so_far(cooldown: Cooldown, now: datetime) -> str:
    thread = f" (<{cooldown.link}|thread>)" if cooldown.link else ""
    done = _SO_FAR[cooldown.outcome].format(who=person(cooldown.user_id), ago=duration_since(cooldown.at, now))
    return f"*{done}*{thread}."


def _lookup_option(wanted: TargetRef | None) -> list[Option]:
    match wanted:
        case OrderRef(order_id):
            return [option(order_key(order_id), f"Search CertCentral for order {order_id}")]
        case DomainRef(name) if len(name) <= LONGEST_NAME:
            return [option(name_key(name), f"Search CertCentral for “{display_name(name)}”")]
        case _:
            return []


def _key_option(key: str) -> Option | None:
    """Return the option for a key that was looked up, so that the user can look it up again; None without one."""
    target = TargetKey.parse(key)
    if not 0 < len(key) <= MOST_VALUE or not target.value:
        return None
    if target.kind == "name":
        return option(key, display_name(target.value))
    return option(key, f"{target.kind.capitalize()} {target.value}") if target.number is not None else None


def _drawn(form_id: str, blocks: Sequence[Block], submit: str | None = None) -> ModalView:
    view = View(
        type="modal",
        callback_id=CALLBACK,
        private_metadata=form_id,
        title=plain(TITLE),
        submit=plain(submit) if submit else None,
        close=plain("Cancel" if submit else "Close"),
        blocks=list(blocks),
    )
    return cast(ModalView, view.to_dict())


def _dead_end(form_id: str, key: str, *blocks: Block) -> ModalView:
    current = _key_option(key)
    return _drawn(form_id, [_target_row(current), *blocks], CHECK_AGAIN if current else CONTINUE)


def _submit(plan: Plan, emails: int) -> str:
    """Return the label of the button that submits, which has at most 24 characters."""
    if plan.revalidation and CallStep.SUBMIT in plan.revalidation.steps:
        several = f"Revalidate, {emails} emails" if emails else "Revalidate and email"
        return "Revalidate, send 1 email" if emails == 1 else several
    if emails == 0:
        return "Send email"
    return "Send 1 email" if emails == 1 else f"Send {emails} emails"


def _what_happens(plan: Plan, emails: int) -> str:
    if plan.revalidation is None:
        return "DigiCert will email right away."
    count = "1 email" if emails == 1 else f"{emails} emails"
    if CallStep.SUBMIT not in plan.revalidation.steps:
        return f"I'll continue the revalidation and send {count}."
    return f"Revalidate and send {count}: I'll submit the domain again, and have only the chosen recipients emailed."


def _heading(plan: Plan, now: datetime) -> str:
    if plan.revalidation:
        return f"*Revalidate {shown_name(plan.waiting[0].name)}* · {escape(plan.revalidation.state)}"
    key = TargetKey.parse(plan.key)
    number, _, name = plan.title.partition(" · ")
    what = f"Order {number}" if key.order_id is not None else f"Domain {name}"
    age = f"pending {duration_since(plan.since, now)}" if plan.since else ""
    return " · ".join([f"*{escape(what)}*", *filter(None, [escape(plan.product), age])])


def _target_row(current: Option | None, *, has_focus: bool = False) -> InputBlock:
    select = ExternalDataSelectElement(
        action_id=TARGET,
        placeholder=plain("Order number or domain"),
        min_query_length=0,
        initial_option=current,
        focus_on_load=has_focus or None,
    )
    return field("Order or domain", select, block_id=TARGET, dispatches=True)


def _match_field(options: Sequence[Option]) -> InputBlock:
    return field("Choose one", radio_buttons(MATCH, options, has_focus=True), block_id=MATCH, dispatches=True)


def _match_option(value: str, listed: AccountEntry, now: datetime, where: str = "") -> Option:
    """Return the option for one of several matches: id, product and age, and its names below."""
    facts = [_facts(listed), _waits(listed, now)]
    more = [_title(listed), *([f"from {where}"] if where else [])]
    return option(value, " · ".join(filter(None, facts)), " · ".join(filter(None, more)))


def _more_options(plan: Plan, locale: str, chosen: Selections) -> list[Block]:
    if not chosen.shows_more:
        return [ActionsBlock(elements=[ButtonElement(text=plain("More options"), action_id=MORE)], block_id=MORE)]
    rows = [_scope_row(plan, has_focus=chosen.opened_more)] if len(plan.scopes) > 1 else []
    return [*rows, _language_field(chosen.locale or locale, has_focus=chosen.opened_more and not rows)]


def _scope_row(plan: Plan, *, has_focus: bool) -> Block:
    options = [
        option(str(index), f"{display_name(scope)} and its subdomains") for index, scope in enumerate(plan.scopes)
    ]
    # Slack accepts only an initial option that equals one of the options.
    current = plan.scopes.index(plan.waiting[0].scope)
    select = radio_buttons(SCOPE, options, options[current], has_focus=has_focus)
    return field("Domain to validate", select, block_id=f"{SCOPE}.{_tag(plan.key)}", dispatches=True)


def _recipient_fields(plan: Plan, chosen: Selections, *, has_focus: bool) -> list[Block]:
    if needs_shared_mailbox(plan):
        button = ButtonElement(text=plain("Details"), action_id=DETAILS)
        domains = section(f"For {_some([waiting.name for waiting in plan.waiting])}", accessory=button)
        return [_shared_field(plan, chosen.shared, has_focus=has_focus), domains]
    return [
        _recipient_field(plan, number, chosen.recipients.get(number), has_focus=has_focus and number == 0)
        for number in range(len(plan.waiting))
    ]


def _recipient_field(plan: Plan, number: int, picked: Sequence[int] | None, *, has_focus: bool) -> Block:
    waiting = plan.waiting[number]
    begin = preselected(waiting) if picked is None else picked
    offered = {index: _address_option(index, waiting) for index in _offered(waiting)}
    options, current = list(offered.values()), [offered[index] for index in begin if index in offered]
    if allows_multiple(waiting):
        element: Any = checkboxes(RECIPIENTS, options, current, has_focus=has_focus)
    else:
        element = radio_buttons(RECIPIENTS, options, next(iter(current), None), has_focus=has_focus)
    return field(
        f"{'Recipients' if allows_multiple(waiting) else 'Recipient'} for {display_name(waiting.name)}",
        element,
        block_id=f"{RECIPIENTS}.{number}.{_tag(plan.key, waiting.name)}",
        hint=_hint(waiting, [waiting.allowed[index].email for index in begin if index in offered], begin),
        dispatches=True,
    )


def _hint(waiting: WaitingName, emails: Sequence[str], begin: Sequence[int]) -> str:
    # An option shows a long address shortened in the middle.
    in_full = [f"To {email}." for email in emails if len(email) > OPTION_TEXT]
    some = ["DigiCert may email only some of these."] if waiting.audiences else []
    return " ".join([*in_full, approval_validates(waiting, begin), *some])


def _offered(waiting: WaitingName) -> list[int]:
    """Return the offered indices into `allowed`: as many as a select shows, with the preselected ones among them."""
    begin, order = preselected(waiting), ranked(waiting)
    chosen = {*begin, *[index for index in order if index not in begin][: MOST_OPTIONS - len(begin)]}
    return [index for index in order if index in chosen]


def _shared_field(plan: Plan, current: int, *, has_focus: bool) -> Block:
    number, mailboxes = len(plan.waiting), shared_mailboxes(plan)
    options = [
        option(str(index), f"{local}@ at each domain ({number} domains)") for index, local in enumerate(mailboxes)
    ]
    begin = options[current] if 0 <= current < len(options) else options[0]
    return field(
        f"Recipients for {number} domains",
        radio_buttons(RECIPIENTS, options, begin, has_focus=has_focus),
        block_id=f"{SHARED}.{_tag(plan.key)}",
        hint=f"Each domain gets its own email, for example {mailboxes[0]}@{plan.waiting[0].scope}.",
        dispatches=True,
    )


def _address_option(index: int, waiting: WaitingName) -> Option:
    address = waiting.allowed[index]
    kind = "Mailbox" if address.email.partition("@")[0].lower() in CONSTRUCTED else "Contact"
    kind = "DNS contact" if address.txt else kind
    used = " · validated before" if address.email in waiting.proven[:1] else ""
    used = " · used last" if address.email in waiting.preferred else used
    room = OPTION_TEXT - len(f"{kind} of {used}")
    return option(str(index), address.email, f"{kind} of {truncate_middle(display_name(address.domain), room)}{used}")


def _language_field(locale: str, *, has_focus: bool) -> Block:
    codes = dict.fromkeys([*LANGUAGES, locale])
    options = {code: option(code, language(code)) for code in codes}
    select = StaticSelectElement(
        action_id=LOCALE,
        options=list(options.values()),
        initial_option=options[locale],
        focus_on_load=has_focus or None,
    )
    return field("Email language", select, block_id=LOCALE)


def _reason_field(reason: str | None, *, required: bool) -> Block:
    why = "Required because this email was requested a short time ago. " if required else ""
    return field(
        "Reason",
        PlainTextInputElement(
            action_id=REASON,
            initial_value=reason,
            max_length=LONGEST_REASON,
            placeholder=plain("For example: mailbox changed, email not received"),
        ),
        block_id=REASON,
        optional=not required,
        hint=f"{why}Visible in the thread and the audit log.",
    )


def _title(listed: AccountEntry) -> str:
    more = len(listed.names) - 1
    return display_name(listed.name) + (f" +{more}" if more > 0 else "")


def _facts(listed: AccountEntry) -> str:
    return " · ".join(filter(None, [str(listed.id), listed.product]))


def _some(domains: Sequence[str]) -> str:
    return join_names([shown_name(each) for each in domains], MOST_NAMED)


def _waits(listed: AccountEntry, now: datetime) -> str:
    match listed.validation:
        case Valid():
            # CertCentral's list gives a date that ignores the rules to come.
            return "valid"
        case Expired(at):
            return f"expired on {at:%Y-%m-%d}" if at else "expired"
        case NeverValidated():
            return "never validated"
    if listed.waiting is None:
        return "select to see its status"
    if not listed.waiting:
        return "not pending"
    return f"waiting {duration_since(listed.since, now)}" if listed.since else "waiting"


def _tag(*parts: str) -> str:
    """Return a short id that changes with its parts.

    Slack preserves the state of a field while its block id is the same. A new id resets the field to its initial value.
    """
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
