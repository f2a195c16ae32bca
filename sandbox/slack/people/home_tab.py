"""The Home tab of the app as one user sees it."""

from dataclasses import dataclass

from sandbox.json_types import Json
from sandbox.slack.people.view_surface import ViewSurface

PLACEHOLDER = "This is a work in progress"


@dataclass(eq=False)
class HomeTab(ViewSurface):
    """A user's handle on the Home tab, without opening it."""

    @property
    def title(self) -> str:
        """Return the name of the tab."""
        return "Home"

    @property
    def is_placeholder(self) -> bool:
        """Return whether Slack shows its own page, since this user sees nothing that the app published.

        To people of other organizations Slack shows nothing, although it accepts what the app publishes for them.
        """
        person = self.person
        hidden = (person.guest or person.ultra_guest) and not person.slack.guests_see_home
        return not self._view.published or person.stranger or hidden

    @property
    def blocks(self) -> list[Json]:
        """Return the blocks that the user sees."""
        return [] if self.is_placeholder else self._view.blocks

    @property
    def text(self) -> str:
        """Return the visible text, one line for each text object."""
        return PLACEHOLDER if self.is_placeholder else super().text

    def _require_shown(self) -> None:
        if self.is_placeholder:
            raise LookupError(f"the Home tab of {self.person.name} shows nothing of the app")
