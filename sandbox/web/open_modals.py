"""What people hold on the page: their modals, and what Slack itself told them."""

from sandbox.slack import Channel, Form, Message, SimulatedUser, Slack
from sandbox.slack.workspace.message_content import MessageAuthor

SLACKBOT = MessageAuthor("Slackbot", user="USLACKBOT")


class OpenModals:
    """Remembers, for every person, the modal in front and Slack's own notices."""

    def __init__(self, slack: Slack) -> None:
        self._slack = slack
        self._forms: dict[str, Form] = {}
        self._notices: dict[str, list[Message]] = {}

    def find_form(self, person: SimulatedUser, view_id: object) -> Form:
        """Return this person's hold on an open modal, the same one each time; LookupError when it is closed."""
        for form in person.open_forms:
            if form.view_id == view_id:
                return self._forms.setdefault(form.view_id, form)
        raise LookupError("the form is closed")

    def slackbot_notices(self, person: SimulatedUser) -> list[Message]:
        """Return what Slack told this person, oldest first."""
        return self._notices.get(person.id, [])

    def post_notice(self, person: SimulatedUser, channel: Channel, text: str, thread_ts: str | None = None) -> None:
        """Let Slack itself tell this person something that nobody else sees."""
        slack = self._slack
        content = slack.build_content(text)
        notice = Message(
            slack.ids.new_ts(), channel, SLACKBOT, content, slack.team_id, thread_ts, seen_only_by=person.id
        )
        self._notices.setdefault(person.id, []).append(notice)
        slack.changes.notify_all()
