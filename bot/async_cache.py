"""A cache of async reads. Concurrent callers share one read."""

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from async_lru import _LRUCacheWrapper, alru_cache

_Result = TypeVar("_Result")


def cached(
    read: Callable[..., Awaitable[_Result]], *, maxsize: int | None = 128, ttl: float | None = None
) -> _LRUCacheWrapper[_Result]:
    """Return `read` with its results cached for `ttl` seconds. Errors are not cached.

    A read can fail just when its last caller is cancelled, for instance after the process was frozen. No caller then
    retrieves the error, and asyncio would log that as a bug. So this function retrieves it.
    """

    @functools.wraps(read)
    async def read_and_retrieve(*args: Any) -> _Result:
        if task := asyncio.current_task():
            task.add_done_callback(_retrieve_error)
        return await read(*args)

    return alru_cache(maxsize=maxsize, ttl=ttl)(read_and_retrieve)


def _retrieve_error(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()
