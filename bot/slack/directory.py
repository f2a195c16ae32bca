"""People and user groups as Slack knows them, for the policy."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

import structlog
from async_lru import alru_cache

from bot.errors import SlackRefused, SlackUnavailable
from bot.policy import Person, grid_id
from bot.slack.client import Client, translated

log = structlog.get_logger(__name__)

REMEMBERED = 60.0


class Directory:
    """Reads people and user groups, for the policy; what Slack said is kept for a minute."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._user = alru_cache(maxsize=1024, ttl=REMEMBERED)(self._read_user)
        self._members = alru_cache(maxsize=128, ttl=REMEMBERED)(self._read_members)

    async def person(self, user_id: str, groups: Collection[str] = (), *, afresh: bool = False) -> Person:
        """What Slack knows of this person, and in which of these groups they are; SlackUnavailable when it cannot tell.

        `afresh` asks again for the person and their groups; else the answer is a minute old at most.
        """
        groups = sorted(groups)
        if afresh:
            self._user.cache_invalidate(user_id)
            for group in groups:
                self._members.cache_invalidate(group)
        user, *members = await asyncio.gather(self._user(user_id), *map(self._members_or_none, groups))
        read = dict(zip(groups, members, strict=True))
        both = {user_id, grid_id(user)} - {""}
        mine = {group for group, ids in read.items() if ids is not None and both & ids}
        return Person.read(user, mine, {group for group, ids in read.items() if ids is None})

    def group_changed(self, group_id: str) -> None:
        """Forget the members of a group; the next question reads them anew."""
        self._members.cache_invalidate(group_id)

    async def _members_or_none(self, group_id: str) -> frozenset[str] | None:
        try:
            return await self._members(group_id)
        except (SlackUnavailable, SlackRefused) as error:
            log.warning("user group could not be read; nobody counts as its member", group=group_id, error=str(error))
            return None

    async def _read_user(self, user_id: str) -> Mapping[str, Any]:
        async with translated():
            answer = await self._client.users_info(user=user_id)
        user = answer.get("user")
        if not isinstance(user, dict):
            raise SlackUnavailable("Slack answered without a user.")
        return user

    async def _read_members(self, group_id: str) -> frozenset[str]:
        async with translated():
            answer = await self._client.usergroups_users_list(usergroup=group_id)
        return frozenset(answer.get("users") or ())
