"""The JSON of orders (pure)."""

from typing import Any

from sandbox.certcentral.account import Account
from sandbox.certcentral.models import ONCE_ISSUED, REUSE_PERIOD, Domain, Order
from sandbox.certcentral.times import format_timestamp

CONTAINER = {"id": 14, "name": "Main"}
USER = {"id": 501, "first_name": "Dcv", "last_name": "Bot", "email": "pki@example.com"}


def serialize_row(account: Account, order: Order) -> dict[str, Any]:
    """Return an order as a row of the list."""
    return {
        "id": order.id,
        "certificate": _certificate(account, order) | {"signature_hash": "sha256"},
        "status": order.status,
        "is_renewed": False,
        "date_created": format_timestamp(order.created),
        "organization": {"id": order.organization.id, "name": order.organization.name},
        "validity_years": 1,
        "container": CONTAINER,
        "product": _product(order),
        "has_duplicates": False,
        "product_name_id": order.product.name_id,
    }


def serialize_order(account: Account, order: Order) -> dict[str, Any]:
    """Return a single order. A DV order shows no organization."""
    validation = order.product.validation
    shown = {
        "id": order.id,
        "certificate": _certificate(account, order)
        | {"date_created": format_timestamp(order.created)}
        | _fingerprints(order),
        "status": order.status,
        "is_renewal": False,
        "is_renewed": False,
        "date_created": format_timestamp(order.created),
        "dcv_method": order.method,
        "container": CONTAINER,
        "product": _product(order) | {"validation_type": validation, "validation_name": validation.upper()},
        "user": USER,
        "requests": _requests(order),
        "notes": [],
    }
    # A DV certificate contains no organization.
    if not order.is_dv:
        shown["organization"] = {"id": order.organization.id, "name": order.organization.name}
    if order.valid_till is not None:
        shown["order_valid_till"] = order.valid_till.date().isoformat()
    return shown


def _product(order: Order) -> dict[str, Any]:
    return {"name_id": order.product.name_id, "name": order.product.name, "type": order.product.type}


def _requests(order: Order) -> list[dict[str, Any]]:
    """Return the requests to the account's administrators: the order and a reissue. Only the last can be pending."""
    asked = [{"id": order.id + 1, "date": format_timestamp(order.created), "type": "new_request"}]
    if order.reissue_requested is not None:
        asked.append({"id": order.id + 2, "date": format_timestamp(order.reissue_requested), "type": "reissue"})
    is_open = order.status == "needs_approval" or order.approval_pending
    return [
        request | {"status": "pending" if is_open and request is asked[-1] else "approved", "comments": ""}
        for request in asked
    ]


def _certificate(account: Account, order: Order) -> dict[str, Any]:
    shown = {"id": order.certificate_id, "common_name": order.common_name, "dns_names": order.dns_names}
    if order.emails:
        shown["emails"] = order.emails
    if order.valid_till is None:
        return shown
    return shown | {
        "serial_number": order.serial_number,
        "valid_from": order.status_changed.date().isoformat(),
        "valid_till": order.valid_till.date().isoformat(),
        # An expired certificate has 0 days, not a negative number.
        "days_remaining": max(0, (order.valid_till - account.now()).days),
    }


def _fingerprints(order: Order) -> dict[str, Any]:
    if order.status not in ONCE_ISSUED:
        return {}
    return {
        "date_issued": format_timestamp(order.status_changed),
        "thumbprint": order.thumbprint,
    }


def serialize_validation(account: Account, order: Order) -> dict[str, Any]:
    """Return the validation status of an order, one entry per scope and state. Ids are strings unless configured."""
    ids = str if account.options.string_ids else int
    shown = {
        "order_id": ids(order.id),
        "order_status": order.status,
        "order_name_scope": order.name_scope,
        "order_dcv_method": order.method,
    }
    if order.product.is_tls:
        shown["dns_name_validations"] = _name_validations(account, order)
    return shown if order.is_dv else shown | _organization_validation(account, order)


def _name_validations(account: Account, order: Order) -> list[dict[str, Any]]:
    grouped: dict[tuple[int | None, str, bool], list[str]] = {}
    for name in order.dns_names:
        domain = None if order.is_dv else account.domain_for(name)
        # One entry for all names with the same domain, scope and state.
        state = (domain.id if domain else None, order.mail_scope(name), account.is_validated(order, name))
        grouped.setdefault(state, []).append(name)
    return [
        _name_validation(account, order, account.domains.get(domain_id or 0), scope, names, approved=approved)
        for (domain_id, scope, approved), names in grouped.items()
    ]


def _name_validation(
    account: Account, order: Order, domain: Domain | None, scope: str, names: list[str], *, approved: bool
) -> dict[str, Any]:
    shown = {
        "name_scope": scope,
        "approval_scope": "subdomains",
        "status": "approved" if approved else "pending",
        "method": domain.method if domain else order.method,
        "dns_names": names,
    }
    if domain is None:
        return shown
    return {"domain_id": str(domain.id) if account.options.string_ids else domain.id} | shown


def _organization_validation(account: Account, order: Order) -> dict[str, Any]:
    kind, organization = order.product.validation, order.organization
    entry = {"type": kind, "name": kind.upper(), "date_created": format_timestamp(order.created)}
    if order.organization_pending:
        entry["status"] = "pending"
    else:
        entry |= {"validated_until": format_timestamp(order.created + REUSE_PERIOD), "status": "active"}
    return {
        "organization_id": str(organization.id) if account.options.string_ids else organization.id,
        "organization_name": organization.name,
        "organization_validations": [entry],
    }
