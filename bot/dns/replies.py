"""One question to one server, and its reply, read from dnspython's messages. Pure.

Sources: RFC 1034 (4.3.2), RFC 2181 (authority), RFC 2308 (negative answers), RFC 8499 (lame, referral).
"""

from dataclasses import dataclass
from enum import StrEnum

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.CAA import CAA
from dns.rdtypes.ANY.CNAME import CNAME
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.NS import NS
from dns.rdtypes.ANY.TXT import TXT

MOST_ALIASES = 8
# Foreign text: enough for each record that matters here, and no more.
_LONGEST_TEXT = 1024
_MOST_RECORDS = 64

Record = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A name, ASCII-encoded and without a final dot, and the type of the records that are wanted."""

    name: str
    rtype: str


class ReplyKind(StrEnum):
    """The kind of one server's reply. Only ANSWER and NXDOMAIN say something about the name."""

    ANSWER = "answer"
    """The server has the name, with or without records of the type."""
    NXDOMAIN = "nxdomain"
    REFERRAL = "referral"
    LAME = "lame"
    """The server replies, but it does not have the zone."""
    REFUSED = "refused"
    SERVFAIL = "servfail"
    MALFORMED = "malformed"
    UNREACHABLE = "unreachable"
    PRIVATE = "private"
    """Not asked, because its address is not one of the public internet."""
    UNASKED = "unasked"
    """Not asked, because of a limit."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A server's reply. `records` are those at the end of the CNAME records `aliases`.

    A record is its fields as text: the strings of a TXT record, preference and host of an MX record, flags, tag and
    value of a CAA record. `zone` and `servers` are those of a referral, with their addresses in `glue`. The reply of a
    name server ends at its first alias.
    """

    kind: ReplyKind
    records: tuple[Record, ...] = ()
    aliases: tuple[str, ...] = ()
    zone: str = ""
    servers: tuple[str, ...] = ()
    glue: tuple[tuple[str, str], ...] = ()

    @property
    def is_usable(self) -> bool:
        """True if the reply says something about the name."""
        return self.kind in {ReplyKind.ANSWER, ReplyKind.NXDOMAIN}


def query(question: Question, *, recursion: bool, checking_disabled: bool = False) -> dns.message.QueryMessage:
    """Return the message to send. UDP payloads stay below the usual path limit (DNS flag day 2020)."""
    message = dns.message.make_query(question.name, question.rtype, use_edns=0, payload=1232)
    message.flags = (dns.flags.RD if recursion else 0) | (dns.flags.CD if checking_disabled else 0)
    return message


def read_reply(message: dns.message.Message, question: Question, zone: str | None) -> Reply:
    """Return the reply of a server of `zone`, or of a resolver if `zone` is None.

    A server of a zone must answer with authority, or refer to a zone below. Anything else is lame.
    """
    code = message.rcode()
    failed = {dns.rcode.REFUSED: ReplyKind.REFUSED, dns.rcode.SERVFAIL: ReplyKind.SERVFAIL}
    failed |= {dns.rcode.NOTAUTH: ReplyKind.LAME}
    if code in failed:
        return Reply(failed[code])
    if code not in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}:
        return Reply(ReplyKind.MALFORMED)
    aliases, records = _followed(message, question)
    kind = ReplyKind.NXDOMAIN if code == dns.rcode.NXDOMAIN else ReplyKind.ANSWER
    if zone is None:
        return Reply(kind, records, aliases)
    if message.flags & dns.flags.AA:
        # A server speaks for its own zone alone: the target of an alias may be in another one.
        return Reply(ReplyKind.ANSWER, aliases=aliases[:1]) if aliases else Reply(kind, records)
    referral = None if aliases or records or code == dns.rcode.NXDOMAIN else _referral(message, question, zone or "")
    return referral or Reply(ReplyKind.LAME)


def text_of(name: dns.name.Name) -> str:
    """Return a name in lower case, without the final dot."""
    return name.to_text(omit_final_dot=True).lower()


def is_at_or_below(name: str, zone: str) -> bool:
    """Return True if `name` is `zone` or below it. Everything is below the root, which is the empty name."""
    return not zone or name == zone or name.endswith(f".{zone}")


def _followed(message: dns.message.Message, question: Question) -> tuple[tuple[str, ...], tuple[Record, ...]]:
    """Return the aliases from the asked name on, and the records at their end, as far as this message has them."""
    wanted = dns.rdatatype.from_text(question.rtype)
    name, aliases = question.name, list[str]()
    for _ in range(MOST_ALIASES + 1):
        if records := _records(message.answer, name, wanted):
            return tuple(aliases), records
        targets = _records(message.answer, name, dns.rdatatype.CNAME)
        if not targets or targets[0][0] in {question.name, *aliases}:
            break
        name = targets[0][0]
        aliases.append(name)
    return tuple(aliases), ()


def _records(section: list[dns.rrset.RRset], name: str, rtype: dns.rdatatype.RdataType) -> tuple[Record, ...]:
    found = [rdata for rrset in section if rrset.rdtype == rtype and text_of(rrset.name) == name for rdata in rrset]
    return tuple(sorted(_fields(rdata) for rdata in found[:_MOST_RECORDS]))


def _fields(rdata: dns.rdata.Rdata) -> Record:
    match rdata:
        case TXT():
            return tuple(_text(part) for part in rdata.strings)
        case MX():
            return f"{rdata.preference:05}", text_of(rdata.exchange)
        case CAA():
            return str(rdata.flags), _text(rdata.tag).lower(), _text(rdata.value)
        case CNAME() | NS():
            return (text_of(rdata.target),)
        case _:
            return (rdata.to_text()[:_LONGEST_TEXT],)


def _text(raw: bytes) -> str:
    return raw[:_LONGEST_TEXT].decode("utf-8", "backslashreplace")


def _referral(message: dns.message.Message, question: Question, zone: str) -> Reply | None:
    """Return a referral to a zone strictly below `zone`, with the addresses that its server may speak for."""
    for rrset in message.authority:
        below = text_of(rrset.name)
        is_down = below != zone and is_at_or_below(below, zone) and is_at_or_below(question.name, below)
        if rrset.rdtype != dns.rdatatype.NS or not is_down:
            continue
        servers = tuple(record[0] for record in _records([rrset], below, dns.rdatatype.NS))
        glue = tuple(
            (server, record[0])
            for server in servers
            if is_at_or_below(server, zone)
            for rtype in (dns.rdatatype.A, dns.rdatatype.AAAA)
            for record in _records(message.additional, server, rtype)
        )
        return Reply(ReplyKind.REFERRAL, zone=below, servers=servers, glue=glue)
    return None
