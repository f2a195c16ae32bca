"""The scopes that the bot needs in a workspace, and what does not work without each. The same as in manifest.yml."""

from collections.abc import Iterable

NEEDED = {
    "commands": "no slash command works, nor a form",
    "chat:write": "nothing that becomes of a resend can be told",
    "channels:read": "each result of a public channel goes directly to whoever asked: strangers might read along",
    "groups:read": "each result of a private channel goes directly to whoever asked: strangers might read along",
    "channels:history": "alerts in public channels are not heard, and a lost answer of Slack may leave a result twice",
    "groups:history": "alerts in private channels are not heard, and a lost answer of Slack may leave a result twice",
    "users:read": "nobody may resend, since guests and strangers cannot be told from colleagues",
    "usergroups:read": "nobody may resend by way of a user group, and a rule that denies one denies everybody",
}

OPTIONAL = {
    "chat:write.public": "results in public channels that the bot was not invited to go directly to whoever asked",
}


def missing(granted: Iterable[str]) -> list[str]:
    """Return the needed scopes that were not granted, in the manifest's order."""
    held = frozenset(granted)
    return [scope for scope in NEEDED if scope not in held]
