"""The record of API calls, with the key masked."""

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
    """One call as it arrived. `status` is None while it is unanswered, and if its answer was dropped."""

    method: str
    path: str
    """The path below /services/v2, without the query."""
    query: dict[str, str]
    body: object
    """The parsed JSON, or None if there is no body or it is not JSON."""
    raw: bytes
    headers: Mapping[str, str]
    at: datetime
    monotonic: float
    """The time of arrival, in seconds of the event loop's clock."""
    is_json: bool
    """True if the body can be read: JSON sent as JSON, or no body at all."""
    status: int | None = None

    @property
    def name(self) -> str:
        """Return `METHOD /path`, by which faults are planned."""
        return f"{self.method} {self.path}"

    @property
    def is_resend(self) -> bool:
        """Return whether this is one of the two calls that send mail."""
        return self.matches("PUT", "/order/certificate/*/resend-emails") or self.matches("PUT", "/domain/*/dcv/emails")

    def matches(self, method: str, path: str) -> bool:
        """Return whether this call has this method and a path that matches the glob."""
        return self.method == method and fnmatchcase(self.path, path)


CALL = web.RequestKey("call", RecordedCall)


def mask_key(headers: Mapping[str, str]) -> CIMultiDict[str]:
    """Return a copy of the headers in which the key is masked."""
    copy = CIMultiDict(headers)
    if KEY_HEADER in copy:
        copy[KEY_HEADER] = "***"
    return copy
