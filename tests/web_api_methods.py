"""Which methods of Slack's Web API the code of the bot calls, read out of the code."""

import ast
import inspect
import re
from functools import cache
from pathlib import Path

from slack_sdk.web.async_client import AsyncWebClient

ROOT = Path(__file__).parents[1]


@cache
def called_in_code() -> frozenset[str]:
    """Every method that bot/ or handlers/ calls by the SDK's name for it, or names in a text."""
    found = set()
    for room in ("bot", "handlers"):
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Attribute):
                    found.add(_by_attribute().get(node.attr))
                elif isinstance(node, ast.Constant) and node.value in _by_attribute().values():
                    found.add(node.value)
    return frozenset(found - {None})


@cache
def _by_attribute() -> dict[str, str]:
    """The SDK's name of each method, and Slack's."""
    source = inspect.getsource(AsyncWebClient)
    methods = re.split(r"\n    async def ", source)[1:]
    named = ((re.match(r"(\w+)", method), re.search(r'self\.api_call\(\s*"([\w.]+)"', method)) for method in methods)
    return {name[1]: method[1] for name, method in named if name and method}
