"""The API calls for domains."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from aiohttp import web

from sandbox.certcentral import domain_serializers
from sandbox.certcentral.account import Account
from sandbox.certcentral.api_errors import CertCentralError, malformed
from sandbox.certcentral.bodies import DomainResend, DomainSubmission, MethodChange, read_body
from sandbox.certcentral.call_log import BASE_PATH, CALL
from sandbox.certcentral.listing import apply_filters, build_page, drop_empty_list, has_flag, read_filters, sort_rows
from sandbox.certcentral.models import DCV_METHODS, TOKEN_METHODS, Domain
from sandbox.certcentral.order_serializers import CONTAINER
from sandbox.certcentral.recipient_rules import email_domain, resend_for_domain

DOMAINS = f"{BASE_PATH}/domain"
REUSE = "include_validation_reuse_status"
"""A filter of the list. As a parameter of its own, it has no effect there."""

FILTER_TEXTS = {
    "status": lambda domain: ["active" if domain.active else "inactive"],
    "dcv_method": lambda domain: [domain.method],
    "container_id": lambda _domain: [str(CONTAINER["id"])],
}
SORT_KEYS = {
    "id": lambda domain: domain.id,
    "name": lambda domain: domain.name,
    "date_created": lambda domain: domain.created,
}


class DomainCalls:
    """The handlers for one account's domains."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def routes(self) -> Iterable[web.RouteDef]:
        """Return the routes."""
        one = DOMAINS + "/{domain}"
        return [
            web.get(DOMAINS, self.list_domains, allow_head=False),
            # Before the route with an id, which would match it too.
            web.get(f"{DOMAINS}/expiration-count", self.count_expirations, allow_head=False),
            web.get(one, self.get_domain, allow_head=False),
            web.get(f"{one}/validation", self.get_validation, allow_head=False),
            web.get(f"{one}/dcv/emails", self.list_emails, allow_head=False),
            web.put(f"{one}/dcv/emails", self.resend_emails),
            web.post(f"{one}/validation", self.submit),
            web.put(f"{one}/dcv/method", self.change_method),
            web.post(f"{one}/dcv/token", self.make_token),
            web.put(f"{one}/dcv/validate-token", self.validate_token),
        ]

    async def list_domains(self, request: web.Request) -> web.Response:
        """Return the domains that match the filters, sorted by id unless the query says otherwise."""
        query, options = request.query, self._account.options
        domains = apply_filters(self._account.domains.values(), query, FILTER_TEXTS, {})
        for wanted in read_filters(query).get("search", []):
            # Unlike a filter, a search matches any part of the name, with or without %.
            domains = [domain for domain in domains if wanted.strip("%").lower() in domain.name]
        if spans := read_filters(query).get("validation", []):
            fits = partial(domain_serializers.matches_validation, self._account)
            domains = [domain for domain in domains if any(fits(domain, span) for span in spans)]
        rows = sort_rows(domains, query.get("sort") or "id", SORT_KEYS)
        # Only here, the flag for reuse is read from the filters alone.
        asked = _read_includes(request, reuse=_any_true(read_filters(query).get(REUSE, [])))
        answer = build_page(
            "domains", rows, query, lambda domain: domain_serializers.serialize_row(self._account, domain, asked)
        )
        return web.json_response(drop_empty_list(answer, "domains", omit=options.omit_empty_lists))

    async def get_domain(self, request: web.Request) -> web.Response:
        """Return one domain."""
        asked = _read_includes(request, reuse=has_flag(request.query, REUSE))
        return web.json_response(domain_serializers.serialize_domain(self._account, self._find_domain(request), asked))

    async def count_expirations(self, _request: web.Request) -> web.Response:
        """Return how many domains have lapsed or will lapse soon."""
        return web.json_response(domain_serializers.count_expirations(self._account))

    async def get_validation(self, request: web.Request) -> web.Response:
        """Return the validations of a domain."""
        return web.json_response(
            {"validations": domain_serializers.serialize_validations(self._account, self._find_domain(request))}
        )

    async def list_emails(self, request: web.Request) -> web.Response:
        """Return the allowed addresses for a domain id, or for a name at, above or below one of the account's names."""
        wanted = request.match_info["domain"].lower()
        # The path has either a domain id or a domain name.
        if wanted.isdecimal():
            wanted = self._find_domain(request).name
        elif not self._account.is_known_name(wanted):
            raise self._domain_not_found()
        preferred = has_flag(request.query, "consider_dcv_email_preferences")
        return web.json_response(domain_serializers.serialize_emails(self._account, wanted, preferred=preferred))

    async def resend_emails(self, request: web.Request) -> web.Response:
        """Send mail again for a domain."""
        body = read_body(DomainResend, request[CALL].body)
        resend_for_domain(self._account, self._find_domain(request), body)
        return web.Response(status=204)

    async def submit(self, request: web.Request) -> web.Response:
        """Submit a domain for validation, early or again. With the method email, this sends mail by itself."""
        body = read_body(DomainSubmission, request[CALL].body)
        account, domain = self._account, self._find_domain(request)
        method = _read_method(body.dcv_method or domain.method)
        if domain.active or account.options.inactive_domain.sends_mail():
            account.submit(domain, method)
        if method == "email":
            wanted = [] if account.options.submit_emails_everyone else body.email_array
            shown = self._email(domain, wanted, body.locale)
        else:
            shown = self._show_token(domain)
        if account.options.submit_status == 204:
            return web.Response(status=204)
        return web.json_response({"id": domain.id} | shown, status=account.options.submit_status)

    async def change_method(self, request: web.Request) -> web.Response:
        """Change the method of a domain. A change to email sends mail unless the body says not to."""
        body = read_body(MethodChange, request[CALL].body)
        options, domain = self._account.options, self._find_domain(request)
        method = _read_method(body.dcv_method)
        if method == domain.method:
            return web.json_response({})
        if domain.pending or options.method_of_settled_domain.sends_mail():
            self._account.change_method(domain, method)
        if method != "email":
            return web.json_response(self._show_token(domain))
        if body.send_dcv_email_flag or options.email_flag_ignored:
            return web.json_response(self._email(domain, body.email_array, body.locale))
        return web.json_response(self._show_emails(domain, []))

    async def make_token(self, request: web.Request) -> web.Response:
        """Replace the random value of a domain."""
        domain = self._find_domain(request)
        _require_token_method(domain)
        self._account.new_value(domain)
        shown = self._show_token(domain)
        return web.json_response(shown if self._account.options.new_value_is_nested else shown["dcv_token"])

    async def validate_token(self, request: web.Request) -> web.Response:
        """Look up the random value of a domain. If it is found, the domain is validated."""
        domain, now = self._find_domain(request), self._account.now()
        _require_token_method(domain)
        value = self._account.live_value(domain)
        if not domain.pending or not self._account.finds_value(domain, domain.name):
            raise CertCentralError(400, "invalid_dns_txt", "The random value was not found in the DNS TXT record.")
        self._account.validate_by_token(domain)
        return web.json_response({"token": value.text, "status": "active" if domain.is_valid(now) else "pending"})

    def _email(self, domain: Domain, wanted: list[str], locale: str) -> dict[str, Any]:
        return self._show_emails(domain, email_domain(self._account, domain, domain.name, wanted, locale))

    def _show_emails(self, domain: Domain, emailed: list[str]) -> dict[str, Any]:
        shown = domain_serializers.serialize_emails(self._account, domain.name, preferred=False)
        fields = {"name_scope": domain.name, "base_emails": shown["base_emails"], "whois_emails": []}
        return {"validation_emails": fields | {"email_array": emailed}}

    def _show_token(self, domain: Domain) -> dict[str, Any]:
        self._account.live_value(domain)
        return {"dcv_token": domain_serializers.serialize_token(self._account, domain)}

    def _find_domain(self, request: web.Request) -> Domain:
        wanted = request.match_info["domain"]
        domain = self._account.domains.get(int(wanted)) if wanted.isdecimal() else None
        if domain is None:
            raise self._domain_not_found()
        return domain

    def _domain_not_found(self) -> CertCentralError:
        return CertCentralError(404, self._account.options.unknown_domain_code, "The domain could not be found.")


def _read_method(method: str) -> str:
    if method not in DCV_METHODS:
        raise malformed("dcv_method")
    return method


def _require_token_method(domain: Domain) -> None:
    if domain.method not in TOKEN_METHODS:
        raise CertCentralError(400, "invalid_dcv_method", "The DCV method of the domain has no random value.")


def _read_includes(request: web.Request, *, reuse: bool) -> domain_serializers.Includes:
    query = request.query
    return domain_serializers.Includes(
        exact_expiry=has_flag(query, "include_dcv_expiration_time"),
        reuse=reuse,
        validations=has_flag(query, "include_validation"),
        dcv=has_flag(query, "include_dcv"),
    )


def _any_true(values: Iterable[str]) -> bool:
    return any(value.lower() in {"true", "1"} for value in values)
