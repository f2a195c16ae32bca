"""How this Slack is set up and how well it is: what tests and demos may change at any time."""

from collections.abc import Sequence
from dataclasses import dataclass, field

BOT_SCOPES = (
    "commands",
    "chat:write",
    "channels:history",
    "groups:history",
    "channels:read",
    "groups:read",
    "users:read",
    "usergroups:read",
)
SUBSCRIPTIONS = ("message.channels", "message.groups", "subteam_members_changed")


@dataclass(eq=False, repr=False)
class WorkspaceSettings:
    """The app's rights and settings, the limits, and a few troubles.

    `trigger_seconds` is the life of a trigger id, `ticket_seconds` that of the address of a socket, `ack_seconds` the
    patience with acks, `page_limit` the most messages in a page of history. Where `request_url` is set, payloads are
    posted there instead of sent to sockets; several are those of the servers behind one load balancer. With
    `duplicate_next` the next envelope is sent twice; with `mute_pongs` pings get no answer. `parting_seconds` pass
    before this Slack notices that the app closes a socket: what it sends there until then is under way.
    On Enterprise Grid there is an `enterprise_id`; `is_org_wide` tells whether the whole organisation has the app.
    """

    granted_scopes: set[str] = field(default_factory=lambda: set(BOT_SCOPES))
    subscriptions: set[str] = field(default_factory=lambda: set(SUBSCRIPTIONS))
    messages_tab_enabled: bool = True
    home_tab_enabled: bool = False
    paid_plan: bool = True
    enterprise_id: str | None = None
    is_org_wide: bool = False
    echo_own_messages: bool = True
    page_limit: int = 999
    trigger_seconds: float = 3.0
    ticket_seconds: float = 30.0
    close_notice_seconds: float = 0.0
    ack_seconds: float = 3.0
    request_url: str | Sequence[str] | None = None
    duplicate_next: bool = False
    ignore_pings: bool = False
