"""The JSON of domains (pure)."""

from datetime import datetime
from typing import Any, NamedTuple

from sandbox.certcentral.account import Account
from sandbox.certcentral.models import Domain
from sandbox.certcentral.names import constructed_emails
from sandbox.certcentral.order_serializers import CONTAINER
from sandbox.certcentral.times import format_timestamp, mountain_date, mountain_day

SPANS: dict[str, tuple[int | None, int | None]] = {
    "expired": (None, -1),
    "expired_in_last_7_days": (-7, -1),
    "expiring": (0, 60),
    "expiring_within_7_days": (0, 7),
    "expiring_within_30_days": (0, 30),
    "expiring_from_31_to_60_days": (31, 60),
    "expiring_from_61_to_90_days": (61, 90),
}
"""The values of `filters[validation]` after their `ov_` or `ev_`, in days from today."""

_COUNTED = {
    "number_of_expired_domains": SPANS["expired"],
    "number_of_expiry_soon_domains": SPANS["expiring"],
    "number_of_domains_recent_expired": SPANS["expired_in_last_7_days"],
    "number_of_domains_expiring_within_30_days": SPANS["expiring_within_30_days"],
    "number_of_domains_expiring_from_31_to_60_days": SPANS["expiring_from_31_to_60_days"],
    "number_of_domains_expiring_from_61_to_90_days": SPANS["expiring_from_61_to_90_days"],
}


class Includes(NamedTuple):
    """The optional fields that a query asks for.

    `exact_expiry` adds UTC timestamps, `reuse` the state of each validation, and `validations` their `dcv_status`.
    """

    exact_expiry: bool = False
    reuse: bool = False
    validations: bool = False
    dcv: bool = False


def serialize_row(account: Account, domain: Domain, asked: Includes) -> dict[str, Any]:
    """Return a domain as a row of the list. Absent dates are left out."""
    setting = account.options.validation_states_in_lists
    with_states = setting == "always" or (setting == "asked" and asked.validations)
    shown = _common(account, domain, asked)
    if domain.validation_state(account.now()) != "never":
        shown["validations"] = serialize_validations(account, domain, with_states=with_states)
    return shown


def _common(account: Account, domain: Domain, asked: Includes) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": domain.id,
        "is_active": domain.active,
        "name": domain.name,
        "date_created": format_timestamp(domain.created),
        "organization": _organization(account, domain),
        "dcv_method": domain.method,
        "container": CONTAINER,
    }
    if domain.submitted is not None:
        shown["last_submitted_datetime"] = format_timestamp(domain.submitted)
    if domain.approved is not None:
        shown["dcv_approval_datetime"] = format_timestamp(domain.approved)
    if domain.validated_until is not None:
        shown["dcv_expiration"] = _expiration(account, domain, domain.validated_until, asked)
    return shown


def serialize_domain(account: Account, domain: Domain, asked: Includes) -> dict[str, Any]:
    """Return a single domain with the optional fields of `asked`."""
    shown = _common(account, domain, asked)
    shown |= {"status": "pending" if domain.pending else "approved", "is_pending_validation": domain.pending}
    if asked.validations or account.options.always_include_validations:
        shown["validations"] = serialize_validations(account, domain)
    if domain.validated_until is not None:
        shown["dcv_expiration_datetime"] = format_timestamp(domain.validated_until)
    if asked.dcv and domain.method != "email":
        shown["dcv_token"] = serialize_token(account, domain)
    if asked.dcv and account.options.invitations:
        shown["dcv"] = _invitations(account, domain)
    return shown


def serialize_validations(account: Account, domain: Domain, *, with_states: bool = True) -> list[dict[str, Any]]:
    """Return the OV and EV validations of a domain, which share one DCV. Returns nothing if it was never submitted."""
    if domain.validation_state(account.now()) == "never":
        return []
    return [_validation(account, domain, kind, with_states=with_states) for kind in ("ov", "ev")]


