"""The only outgoing Web API calls: what the bot asks Slack, says in it, and what each refusal means."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiohttp
import structlog
from async_lru import alru_cache
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.errors import SlackRefused, SlackUnavailable
from bot.models import Origin, Place
from bot.policy import Person
from bot.settings import proxy_for
from bot.views.blocks import Message

log = structlog.get_logger(__name__)

METADATA = "dcv_resend_message"
REMEMBERED = 60.0
VIEW_IS_GONE = frozenset({"not_found", "hash_conflict", "view_not_found"})
TRIGGER_IS_OVER = frozenset(
    {"expired_trigger_id", "exchanged_trigger_id", "invalid_trigger_id", "trigger_expired", "trigger_exchanged"}
)
_LATER = frozenset(
    {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"}
)
_TOKEN_IS_BAD = frozenset(
    {"invalid_auth", "account_inactive", "token_revoked", "token_expired", "not_authed", "not_allowed_token_type"}
)
_SHAPE_IS_BAD = frozenset(
    {
        "invalid_blocks",
        "invalid_blocks_format",
        "msg_too_long",
        "msg_blocks_too_long",
        "invalid_attachments",
        "metadata_too_large",
        "invalid_arguments",
    }
)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the bot is in Slack, as `auth.test` tells; `scopes` are those granted to its token."""

    bot_id: str
    bot_user_id: str
    team_id: str
    enterprise_id: str | None
    scopes: frozenset[str]

    @property
    def home(self) -> frozenset[str]:
        """The ids a colleague's account may carry: our workspace, and on Enterprise Grid our organisation."""
        return frozenset(filter(None, (self.team_id, self.enterprise_id)))


def open_client(token: str, base_url: str, session: aiohttp.ClientSession | None = None) -> AsyncWebClient:
    """A Web API client without retries of its own: the SDK would post again after a lost answer."""
    client = AsyncWebClient(token=token, base_url=base_url, session=session, retry_handlers=[])
    client.proxy = proxy_for(base_url)  # the SDK reads HTTPS_PROXY but not NO_PROXY
    return client


async def identify(client: AsyncWebClient) -> Identity:
    """Ask Slack who the token belongs to; SlackRefused when it is not accepted."""
    async with _translated():
        answer = await client.auth_test()
    scopes = str(answer.headers.get("x-oauth-scopes") or answer.headers.get("X-OAuth-Scopes") or "")
    return Identity(
        bot_id=answer.get("bot_id") or "",
        bot_user_id=answer["user_id"],
        team_id=answer["team_id"],
        enterprise_id=answer.get("enterprise_id"),
        scopes=frozenset(scope.strip() for scope in scopes.split(",") if scope.strip()),
    )


async def check_app_token(client: AsyncWebClient, app_token: str) -> None:
    """Ask for one Socket Mode address and let it go: the SDK's own connect would retry a wrong token for ever."""
    async with _translated():
        await client.apps_connections_open(app_token=app_token)


class Directory:
    """Reads people and user groups, for the policy; what Slack said is kept for a minute."""

    def __init__(self, client: AsyncWebClient, groups: frozenset[str]) -> None:
        self._client = client
        self._groups = groups
        self._user = alru_cache(maxsize=1024, ttl=REMEMBERED)(self._read_user)
        self._members = alru_cache(maxsize=128, ttl=REMEMBERED)(self._read_members)

    async def person(self, user_id: str, *, afresh: bool = False) -> Person:
        """What Slack knows of this person; `afresh` asks again. SlackUnavailable when it cannot tell."""
        if afresh:
            self._user.cache_invalidate(user_id)
        user, *members = await asyncio.gather(self._user(user_id), *map(self._members_or_none, sorted(self._groups)))
        mine = {group for group, ids in zip(sorted(self._groups), members, strict=True) if user_id in ids}
        return Person.read(user, frozenset(mine))

    def group_changed(self, group_id: str) -> None:
        """Forget the members of a group; the next question reads them anew."""
        self._members.cache_invalidate(group_id)

    async def _members_or_none(self, group_id: str) -> frozenset[str]:
        try:
            return await self._members(group_id)
        except (SlackUnavailable, SlackRefused) as error:
            log.warning("user group could not be read; nobody counts as its member", group=group_id, error=str(error))
            return frozenset()

    async def _read_user(self, user_id: str) -> Mapping[str, Any]:
        async with _translated():
            answer = await self._client.users_info(user=user_id)
        user = answer.get("user")
        return user if isinstance(user, dict) else {}

    async def _read_members(self, group_id: str) -> frozenset[str]:
        async with _translated():
            answer = await self._client.usergroups_users_list(usergroup=group_id)
        return frozenset(answer.get("users") or ())


