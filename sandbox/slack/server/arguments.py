"""The arguments of a Web API call, from JSON, a form or the query string."""

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from sandbox.slack.workspace.api_errors import SlackError, invalid_arguments

JSON_ARGUMENTS = frozenset({"blocks", "attachments", "view", "metadata", "unfurls", "files"})
BOOLEAN_ARGUMENTS = frozenset(
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
INTEGER_ARGUMENTS = frozenset({"limit", "count", "length"})
IGNORED_ARGUMENTS = frozenset({"team_id", "token"})


class Arguments(dict[str, Any]):
    """The arguments of a call, with Slack's checks of them."""

    def require_text(self, name: str) -> str:
        """Return a text argument. Raises SlackError if it is missing."""
        if not isinstance(value := self.get(name), str) or not value:
            raise invalid_arguments(f"missing required field: {name}")
        return value

    def read_limit(self, default: int, most: int) -> int:
        """Return the page size. Raises SlackError("invalid_limit") if it is not between 1 and `most`."""
        value = self.get("limit", default)
        if not isinstance(value, int) or not 1 <= value <= most:
            raise SlackError("invalid_limit", mistake=True)
        return value


async def read_arguments(request: web.Request) -> Arguments:
    """Read the arguments from a JSON body, a form or the query string. Nulls and tokens are left out."""
    given = dict(request.query)
    if request.method == "POST":
        given |= await _read_body(request)
    return Arguments({name: _convert(name, value) for name, value in given.items() if _is_relevant(name, value)})


async def _read_body(request: web.Request) -> Mapping[str, Any]:
    # The Web API accepts forms as well. The SDK sends forms for some methods.
    if request.content_type != "application/json":
        return await request.post()
    try:
        body = json.loads(await request.text())
    except ValueError:
        raise SlackError("invalid_json", mistake=True) from None
    if not isinstance(body, dict):
        raise SlackError("json_not_object", mistake=True)
    return body


def _is_relevant(name: str, value: object) -> bool:
    return value is not None and name not in IGNORED_ARGUMENTS


def _convert(name: str, value: object) -> object:
    # JSON bodies have typed values already.
    if not isinstance(value, str):
        return value
    if name in BOOLEAN_ARGUMENTS:
        return value.lower() in {"1", "true"}
    if name in INTEGER_ARGUMENTS and value.isdigit():
        return int(value)
    # In a form, structured arguments are JSON strings.
    return _parse_json(value) if name in JSON_ARGUMENTS else value


def _parse_json(value: str) -> object:
    try:
        return json.loads(value)
    except ValueError:
        return value
