"""The local CertCentral in parts: orders, domains, the outbox and the switch."""

from collections.abc import Iterator
from datetime import datetime

from sandbox.certcentral import CertCentral
from sandbox.certcentral.models import Domain, Mail, Order
from sandbox.json_types import Json
from sandbox.web.fault_presets import MOODS, Switch
from sandbox.web.slack_state import part
from sandbox.web.state_diff import Part


def certcentral_parts(certcentral: CertCentral, switch: Switch) -> Iterator[Part]:
    """Everything that the account holds."""
    now = certcentral.now()
    yield from (part(f"order/{order.id}", _order(certcentral, order)) for order in certcentral.orders.values())
    yield from (part(f"domain/{domain.id}", _domain(domain, now)) for domain in certcentral.domains.values())
    yield from (part(f"mail/{mail.id}", _mail(mail)) for mail in certcentral.outbox)
    yield part("mood", _mood(switch))


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


def _mood(switch: Switch) -> Json:
    choices = [{"name": name, "label": mood.label, "about": mood.about} for name, mood in MOODS.items()]
    return {"now": switch.mood, "choices": choices}
