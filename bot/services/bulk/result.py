"""The messages of a plan: its card, edited as it proceeds, the tables in its thread, and its details."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import structlog
from attrs import define, field

from bot.bulk import BulkItem, BulkOutcome, BulkPlan, BulkState, domains
from bot.clock import Clock
from bot.errors import BotError, InvalidInput
from bot.models import FollowUpState, Interaction, TargetKey
from bot.services.authorization.visibility import Visibility
from bot.services.bulk.limits import BulkLimits
from bot.services.bulk.selection import hidden_lines
from bot.services.publishing.delivery import root_key
from bot.services.publishing.publisher import MessagePublisher, is_direct
from bot.services.resend.reporter import ResultReporter
from bot.slack.chat import Chat
from bot.store.bulk_plans import BulkPlans
from bot.store.follow_ups import FollowUps
from bot.store.posts import Post
from bot.views import bulk as views
from bot.views.blocks import Message
from bot.views.bulk import BulkFacts
from bot.views.resend_form import ModalView

log = structlog.get_logger(__name__)

# The least time between two edits of a card that no one asked for.
EDIT_SECONDS = 3.0
# Each of them needs a few queries, and a card has no room for more.
_MOST_INTERRUPTED = 20
_MAY_BE_INTERRUPTED = frozenset({BulkOutcome.UNKNOWN, BulkOutcome.REFUSED, BulkOutcome.NOT_SENT})


@define(eq=False, repr=False, slots=False)
class BulkReporter:
    """The publisher of a plan's messages. Each is drawn from what is stored."""

    _plans: BulkPlans
    _limits: BulkLimits
    _follow_ups: FollowUps
    _single: ResultReporter
    _publisher: MessagePublisher
    _chat: Chat
    _clock: Clock
    _edit_seconds: float = EDIT_SECONDS
    _refreshing: dict[str, asyncio.Task[None]] = field(factory=dict, init=False)

    async def show(self, plan_id: str, *, is_urgent: bool = True, live: Callable[[], BulkFacts] | None = None) -> Post:
        """Publish the card of a plan. Safe to repeat. `live` adds what only the running process knows."""
        plan = await self._plan(plan_id)

        async def draw() -> Message:
            facts = await self.facts(plan_id)
            if live and facts.plan.state is BulkState.RUNNING:
                now = live()
                facts = replace(facts, waiting=now.waiting, seconds_left=now.seconds_left)
            return views.card(facts)

        key = root_key(plan_id)
        return await self._publisher.publish(key, plan.destination, draw, plan.actor.user_id, is_urgent=is_urgent)

    async def show_text(self, plan: BulkPlan, message: Message) -> None:
        """Publish a card that is not drawn from what is stored."""
        await self._publisher.publish(root_key(plan.id), plan.destination, message, plan.actor.user_id, is_urgent=False)

    async def show_preview(self, plan_id: str) -> None:
        """Publish the preview: the card, and its first rows in the thread. Safe to repeat."""
        root = await self.show(plan_id)
        plan = await self._plan(plan_id)
        if plan.targets:
            rows = views.table([replace(item, outcome=None) for item in await self._plans.items(plan_id)])
            await self._publisher.publish(f"{plan_id}.rows", root.thread, rows, plan.actor.user_id)

    async def show_hidden(self, plan_id: str) -> None:
        """Send the requester alone the lines of which no one else may learn. Never raises for Slack."""
        plan = await self._plan(plan_id)
        if titles := hidden_lines(plan.left_out):
            root = await self._publisher.post_of(root_key(plan_id))
            where = root.destination if root and root.ts else plan.destination
            await self._chat.send_ephemeral(Interaction(plan.actor, where), views.hidden(titles))

    async def show_result(self, plan_id: str, run: int) -> None:
        """Publish the result of a run: the card, and a reply with the rows. Safe to repeat."""
        root = await self.show(plan_id)
        plan = await self._plan(plan_id)
        rows = views.table(await self._plans.items(plan_id))
        await self._publisher.publish(f"{plan_id}.result{run}", root.thread, rows, plan.actor.user_id)

    async def show_changes(self, plan_id: str) -> None:
        """Publish what the last check found: on the card, and in one reply for each hour. Safe to repeat."""
        root = await self.show(plan_id, is_urgent=False)
        plan, items = await self._plan(plan_id), await self._plans.items(plan_id)
        hour = self._clock().replace(minute=0, second=0, microsecond=0)
        key = f"{plan_id}.at{int(hour.timestamp())}"

        async def draw() -> Message:
            ended = await self._follow_ups.ended_since([item.request_id for item in items], hour)
            by_id = {item.request_id: item for item in items}
            validated = [by_id[each.request_id] for each in ended if each.state is FollowUpState.VALIDATED]
            others = [by_id[each.request_id] for each in ended if each.state is not FollowUpState.VALIDATED]
            return views.changes(validated, others, hour)

        await self._publisher.publish(key, root.thread, draw, plan.actor.user_id, is_urgent=False)

    def refresh_soon(self, plan_id: str) -> None:
        """Publish the card in the background, at most every few seconds. Errors are only logged."""
        if plan_id not in self._refreshing:
            self._refreshing[plan_id] = asyncio.create_task(self._refresh(plan_id))

    async def facts(self, plan_id: str) -> BulkFacts:
        """Return everything that the card shows. Raises KeyError for an unknown plan."""
        plan = await self._plan(plan_id)
        items = await self._plans.items(plan_id)
        root = await self._publisher.post_of(root_key(plan_id))
        is_waiting = plan.state is BulkState.READY
        return BulkFacts(
            plan,
            items,
            needs_reason=is_waiting and self._limits.needs_reason(plan.targets, plan.asked.reason),
            needs_approval=is_waiting and await self._limits.needs_approval(plan),
            is_direct=is_direct(plan.destination) or bool(root and root.detour),
            validated=await self._validated(items) if plan.run else 0,
            interrupted=[] if plan.is_running else await self._interrupted(items),
        )

    async def details(self, plan_id: str, page: int, only: str, view: Visibility | None) -> ModalView:
        """Return one page of the rows of a plan that a person may see, all of them if `view` is None.

        Raises InvalidInput if they may see none.
        """
        facts = await self.facts(plan_id)
        if view and not view.sees_everything:
            # What was left out has no key to ask the policy about, so it is for those who see everything.
            items = [item for item in facts.items if _is_visible(item, view)]
            facts = replace(facts, items=items, plan=replace(facts.plan, left_out=()))
            if not items:
                raise InvalidInput("It has no domain that you can see.")
        return views.details(facts, page, only=only, hidden_too=view is None)

    async def _validated(self, items: list[BulkItem]) -> int:
        """Return how many domains of the sent items were validated since."""
        sent = [item for item in items if item.outcome in (BulkOutcome.SENT, BulkOutcome.UNKNOWN)]
        states = await self._follow_ups.states_of([item.request_id for item in sent])
        done = [item for item in sent if states.get(item.request_id) == {FollowUpState.VALIDATED}]
        return len(domains(done))

    async def _interrupted(self, items: list[BulkItem]) -> list[BulkItem]:
        """Return the first revalidations that stopped between their steps, and that no one has continued."""
        stopped = [item for item in items if item.revalidates and item.outcome in _MAY_BE_INTERRUPTED]
        return [item for item in stopped[:_MOST_INTERRUPTED] if await self._single.is_interrupted(item.request_id)]

    async def _refresh(self, plan_id: str) -> None:
        try:
            await asyncio.sleep(self._edit_seconds)
            self._refreshing.pop(plan_id, None)
            await self.show(plan_id, is_urgent=False)
        except BotError as error:
            log.warning("the card of a plan could not be published", plan=plan_id, error=str(error))
        except Exception:
            log.exception("the card of a plan could not be published", plan=plan_id)
        finally:
            self._refreshing.pop(plan_id, None)

    async def _plan(self, plan_id: str) -> BulkPlan:
        if (plan := await self._plans.get(plan_id)) is None:
            raise KeyError(plan_id)
        return plan


def _is_visible(item: BulkItem, view: Visibility) -> bool:
    order_id = TargetKey.parse(item.key).order_id
    return all(view.sees(name, order_id) for name in item.names)
