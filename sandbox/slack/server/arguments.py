"""The arguments of a Web API call, from JSON, a form or the query string."""

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from sandbox.slack.workspace.api_errors import Refused, bad_argument

STRUCTURES = frozenset({"blocks", "attachments", "view", "metadata", "unfurls"})
FLAGS = frozenset(
    {
        "as_user",
        "mrkdwn",
        "link_names",
        "unfurl_links",
        "unfurl_media",
        "reply_broadcast",
        "return_im",
        "include_all_metadata",
        "include_locale",
        "include_num_members",
        "include_disabled",
        "exclude_archived",
        "prevent_creation",
        "inclusive",
    }
)
NUMBERS = frozenset({"limit", "count"})
STRAY = frozenset({"team_id", "token"})


class Arguments(dict[str, Any]):
    """The arguments of a call, with the complaints that Slack makes about them."""

    def required(self, name: str) -> str:
        """Return a text argument; Refused when it is missing."""
        if not isinstance(value := self.get(name), str) or not value:
            raise bad_argument(f"missing required field: {name}")
        return value

    def limit(self, default: int, most: int) -> int:
        """Return the page size; Refused("invalid_limit") when it is not within 1 and `most`."""
        value = self.get("limit", default)
        if not isinstance(value, int) or not 1 <= value <= most:
            raise Refused("invalid_limit", mistake=True)
        return value


async def read_arguments(request: web.Request) -> Arguments:
    """Read a JSON body, a form or the query string into the same arguments; nulls and stray ones are left out."""
    given = dict(request.query)
    if request.method == "POST":
        given |= await _body(request)
    return Arguments({name: _meant(name, value) for name, value in given.items() if _counts(name, value)})


async def _body(request: web.Request) -> Mapping[str, Any]:
    if request.content_type != "application/json":
        return await request.post()
    try:
        body = json.loads(await request.text())
    except ValueError:
        raise Refused("invalid_json", mistake=True) from None
    if not isinstance(body, dict):
        raise Refused("json_not_object", mistake=True)
    return body


def _counts(name: str, value: object) -> bool:
    return value is not None and name not in STRAY


def _meant(name: str, value: object) -> object:
    if not isinstance(value, str):
        return value
    if name in FLAGS:
        return value.lower() in {"1", "true"}
    if name in NUMBERS and value.isdigit():
        return int(value)
    return _parsed(value) if name in STRUCTURES else value


def _parsed(value: str) -> object:
    try:
        return json.loads(value)
    except ValueError:
        return value
