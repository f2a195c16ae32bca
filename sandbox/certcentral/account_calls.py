"""The API calls that show the user and the account of the key."""

from collections.abc import Iterable

from aiohttp import web

from sandbox.certcentral.call_log import BASE_PATH
from sandbox.certcentral.order_serializers import USER

USER_JSON = USER | {
    "username": "svc-dcv",
    "account_id": 9001,
    "status": "active",
    "last_login_date": "2026-06-21 13:37:00",
    "container": {"id": 5, "name": "Main", "parent_id": 0, "is_active": True},
    "access_roles": [{"id": 4, "name": "Manager"}],
    "is_cert_central": True,
    "type": "standard",
    "has_container_assignments": False,
}
ACCOUNT_JSON = {"id": 9001, "admin_email": "pki@example.com", "cert_central_type": "enterprise"}


class AccountCalls:
    """The handlers for the key's user and account."""

    def routes(self) -> Iterable[web.RouteDef]:
        """Return the routes."""
        return [
            web.get(f"{BASE_PATH}/user/me", self.get_user, allow_head=False),
            web.get(f"{BASE_PATH}/account", self.get_account, allow_head=False),
        ]

    async def get_user(self, _request: web.Request) -> web.Response:
        """Return the user that the key belongs to."""
        return web.json_response(USER_JSON)

    async def get_account(self, _request: web.Request) -> web.Response:
        """Return the account that the key belongs to."""
        return web.json_response(ACCOUNT_JSON)
