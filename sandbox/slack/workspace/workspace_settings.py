"""The settings of a workspace and of its app, which tests and demos may change at any time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from sandbox.slack.blockkit.limits import STRICTEST, BlockKitLimits
from sandbox.slack.workspace.emails import EmailDetail

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

    `block_kit` has the limits of blocks that Slack changed or does not document; see `limits`.

    `rate_limits` has the calls of a method that Slack accepts in a minute; see `rate_tiers.TIERS`.

    `ephemeral_outside_error` is the error of chat.postEphemeral in a channel without the bot. With
    `clicks_replace_by_default`, a post to a button's response_url that does not say so replaces the message.
    `email_detail` is how much apps see of an email that Slack's email app posts.

    `file_sharing` is when an uploaded file appears in its channel: at once, after the answer, or never although Slack
    said ok. With `download_redirects`, a download that is not allowed is redirected to the sign-in page.

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
    block_kit: BlockKitLimits = STRICTEST
    rate_limits: Mapping[str, int] = field(default_factory=dict)
    ephemeral_outside_error: str = "not_in_channel"
    clicks_replace_by_default: bool = False
    email_detail: EmailDetail = "title"
    file_sharing: Literal["at once", "late", "never"] = "late"
    download_redirects: bool = False
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

    @property
    def limits(self) -> BlockKitLimits:
        """Return the limits of blocks, with those that depend on the granted scopes."""
        return replace(self.block_kit, accepts_files="files:read" in self.granted_scopes)
