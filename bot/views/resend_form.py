"""The form *Resend DCV emails* in each of its states."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict, cast

from slack_sdk.models.blocks import (
    Block,
    ButtonElement,
    DividerBlock,
    ExternalDataSelectElement,
    Option,
    PlainTextInputElement,
    SectionBlock,
    StaticMultiSelectElement,
    StaticSelectElement,
)
from slack_sdk.models.views import View

from bot.errors import NotAllowed
from bot.languages import LANGUAGES, language
from bot.models import (
    AccountEntry,
    Cooldown,
    Destination,
    Expired,
    Grantees,
    Kind,
    LedgerEvent,
    NeverValidated,
    Plan,
    Valid,
    WaitingName,
    name_key,
    order_key,
)
from bot.parsing.commands import LONGEST_REASON
from bot.parsing.domain_names import display_name
from bot.parsing.targets import DomainRef, OrderRef, TargetRef
from bot.recipients import allows_multiple, needs_shared_mailbox, preselected, shared_mailboxes
from bot.views.blocks import (
    Message,
    channel,
    context,
    date_time,
    duration_since,
    escape,
    field,
    join_names,
    names,
    option,
    person,
    plain,
    section,
)
from bot.views.blocks import name as shown_name
from bot.views.errors import refusal, refusal_buttons
from bot.views.policy_explanation import who_can_instead

CALLBACK = "resend_form"
TITLE = "Resend DCV emails"
TARGET = "target"
MATCH = "match"
AGAIN = "again"
SCOPE = "scope"
RECIPIENTS = "recipients"
LOCALE = "language"
REASON = "reason"
SHARED = f"{RECIPIENTS}.all"
MOST_OPTIONS = 100
# Slack allows 150 characters for the value of an option. Users must type a longer name with the command.
MOST_VALUE = 150
LONGEST_NAME = MOST_VALUE - len(name_key(""))
MOST_REASONS = 5


class ModalView(TypedDict, total=False):
    """A modal view as Slack's API expects it."""

    type: str
    callback_id: str
    private_metadata: str
    title: Mapping[str, Any]
    submit: Mapping[str, Any]
    close: Mapping[str, Any]
    blocks: Sequence[Mapping[str, Any]]


_SO_FAR = {LedgerEvent.SENT: "Sent", LedgerEvent.UNKNOWN: "Perhaps sent", None: "Asked for"}


def loading(form_id: str, wanted: str | None) -> ModalView:
    """Return the first view, which is opened before DigiCert is called."""
    if wanted is None:
        return empty(form_id)
    return _drawn(form_id, [section(f":hourglass_flowing_sand: Looking up *{shown_name(wanted)}* at DigiCert …")])


def empty(form_id: str) -> ModalView:
    """Return the view in which nothing is chosen yet."""
    hint = context("Pending orders and domains, the longest waiting first. Type to search by order id or name.")
    return _drawn(form_id, [_target_row(None), hint])


def reloading(form_id: str) -> ModalView:
    """Return the view while the recipients of a new choice are being read.

    The view keeps the id of the form.
    """
    return _drawn(form_id, [_target_row(None), section(":hourglass_flowing_sand: Asking DigiCert …")])


def choice(
    form_id: str, wanted: str, matches: Sequence[AccountEntry], now: datetime, *, is_exact: bool = True
) -> ModalView:
    """Return the view in which the user chooses one of several matches.

    If not `is_exact`, no order has the name itself.
    """
    select = StaticSelectElement(
        action_id=MATCH,
        placeholder=plain("Choose one"),
        options=[listed_option(listed, now) for listed in matches[:MOST_OPTIONS]],
    )
    name = shown_name(wanted)
    if any(listed.kind is Kind.DOMAIN for listed in matches):
        words = f"{len(matches)} pending domains are called {name}."
    else:
        words = f"{len(matches)} pending orders {'carry' if is_exact else 'belong to'} {name}."
    question = section(f"*{words}*\nWhich one is it?", accessory=select, block_id=MATCH)
    return _drawn(form_id, [_target_row(None), question])


