"""The record of Web API calls."""

from dataclasses import dataclass
from typing import Any

from sandbox.json_types import Json


@dataclass
class ApiCall:
    """One call of the Web API, answered `after` seconds. `status`, `answer` and `after` are None without an answer."""

    method: str
    params: Json
    at: float
    status: int | None = None
    answer: Any = None
    after: float | None = None

    @property
    def error(self) -> str | None:
        """Return the error code of the answer, or None if it was ok."""
        return self.answer.get("error") if isinstance(self.answer, dict) else None
