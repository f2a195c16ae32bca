"""The record of Web API calls."""

from dataclasses import dataclass
from typing import Any

from sandbox.json_types import Json


@dataclass
class ApiCall:
    """One call of the Web API, answered `after` seconds; the last three stay None while, or when, it was not."""

    method: str
    params: Json
    at: float
    status: int | None = None
    answer: Any = None
    after: float | None = None

    @property
    def error(self) -> str | None:
        """The error name of the answer, None when it was ok."""
        return self.answer.get("error") if isinstance(self.answer, dict) else None
