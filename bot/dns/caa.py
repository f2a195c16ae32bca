"""CAA: does it forbid DigiCert to issue for a name, or a validation method? Judged from collected records. Pure.

Sources: RFC 8659, RFC 8657, ballot SC-098v2 (parameters must be obeyed from 2027-03-15), and DigiCert's page "DNS CAA
resource record check" for the values that it accepts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from bot.dns.replies import Record

PARAMETERS_BIND_FROM = date(2027, 3, 15)
ISSUERS = frozenset(
    {
        "digicert.com",
        "www.digicert.com",
        "digicert.ne.jp",
        "cybertrust.ne.jp",
        "symantec.com",
        "thawte.com",
        "geotrust.com",
        "rapidssl.com",
    }
)
_KNOWN_TAGS = frozenset({"issue", "issuewild", "issuemail", "issuevmc", "iodef", "contactemail", "contactphone"})
_CRITICAL = 128


class ValidationMethod(StrEnum):
    """A validation method, by the number of its section below 3.2.2.4 of the Baseline Requirements."""

    EMAIL = "4"
    DNS = "7"
    CAA_CONTACT = "13"
    TXT_CONTACT = "14"


_LABELS = {method: {f"ca-tbr-{method}"} for method in ValidationMethod}
_LABELS[ValidationMethod.DNS].add("dns-01")


class CaaRule(StrEnum):
    """The effect of the CAA records of a name."""

    ALLOWS = "allows"
    FORBIDS = "forbids"
    """DigiCert may not issue."""
    FORBIDS_METHOD = "forbids_method"
    """`validationmethods` does not list the method."""
    NAMES_ACCOUNT = "names_account"
    """`accounturi` names an account, which cannot be compared with this one."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class CaaView:
    """The closest CAA records of a name, and the `owner` that has them. Not `is_known` if they could not be read."""

    records: tuple[Record, ...] = ()
    owner: str = ""
    is_known: bool = True


UNREAD_CAA = CaaView(is_known=False)


def caa_rule(view: CaaView, method: ValidationMethod, *, is_wildcard: bool = False) -> CaaRule:
    """Return the effect of these records for a method of DigiCert."""
    if not view.is_known:
        return CaaRule.UNKNOWN
    if any(int(flags) & _CRITICAL and tag not in _KNOWN_TAGS for flags, tag, _ in view.records):
        return CaaRule.FORBIDS
    wild = _values(view, "issuewild") if is_wildcard else []
    values = wild or _values(view, "issue")
    if not values:
        return CaaRule.ALLOWS
    ours = [parameters for issuer, parameters in map(_split, values) if issuer in ISSUERS]
    if not ours:
        return CaaRule.FORBIDS
    effects = [_effect(parameters, method) for parameters in ours]
    order = (CaaRule.ALLOWS, CaaRule.NAMES_ACCOUNT, CaaRule.FORBIDS_METHOD)
    return next(each for each in order if each in effects)


def contact_emails(view: CaaView) -> list[str]:
    """Return the values of `contactemail`, as they are."""
    return _values(view, "contactemail")


def binds(rule: CaaRule, today: date) -> bool:
    """Return True if a CA must refuse because of this rule on a date."""
    if rule in {CaaRule.FORBIDS_METHOD, CaaRule.NAMES_ACCOUNT}:
        return today >= PARAMETERS_BIND_FROM
    return rule is CaaRule.FORBIDS


def _values(view: CaaView, tag: str) -> list[str]:
    return [value for _, each, value in view.records if each == tag]


def _split(value: str) -> tuple[str, Sequence[str]]:
    issuer, *parameters = value.split(";")
    return issuer.strip().lower().removesuffix("."), [each.strip() for each in parameters]


def _effect(parameters: Sequence[str], method: ValidationMethod) -> CaaRule:
    """Return the effect of one `issue` value. Several parameters must all be met."""
    given = [(tag.strip().lower(), value.strip()) for tag, _, value in (each.partition("=") for each in parameters)]
    for tag, value in given:
        labels = {label.strip().lower() for label in value.split(",")}
        if tag == "validationmethods" and not labels & _LABELS[method]:
            return CaaRule.FORBIDS_METHOD
    return CaaRule.NAMES_ACCOUNT if any(tag == "accounturi" for tag, _ in given) else CaaRule.ALLOWS
