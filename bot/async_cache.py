"""A cache of async reads: callers who ask at the same time share one read."""

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from async_lru import _LRUCacheWrapper, alru_cache

_Result = TypeVar("_Result")


def cached(
    read: Callable[..., Awaitable[_Result]], *, maxsize: int | None = 128, ttl: float | None = None
) -> _LRUCacheWrapper[_Result]:
    """Return `read` with its results cached for `ttl` seconds; an error is not cached.

    A read can fail at the moment when its last caller is cancelled, for instance after the process was frozen. Then the
    error has no reader, which asyncio would log as a bug.
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
