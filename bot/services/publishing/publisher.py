"""The message publisher: posts each message once, edits it later, and falls back to direct messages."""

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
from bot.services.publishing.edit_limiter import EditLimiter
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
_MOST_REMEMBERED = 1000

Answer = TypeVar("Answer")
Draw = Callable[[], Awaitable[Message]]


@define(eq=False, repr=False, slots=False)
class MessagePublisher:
    """A publisher of messages by key: publishing a key again edits its message.

    A lock per key serializes all publishers that share `locks`. Before each post and edit the bot asks Slack if the
    channel is shared with another organization. If it is, the request stays in direct messages, even if sharing ends.
    """

    _chat: Chat
    _posts: Posts
    _clock: Clock
    _locks: KeyLocks = field(factory=KeyLocks)
    _edits: EditLimiter = field(factory=EditLimiter)
    # When the content was drawn that a key has now, by the clock of the event loop.
    _drawn_at: dict[str, float] = field(factory=dict, init=False)
    _under_way: dict[str, asyncio.Task[Any]] = field(factory=dict, init=False)

    async def publish(
        self,
        key: str,
        destination: Destination,
        message: Message | Draw,
        user_id: str | None,
        *,
        is_urgent: bool = True,
    ) -> Post:
        """Post or edit the message of a key, or send it as a direct message if the channel is closed to the bot.

        If `message` is a function, it is called under the key's lock, so that newer content is published later. If a
        later call has published newer content meanwhile, nothing is left to do. Edits that are not urgent wait longer
        for Slack's limit.
        If `user_id` is None, do not fall back to a direct message. Wait for a call of an earlier, cancelled publish of
        this key, so that no later call overtakes it in Slack. If the channel became shared, replace the request's
        other messages by a neutral line.

        Safe to repeat: the intent is saved first. A repeat edits the message, or searches Slack before it posts again.

        Raises SlackUnavailable if Slack cannot be reached, and StoreUnavailable if the database does not answer.
        Raises SlackRejected if the direct message is rejected too. Without a user, raises it if the channel is closed
        or the message was deleted.
        """
        asked_at = asyncio.get_running_loop().time()
        post = await self._posts.get(key)
        if post and post.ts:
            # Before the lock, so that an edit that can wait holds up none that is urgent.
            await self._edits.acquire(is_urgent=is_urgent)
        post = await self._publish_once(key, destination, message, user_id, asked_at)
        if post.detour == SHARED:
            await self._withdraw_request(key)
        return post

    async def withdraw(self, key: str) -> None:
        """Replace a message by a neutral line if its channel became shared. Safe to repeat.

        Raises SlackUnavailable if Slack cannot be reached, StoreUnavailable if the database does not answer.
        """
        lock = await self._locks.acquire(key)
        try:
            post = await self._posts.get(key)
            if post and post.ts and not post.detour and await self.blocked_reason(post.destination) == SHARED:
                await self._withdraw(post, lock)
        finally:
            self._release(key, lock)

    async def is_open(self, destination: Destination) -> bool:
        """Return True if the bot may post in a channel now, as far as Slack says before a post.

        Raises SlackUnavailable if Slack cannot be reached.
        """
        return await self.blocked_reason(destination) is None

    async def post_of(self, key: str) -> Post | None:
        """Return the published or intended post of a key, or None."""
        return await self._posts.get(key)

    async def posts_of(self, request_id: str) -> list[Post]:
        """Return the published or intended posts of a request."""
        return await self._posts.of(request_id)

    async def _publish_once(
        self, key: str, destination: Destination, message: Message | Draw, user_id: str | None, asked_at: float
    ) -> Post:
        while True:
            lock = await self._locks.acquire(key)
            locked_at = asyncio.get_running_loop().time()
            try:
                is_drawn = not isinstance(message, Message) and self._drawn_at.get(key, 0.0) > asked_at
                if is_drawn and (post := await self._posts.get(key)):
                    self._edits.release()
                    return post
                post = await self._publish_in_order(key, destination, message, user_id, lock)
                await lock.confirm()
                self._remember_drawn(key, locked_at)
            except LockLost:
                # This process was frozen or cut off, so another one may have published something newer before it.
                log.warning("a message was not posted in order; posting it again", key=key)
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
        if not post.detour and (obstacle := await self.blocked_reason(post.destination)):
            if obstacle == SHARED and not is_new:
                await self._withdraw(post, lock)
            # Under this key, no direct message was attempted yet, so there is none to search for.
            post, is_new = replace(post, ts=None, detour=obstacle), True
        if post.detour and user_id is None:
            raise SlackRejected(post.detour)
        try:
            return await self._publish(post, user_id, _worded(drawn, post, destination), lock, is_new=is_new)
        except SlackRejected as error:
            _unless_the_token_is_bad(error)
            if post.detour or user_id is None:
                raise
            log.info("the channel is closed to the bot; sending a direct message", error=error.code)
            directly_now = replace(post, ts=None, detour=error.code)
            drawn = _worded(drawn, directly_now, destination)
            return await self._publish(directly_now, user_id, drawn, lock, is_new=is_new)

    def _remember_drawn(self, key: str, at: float) -> None:
        """Remember that the content of a key is not older than this. An older call then has nothing left to do."""
        if len(self._drawn_at) >= _MOST_REMEMBERED:
            self._drawn_at.clear()
        self._drawn_at[key] = at

    def _release(self, key: str, lock: KeyLock) -> None:
        """Release the key's lock when its last call to Slack has ended."""
        if task := self._under_way.get(key):
            task.add_done_callback(lambda _: lock.release())
        else:
            lock.release()

    async def link(self, key: str, *, to_its_own: bool = False) -> str | None:
        """Return a link to the message of a key, or None if it is not posted or the reader may not open it.

        A direct message can be opened only by its user, also if the bot fell back to it. `to_its_own` means that the
        reader is that user.
        """
        post = await self._posts.get(key)
        if post is None or post.ts is None:
            return None
        if (post.detour is not None or is_direct(post.destination)) and not to_its_own:
            return None
        return await self._chat.permalink(post.destination, post.ts)

    async def blocked_reason(self, destination: Destination) -> str | None:
        """Return why the bot may not post there, as a code of Slack or SHARED, or None if it may try."""
        try:
            return SHARED if await self._chat.is_shared(destination) else None
        except SlackRejected as error:
            _unless_the_token_is_bad(error)
            return error.code

    async def _withdraw_request(self, key: str) -> None:
        """Withdraw the channel messages of the request that a key belongs to.

        Acquires the lock of each message, so the caller must not hold one.
        """
        for post in await self._posts.in_channels(key.partition(".")[0]):
            await self.withdraw(post.key)

    async def _withdraw(self, post: Post, lock: KeyLock) -> None:
        """Edit a message to a neutral line, and save that its key uses direct messages from now on.

        Safe to repeat after a crash in between. A message that Slack does not let the bot edit is not changed.
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
        """Edit the post, or post it if Slack does not have it.

        If it is not new, an earlier try may have posted it without Slack's answer, so search Slack first.
        """
        if post.detour and user_id and not post.ts:
            post = replace(post, destination=Destination(user_id))
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
        posted = replace(post, destination=destination, ts=ts)
        await self._posts.save(posted)
        return posted

    async def _run_to_completion(self, key: str, call: Coroutine[Any, Any, Answer]) -> Answer:
        """Await a call to Slack. It runs to its end even if this is cancelled, because Slack may already have it."""
        task = self._under_way[key] = asyncio.create_task(call)
        task.add_done_callback(lambda _: self._under_way.pop(key, None))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            # `publish` is repeated later, so this error needs no handling. If it is not read, asyncio logs it as a bug.
            task.add_done_callback(partial(_log_failure, key))
            raise


def _worded(message: Message, post: Post, destination: Destination) -> Message:
    """Return the message with the reason if it is in a direct conversation instead of its destination."""
    return as_direct_message(message, post.detour, destination.channel_id) if post.detour else message


def _log_failure(key: str, task: asyncio.Task[Any]) -> None:
    error = None if task.cancelled() else task.exception()
    words = "a call to Slack failed that was no longer awaited"
    if isinstance(error, BotError):
        log.warning(words, key=key, error=str(error))
    elif error:
        log.error(words, key=key, exc_info=error)


def is_direct(destination: Destination) -> bool:
    """Return True if a destination is a conversation of the bot with one user."""
    return destination.channel_id.startswith(DIRECT)


def _unless_the_token_is_bad(error: SlackRejected) -> None:
    """Raise SlackUnavailable if Slack rejected the token.

    That says nothing about the channel: the delivery is retried until an operator has replaced the token.
    """
    if error.code in TOKEN_IS_BAD:
        raise SlackUnavailable(str(error)) from error