class Chat:
    """Says things in Slack: whispers, forms, and messages that can be found again."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._shared = alru_cache(maxsize=1024, ttl=REMEMBERED)(self._read_shared)

    async def whisper(self, origin: Origin, message: Message) -> None:
        """Tell one person alone, in the place they spoke from, else directly; a lost whisper is only logged."""
        try:
            if not await self._whispered_by_url(origin, message):
                await self._whispered_by_post(origin, message)
        except (SlackUnavailable, SlackRefused) as error:
            log.warning("whisper was lost", user=origin.actor.user_id, error=str(error))

    async def open_form(self, trigger_id: str, view: Mapping[str, Any]) -> str:
        """Open a modal and return its view id; SlackRefused when the trigger is over (it lives three seconds)."""
        async with _translated():
            answer = await self._client.views_open(trigger_id=trigger_id, view=dict(view))
        return str(answer["view"]["id"])

    async def update_form(self, view_id: str, view: Mapping[str, Any], since: str | None = None) -> str | None:
        """Draw a modal anew and return its new hash; None where it was closed, or drawn by another since that hash."""
        try:
            async with _translated():
                answer = await self._client.views_update(view_id=view_id, view=dict(view), hash=since)
        except SlackRefused as error:
            if error.code not in VIEW_IS_GONE:
                raise
            log.info("form was closed or drawn anew meanwhile", view_id=view_id, error=error.code)
            return None
        return str(answer["view"].get("hash") or "") or None

    async def post(self, place: Place, message: Message, key: str) -> tuple[Place, str]:
        """Post once, carrying `key` as metadata; returns where it stands and its ts.

        Not safe to repeat: after SlackUnavailable it may stand there; look for it with `find`.
        """
        metadata = {"event_type": METADATA, "event_payload": {"key": key}}
        answer = await self._say(
            "chat.postMessage",
            message,
            channel=place.channel_id,
            thread_ts=place.thread_ts,
            metadata=metadata,
            unfurl_links=False,
            unfurl_media=False,
        )
        return Place(str(answer["channel"]), place.thread_ts), str(answer["ts"])

    async def edit(self, place: Place, ts: str, message: Message) -> None:
        """Replace a message of ours; safe to repeat."""
        await self._say("chat.update", message, channel=place.channel_id, ts=ts)

    async def find(self, place: Place, key: str, since: datetime) -> str | None:
        """The ts of our message that carries `key`; None where there is none, or where we may not read."""
        arguments: dict[str, Any] = {"channel": place.channel_id, "include_all_metadata": True, "limit": 100}
        try:
            async with _translated():
                if place.thread_ts:
                    answer = await self._client.conversations_replies(ts=place.thread_ts, **arguments)
                else:
                    answer = await self._client.conversations_history(oldest=f"{since.timestamp():.6f}", **arguments)
        except SlackRefused:
            return None
        return next((str(found["ts"]) for found in answer.get("messages") or () if _key_of(found) == key), None)

    async def permalink(self, place: Place, ts: str) -> str | None:
        """A link to a message, where Slack gives one."""
        try:
            async with _translated():
                answer = await self._client.chat_getPermalink(channel=place.channel_id, message_ts=ts)
        except (SlackRefused, SlackUnavailable):
            return None
        return str(answer["permalink"])

    async def is_shared(self, place: Place) -> bool:
        """Whether people of other organisations read along there; SlackRefused where the bot cannot see the channel."""
        if place.channel_id.startswith(("D", "U", "W")):
            return False
        return await self._shared(place.channel_id)

    async def _read_shared(self, channel_id: str) -> bool:
        async with _translated():
            answer = await self._client.conversations_info(channel=channel_id)
        channel = answer["channel"]
        return bool(channel.get("is_ext_shared") or channel.get("is_pending_ext_shared"))

    async def _whispered_by_url(self, origin: Origin, message: Message) -> bool:
        if origin.response_url is None:
            return False
        webhook = AsyncWebhookClient(origin.response_url, session=self._client.session, retry_handlers=[])
        webhook.proxy = proxy_for(origin.response_url)
        try:
            answer = await webhook.send_dict({**message.payload(), "response_type": "ephemeral"})
        except (aiohttp.ClientError, TimeoutError, SlackClientError):
            return False
        return answer.status_code == 200

    async def _whispered_by_post(self, origin: Origin, message: Message) -> None:
        user = origin.actor.user_id
        async with _translated():
            if origin.place is not None:
                try:
                    await self._client.chat_postEphemeral(
                        channel=origin.place.channel_id,
                        user=user,
                        thread_ts=origin.place.thread_ts,
                        **message.payload(),
                    )
                except SlackApiError as error:
                    if _code(error) in _LATER:
                        raise
                else:
                    return
            await self._client.chat_postMessage(channel=user, **message.payload())

    async def _say(self, method: str, message: Message, **arguments: Any) -> AsyncSlackResponse:
        """Call with blocks; where Slack will not take their shape, once more with the text alone."""
        known = {name: value for name, value in arguments.items() if value is not None}
        async with _translated():
            try:
                return await self._client.api_call(method, json={**known, **message.payload()})
            except SlackApiError as error:
                if _code(error) not in _SHAPE_IS_BAD:
                    raise
                log.exception("Slack refused the shape of a message; sending its text alone", method=method)
                plain = {**known, "text": message.text[:3900], "blocks": []}
                return await self._client.api_call(method, json=plain)


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    """Turn what the SDK raises into our two errors: later, or never."""
    try:
        yield
    except SlackApiError as error:
        code = _code(error)
        if code in _LATER or _status(error) >= 500 or _status(error) == 429:
            raise SlackUnavailable(f"Slack asks us to wait ({code}).") from error
        if code in _TOKEN_IS_BAD:
            log.critical("Slack does not accept the bot's token", error=code)
        raise SlackRefused(code) from error
    except (aiohttp.ClientError, TimeoutError, OSError, SlackClientError, ValueError, AttributeError) as error:
        # AttributeError is how the SDK fails on a text/plain answer.
        raise SlackUnavailable(f"Slack did not answer ({type(error).__name__}).") from error


def _code(error: SlackApiError) -> str:
    data = getattr(error.response, "data", None)
    return str(data.get("error", "unknown_error")) if isinstance(data, dict) else "unknown_error"


def _status(error: SlackApiError) -> int:
    # The SDK attaches its own response, or aiohttp's where the body was not JSON.
    return int(getattr(error.response, "status_code", None) or getattr(error.response, "status", None) or 0)


def _key_of(message: Mapping[str, Any]) -> str | None:
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") != METADATA:
        return None
    return (metadata.get("event_payload") or {}).get("key")
