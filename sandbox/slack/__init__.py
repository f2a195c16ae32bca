"""A local Slack: its Web API, its sockets and the people in it."""

from sandbox.slack.calls import ApiCall
from sandbox.slack.deliveries import Delivery
from sandbox.slack.forms import Form, FormIncomplete
from sandbox.slack.messages import Message
from sandbox.slack.people import Person
from sandbox.slack.server import Slack
from sandbox.slack.submitting import Submitted
from sandbox.slack.suggestions import Unanswered
from sandbox.slack.workspace import Channel, Usergroup

__all__ = [
    "ApiCall",
    "Channel",
    "Delivery",
    "Form",
    "FormIncomplete",
    "Message",
    "Person",
    "Slack",
    "Submitted",
    "Unanswered",
    "Usergroup",
]
