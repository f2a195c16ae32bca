"""The permission of an alert's author to cause reads and offers: apps and webhooks have it, people by the policy."""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.errors import SlackUnavailable
from bot.models import Actor, Destination
from bot.parsing.message_authors import Author
from bot.policy.rules import AccessContext, Action, Resource
from bot.services.authorization.authorizer import Authorizer
from bot.services.authorization.resources import resource_for_input

MOST_APPS = 10_000


class AuthorUnclear(SlackUnavailable):
    """A missing answer of Slack about the author of an alert, or about the author's user groups."""

    def __init__(self) -> None:
        super().__init__("Slack did not say who wrote an alert.")


@dataclass(frozen=True, slots=True)
class AuthorPermission:
    """The permission of one author.

    `key` names the author whose allowance of offers is used. `context` is None for apps, which may cause everything.
    """

    key: str
    context: AccessContext | None = None

    def allows_all(self, resources: Iterable[Resource]) -> bool:
        """Return True if the author may ask for the status of each of these."""
        return self.context is None or all(_may(self.context, each) for each in resources)

    def allows_any(self, resources: Iterable[Resource]) -> bool:
        """Return True if the author may ask for the status of any of these."""
        return self.context is None or any(_may(self.context, each) for each in resources)


class AlertAuthors:
    """The permissions of the authors of alerts. A bot user never becomes a person, so it is looked up only once."""

    def __init__(self, authorizer: Authorizer, team_id: str) -> None:
        self._authorizer = authorizer
        self._team_id = team_id
        self._apps: set[str] = set()

    @property
    def known_apps(self) -> frozenset[str]:
        """The ids of the bot users that need no further call to Slack."""
        return frozenset(self._apps)

    async def permission(self, author: Author, destination: Destination) -> AuthorPermission | None:
        """Return the permission of an author in a channel, or None if the author may cause nothing.

        Raises AuthorUnclear if Slack cannot identify the author now.
        """
        if author.user_id is None or author.user_id in self._apps:
            return AuthorPermission(f"app:{author.bot_id}")
        context = await self._context(author.user_id)
        # An app's message carries both ids. So does a message that an app posts on behalf of a person.
        if author.bot_id and _is_app(context):
            self._remember(author.user_id)
            return AuthorPermission(f"app:{author.bot_id}")
        return (
            AuthorPermission(f"person:{author.user_id}", context)
            if _may(context, resource_for_input(destination, None))
            else None
        )

    async def _context(self, user_id: str) -> AccessContext:
        context = await self._authorizer.context(Actor(user_id, self._team_id))
        if context.person is None:
            raise AuthorUnclear
        return context

    def _remember(self, user_id: str) -> None:
        if len(self._apps) >= MOST_APPS:
            self._apps.clear()
        self._apps.add(user_id)


def _is_app(context: AccessContext) -> bool:
    person = context.person
    return person is not None and person.bot and not (person.guest or person.stranger or person.deleted)


def _may(context: AccessContext, resource: Resource) -> bool:
    """Return True if the policy allows it. Raises AuthorUnclear if that depends on an unread user group."""
    decision = context.decide(Action.STATUS, resource)
    if decision.is_unknown:
        raise AuthorUnclear
    return decision.allowed
