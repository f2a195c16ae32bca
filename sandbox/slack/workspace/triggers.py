"""Trigger ids: short-lived permissions to open one modal."""

from dataclasses import dataclass

from sandbox.slack.workspace.api_errors import SlackError
from sandbox.slack.workspace.id_generator import IdGenerator
from sandbox.slack.workspace.models import Member
from sandbox.slack.workspace.views import View


@dataclass
class Trigger:
    """An action of a user, and the view in which it happened, if any."""

    person: Member
    view: View | None
    at: float
    used: bool = False


class Triggers:
    """The issued trigger ids. Each can be used once."""

    def __init__(self, ids: IdGenerator) -> None:
        self._ids = ids
        self._issued: dict[str, Trigger] = {}

    def issue(self, person: Member, view: View | None = None) -> str:
        """Return a new trigger id for an action of `person`."""
        trigger_id = f"{self._ids.new_ts().replace('.', '')}.{self._ids.new_id('', 12)}".lower()
        self._issued[trigger_id] = Trigger(person, view, self._ids.clock())
        return trigger_id

    def exchange(self, trigger_id: str, seconds: float) -> Trigger:
        """Use a trigger id. Raises SlackError if it is unknown, used or older than so many seconds."""
        trigger = self._issued.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if self._ids.clock() - trigger.at > seconds:
            raise SlackError("expired_trigger_id")
        trigger.used = True
        return trigger
