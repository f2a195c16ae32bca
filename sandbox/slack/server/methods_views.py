"""The views.* methods."""

from sandbox.json_types import Json
from sandbox.slack.server.arguments import Arguments
from sandbox.slack.workspace.api_errors import SlackError, invalid_arguments, require_valid_view
from sandbox.slack.workspace.payloads import view_json
from sandbox.slack.workspace.views import View
from sandbox.slack.workspace.workspace import Workspace


def open_view(workspace: Workspace, call: Arguments) -> Json:
    """Handle views.open: show a new modal to the user of the trigger."""
    trigger_id = call.require_text("trigger_id")
    view = require_valid_view(call.get("view"))
    trigger = workspace.triggers.exchange(trigger_id, workspace.trigger_seconds)
    return {"view": view_json(workspace, workspace.modals.open(trigger.person, view))}


def push_view(workspace: Workspace, call: Arguments) -> Json:
    """Handle views.push: show a modal on top of the one that the trigger came from."""
    trigger_id = call.require_text("trigger_id")
    view = require_valid_view(call.get("view"))
    trigger = workspace.triggers.exchange(trigger_id, workspace.trigger_seconds)
    if trigger.view is None:
        raise invalid_arguments("the trigger does not come from a modal")
    return {"view": view_json(workspace, workspace.modals.push(trigger.view, view))}


def update_view(workspace: Workspace, call: Arguments) -> Json:
    """Handle views.update by view_id or external_id. With `hash`, only that version is updated."""
    if not (call.get("view_id") or call.get("external_id")):
        raise invalid_arguments("either view_id or external_id is required")
    content = require_valid_view(call.get("view"))
    view = workspace.modals.find(call.get("view_id"), call.get("external_id"))
    _require_version(view, call.get("hash"))
    workspace.modals.update(view, content)
    return {"view": view_json(workspace, view)}


def publish_view(workspace: Workspace, call: Arguments) -> Json:
    """Handle views.publish: show the home tab of one user."""
    person = workspace.people.get(call.require_text("user_id"))
    content = require_valid_view(call.get("view"))
    if person is None:
        raise SlackError("user_not_found")
    if not workspace.home_tab_enabled:
        raise SlackError("not_enabled")
    return {"view": view_json(workspace, workspace.modals.publish(person, content))}


def _require_version(view: View, version: object) -> None:
    if version and version != view.hash:
        raise SlackError("hash_conflict")
