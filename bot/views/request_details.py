"""The modals of a request: *Details*, with everything that its card leaves out, and *Stop tracking*."""

from collections.abc import Sequence

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement

from bot.languages import language
from bot.models import Call, CallResult, CallStep, LedgerEvent, OrderTarget, ResendRequest
from bot.views.blocks import context, date_time, emails, escape, fields, names, person, plain, section, truncate
from bot.views.follow_up import EMAIL_ENDS
from bot.views.resend_form import ModalView
from bot.views.resend_messages import CardFacts, headline, state_of_tracking, title

DETAILS_PAGE = "details_page"
STOP_CALLBACK = "stop_tracking"
ROWS_ON_A_PAGE = 20
_ROWS_IN_A_SECTION = 5
_ROOM_FOR_A_ROW = 580

_OUTCOMES = {
    LedgerEvent.SENT: "sent",
    LedgerEvent.REFUSED: "rejected by DigiCert",
    LedgerEvent.NOT_SENT: "not sent",
    LedgerEvent.UNKNOWN: "may or may not have been sent",
}
_STEPS = {
    CallStep.SUBMIT: "submit for validation by a DNS TXT record, without email",
    CallStep.METHOD: "change to validation by email, without sending any",
}
_OUTCOMES_OF_STEPS = {
    LedgerEvent.SENT: "done",
    LedgerEvent.NOT_SENT: "not requested",
    LedgerEvent.UNKNOWN: "unconfirmed",
}


def details(facts: CardFacts, page: int = 0, *, email_end_note: bool = False) -> ModalView:
    """Return one page of everything that is known about a request. A page that does not exist is the last one."""
    rows = _rows(facts)
    pages = max(1, -(-len(rows) // ROWS_ON_A_PAGE))
    page = min(max(page, 0), pages - 1)
    shown = rows[page * ROWS_ON_A_PAGE : (page + 1) * ROWS_ON_A_PAGE]
    blocks: list[Block] = [] if page else [section(headline(facts)), _about(facts.request)]
    blocks += [
        section("\n".join(shown[start : start + _ROWS_IN_A_SECTION]))
        for start in range(0, len(shown), _ROWS_IN_A_SECTION)
    ]
    blocks += [_turns(facts.request.id, page, pages)] if pages > 1 else []
    if page == pages - 1:
        blocks.append(context("\n".join(_notes(facts, email_end_note=email_end_note))))
    return {
        "type": "modal",
        "title": plain("Details").to_dict(),
        "close": plain("Close").to_dict(),
        "blocks": [block.to_dict() for block in blocks],
    }


def stop_tracking(request: ResendRequest, unapproved: Sequence[str]) -> ModalView:
    """Return the question before tracking stops."""
    count = "1 domain still needs" if len(unapproved) == 1 else f"{len(unapproved)} domains still need"
    words = f"I'll stop checking {title(request)} ({escape(request.subject)}). {count} approval."
    return {
        "type": "modal",
        "callback_id": STOP_CALLBACK,
        "private_metadata": request.id,
        "title": plain("Stop tracking").to_dict(),
        "submit": plain("Stop tracking").to_dict(),
        "close": plain("Cancel").to_dict(),
        "blocks": [section(words).to_dict(), context("The card then has *Resume tracking*.").to_dict()],
    }


def _about(request: ResendRequest) -> Block:
    pairs = [
        ("Requested by", person(request.actor.user_id)),
        ("Time", date_time(request.at)),
        ("Email language", escape(language(request.locale))),
    ]
    return fields([*pairs, *([("Reason", escape(request.reason))] if request.reason else [])])


def _rows(facts: CardFacts) -> list[str]:
    """Return the lines on each call: its target and outcome, then each recipient with what it approves."""
    rows = []
    for number, call in enumerate(facts.request.calls):
        rows.append(truncate(_call(call, facts.results[number]), _ROOM_FOR_A_ROW))
        approved: dict[str, list[str]] = {}
        for recipient in call.recipients if call.step is CallStep.RESEND else ():
            approved.setdefault(recipient.email, []).append(recipient.name)
        rows += [
            truncate(f"• {emails([email])} (approves {names(mailed, 300)})", _ROOM_FOR_A_ROW)
            for email, mailed in approved.items()
        ]
    return rows


def _call(call: Call, ended: CallResult) -> str:
    target = call.target
    if isinstance(target, OrderTarget):
        what = f"Order {target.order_id}"
    else:
        what = f"Domain {target.domain_id} ({names([target.name_scope], 200)})"
    reason = f": {escape(ended.message)}" if ended.message else ""
    outcome = _OUTCOMES[ended.outcome]
    if call.step is not CallStep.RESEND:
        outcome = f"{_STEPS[call.step]}: {_OUTCOMES_OF_STEPS.get(ended.outcome, outcome)}"
    return f"*{what}* · {outcome} {date_time(ended.at)}{reason}"


def _turns(request_id: str, page: int, pages: int) -> Block:
    """Return the buttons to the neighboring pages. Slack wants another action id for each button of a block."""
    targets = {"Previous": page - 1, f"Next (page {page + 1} of {pages})": page + 1}
    return ActionsBlock(
        elements=[
            ButtonElement(text=plain(label), action_id=f"{DETAILS_PAGE}.{other}", value=f"{other}:{request_id}")
            for label, other in targets.items()
            if 0 <= other < pages
        ]
    )


def _notes(facts: CardFacts, *, email_end_note: bool) -> list[str]:
    tracking = state_of_tracking(facts)
    return [
        *([f"Tracking: {tracking}."] if tracking else []),
        "DigiCert doesn't report delivery, so check spam if the email doesn't arrive.",
        *([EMAIL_ENDS] if email_end_note else []),
        f"Request {escape(facts.request.id)}",
    ]
