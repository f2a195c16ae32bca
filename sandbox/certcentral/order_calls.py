"""The API calls for orders."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from sandbox.certcentral import order_serializers, times
from sandbox.certcentral.account import Account
from sandbox.certcentral.api_errors import CertCentralError, malformed, not_found
from sandbox.certcentral.bodies import JsonBody, MethodChange, OrderResend, read_body
from sandbox.certcentral.call_log import BASE_PATH, CALL
from sandbox.certcentral.listing import apply_filters, build_page, drop_empty_list, read_filters, sort_rows
from sandbox.certcentral.models import DCV_METHODS, ONCE_ISSUED, OPEN_STATUSES, Order, RandomValue
from sandbox.certcentral.names import without_wildcard
from sandbox.certcentral.recipient_rules import resend_for_order

ORDERS = f"{BASE_PATH}/order/certificate"
MAX_TIME_FRAME = timedelta(days=7)

FILTER_TEXTS = {
    "id": lambda order: [str(order.id)],
    # DigiCert's filter for issued orders finds expired ones as well.
    "status": lambda order: ["expired", "issued"] if order.status == "expired" else [order.status],
    "organization_id": lambda order: [str(order.organization.id)],
    "product_name_id": lambda order: [order.product.name_id],
    "common_name": lambda order: [order.common_name],
    "domain_name": lambda order: [order.common_name, *order.dns_names],
    "container_id": lambda _order: [str(order_serializers.CONTAINER["id"])],
    "certificate_id": lambda order: [str(order.certificate_id)],
    "serial_number": lambda order: [order.serial_number] if order.status in ONCE_ISSUED else [],
    "email": lambda _order: [str(order_serializers.USER["email"])],
}
FILTER_TIMES = {"date_created": lambda order: order.created, "valid_till": lambda order: order.valid_till}
SORT_KEYS = {
    "id": lambda order: order.id,
    "order_id": lambda order: order.id,
    "common_name": lambda order: order.common_name,
    "date_created": lambda order: order.created,
    "status": lambda order: order.status,
}


class OrderCalls:
    """The handlers for one account's orders."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def routes(self) -> Iterable[web.RouteDef]:
        """Return the routes, the fixed ones first."""
        one = ORDERS + "/{order_id}"
        return [
            web.get(ORDERS, self.list_orders, allow_head=False),
            # Before the route with an id, which would match it too.
            web.get(f"{ORDERS}/status-changes", self.list_status_changes, allow_head=False),
            web.get(one, self.get_order, allow_head=False),
            web.get(f"{one}/validation", self.get_validation, allow_head=False),
            web.put(f"{one}/resend-emails", self.resend_emails),
            web.put(f"{one}/dcv-method", self.change_method),
            web.put(f"{one}/dcv-random-value", self.get_random_value),
            web.put(f"{one}/check-dcv", self.check_dcv),
        ]

    async def list_orders(self, request: web.Request) -> web.Response:
        """Return the orders that match the filters, newest id first unless the query sorts them."""
        query, options = request.query, self._account.options
        texts = {
            name: read for name, read in FILTER_TEXTS.items() if name != "status" or not options.status_filter_ignored
        }
        orders = apply_filters(self._account.orders.values(), query, texts, FILTER_TIMES)
        for wanted in read_filters(query).get("search", []):
            orders = [order for order in orders if _matches_search(wanted, order)]
        rows = sort_rows(orders, query.get("sort") or "-id", SORT_KEYS)
        answer = build_page("orders", rows, query, lambda order: order_serializers.serialize_row(self._account, order))
        return web.json_response(drop_empty_list(answer, "orders", omit=options.omit_empty_lists))

    async def get_order(self, request: web.Request) -> web.Response:
        """Return one order, by its id or by the thumbprint or serial number of its certificate."""
        order = self._find_order(request, by_certificate=True)
        shown = order_serializers.serialize_order(self._account, order)
        if request.query.get("include_caa_status") == "true" and order.status in OPEN_STATUSES:
            # Only open orders have a CAA status.
            shown["caa_status_message"] = dict.fromkeys(order.dns_names, "CAA check passed")
        return web.json_response(shown)

    async def get_validation(self, request: web.Request) -> web.Response:
        """Return the validation status of the order's names."""
        return web.json_response(order_serializers.serialize_validation(self._account, self._find_order(request)))

    async def list_status_changes(self, request: web.Request) -> web.Response:
        """Return the orders whose status changed in the requested time frame."""
        start, end = _read_time_frame(request, self._account.now())
        changed = [order for order in self._account.orders.values() if start <= order.status_changed < end]
        rows = [
            {"order_id": order.id, "certificate_id": order.certificate_id, "status": order.status} for order in changed
        ]
        vanish = self._account.options.omit_empty_lists
        return web.json_response(drop_empty_list({"orders": rows}, "orders", omit=vanish))

    async def resend_emails(self, request: web.Request) -> web.Response:
        """Send mail again for a pending DV order."""
        body = read_body(OrderResend, request[CALL].body)
        resend_for_order(self._account, self._find_order(request), body)
        return web.Response(status=204)

    async def change_method(self, request: web.Request) -> web.Response:
        """Change an open order's DCV method, without sending mail. DV orders cannot use http-token-dynamic."""
        body = read_body(MethodChange, request[CALL].body)
        order = self._find_order(request)
        if body.dcv_method not in DCV_METHODS or (order.is_dv and body.dcv_method == "http-token-dynamic"):
            raise malformed("dcv_method")
        if order.status in OPEN_STATUSES or self._account.options.closed_order.sends_mail():
            order.method = body.dcv_method
        if body.dcv_method == "email":
            return web.Response(status=204)
        return web.json_response(_serialize_value(self._account.live_value(order)))

    async def get_random_value(self, request: web.Request) -> web.Response:
        """Return the live random value of an order with a token method, or a new one if it has expired."""
        order = self._find_order(request)
        if order.method == "email":
            raise CertCentralError(400, "invalid_dcv_method", "The DCV method has no random value.")
        return web.json_response(_serialize_value(self._account.live_value(order)))

    async def check_dcv(self, request: web.Request) -> web.Response:
        """Look up the random value of a token method. If it is found, validate all names and issue the order.

        A missing DNS record is answered with the pending names. A missing file is an error.
        """
        read_body(JsonBody, request[CALL].body)
        order = self._find_order(request)
        if order.method == "email":
            self._account.options.check_by_email.sends_mail()
            return web.Response(status=204)
        found = [name for name in order.dns_names if self._is_published(order, name)]
        if found:
            self._account.validate_names(order, found)
            self._account.issue_if_ready(order)
            self._account.changes.notify_all()
        # A missing file is an error of the call. A missing record is not.
        elif order.method.startswith("http"):
            raise CertCentralError(400, "file_random_value_not_found", "The random value was not found in the file.")
        else:
            self._account.options.check_finds_no_record.sends_mail()
        return web.json_response(_serialize_check(self._account, order))

    def _is_published(self, order: Order, name: str) -> bool:
        """Return whether the random value is published at the name, or at the scope that is validated for it."""
        places = dict.fromkeys((without_wildcard(name), without_wildcard(order.mail_scope(name))))
        return any(self._account.finds_value(order, place) for place in places)

    def _find_order(self, request: web.Request, *, by_certificate: bool = False) -> Order:
        wanted = request.match_info["order_id"]
        for order in self._account.orders.values():
            if wanted == str(order.id):
                return order
            # Before a certificate is issued, it has neither thumbprint nor serial number.
            named = by_certificate and order.status in ONCE_ISSUED
            if named and wanted.upper() in (order.thumbprint, order.serial_number):
                return order
        raise not_found("order")


