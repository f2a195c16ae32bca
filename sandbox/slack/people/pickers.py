"""The users and conversations that Slack offers in a picker."""

# https://docs.slack.dev/reference/block-kit/composition-objects/conversation-filter-object

from collections.abc import Iterable

from sandbox.json_types import Json
from sandbox.slack.blockkit.interactive_elements import Field
from sandbox.slack.workspace.models import Channel, Member
from sandbox.slack.workspace.workspace import Workspace

KINDS = {"channel": "public", "group": "private", "im": "im"}


def require_offered(workspace: Workspace, person: Member, each: Field, ids: Iterable[str]) -> None:
    """Raise LookupError if `person` is not offered one of the ids in this picker. Other fields offer anything."""
    for name in ids:
        if each.kind.endswith("users_select"):
            offered = name in workspace.people and not workspace.people[name].deleted
        elif each.kind.endswith(("channels_select", "conversations_select")):
            channel = workspace.channels.get(name)
            offered = channel is not None and _is_offered(channel, person, each)
        else:
            continue
        if not offered:
            raise LookupError(f"{each.label or each.action_id!r} does not offer {name}")


def _is_offered(channel: Channel, person: Member, each: Field) -> bool:
    if channel.im is not None and channel.im is not person:
        return False
    if channel.archived or (channel.private and person.id in channel.absent):
        return False
    if each.kind.endswith("channels_select"):
        return channel.kind == "channel"
    wanted: Json = each.element.get("filter") or {}
    is_external = channel.ext_shared or channel.pending_shared
    return KINDS[channel.kind] in wanted.get("include", KINDS.values()) and not (
        is_external and wanted.get("exclude_external_shared_channels")
    )
