"""The scopes that the bot needs in a workspace, and what does not work without each. The same as in manifest.yml."""

from collections.abc import Iterable

NEEDED = {
    "commands": "slash commands and forms don't work",
    "chat:write": "the bot can't post results",
    "channels:read": "results for public channels go to the requester as direct messages",
    "groups:read": "results for private channels go to the requester as direct messages",
    "channels:history": "the bot can't see alerts in public channels, and a result may appear twice",
    "groups:history": "the bot can't see alerts in private channels, and a result may appear twice",
    "users:read": "no one can resend, because the bot can't tell guests from members",
    "usergroups:read": "user groups don't allow anyone to resend, and a rule that denies a group denies everyone",
}

POST_IN_PUBLIC = "chat:write.public"
OPTIONAL = {
    POST_IN_PUBLIC: "results for public channels without the bot go to the requester as direct messages",
}


def missing(granted: Iterable[str]) -> list[str]:
    """Return the needed scopes that were not granted, in the manifest's order."""
    held = frozenset(granted)
    return [scope for scope in NEEDED if scope not in held]