def named(form_id: str, matches: Sequence[tuple[AccountEntry, str, str]], now: datetime) -> ModalView:
    """Return the view in which the user chooses one of several pending targets of a message.

    Each match comes with the key that opens its form, and the part of the message that mentions it.
    """
    options = [
        option(opens if len(opens) <= MOST_VALUE else listed.key, _what(listed), f"{where}, {_waits(listed, now)}")
        for listed, opens, where in matches[:MOST_OPTIONS]
    ]
    select = StaticSelectElement(action_id=MATCH, placeholder=plain("Choose one"), options=options)
    words = f"*The message names {len(matches)} that wait for e-mail validation.*\nWhich one is it?"
    return _drawn(form_id, [_target_row(None), section(words, accessory=select, block_id=MATCH)])


def nothing_named(wanted: Sequence[TargetRef], *, hides: bool) -> str:
    """Return a sentence that nothing is pending for the targets of a message.

    If the policy `hides` anything, it says only that the user may resend nothing.
    """
    if not wanted:
        return "The message names no order and no domain."
    words = [f"order {each.order_id}" if isinstance(each, OrderRef) else display_name(each.name) for each in wanted]
    what = "nothing that you may resend" if hides else "nothing"
    them = "it" if len(words) == 1 else "them"
    return f"The message names {join_names(words, MOST_REASONS)}, and {what} waits for {them}."


def nothing(form_id: str, sentence: str, instead: str) -> ModalView:
    """Return the view if there is nothing to resend: the reason, and what to do instead."""
    words = section(f":information_source: *{escape(sentence)}*\n{escape(instead)}")
    return _drawn(form_id, [_target_row(None), words])


def denied(form_id: str, error: NotAllowed, contact: str | None, *, can_ask: bool) -> ModalView:
    """Return the view for a denial by the policy, with those who can do it, and the ways out."""
    words = section(f":no_entry: {refusal(error, contact)}")
    return _drawn(form_id, [_target_row(None), words, *refusal_buttons(error, can_ask=can_ask)])


def answered(form_id: str, message: Message) -> ModalView:
    """Return the view after the user asked others to resend."""
    return _drawn(form_id, [_target_row(None), *message.blocks])


def in_cooldown(form_id: str, plan: Plan, cooldown: Cooldown, who: Grantees, now: datetime) -> ModalView:
    """Return the view for a user who may not send again during the cooldown: until when, and who may."""
    words = (
        f"{_so_far(cooldown, now)} You may send it again after {date_time(cooldown.until)}, when the cooldown is over."
    )
    return _drawn(
        form_id, [_target_row(option(plan.key, plan.title)), section(f"{words}\n{who_can_instead(who)}".strip())]
    )


def unavailable(form_id: str, sentence: str, key: str) -> ModalView:
    """Return the view if DigiCert or Slack could not be reached, with a button to retry."""
    again = ButtonElement(text=plain("Try again"), action_id=AGAIN, value=key)
    words = section(f":warning: *{escape(sentence)}*\nOr choose another order or domain.", accessory=again)
    return _drawn(form_id, [_target_row(None), words])


def resend(
    form_id: str,
    plan: Plan,
    destination: Destination,
    *,
    locale: str,
    reason: str | None = None,
    before: str | None = None,
    found_in: str | None = None,
) -> ModalView:
    """Return the view with all the fields that are needed to send.

    `before` is marked-up text on an earlier request, and makes a reason required. `found_in` is the part of the message
    that mentions the target, if the form was opened from one.
    """
    blocks: list[Block] = [_target_row(option(plan.key, plan.title))]
    if found_in:
        blocks.append(context(f"Found in {escape(found_in)} of the message."))
    if before:
        blocks.append(section(before))
    if len(plan.scopes) > 1:
        blocks.append(_scope_row(plan))
    blocks.append(DividerBlock())
    blocks += _recipient_fields(plan)
    blocks += [context(words) for remark in plan.remarks if (words := escape(remark).strip())]
    blocks += [_language_field(locale), _reason_field(reason, required=before is not None)]
    where = f"{_where(destination)}, or to you alone where the bot may not post"
    blocks.append(context(f"*Resend* asks DigiCert to mail these addresses now. The result goes to {where}."))
    return _drawn(form_id, blocks, submit=True)


