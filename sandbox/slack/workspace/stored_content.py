"""The fields that Slack adds to blocks, attachments and views when it stores them."""

from typing import Any

from sandbox.json_types import Json
from sandbox.slack.workspace.id_generator import IdGenerator

INTERACTIVE = frozenset(
    {
        "button",
        "overflow",
        "workflow_button",
        "plain_text_input",
        "email_text_input",
        "url_text_input",
        "number_input",
        "rich_text_input",
        "file_input",
        "static_select",
        "external_select",
        "users_select",
        "conversations_select",
        "channels_select",
        "multi_static_select",
        "multi_external_select",
        "multi_users_select",
        "multi_conversations_select",
        "multi_channels_select",
        "radio_buttons",
        "checkboxes",
        "datepicker",
        "timepicker",
        "datetimepicker",
    }
)


def stored_blocks(blocks: list[Json], ids: IdGenerator) -> list[Json]:
    """Return a copy of the blocks as Slack stores them, with block_ids, action_ids and text defaults."""
    return [_stored_block(block, ids) for block in blocks]


def stored_attachments(attachments: list[Json], ids: IdGenerator) -> list[Json]:
    """Return a copy of the attachments, numbered from 1, with completed blocks."""
    return [_complete_attachment(attachment, number, ids) for number, attachment in enumerate(attachments, start=1)]


def stored_view(view: Json, ids: IdGenerator) -> Json:
    """Return a copy of a view with every optional field present."""
    return {
        "type": view["type"],
        "title": _complete(view.get("title"), ids),
        "close": _complete(view.get("close"), ids),
        "submit": _complete(view.get("submit"), ids),
        "blocks": stored_blocks(view.get("blocks") or [], ids),
        "private_metadata": view.get("private_metadata") or "",
        "callback_id": view.get("callback_id") or "",
        "external_id": view.get("external_id") or "",
        "clear_on_close": bool(view.get("clear_on_close")),
        "notify_on_close": bool(view.get("notify_on_close")),
    }


def _stored_block(block: Json, ids: IdGenerator) -> Json:
    stored = {"block_id": ids.new_id("", 5), **_complete(block, ids)}
    if stored["type"] == "markdown":
        # Slack drops the id that an app gives to this block.
        stored["block_id"] = ids.new_id("", 5)
    return stored


def _complete_attachment(attachment: Json, number: int, ids: IdGenerator) -> Json:
    # Slack's own text for attachments without a fallback.
    stored = {"id": number, "fallback": "[no preview available]", **attachment}
    if attachment.get("blocks"):
        stored["blocks"] = stored_blocks(attachment["blocks"], ids)
    return stored


def _complete(node: Any, ids: IdGenerator) -> Any:
    if isinstance(node, list):
        return [_complete(item, ids) for item in node]
    if not isinstance(node, dict):
        return node
    # Slack drops null values when it stores a block.
    copy = {key: _complete(value, ids) for key, value in node.items() if value is not None}
    if "child_blocks" in copy:
        copy["child_blocks"] = stored_blocks(copy["child_blocks"], ids)
    kind = node.get("type")
    if kind == "plain_text":
        # Slack adds these defaults, so a message that is read back differs from the posted one.
        copy.setdefault("emoji", True)
    elif kind == "mrkdwn":
        copy.setdefault("verbatim", False)
    elif kind in INTERACTIVE:
        copy.setdefault("action_id", ids.new_id("", 5))
    return copy
