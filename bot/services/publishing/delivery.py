"""Deliveries that are retried until Slack accepts them, and the keys of a request's messages."""

from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from bot.errors import BotError, SlackUnavailable
from bot.workflow_engine import Steps

log = structlog.get_logger(__name__)

LONGEST_PAUSE = 300.0
MOST_TRIES = 2000


def root_key(request_id: str) -> str:
    """Return the key of a request's root message."""
    return f"{request_id}.root"


def reminder_key(request_id: str, number: int) -> str:
    """Return the key of a request's nudge, counted from 1."""
    return f"{request_id}.nudge{number}"


def last_reminder_key(request_id: str) -> str:
    """Return the key of the reply that tracking ended."""
    return f"{request_id}.last"


def is_reminder(key: str) -> bool:
    """Return True for the key of a nudge, or of the reply that tracking ended."""
    kind = key.partition(".")[2]
    return kind.startswith("nudge") or kind == "last"


async def attempt_delivery(deliver: Callable[..., Awaitable[None]], *args: Any) -> dict[str, Any]:
    """Run `deliver` once, and log its error if it fails.

    Returns `{"delivered": True}`, or `{"delivered": False, "wait": seconds}` with the least time before the next try.
    """
    wait = 0.0
    try:
        await deliver(*args)
    except BotError as error:
        log.warning("a message could not be posted yet", error=str(error))
        wait = error.retry_after if isinstance(error, SlackUnavailable) else 0.0
    except Exception:
        log.exception("a message could not be posted yet")
    else:
        return {"delivered": True}
    return {"delivered": False, "wait": wait}


async def deliver_with_retry(
    steps: Steps, name: str, step: Callable[..., Awaitable[dict[str, Any]]], *args: Any
) -> None:
    """Repeat a durable step that delivers a message until it succeeds, for about a week.

    The pause doubles from one second to LONGEST_PAUSE, or is longer if Slack asks for it.
    """
    for tries in range(MOST_TRIES):
        result = await steps.run(name, step, *args)
        if result["delivered"]:
            return
        await steps.sleep(max(result["wait"], min(LONGEST_PAUSE, 1.0 * 2 ** min(tries, 10))))
    log.error("a message could not be posted", step=name)
