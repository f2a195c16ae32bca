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
    view = _require_view(workspace, call, "modal")
    trigger = workspace.triggers.exchange(trigger_id, workspace.trigger_seconds)
    return {"view": view_json(workspace, workspace.modals.open(trigger.person, view))}


def push_view(workspace: Workspace, call: Arguments) -> Json:
    """Handle views.push: show a modal on top of the one that the trigger came from."""
    trigger_id = call.require_text("trigger_id")
    view = _require_view(workspace, call, "modal")
    trigger = workspace.triggers.exchange(trigger_id, workspace.trigger_seconds)
    if trigger.view is None or trigger.view.is_home:
        raise invalid_arguments("the trigger does not come from a modal")
    return {"view": view_json(workspace, workspace.modals.push(trigger.view, view))}


def update_view(workspace: Workspace, call: Arguments) -> Json:
    """Handle views.update by view_id or external_id. With `hash`, only that version is updated."""
    if not (call.get("view_id") or call.get("external_id")):
        raise invalid_arguments("either view_id or external_id is required")
    content = _require_view(workspace, call)
    view = workspace.modals.find(call.get("view_id"), call.get("external_id"))
    if content["type"] != view.content["type"]:
        raise invalid_arguments("the type of a view cannot change")
    _require_version(view, call.get("hash"))
    workspace.modals.update(view, content)
    return {"view": view_json(workspace, view)}


def publish_view(workspace: Workspace, call: Arguments) -> Json:
    """Handle views.publish: show the home tab of one user. With `hash`, only that version is replaced."""
    person = workspace.people.get(call.require_text("user_id"))
    content = _require_view(workspace, call, "home")
    if not workspace.home_tab_enabled:
        raise SlackError("not_enabled")
    # Slack documents no error of its own for a user id that it does not know.
    if person is None or person.bot:
        raise invalid_arguments("user_id is not the id of a user")
    home = workspace.modals.home(person)
    _require_version(home, call.get("hash"))
    workspace.modals.publish(home, content)
    return {"view": view_json(workspace, home)}


def _require_view(workspace: Workspace, call: Arguments, kind: str | None = None) -> Json:
    view = require_valid_view(call.get("view"), workspace.limits)
    # views.open and views.push take modals only, views.publish takes home tabs only.
    if kind is not None and view["type"] != kind:
        raise invalid_arguments(f"this method takes a view of type {kind} [json-pointer:/view/type]")
    return view


def _require_version(view: View, version: object) -> None:
    if version and version != view.hash:
        raise SlackError("hash_conflict")
