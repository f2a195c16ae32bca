"""The board: puts each message in Slack once, edits it afterwards, and finds its way where a channel is closed."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

import structlog
from attrs import define, field

from bot.clock import Clock
from bot.errors import BotError, SlackRejected, SlackUnavailable
from bot.models import Destination
from bot.slack.chat import DIRECT, Chat
from bot.slack.client import TOKEN_IS_BAD
from bot.store.cluster.membership import KeyLock, KeyLocks, LockLost
from bot.store.posts import Post, Posts
from bot.views.blocks import Message
from bot.views.resend_messages import as_direct_message, withdrawn

log = structlog.get_logger(__name__)

SHARED = "shared_channel"
_GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"})
_CLOCKS_DIFFER = timedelta(minutes=5)

Said = TypeVar("Said")
Draw = Callable[[], Awaitable[Message]]


@define(eq=False, repr=False, slots=False)
class MessagePublisher:
    """Shows messages by key: showing a key again edits what stands there.

    One at a time at each key, among all that share `locks`. Before each post and each edit it asks if the channel is
    shared with another organization. From then on a request stays in direct messages, also if the sharing ends.
    """

    _chat: Chat
    _posts: Posts
    _clock: Clock
    _locks: KeyLocks = field(factory=KeyLocks)
    _under_way: dict[str, asyncio.Task[Any]] = field(factory=dict, init=False)

    async def publish(self, key: str, destination: Destination, message: Message | Draw, user_id: str | None) -> Post:
        """Show a message in a place, or, where Slack does not let the bot post there, directly to a person.

        One that changes is drawn while nobody else shows this key, so that what is newer is shown later.
        Without a person it is owed to nobody: SlackRejected where the place is closed, or where somebody deleted it.
        Safe to repeat: the intent is written down first, and a repeat edits the message, or looks for it before it is
        posted again. SlackUnavailable when Slack cannot be asked now, SlackRejected when not even that person is.
        A call that an earlier show of this key did not wait for is waited for: nothing overtakes it in Slack.
        StoreUnavailable when the database does not answer.
        In a channel that became shared, the messages of the same request are replaced by a neutral line.
        """
        post = await self._publish_once(key, destination, message, user_id)
        if post.detour == SHARED:
            await self._withdraw_request(key)
        return post

    async def withdraw(self, key: str) -> None:
        """Replace a message by a neutral line if its channel became shared; safe to repeat.

        Raises SlackUnavailable if Slack cannot say, StoreUnavailable if the database does not answer.
        """
        lock = await self._locks.acquire(key)
        try:
            post = await self._posts.get(key)
            if post and post.ts and not post.detour and await self._blocked_reason(post.destination) == SHARED:
                await self._withdraw(post, lock)
        finally:
            self._release(key, lock)

    async def is_open(self, destination: Destination) -> bool:
        """Return if the bot may post in a channel now, as far as Slack says before it tries.

        Raises SlackUnavailable if Slack cannot say.
        """
        return await self._blocked_reason(destination) is None

    async def post_of(self, key: str) -> Post | None:
        """Return what was shown under a key, or was about to be."""
        return await self._posts.get(key)

    async def _publish_once(
        self, key: str, destination: Destination, message: Message | Draw, user_id: str | None
    ) -> Post:
        while True:
            lock = await self._locks.acquire(key)
            try:
                post = await self._publish_in_order(key, destination, message, user_id, lock)
                await lock.confirm()
            except LockLost:
                # Frozen or cut off on the way, so that another process may have shown something newer before us.
                log.warning("this was not shown in turn; showing it again", key=key)
                continue
            finally:
                self._release(key, lock)
            return post

    async def _publish_in_order(
        self, key: str, destination: Destination, message: Message | Draw, user_id: str | None, lock: KeyLock
    ) -> Post:
        drawn = message if isinstance(message, Message) else await message()
        post = await self._posts.get(key)
        is_new = post is None
        post = post or Post(key, destination, self._clock())
        if not post.detour and (obstacle := await self._blocked_reason(post.destination)):
            if obstacle == SHARED and not is_new:
                await self._withdraw(post, lock)
            # Nothing was tried under this key in the direct messages yet.
            post, is_new = replace(post, ts=None, detour=obstacle), True
        if post.detour and user_id is None:
            raise SlackRejected(post.detour)
        try:
            return await self._publish(post, user_id, drawn, lock, is_new=is_new)
        except SlackRejected as error:
            _unless_the_token_is_bad(error)
            if post.detour or user_id is None:
                raise
            log.info("the channel is closed to the bot; telling the person directly", error=error.code)
            directly_now = replace(post, ts=None, detour=error.code)
            return await self._publish(directly_now, user_id, drawn, lock, is_new=is_new)

    def _release(self, key: str, lock: KeyLock) -> None:
        """Let others show this key, once the last call to Slack has come to its end."""
        if task := self._under_way.get(key):
            task.add_done_callback(lambda _: lock.release())
        else:
            lock.release()

    async def link(self, key: str, *, to_its_own: bool = False) -> str | None:
        """A link to what was shown under a key; None where it is not there, or where the reader may not open it.

        A conversation of two belongs to whoever asked there, whether it was chosen or a detour: `to_its_own` says that
        the reader is that person.
        """
        post = await self._posts.get(key)
        if post is None or post.ts is None:
            return None
        if (post.detour is not None or is_direct(post.destination)) and not to_its_own:
            return None
        return await self._chat.permalink(post.destination, post.ts)

    async def _blocked_reason(self, destination: Destination) -> str | None:
        """Why nothing may be posted there; None where it may be tried."""
        try:
            return SHARED if await self._chat.is_shared(destination) else None
        except SlackRejected as error:
            _unless_the_token_is_bad(error)
            return error.code

    async def _withdraw_request(self, key: str) -> None:
        """Withdraw the other messages of the request that a key belongs to.

        Each message has a lock of its own, so this must not run while one is held.
        """
        for post in await self._posts.in_channels(key.partition(".")[0]):
            await self.withdraw(post.key)

    async def _withdraw(self, post: Post, lock: KeyLock) -> None:
        """Edit a message to a neutral line and save that its key is direct from now on.

        A crash in between repeats the same edit. A message that Slack does not let the bot edit stays as it is.
        """
        if ts := post.ts or await self._found(post):
            try:
                await self._run_to_completion(post.key, self._chat.edit(post.destination, ts, withdrawn()))
            except SlackRejected as error:
                _unless_the_token_is_bad(error)
                log.warning("a message in a shared channel could not be withdrawn", key=post.key, error=error.code)
        await lock.confirm()
        await self._posts.save(replace(post, ts=None, detour=SHARED))

    async def _publish(self, post: Post, user_id: str | None, message: Message, lock: KeyLock, *, is_new: bool) -> Post:
        """Only where it is not new may an earlier try have posted it without hearing back."""
        if post.detour and user_id:
            message = as_direct_message(message, post.detour)
            post = post if post.ts else replace(post, destination=Destination(user_id))
        ts = post.ts or (None if is_new else await self._found(post))
        if ts is None:
            return await self._post(post, message, lock)
        try:
            await self._run_to_completion(post.key, self._chat.edit(post.destination, ts, message))
        except SlackRejected as error:
            if error.code not in _GONE or user_id is None:
                raise
            return await self._post(replace(post, ts=None), message, lock)
        if post.ts is None:
            post = replace(post, ts=ts)
            await self._posts.save(post)
        return post

    async def _found(self, post: Post) -> str | None:
        return await self._chat.find(post.destination, post.key, post.intended_at - _CLOCKS_DIFFER)

    async def _post(self, post: Post, message: Message, lock: KeyLock) -> Post:
        await self._posts.save(post)
        await lock.confirm()
        return await self._run_to_completion(post.key, self._post_now(post, message))

    async def _post_now(self, post: Post, message: Message) -> Post:
        destination, ts = await self._chat.post(post.destination, message, post.key)
        stands = replace(post, destination=destination, ts=ts)
        await self._posts.save(stands)
        return stands

    async def _run_to_completion(self, key: str, call: Coroutine[Any, Any, Said]) -> Said:
        """Await a call to Slack, which runs to its end even if this is cancelled: it may still take effect."""
        task = self._under_way[key] = asyncio.create_task(call)
        task.add_done_callback(lambda _: self._under_way.pop(key, None))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            # `show` is repeated later, so an error of this call is no news; but asyncio would log it as a bug.
            task.add_done_callback(partial(_log_failure, key))
            raise


def _log_failure(key: str, task: asyncio.Task[Any]) -> None:
    error = None if task.cancelled() else task.exception()
    words = "a call to Slack failed that was no longer awaited"
    if isinstance(error, BotError):
        log.warning(words, key=key, error=str(error))
    elif error:
        log.error(words, key=key, exc_info=error)


def is_direct(destination: Destination) -> bool:
    """Return if a place is a conversation of the bot with one person."""
    return destination.channel_id.startswith(DIRECT)


def _unless_the_token_is_bad(error: SlackRejected) -> None:
    """A token that is refused says nothing about the channel: an operator mends it, and the telling goes on."""
    if error.code in TOKEN_IS_BAD:
        raise SlackUnavailable(str(error)) from error
