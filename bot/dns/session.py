"""One check: what it may ask, how often, and until when. Every query of the bot passes here."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from bot.dns.addresses import Endpoint
from bot.dns.paths import DnsPaths
from bot.dns.replies import Question, Reply, ReplyKind

MOST_QUERIES = 40
QUERY_SECONDS = 2.0
# A resolver that has not replied for so long gets company.
_STAGGER_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class NameServer:
    """One address of an authoritative name server."""

    name: str
    address: str


class DnsSession:
    """The queries of one check: MOST_QUERIES at most, within `seconds`. The same query is sent once.

    Only permitted names are asked for. `withheld` are names that no resolver may be asked for, because it would cache
    their absence. `release` ends that.
    """

    def __init__(self, paths: DnsPaths, seconds: float, withheld: Iterable[str] = ()) -> None:
        self._paths = paths
        self._until = asyncio.get_running_loop().time() + seconds
        self._withheld = frozenset(withheld)
        self._permitted: set[str] = set()
        self._asked: dict[tuple[Question, Endpoint, bool], asyncio.Task[Reply]] = {}
        self.has_ipv6 = paths.has_ipv6
        self.reached_any = False
        """True if an authoritative server replied."""

    def permit(self, *names: str) -> None:
        """Allow questions for these names."""
        self._permitted.update(names)

    def release(self, *names: str) -> None:
        """Allow resolvers to be asked for these names: the authoritative servers agree."""
        self._withheld -= {*names}

    async def ask_server(self, question: Question, server: NameServer, zone: str) -> Reply:
        """Ask one authoritative server. One with an address that is not public is never asked."""
        endpoint = self._paths.rules.endpoint(server.address)
        if endpoint is None:
            return Reply(ReplyKind.PRIVATE)
        reply = await self._ask(question, endpoint, zone)
        if reply.kind not in {ReplyKind.UNREACHABLE, ReplyKind.UNASKED}:
            self.reached_any = True
        return reply

    async def ask_any_server(self, question: Question, servers: Sequence[NameServer], zone: str) -> Reply:
        """Return the first usable reply, or a referral. All servers are asked at once, so a dead one costs no time."""
        return await first_usable([self.ask_server(question, each, zone) for each in servers])

    async def ask_any_resolver(self, question: Question) -> Reply:
        """Return the first usable reply of a resolver. Another one is asked if the one before is slow or fails.

        Without DNSSEC checks, as a zone whose signatures are wrong still has servers.
        """
        # The servers of a registrable domain exist, so that nothing is cached that is wrong later.
        if question.name in self._withheld and question.rtype != "NS":
            return Reply(ReplyKind.UNASKED)
        return await _staggered(
            [partial(self._ask, question, each, None, checking_disabled=True) for each in self._paths.resolvers]
        )

    async def ask_every_resolver(self, question: Question, *, checking_disabled: bool = False) -> tuple[Reply, ...]:
        """Return the reply of each resolver, in their order."""
        if question.name in self._withheld:
            return tuple(Reply(ReplyKind.UNASKED) for _ in self._paths.resolvers)
        asking = (self._ask(question, each, None, checking_disabled) for each in self._paths.resolvers)
        return tuple(await asyncio.gather(*asking))

    async def _ask(
        self, question: Question, endpoint: Endpoint, zone: str | None, checking_disabled: bool = False
    ) -> Reply:
        left = self._until - asyncio.get_running_loop().time()
        key = question, endpoint, checking_disabled
        if key not in self._asked:
            if len(self._asked) >= MOST_QUERIES or left <= 0.0 or question.name not in self._permitted:
                return Reply(ReplyKind.UNASKED)
            seconds = min(QUERY_SECONDS, left)
            asking = self._paths.transport.ask(question, endpoint, zone, seconds, checking_disabled=checking_disabled)
            self._asked[key] = asyncio.ensure_future(asking)
        # Shielded: the task is shared with whoever asks the same, and ends by itself within its seconds.
        return await asyncio.shield(self._asked[key])


async def first_usable(asking: Iterable[Coroutine[Any, Any, Reply]]) -> Reply:
    """Return the first reply that says something, else the last one."""
    reply = Reply(ReplyKind.UNASKED)
    tasks = [asyncio.ensure_future(each) for each in asking]
    try:
        for task in asyncio.as_completed(tasks):
            reply = await task
            if reply.is_usable or reply.kind is ReplyKind.REFERRAL:
                return reply
        return reply
    finally:
        for left in tasks:
            left.cancel()


async def _staggered(askers: Sequence[Callable[[], Coroutine[Any, Any, Reply]]]) -> Reply:
    """Ask one after another until a reply is usable. The next one begins if the ones before fail or are slow."""
    reply, waiting = Reply(ReplyKind.UNASKED), list(askers)
    running: set[asyncio.Future[Reply]] = set()
    try:
        while waiting or running:
            if waiting:
                running.add(asyncio.ensure_future(waiting.pop(0)()))
            patience = _STAGGER_SECONDS if waiting else None
            ended, running = await asyncio.wait(running, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                reply = task.result()
                if reply.is_usable:
                    return reply
        return reply
    finally:
        for left in running:
            left.cancel()
