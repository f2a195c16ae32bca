"""A local Slack: its Web API, its sockets and its users."""

from sandbox.slack.people.confirmation import ConfirmationDialog, ConfirmationNeeded
from sandbox.slack.people.form_submission import SubmissionResult
from sandbox.slack.people.forms import Form, FormIncomplete
from sandbox.slack.people.home_tab import HomeTab
from sandbox.slack.people.simulated_user import SimulatedUser
from sandbox.slack.people.suggestions import SuggestionsTimeout
from sandbox.slack.server.call_log import ApiCall
from sandbox.slack.server.slack import Slack
from sandbox.slack.workspace.deliveries import Delivery
from sandbox.slack.workspace.models import Channel, Message, Usergroup

__all__ = [
    "ApiCall",
    "Channel",
    "ConfirmationDialog",
    "ConfirmationNeeded",
    "Delivery",
    "Form",
    "FormIncomplete",
    "HomeTab",
    "Message",
    "SimulatedUser",
    "Slack",
    "SubmissionResult",
    "SuggestionsTimeout",
    "Usergroup",
]
