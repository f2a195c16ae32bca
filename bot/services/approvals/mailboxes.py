"""The mailboxes of a request: which addresses got its emails, and what approving each validates. Pure."""

from collections.abc import Mapping, Sequence

from bot.models import (
    Call,
    CallResult,
    DomainTarget,
    FollowUp,
    FollowUpState,
    LedgerEvent,
    Mailbox,
    Recipient,
    ResendRequest,
)

_WENT_OUT = (LedgerEvent.SENT, LedgerEvent.UNKNOWN)


def open_mailboxes(
    request: ResendRequest, results: Mapping[int, CallResult], follow_ups: Sequence[FollowUp]
) -> list[Mailbox]:
    """Return the addresses whose email may have been sent and whose approval is still missing, in order."""
    validated = {(each.call_no, name) for each in follow_ups for name in each.validated}
    validated |= {
        (each.call_no, name)
        for each in follow_ups
        if each.state is FollowUpState.VALIDATED
        for name in request.calls[each.call_no].names
    }
    found: dict[str, Mailbox] = {}
    for number, call in request.emailing:
        result = results.get(number)
        if result is None or result.outcome not in _WENT_OUT:
            continue
        for recipient in call.recipients:
            if (number, recipient.name) not in validated:
                known = found.get(recipient.email)
                found[recipient.email] = _with_email(known, call, recipient, result)
    return list(found.values())


def _with_email(known: Mailbox | None, call: Call, recipient: Recipient, result: CallResult) -> Mailbox:
    """Return a mailbox with one more email."""
    known = known or Mailbox(recipient.email, result.at, certain=True)
    is_domain = isinstance(call.target, DomainTarget)
    scope = call.target.name_scope if isinstance(call.target, DomainTarget) else recipient.name
    parent = recipient.email_domain
    return Mailbox(
        known.email,
        min(known.sent_at, result.at),
        known.certain and _is_certain(call, result),
        known.names if is_domain else _once(known.names, scope),
        _once(known.below, scope) if is_domain else known.below,
        _once(known.parents, parent) if parent else known.parents,
    )


def _is_certain(call: Call, result: CallResult) -> bool:
    return result.outcome is LedgerEvent.SENT and not call.audience_uncertain


def _once(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*names, name)))
