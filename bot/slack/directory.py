"""Slack's users and user groups, for the policy."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Generic, TypeVar

import structlog

from bot.async_cache import cached
from bot.errors import SlackRejected, SlackUnavailable
from bot.policy.principal import Principal, grid_id
from bot.slack.client import Client, mapped_errors

log = structlog.get_logger(__name__)

REMEMBERED = 60.0
# The names of user groups are only shown.
HANDLES_SECONDS = 3600.0
# The greatest age in seconds of an answer right before a call to DigiCert. Calls of all requests share the answers.
FRESH = 10.0
# Slack's errors for unknown ids are answers. After any other error the bot does not know.
NO_SUCH_PERSON = frozenset({"user_not_found", "user_not_visible"})
_NO_SUCH_GROUP = frozenset({"no_such_subteam", "subteam_not_found"})

_Answer = TypeVar("_Answer")


class _Answers(Generic[_Answer]):
    """A cache of Slack's answers to one method, by id. Concurrent readers share one call."""

    def __init__(self, ask: Callable[[str], Awaitable[_Answer]], maxsize: int) -> None:
        self._ask = ask
        self._remembered = cached(self._just_read_or_read, maxsize=maxsize, ttl=REMEMBERED)
        self._just_read: dict[str, tuple[float, _Answer]] = {}
        self._fresh = cached(self._read_again, maxsize=maxsize, ttl=FRESH)
        self._held_until = 0.0

    async def get(self, key: str) -> _Answer:
        """Return an answer that is at most REMEMBERED seconds old."""
        _, answer = await self._remembered(key)
        return answer

    async def get_fresh(self, key: str) -> _Answer:
        """Return an answer for a call to DigiCert, at most FRESH seconds old.

        Raises SlackUnavailable without a call while Slack's Retry-After lasts.
        """
        asked_at, answer = await self._fresh(key)
        if time.monotonic() - asked_at > FRESH:
            # The process was frozen and has woken up, and the cache's timer has not run yet.
            self._fresh.cache_invalidate(key)
            _, answer = await self._fresh(key)
        return answer

    def forget(self, key: str) -> None:
        """Remove an answer, so that the next reader asks Slack again."""
        self._remembered.cache_invalidate(key)
        self._fresh.cache_invalidate(key)

    @property
    def seconds_held(self) -> float:
        """The seconds until Slack accepts calls again, by its last Retry-After."""
        return max(0.0, self._held_until - time.monotonic())

    async def _read_again(self, key: str) -> tuple[float, _Answer]:
        if self.seconds_held:
            raise SlackUnavailable("Slack asks us to wait.", self.seconds_held)
        # If Slack does not answer, its earlier answer stays valid for commands and forms.
        self._just_read[key] = await self._read(key)
        self._remembered.cache_invalidate(key)
        return await self._remembered(key)

    async def _just_read_or_read(self, key: str) -> tuple[float, _Answer]:
        return self._just_read.pop(key, None) or await self._read(key)

    async def _read(self, key: str) -> tuple[float, _Answer]:
        asked_at = time.monotonic()
        try:
            answer = await self._ask(key)
        except SlackUnavailable as error:
            self._held_until = max(self._held_until, time.monotonic() + error.retry_after)
            raise
        self._held_until = 0.0
        return asked_at, answer


class Directory:
    """Reader of users and user groups, for the policy. Answers are cached for a minute."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._users = _Answers(self._read_user, maxsize=1024)
        self._members = _Answers(self._read_members, maxsize=128)
        self._handles = cached(self._read_handles, maxsize=1, ttl=HANDLES_SECONDS)

    async def person(self, user_id: str, groups: Collection[str] = (), *, afresh: bool = False) -> Principal:
        """Return what Slack knows about this user, and which of these groups they are in.

        With `afresh` the answers are at most FRESH seconds old, for a call to DigiCert; else at most a minute. Groups
        that cannot be read now are `unclear`. Raises SlackUnavailable or SlackRejected if the user cannot be read.
        """
        groups = sorted(groups)
        user, *members = await asyncio.gather(
            self._users.get_fresh(user_id) if afresh else self._users.get(user_id),
            *(self._members_or_none(group, afresh=afresh) for group in groups),
        )
        read = dict(zip(groups, members, strict=True))
        both = {user_id, grid_id(user)} - {""}
        mine = {group for group, ids in read.items() if ids is not None and both & ids}
        return Principal.read(user, mine, {group for group, ids in read.items() if ids is None})

    async def handle(self, owner_id: str) -> str:
        """Return the name of a user or a user group to show, such as `@shop-sre`; empty if Slack does not give it."""
        try:
            if owner_id.startswith("S"):
                return (await self._handles()).get(owner_id, "")
            person = await self._users.get(owner_id)
        except (SlackRejected, SlackUnavailable) as error:
            log.info("the name of an owner could not be read", owner=owner_id, error=str(error))
            return ""
        return f"@{person['name']}" if person.get("name") else ""

    @property
    def retry_after(self) -> float:
        """The seconds until Slack accepts calls about users or groups again; 0 if it named no time."""
        return max(self._users.seconds_held, self._members.seconds_held)

    def group_changed(self, group_id: str) -> None:
        """Remove a group's members from the cache, so that the next reader asks Slack again."""
        self._members.forget(group_id)

    async def _members_or_none(self, group_id: str, *, afresh: bool) -> frozenset[str] | None:
        try:
            return await (self._members.get_fresh(group_id) if afresh else self._members.get(group_id))
        except SlackRejected as error:
            log.warning("Slack refused to list a user group", group=group_id, error=error.code)
            return frozenset() if error.code in _NO_SUCH_GROUP else None
        except SlackUnavailable as error:
            log.warning("Slack could not list a user group", group=group_id, error=str(error))
            return None

    async def _read_user(self, user_id: str) -> Mapping[str, Any]:
        async with mapped_errors():
            answer = await self._client.users_info(user=user_id)
        user = answer.get("user")
        if not isinstance(user, dict):
            raise SlackUnavailable("Slack answered without a user.")
        return user

    async def _read_handles(self) -> dict[str, str]:
        async with mapped_errors():
            answer = await self._client.usergroups_list()
        groups = answer.get("usergroups") or ()
        return {str(each.get("id")): f"@{each['handle']}" for each in groups if each.get("handle")}

    async def _read_members(self, group_id: str) -> frozenset[str]:
        async with mapped_errors():
            answer = await self._client.usergroups_users_list(usergroup=group_id)
        return frozenset(answer.get("users") or ())
