"""Slack's rate limits of the Web API: calls of one method within a minute."""

# https://docs.slack.dev/apis/web-api/rate-limits

from collections import deque
from collections.abc import Callable, Mapping
from math import ceil

WINDOW_SECONDS = 60.0
# The least that Slack promises for each tier. It allows short bursts above, by an amount that it does not document.
TIER_2, TIER_3, TIER_4 = 20, 50, 100
TIERS: Mapping[str, int] = {
    **dict.fromkeys(("usergroups.list", "users.list"), TIER_2),
    "conversations.members": TIER_4,
    "usergroups.users.list": TIER_2,
    "conversations.list": TIER_2,
    **dict.fromkeys(("chat.update", "chat.delete"), TIER_3),
    **dict.fromkeys((f"conversations.{name}" for name in ("info", "open", "history", "replies")), TIER_3),
    **dict.fromkeys((f"views.{name}" for name in ("open", "push", "update", "publish")), TIER_4),
    **dict.fromkeys((f"files.{name}" for name in ("getUploadURLExternal", "completeUploadExternal", "info")), TIER_4),
    **dict.fromkeys(("chat.postEphemeral", "users.info"), TIER_4),
}


class RateTiers:
    """The calls of the last minute, by method."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._accepted: dict[str, deque[float]] = {}

    def admit(self, method: str, limit: int | None) -> int:
        """Count a call and return 0, or return the seconds to wait if the limit is reached. None means no limit."""
        if limit is None:
            return 0
        now, accepted = self._clock(), self._accepted.setdefault(method, deque())
        while accepted and now - accepted[0] >= WINDOW_SECONDS:
            accepted.popleft()
        if len(accepted) >= limit:
            # Slack gives whole seconds in Retry-After.
            return max(1, ceil(accepted[0] + WINDOW_SECONDS - now))
        accepted.append(now)
        return 0
