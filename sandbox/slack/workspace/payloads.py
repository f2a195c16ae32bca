"""The JSON that apps receive about users, channels, views and interactions, composed from the state."""

from typing import Any

from sandbox.json_types import Json
from sandbox.slack.workspace.models import Channel, Member, Message
from sandbox.slack.workspace.views import View
from sandbox.slack.workspace.workspace import Workspace

VERIFICATION_TOKEN = "verification-token-of-the-sandbox"  # noqa: S105 - a made-up legacy field
NO_STATE: Json = {"values": {}}
GRID = "Sandbox Org"


def user_json(workspace: Workspace, person: Member) -> Json:
    """Compose the user object of users.info."""
    user: Json = {
        "id": person.id,
        "team_id": person.team_id,
        "name": person.name,
        "real_name": person.real_name or person.name,
        "deleted": person.deleted,
        "tz": "Etc/UTC",
        "tz_offset": 0,
        "profile": {"real_name": person.real_name or person.name, "display_name": person.name, "team": person.team_id},
        "is_admin": False,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": person.guest or person.ultra_guest,
        "is_ultra_restricted": person.ultra_guest,
        "is_bot": person.bot or person.workflow_bot,
        "is_workflow_bot": person.workflow_bot,
        "is_app_user": False,
        "updated": int(workspace.ids.clock()),
    }
    if person.stranger:
        user["is_stranger"] = True
    if person.enterprise_id:
        user["enterprise_user"] = _enterprise_user(person)
    return user


def channel_json(workspace: Workspace, channel: Channel) -> Json:
    """Compose the channel object of conversations.info."""
    if channel.im:
        # Direct messages have fewer fields, and no name.
        return {"id": channel.id, "is_im": True, "user": channel.im.id, "is_archived": False, "is_org_shared": False}
    return {
        "id": channel.id,
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": not channel.private,
        "is_group": False,
        "is_im": False,
        "is_mpim": False,
        "is_private": channel.private,
        "is_archived": channel.archived,
        "is_member": channel.member,
        "is_read_only": channel.read_only,
        "is_shared": channel.ext_shared or channel.org_shared,
        "is_ext_shared": channel.ext_shared,
        "is_org_shared": channel.org_shared,
        "is_pending_ext_shared": channel.pending_shared,
        "pending_connected_team_ids": list(channel.invited_teams),
        "context_team_id": workspace.team_id,
    }


def view_json(workspace: Workspace, view: View, state: Json | None = None) -> Json:
    """Compose the view object. Without `state` its values are empty, as in most payloads."""
    return {
        "id": view.id,
        "team_id": _team(workspace, view.person)["id"],
        **view.content,
        "state": state or NO_STATE,
        "hash": view.hash,
        "root_view_id": view.root_id,
        "previous_view_id": view.previous_id,
        "app_id": workspace.bot.app_id,
        "bot_id": workspace.bot.bot_id,
        "app_installed_team_id": workspace.team_id,
    }


def slash_command(workspace: Workspace, person: Member, command: str, text: str, channel: Channel) -> Json:
    """Compose a slash command, without trigger_id and response_url."""
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": workspace.team_id,
        "team_domain": workspace.domain,
        "channel_id": channel.id,
        "channel_name": _shown_name(channel),
        "user_id": person.id,
        "user_name": person.name,
        "command": command,
        "text": text,
        "api_app_id": workspace.bot.app_id,
        "is_enterprise_install": "true" if workspace.is_org_wide else "false",
        **({"enterprise_id": workspace.enterprise_id, "enterprise_name": GRID} if workspace.enterprise_id else {}),
    }


def interaction(workspace: Workspace, kind: str, person: Member, **parts: Any) -> Json:
    """Compose the common fields of all interactions. If the app is installed org-wide, `team` is null."""
    return {
        "type": kind,
        "team": None if workspace.is_org_wide else _team(workspace, person),
        "user": {**_user(person), "name": person.name},
        "api_app_id": workspace.bot.app_id,
        "token": VERIFICATION_TOKEN,
        "enterprise": {"id": workspace.enterprise_id, "name": GRID} if workspace.enterprise_id else None,
        "is_enterprise_install": workspace.is_org_wide,
        **parts,
    }


