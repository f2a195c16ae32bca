"""Domains as the API shows them (pure)."""

from datetime import datetime
from typing import Any

from sandbox.certcentral.account import Account
from sandbox.certcentral.names import constructed
from sandbox.certcentral.order_shapes import CONTAINER
from sandbox.certcentral.records import MAIL_LIFE, Domain, random_value
from sandbox.certcentral.times import mountain_date, stamp


def listed(account: Account, domain: Domain, *, exact_expiry: bool = False, reuse: bool = False) -> dict[str, Any]:
    """The domain as a row of the list; `exact_expiry` shows UTC timestamps, `reuse` the state of each validation."""
    shown: dict[str, Any] = {
        "id": domain.id,
        "is_active": domain.active,
        "name": domain.name,
        "date_created": stamp(domain.created),
        "last_submitted_datetime": stamp(domain.submitted or domain.created),
        "organization": _organization(account, domain),
        "dcv_method": domain.method,
        "container": CONTAINER,
    }
    if domain.approved is not None:
        shown["dcv_approval_datetime"] = stamp(domain.approved)
        shown["validations"] = validations(account, domain)
    if domain.validated_until is not None:
        shown["dcv_expiration"] = _expiration(account, domain, domain.validated_until, exact=exact_expiry, reuse=reuse)
    return shown


def detailed(
    account: Account, domain: Domain, *, dcv: bool, with_validations: bool, exact_expiry: bool, reuse: bool
) -> dict[str, Any]:
    """The domain by itself, with what the include flags ask for."""
    shown = listed(account, domain, exact_expiry=exact_expiry, reuse=reuse)
    shown |= {"status": "pending" if domain.pending else "approved", "is_pending_validation": domain.pending}
    shown.pop("validations", None)
    if with_validations:
        shown["validations"] = validations(account, domain)
    if domain.validated_until is not None:
        shown["dcv_expiration_datetime"] = stamp(domain.validated_until)
    if dcv and domain.method != "email":
        shown["dcv_token"] = _token(account, domain)
    if dcv and account.switches.invitations:
        shown["dcv"] = _invitations(account, domain)
    return shown


def validations(account: Account, domain: Domain) -> list[dict[str, Any]]:
    """What the domain is validated for: OV and EV, which share one DCV."""
    return [_validation(account, domain, kind) for kind in ("ov", "ev")]


def _validation(account: Account, domain: Domain, kind: str) -> dict[str, Any]:
    valid = domain.is_valid(account.now())
    shown = {
        "type": kind,
        "name": kind.upper(),
        "date_created": stamp(domain.approved or domain.created),
        "status": "active" if valid else "pending",
        "dcv_status": "pending" if domain.pending or not valid else "complete",
        "org_status": "active",
    }
    if domain.validated_until is not None:
        shown["validated_until"] = stamp(domain.validated_until)
    return shown


def _organization(account: Account, domain: Domain) -> dict[str, Any]:
    return {
        "id": domain.organization.id,
        "status": "active",
        "name": domain.organization.name,
        "display_name": domain.organization.name,
        "is_active": "1" if account.switches.is_active_string else True,
    }


def _expiration(account: Account, domain: Domain, until: datetime, *, exact: bool, reuse: bool) -> dict[str, Any]:
    end = stamp(until) if exact else mountain_date(until)
    if not reuse:
        return {"ov": end, "ev": end}
    status = "active" if domain.is_valid(account.now()) else "expired"
    approved = mountain_date(domain.approved or domain.created)
    states = {"ov_status": status, "ev_status": status, "dcv_approval_date": approved}
    return {"ov": end, "ev": end, "ov_shortened": end} | states


def _token(account: Account, domain: Domain) -> dict[str, Any]:
    expires = (domain.submitted or domain.created) + MAIL_LIFE
    status = "active" if domain.is_valid(account.now()) else "pending"
    return {"token": random_value(f"domain {domain.id}"), "status": status, "expiration_date": stamp(expires)}


def _invitations(account: Account, domain: Domain) -> dict[str, Any]:
    sent = [mail for mail in account.outbox if mail.domain_id == domain.id]
    return {
        "method": domain.method,
        "name_scope": domain.name,
        "dcv_invitations": [
            {
                "invitation_id": mail.id,
                "email": mail.recipient,
                "source": "base",
                "date_sent": stamp(mail.sent_at),
                "name_scope": mail.scope,
            }
            for mail in sent
        ],
    }


def allowed_addresses(account: Account, scope: str, *, preferred: bool) -> dict[str, Any]:
    """Who may approve `scope`: all that DNS and the rules permit, or what the account's preferences leave of it."""
    addresses = account.permitted(scope) if preferred else account.addresses(scope)
    base = [address for address in addresses if address.lower() in constructed(scope)]
    others = [address for address in addresses if address not in base]
    return {"name_scope": scope, "base_emails": base, "dns_txt_emails": others}
