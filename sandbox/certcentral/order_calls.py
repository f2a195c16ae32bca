"""The calls on orders."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from sandbox.certcentral import order_serializers, times
from sandbox.certcentral.account import Account
from sandbox.certcentral.api_errors import Refusal, malformed, not_found
from sandbox.certcentral.bodies import JsonBody, MethodChange, OrderResend, read_body
from sandbox.certcentral.call_log import BASE_PATH, CALL
from sandbox.certcentral.listing import envelope, filters_of, ordered, select, without_empty
from sandbox.certcentral.models import LIVED, MAIL_LIFE, METHODS, OPEN, Order, random_value
from sandbox.certcentral.recipient_rules import resend_for_order

ORDERS = f"{BASE_PATH}/order/certificate"
LONGEST_LOOK = timedelta(days=7)

TEXTS = {
    "id": lambda order: [str(order.id)],
    "status": lambda order: ["expired", "issued"] if order.status == "expired" else [order.status],
    "organization_id": lambda order: [str(order.organization.id)],
    "product_name_id": lambda order: [order.product.name_id],
    "common_name": lambda order: [order.common_name],
    "domain_name": lambda order: [order.common_name, *order.dns_names],
    "container_id": lambda _order: [str(order_serializers.CONTAINER["id"])],
    "certificate_id": lambda order: [str(order.certificate_id)],
    "serial_number": lambda order: [order.serial_number] if order.status in LIVED else [],
    "email": lambda _order: [str(order_serializers.USER["email"])],
}
MOMENTS = {"date_created": lambda order: order.created, "valid_till": lambda order: order.valid_till}
KEYS = {
    "id": lambda order: order.id,
    "order_id": lambda order: order.id,
    "common_name": lambda order: order.common_name,
    "date_created": lambda order: order.created,
    "status": lambda order: order.status,
}


class OrderCalls:
    """The answers about one account's orders."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def routes(self) -> Iterable[web.RouteDef]:
        """The routes, the fixed ones first."""
        one = ORDERS + "/{order_id}"
        return [
            web.get(ORDERS, self.list, allow_head=False),
            web.get(f"{ORDERS}/status-changes", self.status_changes, allow_head=False),
            web.get(one, self.show, allow_head=False),
            web.get(f"{one}/validation", self.validation, allow_head=False),
            web.put(f"{one}/resend-emails", self.resend),
            web.put(f"{one}/dcv-method", self.change_method),
            web.put(f"{one}/check-dcv", self.check),
        ]

    async def list(self, request: web.Request) -> web.Response:
        """The orders that meet the filters, newest id first unless sorted."""
        query, switches = request.query, self._account.switches
        texts = {name: read for name, read in TEXTS.items() if name != "status" or not switches.status_filter_ignored}
        orders = select(self._account.orders.values(), query, texts, MOMENTS)
        for wanted in filters_of(query).get("search", []):
            orders = [order for order in orders if _is_found(wanted, order)]
        rows = ordered(orders, query.get("sort") or "-id", KEYS)
        answer = envelope("orders", rows, query, lambda order: order_serializers.listed(self._account, order))
        return web.json_response(without_empty(answer, "orders", vanish=switches.empty_lists_vanish))

    async def show(self, request: web.Request) -> web.Response:
        """One order, by id or by the thumbprint or serial number of its certificate."""
        order = self._order(request, by_certificate=True)
        shown = order_serializers.detailed(self._account, order)
        if request.query.get("include_caa_status") == "true" and order.status in OPEN:
            shown["caa_status_message"] = dict.fromkeys(order.dns_names, "CAA check passed")
        return web.json_response(shown)

    async def validation(self, request: web.Request) -> web.Response:
        """Which names of the order still wait."""
        return web.json_response(order_serializers.validation(self._account, self._order(request)))

    async def status_changes(self, request: web.Request) -> web.Response:
        """The orders whose status changed in the span asked for."""
        start, end = _span(request, self._account.now())
        changed = [order for order in self._account.orders.values() if start <= order.status_changed < end]
        rows = [
            {"order_id": order.id, "certificate_id": order.certificate_id, "status": order.status} for order in changed
        ]
        vanish = self._account.switches.empty_lists_vanish
        return web.json_response(without_empty({"orders": rows}, "orders", vanish=vanish))

    async def resend(self, request: web.Request) -> web.Response:
        """Mail again for a pending DV order."""
        wish = read_body(OrderResend, request[CALL].body)
        resend_for_order(self._account, self._order(request), wish)
        return web.Response(status=204)

    async def change_method(self, request: web.Request) -> web.Response:
        """Change an open order's DCV method; no mail is sent. A file with a name of its own is not for DV orders."""
        wish = read_body(MethodChange, request[CALL].body)
        order = self._order(request)
        if wish.dcv_method not in METHODS or (order.is_dv and wish.dcv_method == "http-token-dynamic"):
            raise malformed("dcv_method")
        if order.status in OPEN or self._account.switches.settled_order.lets_mail():
            order.method = wish.dcv_method
        if wish.dcv_method == "email":
            return web.Response(status=204)
        expires = times.stamp(self._account.now() + MAIL_LIFE)
        return web.json_response({"dcv_random_value": random_value(f"order {order.id}"), "expiration_date": expires})

    async def check(self, request: web.Request) -> web.Response:
        """Look for the random value of a token method; if it is there, all names are validated and the order issued.

        A DNS method whose value is missing is answered with the names that wait; a file that is missing is an error.
        """
        read_body(JsonBody, request[CALL].body)
        order = self._order(request)
        if order.method == "email":
            self._account.switches.check_by_email.lets_mail()
            return web.Response(status=204)
        if order.token_published:
            self._account.validate(order, order.dns_names)
            self._account.issue_if_ready(order)
            self._account.changes.notify_all()
        elif order.method.startswith("http"):
            raise Refusal(400, "file_random_value_not_found", "The random value was not found in the file.")
        else:
            self._account.switches.check_finds_no_record.lets_mail()
        return web.json_response(_checked(self._account, order))

    def _order(self, request: web.Request, *, by_certificate: bool = False) -> Order:
        wanted = request.match_info["order_id"]
        for order in self._account.orders.values():
            if wanted == str(order.id):
                return order
            named = by_certificate and order.status in LIVED
            if named and wanted.upper() in (order.thumbprint, order.serial_number):
                return order
        raise not_found("order")