def listed_option(listed: AccountEntry, now: datetime) -> Option:
    """Return the option for an inventory line: id, name, and how long it has been pending."""
    kind = "order" if listed.kind is Kind.ORDER else "domain"
    return option(listed.key, _what(listed), f"{kind}, {_waits(listed, now)}")


def suggestions(
    lines: Sequence[AccountEntry], typed: OrderRef | DomainRef | None, now: datetime
) -> list[dict[str, Any]]:
    """Return the options of a search: the inventory lines, then the typed target unless a line is exactly that."""
    last = _lookup_option(typed)
    shown = [listed_option(line, now) for line in lines[: MOST_OPTIONS - len(last)]]
    return [each.to_dict() for each in (*shown, *last)]


def cooldown_warning(cooldown: Cooldown, now: datetime) -> str:
    """Return who sent it recently, and that a reason is needed to send again."""
    return f"{_so_far(cooldown, now)} Until {date_time(cooldown.until)} it is sent again only with a reason."


def _so_far(cooldown: Cooldown, now: datetime) -> str:
    thread = f" (<{cooldown.link}|thread>)" if cooldown.link else ""
    done = f"{_SO_FAR[cooldown.outcome]} {duration_since(cooldown.at, now)} ago"
    return f":snowflake: *{done} by {person(cooldown.user_id)}*{thread}."


def _lookup_option(wanted: TargetRef | None) -> list[Option]:
    match wanted:
        case OrderRef(order_id):
            return [option(order_key(order_id), f"Look up order {order_id}")]
        case DomainRef(name) if len(name) <= LONGEST_NAME:
            return [option(name_key(name), f"Look up {display_name(name)}")]
        case _:
            return []


def _drawn(form_id: str, blocks: Sequence[Block], *, submit: bool = False) -> ModalView:
    view = View(
        type="modal",
        callback_id=CALLBACK,
        private_metadata=form_id,
        title=plain(TITLE),
        submit=plain("Resend") if submit else None,
        close=plain("Cancel" if submit else "Close"),
        blocks=list(blocks),
    )
    return cast(ModalView, view.to_dict())


def _target_row(current: Option | None) -> SectionBlock:
    select = ExternalDataSelectElement(
        action_id=TARGET,
        placeholder=plain("Order id or name"),
        min_query_length=0,
        initial_option=current,
    )
    return section("*Order or domain*", accessory=select, block_id=TARGET)


def _scope_row(plan: Plan) -> SectionBlock:
    options = [option(str(index), _covers(scope)) for index, scope in enumerate(plan.scopes)]
    # Slack accepts only an initial option that equals one of the options.
    current = plan.scopes.index(plan.waiting[0].scope)
    select = StaticSelectElement(action_id=SCOPE, options=options, initial_option=options[current])
    return section("*What the mail validates*", accessory=select, block_id=f"{SCOPE}.{_tag(plan.key)}")


def _recipient_fields(plan: Plan) -> list[Block]:
    if needs_shared_mailbox(plan):
        return [_shared_field(plan), context(f"Names: {names([waiting.name for waiting in plan.waiting])}")]
    return [_recipient_field(plan, number, waiting) for number, waiting in enumerate(plan.waiting)]


