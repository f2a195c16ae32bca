"""The open modals of the page's users, and Slackbot's notices to them."""

from sandbox.slack import Channel, Form, HomeTab, Message, SimulatedUser, Slack
from sandbox.slack.workspace.message_content import MessageAuthor

SLACKBOT = MessageAuthor("Slackbot", user="USLACKBOT")


class OpenModals:
    """The open modal and the notices of every user."""

    def __init__(self, slack: Slack) -> None:
        self._slack = slack
        self._forms: dict[str, Form] = {}
        self._homes: dict[str, HomeTab] = {}
        self._notices: dict[str, list[Message]] = {}

    def find_form(self, person: SimulatedUser, view_id: object) -> Form:
        """Return the user's handle on an open modal, always the same one. Raises LookupError if it is closed."""
        for form in person.open_forms:
            if form.view_id == view_id:
                # The handle has the results of searches, which a new one would lack.
                return self._forms.setdefault(form.view_id, form)
        raise LookupError("This form is closed.")

    def find_view(self, person: SimulatedUser, view_id: object) -> Form | HomeTab:
        """Return the user's handle on the Home tab or on an open modal. Raises LookupError if it is closed."""
        home = self._homes.setdefault(person.id, person.home_tab)
        return home if home.view_id == view_id else self.find_form(person, view_id)

    def slackbot_notices(self, person: SimulatedUser) -> list[Message]:
        """Return Slackbot's notices to this user, oldest first."""
        return self._notices.get(person.id, [])

    def post_notice(self, person: SimulatedUser, channel: Channel, text: str, thread_ts: str | None = None) -> None:
        """Post a notice of Slackbot that only this user sees."""
        slack = self._slack
        content = slack.build_content(text)
        notice = Message(
            slack.ids.new_ts(), channel, SLACKBOT, content, slack.team_id, thread_ts, seen_only_by=person.id
        )
        self._notices.setdefault(person.id, []).append(notice)
        slack.changes.notify_all()