def message_action(workspace: Workspace, person: Member, callback_id: str, message: Message) -> Json:
    """Compose a message shortcut, without trigger_id and response_url."""
    parts = {"callback_id": callback_id, "action_ts": workspace.ids.new_ts(), "message_ts": message.ts}
    shown = {"channel": channel_name(message.channel), "message": message.as_json()}
    return interaction(workspace, "message_action", person, **parts, **shown)


def global_shortcut(workspace: Workspace, person: Member, callback_id: str) -> Json:
    """Compose a global shortcut, without trigger_id. It has no channel, no response_url and no id of the app."""
    parts = interaction(
        workspace, "shortcut", person, callback_id=callback_id, action_ts=workspace.ids.new_ts(), user=_user(person)
    )
    del parts["api_app_id"]
    return parts


def app_home_opened(workspace: Workspace, person: Member, tab: str) -> Json:
    """Compose the event of a user who opened the home tab or the messages tab."""
    home = workspace.modals.home(person)
    # Slack adds the view only once the app has published one.
    shown = {"view": view_json(workspace, home)} if home.published and tab == "home" else {}
    place = {"user": person.id, "channel": workspace.dm(person).id, "tab": tab}
    return {"type": "app_home_opened", **place, **shown, "event_ts": workspace.ids.new_ts()}


def view_container(view: View) -> Json:
    """Compose the container of an interaction in a view."""
    return {"type": "view", "view_id": view.id}


def message_source(message: Message, person: Member) -> Json:
    """Compose the source of an interaction in a message. The payload of an ephemeral message does not include it."""
    hidden = message.seen_only_by is not None
    container = {"type": "message", "message_ts": message.ts, "channel_id": message.channel.id, "is_ephemeral": hidden}
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    # Slack sends only the container of an ephemeral message.
    shown: Json = {} if hidden else {"message": message.as_json()}
    return {
        "container": container,
        "channel": channel_name(message.channel),
        "state": message.state(person.id),
        **shown,
    }


def channel_name(channel: Channel) -> Json:
    """Compose the channel of an interaction."""
    return {"id": channel.id, "name": _shown_name(channel)}


def action(workspace: Workspace, block_id: str, element: Json, **value: Any) -> Json:
    """Compose one entry of `actions`: the element and its current value."""
    shown: Json = {
        name: element[name] for name in ("type", "action_id", "text", "value", "style", "url") if name in element
    }
    return {**shown, "block_id": block_id, **value, "action_ts": workspace.ids.new_ts()}


def event_callback(workspace: Workspace, event: Json, channel: Channel | None, **extras: Any) -> Json:
    """Compose the envelope of an event in the Events API."""
    # An app of a whole organization gets events without a channel for no particular workspace.
    anywhere = workspace.is_org_wide and channel is None
    authorization = {
        "enterprise_id": workspace.enterprise_id,
        "team_id": None if anywhere else workspace.team_id,
        "user_id": workspace.bot.user,
    }
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": workspace.team_id,
        "api_app_id": workspace.bot.app_id,
        "event": event,
        "type": "event_callback",
        "event_id": workspace.ids.new_id("Ev"),
        "event_time": int(workspace.ids.clock()),
        "authorizations": [{**authorization, "is_bot": True, "is_enterprise_install": workspace.is_org_wide}],
        "is_ext_shared_channel": bool(channel and channel.ext_shared),
        "event_context": workspace.ids.new_id("4-", 24),
        **extras,
    }


def _user(person: Member) -> Json:
    return {"id": person.id, "username": person.name, "team_id": person.team_id}


def _team(workspace: Workspace, person: Member) -> Json:
    """Compose the team of a user. Users of a shared channel's other side have their own team."""
    if person.team_id == workspace.team_id or not person.team_id.startswith("T"):
        return {"id": workspace.team_id, "domain": workspace.domain}
    return {"id": person.team_id, "domain": "elsewhere"}


def _enterprise_user(person: Member) -> Json:
    return {
        "id": person.enterprise_user_id or person.id,
        "enterprise_id": person.enterprise_id,
        "enterprise_name": GRID,
        "is_admin": False,
        "is_owner": False,
        "teams": list(person.teams),
    }


def _shown_name(channel: Channel) -> str:
    # Slack hides the name of a private channel from apps in this way.
    return "privategroup" if channel.private and not channel.im else channel.name