def _is_found(wanted: str, order: Order) -> bool:
    text = wanted.strip("%").lower()
    return text in order.common_name.lower() or text in str(order_serializers.USER["email"])


def _span(request: web.Request, now: datetime) -> tuple[datetime, datetime]:
    start, end = _asked_span(request, now)
    if end - start > LONGEST_LOOK + timedelta(seconds=1):
        raise Refusal(400, "time_frame_too_long", "The time frame may not be longer than 7 days.")
    return start, end


def _asked_span(request: web.Request, now: datetime) -> tuple[datetime, datetime]:
    wanted = filters_of(request.query).get("status_last_updated", [])
    soon = now + timedelta(seconds=1)
    try:
        if wanted:
            return times.between(wanted[0])
        if "minutes" in request.query:
            return now - timedelta(minutes=int(request.query["minutes"])), soon
        return now - timedelta(seconds=int(request.query["seconds"])), soon
    except KeyError as error:
        raise malformed("minutes, seconds or filters[status_last_updated] is needed") from error
    except (ValueError, OverflowError) as error:
        raise malformed("the time frame cannot be read") from error


def _checked(account: Account, order: Order) -> dict[str, Any]:
    names = [
        {"dns_name": name, "status": "approved" if account.is_validated(order, name) else "pending"}
        for name in order.dns_names
    ]
    return {
        "order_status": order.status,
        "certificate_id": order.certificate_id,
        "dcv_status": "pending" if account.waiting(order) else "valid",
        "dns_name_validations": names,
    }
