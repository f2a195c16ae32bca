"""Permission to cause reads and offers in channels of alerts: for apps, webhooks, and people as the policy says."""

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
    """Slack cannot tell now who wrote an alert, or in which user groups they are."""

    def __init__(self) -> None:
        super().__init__("Slack did not say who wrote an alert.")


@dataclass(frozen=True, slots=True)
class AuthorPermission:
    """What an author may cause; `key` is whose allowance it uses. `standing` is None for apps, which may cause all."""

    key: str
    context: AccessContext | None = None

    def allows_all(self, resources: Iterable[Resource]) -> bool:
        """Return whether the author may ask for the status of each of these."""
        return self.context is None or all(_may(self.context, each) for each in resources)

    def allows_any(self, resources: Iterable[Resource]) -> bool:
        """Return whether the author may ask for the status of any of these."""
        return self.context is None or any(_may(self.context, each) for each in resources)


class AlertAuthors:
    """Asks the gate about the authors of alerts. A bot user never becomes a person, so that it is asked for once."""

    def __init__(self, authorizer: Authorizer, team_id: str) -> None:
        self._authorizer = authorizer
        self._team_id = team_id
        self._apps: set[str] = set()

    @property
    def known_apps(self) -> frozenset[str]:
        """The bot users for which Slack is not asked again."""
        return frozenset(self._apps)

    async def permission(self, author: Author, destination: Destination) -> AuthorPermission | None:
        """Return what an author may cause in a channel; None if that is nothing.

        Raises AuthorUnclear if Slack cannot tell now.
        """
        if author.user_id is None or author.user_id in self._apps:
            return AuthorPermission(f"app:{author.bot_id}")
        standing = await self._context(author.user_id)
        # An app's message carries both ids. A message that an app posts in the name of a person does so, too.
        if author.bot_id and _is_app(standing):
            self._remember(author.user_id)
            return AuthorPermission(f"app:{author.bot_id}")
        return (
            AuthorPermission(f"person:{author.user_id}", standing)
            if _may(standing, resource_for_input(destination, None))
            else None
        )

    async def _context(self, user_id: str) -> AccessContext:
        standing = await self._authorizer.context(Actor(user_id, self._team_id))
        if standing.person is None:
            raise AuthorUnclear
        return standing

    def _remember(self, user_id: str) -> None:
        if len(self._apps) >= MOST_APPS:
            self._apps.clear()
        self._apps.add(user_id)


def _is_app(standing: AccessContext) -> bool:
    person = standing.person
    return person is not None and person.bot and not (person.guest or person.stranger or person.deleted)


def _may(standing: AccessContext, resource: Resource) -> bool:
    """Return the policy's answer; AuthorUnclear if a user group that Slack could not read may change it."""
    decision = standing.decide(Action.STATUS, resource)
    if decision.is_unknown:
        raise AuthorUnclear
    return decision.allowed
