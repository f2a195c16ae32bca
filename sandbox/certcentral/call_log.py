"""What the server heard: one record per call, with the key masked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from aiohttp import web
from multidict import CIMultiDict

KEY_HEADER = "X-DC-DEVKEY"
BASE_PATH = "/services/v2"


@dataclass(eq=False)
class RecordedCall:
    """One call as it arrived; `status` stays None while it is unanswered and when its answer was dropped."""

    method: str
    path: str
    """Below /services/v2, without the query."""
    query: dict[str, str]
    body: object
    """The parsed JSON; None if there is no body or it is not JSON."""
    raw: bytes
    headers: Mapping[str, str]
    at: datetime
    monotonic: float
    """Seconds of the event loop's clock."""
    is_json: bool
    """Whether the body can be read: JSON sent as JSON, or none at all."""
    status: int | None = None

    @property
    def name(self) -> str:
        """METHOD /path, as faults are planned by."""
        return f"{self.method} {self.path}"

    @property
    def is_resend(self) -> bool:
        """Whether it is one of the two calls that ask for mail."""
        return self.matches("PUT", "/order/certificate/*/resend-emails") or self.matches("PUT", "/domain/*/dcv/emails")

    def matches(self, method: str, path: str) -> bool:
        """Whether it is a call of this method to a path that fits the glob."""
        return self.method == method and fnmatchcase(self.path, path)


CALL = web.RequestKey("call", RecordedCall)


def mask_key(headers: Mapping[str, str]) -> CIMultiDict[str]:
    """A copy of the headers that does not hold the key."""
    copy = CIMultiDict(headers)
    if KEY_HEADER in copy:
        copy[KEY_HEADER] = "***"
    return copy
