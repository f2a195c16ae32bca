"""A modal as the user who sees it fills it in."""

from dataclasses import dataclass

from sandbox.slack.blockkit.interactive_elements import Field
from sandbox.slack.people.form_filling import missing_fields
from sandbox.slack.people.form_submission import SubmissionResult, apply_answer
from sandbox.slack.people.view_surface import ViewSurface


class FormIncomplete(Exception):
    """An error for a form that Slack does not send yet. `labels` and `block_ids` name the fields to correct."""

    def __init__(self, fields: list[Field]) -> None:
        self.labels = [each.label for each in fields]
        self.block_ids = [each.block_id for each in fields]
        super().__init__(f"please fill in: {', '.join(self.labels)}")


@dataclass(eq=False)
class Form(ViewSurface):
    """A user's handle on one modal."""

    @property
    def title(self) -> str:
        """Return the title."""
        return str(self._view.content["title"]["text"])

    @property
    def submit_text(self) -> str | None:
        """Return the text of the submit button, or None if there is no such button."""
        submit = self._view.content["submit"]
        return str(submit["text"]) if submit else None

    @property
    def is_open(self) -> bool:
        """Return whether the user still sees the modal."""
        return self._view.is_open

    async def submit(self) -> SubmissionResult:
        """Press the submit button and apply the app's answer. Raises FormIncomplete if Slack would not send it."""
        self._require_shown()
        if self.submit_text is None:
            raise LookupError(f"the form {self.title!r} has no submit button")
        if fields := missing_fields(self._view):
            raise FormIncomplete(fields)
        delivery = await self.person.interact("view_submission", f"form {self.title!r}", self._view, response_urls=[])
        return apply_answer(self.person.slack, self._view, delivery)

    async def close(self, *, everything: bool = False) -> None:
        """Press Cancel or, with `everything`, the X that closes all modals of the stack."""
        self._require_shown()
        everything = everything or self._view.content["clear_on_close"]
        modals = self.person.slack.modals
        # For a whole stack, Slack notifies the app once, about its root.
        notified = modals.stack(self._view)[0] if everything else self._view
        (modals.clear if everything else modals.close)(self._view)
        self.person.slack.changes.notify_all()
        if notified.content["notify_on_close"]:
            await self.person.interact("view_closed", f"closing {self.title!r}", notified, is_cleared=everything)

    def _require_shown(self) -> None:
        if not self.is_open:
            raise LookupError(f"the form {self.title!r} is closed")
