"""The card of a revalidation that stopped before DigiCert accepted its email: where it stopped, and what can help."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.models import Call, CallResult, CallStep, DcvToken, Domain, LedgerEvent, ResendRequest
from bot.views.blocks import Message, context, date_time, escape, name, section, truncate

CONTINUE = "continue_revalidation"
SHOW_RECORD = "show_dns_record"
REVALIDATE_AGAIN = "revalidate_again"
_ROOM_FOR_A_VALUE = 500

_UNSENT = frozenset({LedgerEvent.REFUSED, LedgerEvent.NOT_SENT})
_CHECK_IN_CONSOLE = (
    "Check in CertCentral that the domain is active and not locked, and that its organization's validation has not "
    "expired."
)
_BY_RECORD = "The domain is submitted, and a DNS TXT record would validate it. No one was emailed."
_BY_EMAIL = "The domain is submitted for validation by email, but I did not request the email."
_SUBMITTED_OR_NOT = "The domain may be submitted or not. No one was emailed."
_REFUSED = "The domain is submitted for validation by email, so its email can be resent."
_EITHER = "The domain is submitted, but maybe not for validation by email yet. I did not request the email."


@dataclass(frozen=True, slots=True)
class Stop:
    """The step at which a revalidation stopped, and its result. What came before it succeeded."""

    step: CallStep
    result: CallResult

    @property
    def is_unknown(self) -> bool:
        """True if the answer to the step was lost."""
        return self.result.outcome is LedgerEvent.UNKNOWN

    @property
    def has_begun(self) -> bool:
        """True if the domain is submitted, or may be."""
        return self.step is not CallStep.SUBMIT or self.is_unknown

    @property
    def can_continue(self) -> bool:
        """True if the remaining steps can help. A refused email needs another recipient."""
        return self.has_begun and not (self.step is CallStep.RESEND and self._is_refused)

    @property
    def headline(self) -> str:
        """The end of the card's first line."""
        match self.step:
            case CallStep.SUBMIT if self.is_unknown:
                return "may or may not be submitted, no email was sent"
            case CallStep.SUBMIT:
                return "no email was sent"
            case CallStep.METHOD if not self.is_unknown:
                return "submitted, no email was sent"
            case CallStep.RESEND if self._is_refused:
                return "submitted, DigiCert refused the email"
            case _:
                return "submitted, stopped before the email"

    @property
    def state(self) -> str:
        """The state of the domain as far as it is known, as a sentence; empty if nothing changed."""
        match self.step:
            case CallStep.SUBMIT:
                return _SUBMITTED_OR_NOT if self.is_unknown else ""
            case CallStep.METHOD:
                return _EITHER if self.is_unknown else _BY_RECORD
            case CallStep.RESEND:
                return _REFUSED if self._is_refused else _BY_EMAIL

    @property
    def advice(self) -> str:
        """The advice for the next attempt; empty if there is none."""
        return _CHECK_IN_CONSOLE if self._is_refused and self.step is not CallStep.RESEND else ""

    @property
    def buttons(self) -> Mapping[str, str]:
        """The labels of the buttons that can help, by action; empty if the form is what helps."""
        if not self.has_begun:
            return {REVALIDATE_AGAIN: "Try again"}
        if not self.can_continue:
            return {}
        record = {SHOW_RECORD: "Show the DNS record"} if self.step is CallStep.METHOD else {}
        return {CONTINUE: "Continue", **record}

    @property
    def _is_refused(self) -> bool:
        return self.result.outcome is LedgerEvent.REFUSED


def dns_record(domain: Domain, token: DcvToken) -> Message:
    """Return the DNS record that validates a domain without an email: its host, type and value."""
    parts = [
        f"*Host* (some DNS providers call it @)\n{name(domain.name)}",
        "*Type*\nTXT",
        f"*Value*\n{truncate(escape(token.value), _ROOM_FOR_A_VALUE)}",
    ]
    until = f" The value is valid until {date_time(token.expires_at)}." if token.expires_at else ""
    words = f"Once DigiCert finds this record, the domain is validated without an email.{until}"
    return Message(" ".join([*parts, words]), (*map(section, parts), context(words)))


def stop_of(request: ResendRequest, results: Mapping[int, CallResult]) -> Stop | None:
    """Return where a revalidation stopped; None if its email may have been sent, or if it is none."""
    if not request.revalidates:
        return None
    number, call = deciding_call(request, results)
    return stop_at(call.step, results[number])


def stop_at(step: CallStep, result: CallResult) -> Stop | None:
    """Return where a revalidation stopped that ended with this step; None if its email may have been sent."""
    may_be_sent = step is CallStep.RESEND and result.outcome not in _UNSENT
    return None if may_be_sent else Stop(step, result)


def deciding_call(request: ResendRequest, results: Mapping[int, CallResult]) -> tuple[int, Call]:
    """Return the step that a revalidation ended with, and its number: the first that did not succeed, else the last."""
    calls = list(enumerate(request.calls))
    return next((each for each in calls if results[each[0]].outcome is not LedgerEvent.SENT), calls[-1])
