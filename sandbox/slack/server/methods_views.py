"""The views.* methods."""

from sandbox.json_types import Json
from sandbox.slack.server.arguments import Arguments
from sandbox.slack.workspace.api_errors import Refused, bad_argument, require_view
from sandbox.slack.workspace.payloads import view_json
from sandbox.slack.workspace.views import View
from sandbox.slack.workspace.workspace import Workspace


def open_view(here: Workspace, call: Arguments) -> Json:
    """views.open: a new modal for whoever caused the trigger."""
    trigger_id = call.required("trigger_id")
    view = require_view(call.get("view"))
    trigger = here.triggers.exchange(trigger_id, here.trigger_seconds)
    return {"view": view_json(here, here.modals.open(trigger.person, view))}


def push_view(here: Workspace, call: Arguments) -> Json:
    """views.push: upon the modal in which the trigger was caused."""
    trigger_id = call.required("trigger_id")
    view = require_view(call.get("view"))
    trigger = here.triggers.exchange(trigger_id, here.trigger_seconds)
    if trigger.view is None:
        raise bad_argument("the trigger does not come from a modal")
    return {"view": view_json(here, here.modals.push(trigger.view, view))}


def update_view(here: Workspace, call: Arguments) -> Json:
    """views.update: by view_id or external_id, and only the version that `hash` names where one is given."""
    if not (call.get("view_id") or call.get("external_id")):
        raise bad_argument("either view_id or external_id is required")
    content = require_view(call.get("view"))
    view = here.modals.find(call.get("view_id"), call.get("external_id"))
    _require_version(view, call.get("hash"))
    here.modals.update(view, content)
    return {"view": view_json(here, view)}


def publish_view(here: Workspace, call: Arguments) -> Json:
    """views.publish: the home tab of one person."""
    person = here.people.get(call.required("user_id"))
    content = require_view(call.get("view"))
    if person is None:
        raise Refused("user_not_found")
    if not here.home_tab_enabled:
        raise Refused("not_enabled")
    return {"view": view_json(here, here.modals.publish(person, content))}


def _require_version(view: View, version: object) -> None:
    if version and version != view.hash:
        raise Refused("hash_conflict")