def _recipient_field(plan: Plan, number: int, waiting: WaitingName) -> Block:
    offered = {index: _address_option(index, waiting) for index in _offered(waiting)}
    options, begin = list(offered.values()), [offered[index] for index in preselected(waiting) if index in offered]
    element: StaticMultiSelectElement | StaticSelectElement
    if allows_multiple(waiting):
        element = StaticMultiSelectElement(action_id=RECIPIENTS, options=options, initial_options=begin)
    else:
        element = StaticSelectElement(action_id=RECIPIENTS, options=options, initial_option=begin[0])
    return field(
        f"Recipients for {display_name(waiting.name)}",
        element,
        block_id=f"{RECIPIENTS}.{number}.{_tag(plan.key, waiting.name)}",
        hint=_hint(waiting),
    )


def _hint(waiting: WaitingName) -> str:
    validates = _covers(waiting.scope) if waiting.covers_below else display_name(waiting.scope)
    some = " DigiCert may email only some of these." if waiting.audiences else ""
    return f"The mail validates {validates}.{some}"


def _offered(waiting: WaitingName) -> list[int]:
    """Return the offered indices into `allowed`: as many as a select takes, with the preselected ones among them."""
    begin = preselected(waiting)
    others = (index for index in range(len(waiting.allowed)) if index not in begin)
    return sorted([*begin, *others][:MOST_OPTIONS])


def _shared_field(plan: Plan) -> Block:
    mailboxes = shared_mailboxes(plan)
    options = [option(str(index), f"{local}@ each name's domain") for index, local in enumerate(mailboxes)]
    return field(
        f"Recipients for {len(plan.waiting)} names",
        StaticSelectElement(action_id=RECIPIENTS, options=options, initial_option=options[0]),
        block_id=f"{SHARED}.{_tag(plan.key)}",
        hint=f"One mailbox for all, at each name's own domain: for example {mailboxes[0]}@{plan.waiting[0].scope}.",
    )


def _address_option(index: int, waiting: WaitingName) -> Option:
    address = waiting.allowed[index]
    return option(str(index), address.email, "DNS TXT contact" if address.txt else None)


def _language_field(locale: str) -> Block:
    codes = dict.fromkeys([*LANGUAGES, locale])
    options = {code: option(code, language(code)) for code in codes}
    select = StaticSelectElement(action_id=LOCALE, options=list(options.values()), initial_option=options[locale])
    return field("Language", select, block_id=LOCALE)


def _reason_field(reason: str | None, *, required: bool) -> Block:
    return field(
        "Reason",
        PlainTextInputElement(
            action_id=REASON,
            initial_value=reason,
            max_length=LONGEST_REASON,
            placeholder=plain("For example: new mailbox, mail was lost"),
        ),
        block_id=REASON,
        optional=not required,
        hint="Kept in the ledger and shown in the thread.",
    )


def _what(listed: AccountEntry) -> str:
    more = len(listed.names) - 1
    return f"{listed.id} · {display_name(listed.name)}" + (f" +{more}" if more > 0 else "")


def _where(destination: Destination) -> str:
    if destination.thread_ts:
        return "the thread of the message"
    if destination.channel_id.startswith("C"):
        return channel(destination.channel_id)
    return "this conversation"


def _covers(scope: str) -> str:
    return f"{display_name(scope)} and all below it"


def _waits(listed: AccountEntry, now: datetime) -> str:
    match listed.validation:
        case Valid(until):
            return f"valid until {until:%Y-%m-%d}" if until else "valid"
        case Expired(at):
            return f"expired on {at:%Y-%m-%d}" if at else "expired"
        case NeverValidated():
            return "never validated"
    if listed.waiting is None:
        return "choose it to see what waits"
    if not listed.waiting:
        return "nothing waits"
    return f"waits for {duration_since(listed.since, now)}" if listed.since else "waits"


def _tag(*parts: str) -> str:
    """Return a short id that changes with its parts.

    Slack preserves the state of a field while its block id is the same. A new id resets the field to its initial value.
    """
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
