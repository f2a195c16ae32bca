"""The state of the local CertCentral for the page: orders, domains, outbox and fault presets."""

from collections.abc import Iterator
from datetime import datetime

from sandbox.certcentral import CertCentral
from sandbox.certcentral.models import Domain, Mail, Order
from sandbox.json_types import Json
from sandbox.web.fault_presets import FAULT_PRESETS, FaultSwitch
from sandbox.web.slack_state import make_part
from sandbox.web.state_diff import StatePart


def read_certcentral_state(certcentral: CertCentral, switch: FaultSwitch) -> Iterator[StatePart]:
    """Yield every part of the account's state."""
    now = certcentral.now()
    yield from (make_part(f"order/{order.id}", _order(certcentral, order)) for order in certcentral.orders.values())
    yield from (make_part(f"domain/{domain.id}", _domain(domain, now)) for domain in certcentral.domains.values())
    yield from (make_part(f"mail/{mail.id}", _mail(mail)) for mail in certcentral.outbox)
    yield make_part("presets", _presets(switch))


def _order(certcentral: CertCentral, order: Order) -> Json:
    waiting = certcentral.pending_names(order)
    return {
        "id": order.id,
        "product": order.product.name,
        "status": order.status,
        "method": order.method,
        "created": order.created.timestamp(),
        "names": [{"name": name, "waits": name in waiting} for name in order.dns_names],
    }


def _domain(domain: Domain, now: datetime) -> Json:
    until = domain.validated_until
    return {
        "id": domain.id,
        "name": domain.name,
        "active": domain.active,
        "pending": domain.pending,
        "valid": domain.is_valid(now),
        "until": until.timestamp() if until else None,
        "method": domain.method,
        "scopes": sorted(domain.scopes),
    }


def _mail(mail: Mail) -> Json:
    return {
        "id": mail.id,
        "to": mail.recipient,
        "scope": mail.scope,
        "language": mail.locale,
        "order": mail.order_id,
        "domain": mail.domain_id,
        "sent": mail.sent_at.timestamp(),
        "approved": mail.approved,
    }


def _presets(switch: FaultSwitch) -> Json:
    choices = [{"name": name, "label": preset.label, "about": preset.about} for name, preset in FAULT_PRESETS.items()]
    return {"now": switch.preset, "choices": choices}
