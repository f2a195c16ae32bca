"""Client of CertCentral's endpoints, one method each. Methods raise CaRejected or CaUnavailable.

Pages named below are those of DigiCert's "CertCentral Services API" documentation.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from urllib.parse import quote

import httpx
import stamina
import structlog
from attrs import define, evolve, field
from pydantic import SecretStr

from bot.clock import Clock, OnDate, utc_now
from bot.digicert import wire
from bot.digicert.fields import domain_name
from bot.digicert.rate_limits import RateLimiter
from bot.digicert.send_guard import Confirm, SendGuard
from bot.errors import CaError, CaRejected, CaUnavailable, ConfigurationError
from bot.expiry.calendar import Calendar, shipped_calendar
from bot.expiry.outlook import Outlook
from bot.models import Address, Domain, Order, OrderValidation, Recipient, StatusChange, Unreadable
from bot.parsing.domain_names import without_wildcard
from bot.settings import is_loopback

log = structlog.get_logger(__name__)

_KEY_HEADER = "X-DC-DEVKEY"

# Page "List orders" and the other lists: the most rows that one call returns.
_ROWS = 1000

_WAITING = ("pending", "reissue_pending")

# The most ids of a list that are logged at a time.
_MOST_LOGGED = 20

# Seconds before a rate-limited read is repeated: without Retry-After, and the longest Retry-After that is waited for.
_PAUSE_WHEN_BUSY = 2.0
_LONGEST_PAUSE = 3.0

# Seconds that a read may take if no user waits for it. Reads for users go first.
_BACKGROUND_PATIENCE = 300.0

# Page "Order status changes": the longest span that may be asked for.
_LONGEST_SPAN = timedelta(days=7)

# When httpx raises these, nothing of the request was written. A failed TLS handshake is a ConnectError.
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)

# The success statuses of each kind of call. Its page and DigiCert's own clients name them.
_READ = frozenset({200})
_RESENT = frozenset({204})
_SUBMITTED = frozenset({200, 201, 204})
_CHANGED = frozenset({200, 204})

_Params = Mapping[str, str | int]

# Called after every call: method, path, status of the answer (None if there was none), and duration in seconds.
OnCall = Callable[[str, str, int | None, float], None]


def open_http(base_url: str, key: SecretStr, on_date: OnDate | None = None) -> httpx.AsyncClient:
    """Return a connection pool for `CertCentral`. The caller closes it.

    `on_date` is called with the Date header of every answer, as soon as it arrives. The pool respects HTTPS_PROXY,
    NO_PROXY and SSL_CERT_FILE, but never uses a proxy for a loopback address. Raises ConfigurationError if the key or
    one of these variables cannot be used.
    """
    secret = key.get_secret_value()
    # httpx would quote such a key in its error message.
    if not re.fullmatch(r"[!-~]+", secret):
        raise ConfigurationError(["DIGICERT_API_KEY is empty or contains an invalid character. Copy it again."])
    trust_env = not is_loopback(base_url)
    try:
        context = httpx.create_ssl_context(trust_env=trust_env)
    except OSError as error:
        raise ConfigurationError(["SSL_CERT_FILE can't be read. Use a PEM file, or unset it."]) from error
    try:
        return httpx.AsyncClient(
            base_url=base_url,
            headers={
                _KEY_HEADER: secret,
                "Accept": "application/json",
                "Content-Type": "application/json",
                "User-Agent": f"dcv-resend/{version('dcv-resend')}",
            },
            timeout=httpx.Timeout(connect=5.0, read=30.0, write=30.0, pool=5.0),
            follow_redirects=False,
            trust_env=trust_env,
            verify=context,
            event_hooks={"response": [_dates_to(on_date)] if on_date else []},
        )
    except (ValueError, ImportError, httpx.InvalidURL) as error:
        raise ConfigurationError(["HTTPS_PROXY isn't a valid proxy. Use http://host:port."]) from error


def _dates_to(on_date: OnDate) -> Callable[[httpx.Response], Awaitable[None]]:
    async def report_date(response: httpx.Response) -> None:
        on_date(response.headers.get("Date", ""))

    return report_date


@dataclass(frozen=True, slots=True)
class KeyPermissions:
    """The lists that a key may read. `validations` is None if there was no order to try it with."""

    orders: bool
    validations: bool | None
    domains: bool


@define(eq=False, repr=False, slots=False)
class CertCentral:
    """DigiCert CertCentral over HTTP.

    A read is repeated a few times if that may help. With its slots and pauses it takes `patience` seconds at most. A
    resend is never repeated here. Once it has its slot, no call takes longer than `longest_call` seconds, however
    slowly its answer arrives.
    """

    _http: httpx.AsyncClient
    _limits: RateLimiter
    _patience: float = field(default=20.0, kw_only=True)
    _longest_call: float = field(default=75.0, kw_only=True)
    _on_call: OnCall | None = field(default=None, kw_only=True)
    _clock: Clock = field(default=utc_now, kw_only=True)
    _calendar: Calendar = field(factory=shipped_calendar, kw_only=True)

    def __attrs_post_init__(self) -> None:
        self._odd: dict[str, frozenset[str]] = {}
        self._reads = stamina.AsyncRetryingCaller(
            attempts=3, timeout=None, wait_initial=0.2, wait_jitter=0.3, wait_max=2.0
        )

    def in_background(self) -> "CertCentral":
        """Return a client for work that no user waits for. Users go first, and half of the limits is theirs."""
        return evolve(self, limits=self._limits.in_background, patience=_BACKGROUND_PATIENCE)

    def with_calendar(self, calendar: Calendar) -> "CertCentral":
        """Return a client that counts validations by these rules."""
        return evolve(self, calendar=calendar)

    def with_limiter(self, limits: RateLimiter) -> "CertCentral":
        """Return a client of the same account with another rate limiter."""
        return evolve(self, limits=limits)

    async def check_key(self) -> str:
        """Return the user that the key belongs to, for display. Raises CaRejected if DigiCert does not accept the key.

        Some keys may not read their own user. Then a successful read of one order proves the key as well.
        Source: "My user info", "List orders".
        """
        try:
            return wire.read_user(await self._get("/user/me"))
        except CaRejected as error:
            if error.status != 403 or wire.INVALID_KEY in error.codes:
                raise
        wire.read_orders(await self._get("/order/certificate", {"limit": 1}))
        return "a user whose name the key may not read"

    async def key_permissions(self) -> KeyPermissions:
        """Return what the key may read, by the smallest possible reads. No read shows whether it may also write.

        Source: "List orders", "Order validation status", "List domains".
        """
        orders, domains = await asyncio.gather(
            self._get_if_permitted("/order/certificate", {"filters[status]": _WAITING[0], "limit": 1}),
            self._get_if_permitted("/domain", {"limit": 1}),
        )
        rows = wire.read_orders(orders).rows if orders else ()
        waiting = [order for order in rows if isinstance(order, Order)][:1]
        validations = [await self._get_if_permitted(f"/order/certificate/{order.id}/validation") for order in waiting]
        return KeyPermissions(
            orders=orders is not None,
            validations=validations[0] is not None if validations else None,
            domains=domains is not None,
        )

    async def pending_orders(self) -> list[Order | Unreadable]:
        """Return every TLS order that waits for validation, first issue or reissue, and the rows it cannot read.

        The account's other orders (S/MIME, code signing) are left out: they have no domain names to validate.
        Source: "List orders".
        """
        found: list[Order | Unreadable] = []
        for status in _WAITING:
            orders = await self._every("/order/certificate", {"filters[status]": status}, wire.read_orders)
            # Checked here again, since DigiCert once ignored the filter for a while.
            found += [order for order in orders if _may_wait(order)]
        return _once(found)

    async def orders_named(self, name: str) -> list[Order | Unreadable]:
        """Return every order, in any state, for exactly this name or its wildcard, and the rows it cannot read.

        If there is none, return the orders for the wildcard one label above, which covers the name. DigiCert's filter
        compares whole names, so each spelling is a separate call. Source: "List orders".
        """
        bare = without_wildcard(domain_name(name))
        found = await self._orders_with(bare) + await self._orders_with(f"*.{bare}")
        if not found and (above := bare.partition(".")[2]):
            found = await self._orders_with(f"*.{above}")
        return _once(found)

    async def _orders_with(self, name: str) -> list[Order | Unreadable]:
        orders = await self._every("/order/certificate", {"filters[domain_name]": name}, wire.read_orders)
        return [order for order in orders if isinstance(order, Unreadable) or name in order.names]

    async def order(self, order_id: int) -> Order:
        """Return one order. Source: "Order info"."""
        return wire.read_order(await self._get(f"/order/certificate/{order_id}"))

    async def order_validation(self, order_id: int) -> OrderValidation:
        """Return which names of an order still wait. Source: "Order validation status"."""
        path = f"/order/certificate/{order_id}/validation"
        validation = wire.read_order_validation(await self._get(path), order_id)
        if validation.unreadable or validation.unknown:
            log.warning(
                "DigiCert's answer has entries that the bot does not understand",
                order=order_id,
                unreadable=validation.unreadable,
                unknown_statuses=validation.unknown[:_MOST_LOGGED],
            )
        return validation

    async def status_changes(self, span: timedelta) -> frozenset[StatusChange]:
        """Return the orders whose status changed in the last `span`, which is cut to seven days.

        Source: "Order status changes", the way to poll that DigiCert recommends.
        """
        seconds = int(min(span, _LONGEST_SPAN).total_seconds())
        path = "/order/certificate/status-changes"
        changes = wire.read_status_changes(await self._get(path, {"seconds": seconds}))
        self._log_odd(path, changes)
        return frozenset(change for change in changes if isinstance(change, StatusChange))

    async def domains(self) -> list[Domain | Unreadable]:
        """Return every domain of the account, inactive ones too, and the rows it cannot read.

        A validation whose effective end has passed has expired, whatever DigiCert lists. Source: "List domains".
        """
        # Without the first flag the dates are in Mountain Time. The second is not documented for this list, but
        # DigiCert's own clients send it, and some read `dcv_status` from the rows.
        flags = {
            "include_dcv_expiration_time": "true",
            "include_validation": "true",
            "filters[include_validation_reuse_status]": "true",
        }
        outlook = Outlook(self._calendar, self._clock())
        rows = await self._every("/domain", flags, lambda answer: wire.read_domains(answer, outlook.now))
        return [row if isinstance(row, Unreadable) else outlook.effective(row) for row in rows]

    async def domain(self, domain_id: int) -> Domain:
        """Return one domain, with the state of its validation as in `domains`. Source: "Domain info"."""
        flags = {"include_dcv": "true", "include_validation": "true"}
        answer, now = await self._get(f"/domain/{domain_id}", flags), self._clock()
        return Outlook(self._calendar, now).effective(wire.read_domain(answer, now))

    async def allowed_addresses(self, domain: int | str, *, with_preferences: bool = True) -> tuple[Address, ...]:
        """Return the addresses that DigiCert may email for a domain, given by its id or by a name of the account.

        Unless `with_preferences`, include those that the account's settings leave out. Raises ValueError for an empty
        name. Source: "Domain emails".
        """
        asked = domain_name(domain) if isinstance(domain, str) else None
        if asked == "":
            raise ValueError("a name is needed")
        path = f"/domain/{quote(str(asked or domain), safe='')}/dcv/emails"
        preferences = {"consider_dcv_email_preferences": "true" if with_preferences else "false"}
        return wire.read_addresses(await self._get(path, preferences), asked)

    async def acquire_slot(self) -> None:
        """Wait until the rate limits allow one more call.

        Reads do so themselves. Call it right before `resend_order` and `resend_domain`, which do not.
        """
        await self._limits.acquire()

    async def resend_order(self, order_id: int, recipients: Sequence[Recipient], locale: str, confirm: Confirm) -> None:
        """Ask DigiCert to email `recipients` for a pending DV order. Success means accepted, not delivered.

        Call `acquire_slot` first. `confirm` is called right before the request is written. Never retried here: if the
        answer is lost, raises CaUnavailable with `may_have_arrived=True`. Raises ValueError without recipients.
        Source: "DV SSL: Resend emails".
        """
        body = wire.ResendOrderEmails.of(recipients, locale)
        await self._write("PUT", f"/order/certificate/{order_id}/resend-emails", body.to_json(), confirm, _RESENT)

    async def resend_domain(
        self,
        domain_id: int,
        name_scope: str,
        emails: Sequence[str],
        locale: str,
        confirm: Confirm,
    ) -> None:
        """Ask DigiCert to email `emails` to validate `name_scope`. Success means accepted, not delivered.

        DigiCert ignores addresses that are not allowed. If none remains, it emails everyone who is allowed. So check
        them against `allowed_addresses` first, and call `acquire_slot`. `confirm` is called right before the request is
        written. Never retried here: if the answer is lost, raises CaUnavailable with `may_have_arrived=True`. Raises
        ValueError without addresses.
        Source: "Resend DCV emails" of a domain.
        """
        body = wire.ResendDomainEmails.of(name_scope, emails, locale)
        await self._write("PUT", f"/domain/{domain_id}/dcv/emails", body.to_json(), confirm, _RESENT)

    async def submit_domain(self, domain_id: int, types: Sequence[str], confirm: Confirm) -> None:
        """Submit a domain for validation by a DNS TXT record, which emails no one.

        The present validation stays in force. Call `acquire_slot` first. `confirm` is called right before the request
        is written. Never retried here: if the answer is lost, raises CaUnavailable with `may_have_arrived=True`.
        Source: "Submit domain for validation".
        """
        body = wire.SubmitDomain.of(types).to_json()
        await self._write("POST", f"/domain/{domain_id}/validation", body, confirm, _SUBMITTED)

    async def change_domain_to_email(
        self, domain_id: int, emails: Sequence[str], locale: str, confirm: Confirm
    ) -> None:
        """Change the DCV method of a pending domain to email, without sending any.

        If DigiCert ignores that, it emails `emails`, or everyone if none of them is allowed: so check them against
        `allowed_addresses` first. Otherwise like `submit_domain`. Raises ValueError without addresses.
        Source: "Change DCV method" of a domain.
        """
        body = wire.ChangeDomainToEmail.of(emails, locale).to_json()
        await self._write("PUT", f"/domain/{domain_id}/dcv/method", body, confirm, _CHANGED)

    async def _every(
        self, path: str, params: _Params, read: Callable[[wire.Response], wire.Page[wire.Row]]
    ) -> list[wire.Row | Unreadable]:
        """Read a list page by page and return every row once. A row that cannot be read does not hide the others."""
        found: dict[object, wire.Row | Unreadable] = {}
        offset = 0
        while True:
            answer = await self._get(path, {**params, "limit": _ROWS, "offset": offset})
            # In a thread, as a page can take seconds to parse, and other requests must not wait for it.
            page = await asyncio.to_thread(read, answer)
            known = len(found)
            found |= {_identity(row): row for row in page.rows}
            offset += len(page.rows)
            is_last = len(page.rows) < _ROWS if page.total is None else offset >= page.total
            # If a page has nothing new, DigiCert ignored the offset, or rows were removed meanwhile.
            if is_last or len(found) == known:
                self._log_odd(f"{path} {sorted(params.items())}", found.values())
                return list(found.values())

    def _log_odd(self, what: str, rows: Iterable[object]) -> None:
        """Log the ids of the rows that cannot be read, and the unknown statuses. Repeats only if they change."""
        rows = list(rows)
        unread = [row.id or "without an id" for row in rows if isinstance(row, Unreadable)]
        statuses = {row.status for row in rows if isinstance(row, Order)} - wire.ORDER_STATUSES
        odd = frozenset([*unread, *statuses])
        if odd != self._odd.pop(what, frozenset()) and odd:
            log.warning(
                "DigiCert's list has entries that the bot does not understand",
                list=what.partition(" ")[0],
                unreadable=len(unread),
                ids=unread[:_MOST_LOGGED],
                unknown_statuses=sorted(statuses)[:_MOST_LOGGED],
            )
        if odd:
            self._odd[what] = odd

    async def _get_if_permitted(self, path: str, params: _Params | None = None) -> wire.Response | None:
        """Return the answer to a read; None if the key lacks the permission."""
        try:
            return await self._get(path, params)
        except CaRejected as error:
            if wire.MISSING_PERMISSION not in error.codes:
                raise
            return None

    async def _get(self, path: str, params: _Params | None = None) -> wire.Response:
        try:
            async with asyncio.timeout(self._patience):
                return await self._reads(self._pause, self._rate_limited, path, params)
        except TimeoutError as error:
            raise CaUnavailable("DigiCert timed out.", may_have_arrived=False) from error
        except (httpx.HTTPError, OSError) as error:
            raise self._map_error(error, writes=False) from error

    async def _write(self, method: str, path: str, body: bytes, confirm: Confirm, success: frozenset[int]) -> None:
        try:
            await self._call(method, path, success, body=body, confirm=confirm)
        except (httpx.HTTPError, OSError) as error:
            raise self._map_error(error, writes=True) from error

    async def _rate_limited(self, path: str, params: _Params | None) -> wire.Response:
        await self.acquire_slot()
        return await self._call("GET", path, _READ, params)

    async def _call(
        self,
        method: str,
        path: str,
        success: frozenset[int],
        params: _Params | None = None,
        *,
        body: bytes = b"",
        confirm: Confirm | None = None,
    ) -> wire.Response:
        """Send one request once. Raises httpx.HTTPStatusError for any status that is not in `success`."""
        began, status = asyncio.get_running_loop().time(), None
        try:
            async with asyncio.timeout(self._longest_call):
                response = await self._http.request(
                    method, path, params=params, content=body or None, extensions={"trace": SendGuard(confirm)}
                )
            status = response.status_code
        finally:
            if self._on_call:
                self._on_call(method, path, status, asyncio.get_running_loop().time() - began)
        if response.status_code not in success:
            sentence = f"HTTP {response.status_code} instead of {' or '.join(map(str, sorted(success)))}"
            raise httpx.HTTPStatusError(sentence, request=response.request, response=response)
        return self._answer(response)

    def _answer(self, response: httpx.Response) -> wire.Response:
        # If an answer ever quotes the key, it must not reach a message or the log.
        key = self._http.headers.get(_KEY_HEADER, "")
        return wire.Response(
            status=response.status_code,
            content_type=response.headers.get("Content-Type", ""),
            body=_without(key, response.content),
            retry_after=response.headers.get("Retry-After", ""),
        )

    def _map_error(self, error: httpx.HTTPError | OSError, *, writes: bool) -> CaError:
        if isinstance(error, httpx.HTTPStatusError):
            return wire.error_for(self._answer(error.response), writes=writes, now=self._clock())
        if isinstance(error, httpx.ProxyError):
            return CaUnavailable("The proxy blocked the request to DigiCert.", may_have_arrived=False)
        if isinstance(error, _NEVER_SENT):
            return CaUnavailable("DigiCert cannot be reached.", may_have_arrived=False)
        return CaUnavailable("The connection dropped before DigiCert replied.", may_have_arrived=writes)

    def _pause(self, error: Exception) -> bool | float:
        """Return True if a read should be repeated after `error`, or after how many seconds."""
        if not isinstance(error, httpx.HTTPStatusError):
            return isinstance(error, httpx.TransportError)
        status = error.response.status_code
        if status == 429:
            retry_after = wire.seconds_to_wait(error.response.headers.get("Retry-After", ""), self._clock())
            pause = _PAUSE_WHEN_BUSY if retry_after is None else retry_after
            return pause if pause <= _LONGEST_PAUSE else False
        # Page "Errors" names none of these, but DigiCert's own clients get them and retry.
        return status == 406 or status >= 500


def _may_wait(order: Order | Unreadable) -> bool:
    """Return True if the order may wait for validation, also if the bot does not know its status."""
    if isinstance(order, Unreadable):
        return True
    is_known = order.status in wire.ORDER_STATUSES
    return order.other_kind is None and (order.status in _WAITING or not is_known)


def _identity(row: Order | Domain | Unreadable) -> object:
    """Return the value that identifies a row, so that it is counted once."""
    return row if isinstance(row, Unreadable) else row.id


def _once(rows: Iterable[Order | Unreadable]) -> list[Order | Unreadable]:
    return list({_identity(row): row for row in rows}.values())


def _without(key: str, body: bytes) -> bytes:
    """Return the body with the key blanked, also in the form in which JSON may escape it."""
    for spelled in filter(None, {key, key.replace("/", "\\/")}):
        body = body.replace(spelled.encode(), b"...")
    return body
