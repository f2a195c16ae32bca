"""The settings of a workspace and of its app, which tests and demos may change at any time."""

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
    """The app's rights and settings, Slack's limits, and a few faults.

    `trigger_seconds` is the lifetime of a trigger id, `ticket_seconds` that of a socket's address. `ack_seconds` is the
    deadline of acks, and `page_limit` the page size of history.

    With `request_url`, payloads are posted there instead of sent to sockets. Several addresses are servers behind one
    load balancer. With `duplicate_next`, the next envelope is sent twice. With `ignore_pings`, pings get no answer.
    After `close_notice_seconds`, Slack notices that the app closed a socket. Until then it still sends to it.

    With `guests_see_home`, guests see the Home tab like members. Slack does not document it.

    `shortcuts` has the type (global or message) of each declared callback_id. None declares all of them.

    On Enterprise Grid, `enterprise_id` is set. With `is_org_wide`, the app is installed for the whole organization.
    """

    granted_scopes: set[str] = field(default_factory=lambda: set(BOT_SCOPES))
    subscriptions: set[str] = field(default_factory=lambda: set(SUBSCRIPTIONS))
    messages_tab_enabled: bool = True
    home_tab_enabled: bool = False
    guests_see_home: bool = True
    shortcuts: dict[str, str] | None = None
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
