"""Dotted keys of log and monitoring fields, such as `host.name: web-1` and `event.id=17`, that look like names. Pure.

Sources: the field lists of the Elastic Common Schema and of OpenTelemetry's semantic conventions.
"""

import re

# Last words of such keys that are also top-level domains, so that real names end in them too.
_ENDINGS = (
    "app|channel|city|cloud|country|date|email|group|host|id|info|link|name|network|page|report|run|security|zone"
)
_KEY = re.compile(rf"[a-z][a-z0-9_.-]{{0,80}}\.(?:{_ENDINGS})[\"'`*_]{{0,3}} ?[:=](?!//)", re.IGNORECASE)


def is_field_key(text: str, at: int) -> bool:
    """Return True if the word at a position is probably the key of a value, and no name."""
    return _KEY.match(text, at) is not None
