"""One query to one server over UDP, then TCP if the reply was cut off."""

from typing import Protocol

import dns.asyncquery
import dns.exception

from bot.dns.addresses import Endpoint
from bot.dns.replies import Question, Reply, ReplyKind, query, read_reply


class DnsTransport(Protocol):
    """The way of a query to a server. Tests answer from memory."""

    async def ask(
        self, question: Question, endpoint: Endpoint, zone: str | None, seconds: float, *, checking_disabled: bool
    ) -> Reply:
        """Ask a server of `zone`, or a resolver if `zone` is None, within `seconds`. Never raises."""


class NetworkTransport:
    """Queries over the network. A reply with another id, question or sender is ignored."""

    async def ask(
        self, question: Question, endpoint: Endpoint, zone: str | None, seconds: float, *, checking_disabled: bool
    ) -> Reply:
        """Ask a server of `zone`, or a resolver if `zone` is None, within `seconds`. Never raises."""
        try:
            message = query(question, recursion=zone is None, checking_disabled=checking_disabled)
            reply, _ = await dns.asyncquery.udp_with_fallback(
                message, endpoint.address, seconds, endpoint.port, ignore_unexpected=True, ignore_errors=True
            )
            return read_reply(reply, question, zone)
        except (dns.exception.Timeout, OSError, EOFError):
            return Reply(ReplyKind.UNREACHABLE)
        except dns.exception.DNSException:
            return Reply(ReplyKind.MALFORMED)