def _validation(account: Account, domain: Domain, kind: str, *, with_states: bool) -> dict[str, Any]:
    stage = domain.validation_state(account.now())
    status = {"expired": "expired"}.get(stage, "active" if domain.is_valid(account.now()) else "pending")
    shown = {
        "type": kind,
        "name": kind.upper(),
        "date_created": format_timestamp(domain.approved or domain.created),
        "status": status,
    }
    if with_states:
        shown |= {"dcv_status": stage, "org_status": "complete"}
    if domain.validated_until is not None:
        shown["validated_until"] = format_timestamp(domain.validated_until)
    return shown


def _organization(account: Account, domain: Domain) -> dict[str, Any]:
    return {
        "id": domain.organization.id,
        "status": "active",
        "name": domain.organization.name,
        "display_name": domain.organization.name,
        "is_active": "1" if account.options.is_active_string else True,
    }


def _expiration(account: Account, domain: Domain, until: datetime, asked: Includes) -> dict[str, Any]:
    end = format_timestamp(until) if asked.exact_expiry else mountain_date(until)
    if not asked.reuse:
        return {"ov": end, "ev": end}
    status = "active" if domain.is_valid(account.now()) else "expired"
    approved = mountain_date(domain.approved or domain.created)
    states = {"ov_status": status, "ev_status": status, "dcv_approval_date": approved}
    return {"ov": end, "ev": end, "ov_shortened": end} | states


def serialize_token(account: Account, domain: Domain) -> dict[str, Any]:
    """Return the random value of a domain. What else is shown depends on the method."""
    value = account.live_value(domain)
    shown = {
        "token": value.text,
        "status": "pending" if domain.pending else "active",
        "expiration_date": format_timestamp(value.expires_at),
    }
    if domain.method == "dns-cname-token":
        shown["verification_value"] = "dcv.digicert.com"
    if domain.method.startswith("http"):
        shown["http_token_url"] = f"http://{domain.name}/.well-known/pki-validation/fileauth.txt"
    return shown


def _invitations(account: Account, domain: Domain) -> dict[str, Any]:
    sent = [mail for mail in account.outbox if mail.domain_id == domain.id]
    return {
        "method": domain.method,
        "name_scope": domain.name,
        "dcv_invitations": [
            {
                "invitation_id": mail.id,
                "email": mail.recipient,
                # All invitations name this source, whatever the address.
                "source": "base",
                "date_sent": format_timestamp(mail.sent_at),
                "name_scope": mail.scope,
            }
            for mail in sent
        ],
    }


def count_expirations(account: Account) -> dict[str, str]:
    """Return how many domains have lapsed or will lapse soon, as strings."""
    domains = account.domains.values()
    counts = {name: sum(expires_within(account, domain, span) for domain in domains) for name, span in _COUNTED.items()}
    return {name: str(count) for name, count in counts.items()} | {"number_of_domains_affected_by_mozilla_policy": "0"}


def matches_validation(account: Account, domain: Domain, wanted: str) -> bool:
    """Return whether this value of `filters[validation]` matches the domain. OV and EV end together here."""
    if wanted == "completed":
        return domain.validation_state(account.now()) == "complete"
    _kind, _, span = wanted.partition("_")
    return span in SPANS and expires_within(account, domain, SPANS[span])


def expires_within(account: Account, domain: Domain, span: tuple[int | None, int | None]) -> bool:
    """Return whether the validation ends in this range of days from today (Mountain Time), both ends included."""
    if domain.validated_until is None:
        return False
    days = (mountain_day(domain.validated_until) - mountain_day(account.now())).days
    # A validation that ended earlier today has lapsed, whatever the calendar says.
    days = min(days, -1) if domain.validated_until <= account.now() else max(days, 0)
    # None is an open end.
    first, last = span
    return (first is None or first <= days) and (last is None or days <= last)


def serialize_emails(account: Account, scope: str, *, preferred: bool) -> dict[str, Any]:
    """Return the addresses that may approve `scope`. If `preferred` is set, only those of the account's preferences."""
    addresses = account.permitted_emails(scope) if preferred else account.all_emails(scope)
    base = [address for address in addresses if address.lower() in constructed_emails(scope)]
    others = [address for address in addresses if address not in base]
    return {"name_scope": scope, "base_emails": base, "dns_txt_emails": others}
