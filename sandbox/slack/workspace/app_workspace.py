"""A workspace with an installed app that its users interact with."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeVar

from sandbox.condition import Condition
from sandbox.json_types import Json
from sandbox.slack.blockkit.plain_text import visible_text
from sandbox.slack.workspace.deliveries import Delivery
from sandbox.slack.workspace.models import Channel, Message
from sandbox.slack.workspace.response_urls import ResponseUrls
from sandbox.slack.workspace.workspace import Workspace

Found = TypeVar("Found")


class AppWorkspace(Workspace, ABC):
    """A workspace that delivers payloads to its app. A subclass decides over which connection.

    `problems` lists the failures that users would have seen, and the mistakes that Slack would reject.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(clock)
        self.changes = Condition()
        self.problems: list[str] = []
        self.response_urls = ResponseUrls(self)

    @abstractmethod
    async def deliver(self, kind: str, payload: Json, what: str, **extras: Any) -> Delivery:
        """Send a payload to the app and wait for its ack."""

    @abstractmethod
    async def wait_for_events(self) -> None:
        """Wait until every event has been acknowledged, parked or given up."""

    def report_problem(self, problem: str) -> None:
        """Record a failure that Slack would have shown."""
        self.problems.append(problem)
        self.changes.notify_all()

    async def sees_message(
        self,
        channel: Channel,
        containing: str,
        *,
        thread: str | Message | None = None,
        timeout: float = 20.0,  # noqa: ASYNC109 - the deadline is the contract here
    ) -> Message:
        """Wait for a message that contains this text now, and return the newest one.

        With `thread`, only replies below that message count.
        """
        below = thread.ts if isinstance(thread, Message) else thread
        what = f"a message in #{channel.name} containing {containing!r}"

        def find() -> Message | None:
            among = channel.messages if below is None else channel.thread(below)
            return next((message for message in reversed(among) if message.content.says(containing)), None)

        return await self.wait_for(find, what, timeout)

    async def wait_for(self, find: Callable[[], Found | None], what: str, timeout: float) -> Found:  # noqa: ASYNC109 - the deadline is the contract here
        """Wait until `find` returns something. Raises TimeoutError with an overview of the workspace."""
        try:
            return await self.changes.wait_for(find, what=what, timeout=timeout)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.overview()}") from None

    def overview(self) -> str:
        """Return everything that users see, as text for the failure of a test."""
        lines = [f"problem: {problem}" for problem in self.problems]
        for channel in self.channels.values():
            lines += [f"#{channel.name} {message.author}: {message.visible_text!r}" for message in channel.messages]
        for person in self.people.values():
            lines += [f"ephemeral message to {person.name}: {message.visible_text!r}" for message in person.ephemerals]
            home = self.modals.home(person)
            lines += [f"home tab of {person.name}: {visible_text(home.blocks)!r}"] if home.published else []
            lines += [f"form of {person.name}: {view.content['title']['text']}" for view in self.modals.top(person)]
        return "\n".join(lines)
