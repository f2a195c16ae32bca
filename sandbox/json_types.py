"""The type of raw JSON objects."""

from typing import Any

Json = dict[str, Any]
