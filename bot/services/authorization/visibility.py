"""Visibility of the account for one user: what the policy shows them, and one answer for everything else."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property

from bot.errors import CaRejected, NotResendable, NotVisible, PermissionUnknown
from bot.models import AccountEntry, Actor, Destination, Kind, NameValidation, Order, Reach
from bot.parsing.domain_names import without_wildcard
from bot.parsing.targets import TargetRef
from bot.policy.rules import NO_RULE, AccessContext, Action, Decision, Resource, cannot
from bot.services.authorization.authorizer import refusal
from bot.services.authorization.resources import resource_for_input, resources_for_entry


@dataclass(frozen=True)
class Visibility:
    """The view of one user, for one action in one channel, with the rules as they are now.

    Users may see what they have `status` for, and what they may do the `action` with. For everything else, the answer
    is the same if it is hidden and if it does not exist.
    """

    actor: Actor
    destination: Destination | None
    context: AccessContext
    action: Action = Action.RESEND

    @cached_property
    def sees_everything(self) -> bool:
        """Return True if nothing is hidden from this user."""
        return any(self.context.is_unrestricted(each, self._channel) for each in (Action.STATUS, self.action))

    def names(self, names: tuple[str, ...], order_id: int | None = None) -> tuple[str, ...]:
        """Return the names, with or without wildcard, that the user may see."""
        if self.sees_everything:
            return names
        return tuple(name for name in names if self.sees(name, order_id))

    def sees(self, name: str, order_id: int | None = None) -> bool:
        """Return True if the user may see a name, with or without wildcard, on this order."""
        if self.sees_everything:
            return True
        resource = Resource(self._channel, (without_wildcard(name.lower()),), order_id, resolved=True)
        return any(self.context.permits(each, resource) for each in (Action.STATUS, self.action))

    def order(self, order: Order) -> Order | None:
        """Return an order with the names that the user may see, or None if there is no such name."""
        if self.sees_everything:
            return order
        # A hidden common name must not be shown as the title, so the first visible name replaces it.
        names = self.names(order.names, order.id)
        first = self.names((order.common_name,), order.id) or names
        return replace(order, names=names, common_name=first[0]) if first else None

    def entry(self, entry: NameValidation, order: Order) -> NameValidation | None:
        """Return an entry of an order's validation with the names that the user may see; None if there are none.

        An OV or EV order is validated by its domain, so it is enough to see the domain.
        """
        if not order.is_dv and self.sees(entry.name_scope, order.id):
            return entry
        names = self.names(entry.names, order.id)
        return replace(entry, names=names) if names else None

    def line(self, line: AccountEntry) -> AccountEntry | None:
        """Return an inventory line with its visible names, or None if the user may resend for none of them."""
        if self._resends_everything:
            return line
        if not any(
            self.context.permits(Action.RESEND, resource) for resource in resources_for_entry(self.destination, line)
        ):
            return None
        order_id = line.id if line.kind is Kind.ORDER else None
        names = self.names(line.names, order_id)
        first = self.names((line.name,), order_id) or names
        return replace(line, name=first[0], names=names) if first else None

    def may_resend_below(self, scope: str) -> bool:
        """Return True if the user may resend for a name together with everything below it."""
        return self._permits_below(Action.RESEND, scope)

    def may_revalidate_below(self, scope: str) -> bool:
        """Return True if the user may revalidate a domain together with everything below it."""
        return self._permits_below(Action.REVALIDATE, scope)

    def _permits_below(self, action: Action, scope: str) -> bool:
        resource = Resource(self._channel, (scope,), resolved=True, reach=Reach(below=(scope,)))
        return self.context.permits(action, resource)

    def require_answer(self) -> None:
        """Raise PermissionUnknown if Slack's data is not enough to know what to hide from the user."""
        if not self.sees_everything and (unread := self.context.unanswered):
            raise PermissionUnknown(unread.sentence)

    @contextmanager
    def if_unknown(self, nothing: NotResendable, wanted: TargetRef | None) -> Iterator[None]:
        """Turn DigiCert's 404 into `nothing`, or into the answer for everything that is hidden from the user."""
        try:
            yield
        except CaRejected as error:
            if error.status != 404:
                raise
            raise (nothing if self.sees_everything else self.not_visible(wanted)) from error

    def not_visible(self, wanted: TargetRef | None) -> NotVisible | PermissionUnknown:
        """Return the error for what the user may not see, whether it exists or not.

        Returns PermissionUnknown instead if Slack could not list a user group that may change the decision.
        """
        if unread := self.context.unanswered:
            return PermissionUnknown(unread.sentence)
        resource = resource_for_input(self.destination, wanted)
        denial = refusal(self.context, self.action, resource, Decision(False, NO_RULE, cannot(self.action, resource)))
        return NotVisible(str(denial), denial.rule, denial.holders, denial.target, can_ask=denial.can_ask)

    @cached_property
    def _resends_everything(self) -> bool:
        return self.context.is_unrestricted(Action.RESEND, self._channel)

    @property
    def _channel(self) -> str | None:
        return self.destination.channel_id if self.destination else None
