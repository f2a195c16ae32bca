"""The Home tab, drawn for one user, and the modals that its buttons open. Views are plain dicts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement, DividerBlock

from bot.models import PastRequest
from bot.views import expiring, history
from bot.views.blocks import Message, channel, context, escape, join_names, plain, section, time_of_day
from bot.views.expiring import ExpiringRow
from bot.views.pending_rows import PendingRow, row_blocks

RESEND = "home_resend"
WHO_CAN = "home_who_can"
REFRESH = "home_refresh"
DETAILS = "home_details"

MOST_ROWS = 5
MOST_REQUESTS = 10
MOST_RECENT = 5
_MOST_CHANNELS = 5
_MOST_BLOCKS = 100

# A view as Slack's API takes it: the SDK's class drops the blocks that it does not know.
HomeView = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RowGroup:
    """The first rows of a section, and how many orders it has."""

    rows: tuple[PendingRow, ...] = ()
    total: int = 0


@dataclass(frozen=True, slots=True)
class PendingLists:
    """The pending orders that the user may see, as DigiCert listed them at `read_at`.

    `expiring` are the first domains whose validation ends soon, and `expiring_total` how many there are.
    """

    needs_you: RowGroup
    waiting: RowGroup
    read_at: datetime
    unreadable: str = ""
    expiring: Sequence[ExpiringRow] = ()
    expiring_total: int = 0


@dataclass(frozen=True, slots=True)
class HomePage:
    """What a user may see on Home. `problem` says why there are no pending orders, if they could not be read.

    `running` are the ids of the requests that the bot still tracks. `channels` are those to which some of the user's
    permissions are limited.
    """

    pending: PendingLists | None = None
    problem: str = ""
    may_resend: bool = False
    requests: Sequence[PastRequest] = ()
    running: frozenset[str] = frozenset()
    recent: Sequence[PastRequest] = ()
    channels: Sequence[str] = ()


def home(page: HomePage, now: datetime) -> HomeView:
    """Return the tab of a user who may see the status of something."""
    blocks: list[Block] = [_buttons(may_resend=page.may_resend), *_notes(page)]
    if page.pending:
        blocks += _orders("Needs you", page.pending.needs_you, "Nothing needs an email from you.", now)
        blocks += _orders("Waiting", page.pending.waiting, "Nothing is waiting for approval.", now)
        blocks += _expiring(page.pending.expiring, page.pending.expiring_total)
    blocks += _requests("Your requests", page.requests, page.running, "You have no requests yet.")
    if page.recent:
        blocks += _requests("Recent", page.recent, page.running, "")
    return _view(blocks[:_MOST_BLOCKS])


def outsider() -> HomeView:
    """Return the tab of a guest or of a person from another organization, who learns nothing else."""
    words = (
        "*DCV Resend* resends DigiCert's domain validation emails. "
        "Only full members of this workspace can use it: ask one of them."
    )
    return _view([section(words)])


def no_permission(may_resend: bool, channels: Sequence[str], who: str) -> HomeView:
    """Return the tab of a member who may not see pending orders here. `who` says who can, as marked-up text."""
    words = f"You can't see pending orders here. {who}".strip()
    return _view([_buttons(may_resend=may_resend), section(words), *_limited(channels)])


def unknown(sentence: str) -> HomeView:
    """Return the tab if Slack could not say who the user is."""
    return _view([section(escape(sentence)), _buttons(may_resend=False, who_can=False)])


def modal(title: str, message: Message) -> HomeView:
    """Return a modal with the text of a message. Of its buttons, only links work there."""
    blocks = [block for each in message.blocks or (section(message.text),) if (block := _for_modal(each))]
    return {
        "type": "modal",
        "title": plain(title, 24).to_dict(),
        "close": plain("Close").to_dict(),
        "blocks": [block.to_dict() for block in blocks],
    }


def loading() -> Message:
    """Return what a modal shows before its content is read."""
    return Message("Loading…", (section("Loading…"),))


def _for_modal(block: Block) -> Block | None:
    if not isinstance(block, ActionsBlock):
        return block
    links = [element for element in block.elements if isinstance(element, ButtonElement) and element.url]
    return ActionsBlock(elements=links) if links else None


def _view(blocks: Sequence[Block]) -> HomeView:
    return {"type": "home", "blocks": [block.to_dict() for block in blocks]}


def _buttons(*, may_resend: bool, who_can: bool = True) -> ActionsBlock:
    resend = ButtonElement(action_id=RESEND, text=plain("Resend a DCV email"), style="primary")
    explain = ButtonElement(action_id=WHO_CAN, text=plain("Who can do what"))
    refresh = ButtonElement(action_id=REFRESH, text=plain("Refresh"))
    return ActionsBlock(elements=[*([resend] if may_resend else []), *([explain] if who_can else []), refresh])


def _notes(page: HomePage) -> list[Block]:
    parts = [f"Checked {time_of_day(page.pending.read_at)}", escape(page.pending.unreadable)] if page.pending else []
    blocks: list[Block] = [context(" · ".join(filter(None, parts)))] if parts else []
    if problem := escape(page.problem).strip():
        blocks.append(section(problem))
    return [*blocks, *_limited(page.channels)]


def _limited(channels: Sequence[str]) -> list[Block]:
    if not channels:
        return []
    return [
        context(f"Some of your permissions only work in {join_names(list(map(channel, channels)), _MOST_CHANNELS)}.")
    ]


def _orders(title: str, group: RowGroup, none: str, now: datetime) -> list[Block]:
    count = f" ({group.total})" if group.total else ""
    blocks: list[Block] = [DividerBlock(), section(f"*{title}*{count}")]
    if not group.total:
        return [*blocks, context(none)]
    for row in group.rows:
        blocks += row_blocks(row, now, details=DETAILS)
    if more := group.total - len(group.rows):
        blocks.append(context(f"+ {more} more: type `/dcv-status`"))
    return blocks


def _expiring(rows: Sequence[ExpiringRow], total: int) -> list[Block]:
    """Return the domains whose validation ends soon; nothing if there are none."""
    if not rows:
        return []
    blocks: list[Block] = [DividerBlock(), section(f"*Expiring* ({total})")]
    for row in rows:
        blocks += expiring.row_blocks(row)
    if more := total - len(rows):
        blocks.append(context(f"+ {more} more: type `/dcv-status expiring`"))
    return blocks


def _requests(title: str, found: Sequence[PastRequest], running: frozenset[str], none: str) -> list[Block]:
    lines: list[Block] = [section(_line(past, running)) for past in found]
    return [DividerBlock(), section(f"*{title}*"), *(lines or [context(none)])]


def _line(past: PastRequest, running: frozenset[str]) -> str:
    return history.line(past, is_tracked=not running.isdisjoint(past.request_ids))