def _matches_search(wanted: str, order: Order) -> bool:
    text = wanted.strip("%").lower()
    return text in order.common_name.lower() or text in str(order_serializers.USER["email"])


def _read_time_frame(request: web.Request, now: datetime) -> tuple[datetime, datetime]:
    start, end = _requested_time_frame(request, now)
    # One second of tolerance for the exclusive end.
    if end - start > MAX_TIME_FRAME + timedelta(seconds=1):
        raise CertCentralError(400, "time_frame_too_long", "The time frame may not be longer than 7 days.")
    return start, end


def _requested_time_frame(request: web.Request, now: datetime) -> tuple[datetime, datetime]:
    wanted = read_filters(request.query).get("status_last_updated", [])
    # The end is exclusive, so a change in this second needs one more.
    soon = now + timedelta(seconds=1)
    try:
        if wanted:
            return times.parse_time_range(wanted[0])
        if "minutes" in request.query:
            return now - timedelta(minutes=int(request.query["minutes"])), soon
        return now - timedelta(seconds=int(request.query["seconds"])), soon
    except KeyError as error:
        raise malformed("minutes, seconds or filters[status_last_updated] is needed") from error
    except (ValueError, OverflowError) as error:
        raise malformed("the time frame cannot be read") from error


def _serialize_value(value: RandomValue) -> dict[str, str]:
    return {"dcv_random_value": value.text, "expiration_date": times.format_timestamp(value.expires_at)}


def _serialize_check(account: Account, order: Order) -> dict[str, Any]:
    names = [
        {"dns_name": name, "status": "approved" if account.is_validated(order, name) else "pending"}
        for name in order.dns_names
    ]
    return {
        "order_status": order.status,
        "certificate_id": order.certificate_id,
        "dcv_status": "pending" if account.pending_names(order) else "valid",
        "dns_name_validations": names,
    }
