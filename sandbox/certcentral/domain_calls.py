"""The calls on domains."""

from collections.abc import Iterable
from functools import partial

from aiohttp import web

from sandbox.certcentral import domain_serializers
from sandbox.certcentral.account import Account
from sandbox.certcentral.api_errors import Refusal
from sandbox.certcentral.bodies import DomainResend, read_body
from sandbox.certcentral.call_log import BASE_PATH, CALL
from sandbox.certcentral.listing import envelope, filters_of, flag, ordered, select, without_empty
from sandbox.certcentral.models import Domain
from sandbox.certcentral.order_serializers import CONTAINER
from sandbox.certcentral.recipient_rules import resend_for_domain

DOMAINS = f"{BASE_PATH}/domain"
REUSE = "include_validation_reuse_status"
"""Of the list it is a filter: as a parameter of its own it has no effect there."""

TEXTS = {
    "status": lambda domain: ["active" if domain.active else "inactive"],
    "dcv_method": lambda domain: [domain.method],
    "container_id": lambda _domain: [str(CONTAINER["id"])],
}
KEYS = {
    "id": lambda domain: domain.id,
    "name": lambda domain: domain.name,
    "date_created": lambda domain: domain.created,
}


class DomainCalls:
    """The answers about one account's domains."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def routes(self) -> Iterable[web.RouteDef]:
        """The routes."""
        one = DOMAINS + "/{domain}"
        return [
            web.get(DOMAINS, self.list, allow_head=False),
            web.get(f"{DOMAINS}/expiration-count", self.expiration_count, allow_head=False),
            web.get(one, self.show, allow_head=False),
            web.get(f"{one}/validation", self.validation, allow_head=False),
            web.get(f"{one}/dcv/emails", self.addresses, allow_head=False),
            web.put(f"{one}/dcv/emails", self.resend),
        ]

    async def list(self, request: web.Request) -> web.Response:
        """The domains that meet the filters, by id unless sorted."""
        query, switches = request.query, self._account.switches
        domains = select(self._account.domains.values(), query, TEXTS, {})
        for wanted in filters_of(query).get("search", []):
            domains = [domain for domain in domains if wanted.strip("%").lower() in domain.name]
        if spans := filters_of(query).get("validation", []):
            fits = partial(domain_serializers.fits_validation, self._account)
            domains = [domain for domain in domains if any(fits(domain, span) for span in spans)]
        rows = ordered(domains, query.get("sort") or "id", KEYS)
        asked = _includes(request, reuse=_is_set(filters_of(query).get(REUSE, [])))
        answer = envelope(
            "domains", rows, query, lambda domain: domain_serializers.listed(self._account, domain, asked)
        )
        return web.json_response(without_empty(answer, "domains", vanish=switches.empty_lists_vanish))

    async def show(self, request: web.Request) -> web.Response:
        """One domain."""
        asked = _includes(request, reuse=flag(request.query, REUSE))
        return web.json_response(domain_serializers.detailed(self._account, self._domain(request), asked))

    async def expiration_count(self, _request: web.Request) -> web.Response:
        """How many domains have lapsed or will lapse soon."""
        return web.json_response(domain_serializers.expiration_counts(self._account))

    async def validation(self, request: web.Request) -> web.Response:
        """What the domain is validated for."""
        return web.json_response({"validations": domain_serializers.validations(self._account, self._domain(request))})

    async def addresses(self, request: web.Request) -> web.Response:
        """Who may be mailed, for a domain id or for any name on a line with one of the account's names."""
        wanted = request.match_info["domain"].lower()
        if wanted.isdecimal():
            wanted = self._domain(request).name
        elif not self._account.knows(wanted):
            raise self._unknown()
        preferred = flag(request.query, "consider_dcv_email_preferences")
        return web.json_response(domain_serializers.allowed_addresses(self._account, wanted, preferred=preferred))

    async def resend(self, request: web.Request) -> web.Response:
        """Mail again for a domain."""
        wish = read_body(DomainResend, request[CALL].body)
        resend_for_domain(self._account, self._domain(request), wish)
        return web.Response(status=204)

    def _domain(self, request: web.Request) -> Domain:
        wanted = request.match_info["domain"]
        domain = self._account.domains.get(int(wanted)) if wanted.isdecimal() else None
        if domain is None:
            raise self._unknown()
        return domain

    def _unknown(self) -> Refusal:
        return Refusal(404, self._account.switches.unknown_domain_code, "The domain could not be found.")


def _includes(request: web.Request, *, reuse: bool) -> domain_serializers.Includes:
    query = request.query
    return domain_serializers.Includes(
        exact_expiry=flag(query, "include_dcv_expiration_time"),
        reuse=reuse,
        validations=flag(query, "include_validation"),
        dcv=flag(query, "include_dcv"),
    )


def _is_set(values: Iterable[str]) -> bool:
    return any(value.lower() in {"true", "1"} for value in values)
