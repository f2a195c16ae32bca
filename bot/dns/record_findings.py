"""The one situation of a validation record, judged from collected replies. Pure.

"Fine" is said only if every name server and every resolver has the value, and CAA permits DigiCert.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from bot.dns.caa import UNREAD_CAA, CaaRule, CaaView, ValidationMethod, binds, caa_rule
from bot.dns.replies import Record, Reply, ReplyKind, is_at_or_below
from bot.dns.zones import ServerReply

TARGET_SUFFIX = ".dcv.digicert.com"
DEFAULT_LABEL = "_dnsauth."
_MOST_FOUND = 5
# DigiCert's values look like this: one long word.
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")


class RecordSituation(StrEnum):
    """The state of a validation record. The values are the numbers of the design."""

    MISSING = "D1"
    OLDER_VALUE = "D2"
    VALUE_BESIDE = "D3"
    DISTORTED = "D4"
    ALIAS_IN_THE_WAY = "D5"
    WILDCARD = "D6"
    NO_SUCH_NAME = "D7"
    SERVER_LAME = "D8"
    SERVER_UNREACHABLE = "D9"
    SERVERS_DISAGREE = "D10"
    ZONE_UNREACHABLE = "D11"
    DNSSEC_BROKEN = "D12"
    CACHED = "D13"
    ALL_AGREE = "D14"
    EXPIRED = "D15"
    CAA_FORBIDS = "D16"
    CAA_RESTRICTS = "D17"
    DELEGATED = "D18"
    NOT_CHECKED = "not checked"


class Gap(StrEnum):
    """The reason why something was not checked."""

    OFF = "off"
    NO_ROUTE = "no route"
    """No authoritative server anywhere replies."""
    PRIVATE = "private"
    LIMIT = "limit"
    UNRESOLVED = "unresolved"
    """The address of a server is not known."""
    RESOLVERS = "resolvers"
    """The servers have the value, but a resolver gives no usable reply."""
    RESOLVERS_ONLY = "resolvers only"
    """Only resolvers were asked, as the settings say, and they have the value."""
    CAA = "caa"


@dataclass(frozen=True, slots=True)
class WantedRecord:
    """The record that DigiCert looks for: a TXT record with `value`, or a CNAME record to `value`.dcv.digicert.com."""

    name: str
    rtype: str
    value: str
    expires_at: datetime | None = None
    is_wildcard: bool = False

    @property
    def places(self) -> tuple[str, ...]:
        """The names that may hold the record."""
        default = f"{DEFAULT_LABEL}{self.name}"
        return (self.name, default) if self.rtype == "TXT" else (default,)


@dataclass(frozen=True, slots=True)
class ResolverReply:
    """A resolver's reply, and the one without DNSSEC checks if the first was a failure."""

    reply: Reply
    unchecked: Reply | None = None


@dataclass(frozen=True, slots=True)
class PlaceView:
    """Everything collected about one name that may hold the record.

    `wildcard` is the reply for `*` one level up. `missing_from` is the highest name that does not exist. `followed` is
    the same for the target of the name's CNAME record. `resolvers` were asked only if all servers have the value.
    """

    name: str
    zone: str
    replies: tuple[ServerReply, ...] = ()
    unresolved: tuple[str, ...] = ()
    wildcard: Reply | None = None
    missing_from: str = ""
    followed: "PlaceView | None" = None
    resolvers: tuple[ResolverReply, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordView:
    """Everything collected about a wanted record. `gap` is set if nothing was asked."""

    places: tuple[PlaceView, ...] = ()
    caa: CaaView = UNREAD_CAA
    has_route: bool = True
    gap: Gap | None = None


@dataclass(frozen=True, slots=True)
class RecordFinding:
    """The judgement. `seen` of `total` server addresses have the value; `servers` are the names of the others.

    `found` is foreign text: what is there instead or besides. `where` is the name that the finding is about.
    `caa` is the effect of CAA, also if it binds only later.
    """

    situation: RecordSituation
    where: str = ""
    zone: str = ""
    seen: int = 0
    total: int = 0
    servers: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    gap: Gap | None = None
    caa: CaaRule = CaaRule.UNKNOWN

    @property
    def is_fine(self) -> bool:
        """True only if DigiCert can see the value wherever it asks, and may issue."""
        return self.situation in {RecordSituation.ALL_AGREE, RecordSituation.VALUE_BESIDE}


class _Sight(StrEnum):
    """What one usable reply says about the value."""

    OURS = "ours"
    BESIDE = "beside"
    OLDER = "older"
    DISTORTED = "distorted"
    ALIAS = "alias"
    MISSING = "missing"
    NO_NAME = "no name"


_Usable = tuple[str, _Sight, Reply]
_HAVE_OURS = frozenset({_Sight.OURS, _Sight.BESIDE})
_WITHOUT_OURS = {
    _Sight.DISTORTED: RecordSituation.DISTORTED,
    _Sight.OLDER: RecordSituation.OLDER_VALUE,
    _Sight.ALIAS: RecordSituation.ALIAS_IN_THE_WAY,
    _Sight.MISSING: RecordSituation.MISSING,
    _Sight.NO_NAME: RecordSituation.NO_SUCH_NAME,
}
_FAILING = (ReplyKind.REFUSED, ReplyKind.LAME, ReplyKind.SERVFAIL, ReplyKind.MALFORMED)
# The replies that say nothing about the name, and the situation if every other server has the value.
_INCOMPLETE: tuple[tuple[tuple[ReplyKind, ...], RecordSituation, Gap | None], ...] = (
    (_FAILING, RecordSituation.SERVER_LAME, None),
    ((ReplyKind.UNREACHABLE,), RecordSituation.SERVER_UNREACHABLE, None),
    ((ReplyKind.PRIVATE,), RecordSituation.NOT_CHECKED, Gap.PRIVATE),
    ((ReplyKind.UNASKED, ReplyKind.REFERRAL), RecordSituation.NOT_CHECKED, Gap.LIMIT),
)
# From the best to the worst: of the two places of a TXT record, the better one counts.
_BEST_FIRST = (
    RecordSituation.ALL_AGREE,
    RecordSituation.VALUE_BESIDE,
    RecordSituation.CACHED,
    RecordSituation.DNSSEC_BROKEN,
    RecordSituation.SERVER_UNREACHABLE,
    RecordSituation.SERVER_LAME,
    RecordSituation.SERVERS_DISAGREE,
    RecordSituation.DISTORTED,
    RecordSituation.OLDER_VALUE,
)


def judge_record(wanted: WantedRecord, view: RecordView, method: ValidationMethod, now: datetime) -> RecordFinding:
    """Return the one situation of a record at a time."""
    caa = caa_rule(view.caa, method, is_wildcard=wanted.is_wildcard)
    if wanted.expires_at and wanted.expires_at <= now:
        return RecordFinding(RecordSituation.EXPIRED, wanted.name, caa=caa)
    if view.gap is Gap.RESOLVERS_ONLY:
        of_places = [_seen_by_resolvers(wanted, each) for each in view.places]
        return replace(max(of_places, key=lambda each: each.seen), caa=caa)
    if view.gap or not view.places:
        return RecordFinding(RecordSituation.NOT_CHECKED, wanted.name, gap=view.gap or Gap.LIMIT, caa=caa)
    findings = [_judge_place(wanted, place, has_route=view.has_route) for place in view.places]
    best = min(findings, key=_rank)
    return replace(_under_caa(best, caa, now.date()), caa=caa)


def has_value(wanted: WantedRecord, place: PlaceView) -> bool:
    """Return True if every server has the value, at this name or at its alias, so that resolvers may be asked."""
    if not place.replies or place.unresolved:
        return False
    if place.followed:
        aliases = {each.reply.aliases for each in place.replies}
        return aliases == {(place.followed.name,)} and has_value(wanted, place.followed)
    return all(_sight(wanted, each.reply) in _HAVE_OURS for each in place.replies)


def is_seen(wanted: WantedRecord, reply: Reply) -> bool:
    """Return True if this reply has the value."""
    return _sight(wanted, reply) in _HAVE_OURS


def _rank(finding: RecordFinding) -> int:
    # The gap of a place that has the value on some servers says more than the absence at the other place.
    if finding.situation is RecordSituation.NOT_CHECKED and finding.seen:
        return _BEST_FIRST.index(RecordSituation.SERVERS_DISAGREE)
    return _BEST_FIRST.index(finding.situation) if finding.situation in _BEST_FIRST else len(_BEST_FIRST)


def _under_caa(finding: RecordFinding, caa: CaaRule, today: date) -> RecordFinding:
    """Return the finding, unless CAA forbids what would be fine otherwise, or could not be read."""
    if not finding.is_fine:
        return finding
    if caa is CaaRule.UNKNOWN:
        return replace(finding, situation=RecordSituation.NOT_CHECKED, gap=Gap.CAA)
    if not binds(caa, today):
        return finding
    is_forbidden = caa is CaaRule.FORBIDS
    return replace(finding, situation=RecordSituation.CAA_FORBIDS if is_forbidden else RecordSituation.CAA_RESTRICTS)


def _judge_place(wanted: WantedRecord, place: PlaceView, *, has_route: bool) -> RecordFinding:
    total = len(place.replies) + len(place.unresolved)
    usable = _usable(wanted, place)
    seen = sum(sight in _HAVE_OURS for _, sight, _ in usable)
    base = RecordFinding(RecordSituation.MISSING, place.name, place.zone, seen, total)
    if place.missing_from and not usable:
        return replace(base, situation=RecordSituation.NO_SUCH_NAME, where=place.missing_from)
    if not usable:
        return _nothing_usable(base, place, has_route=has_route)
    if 0 < seen < len(usable):
        others = tuple(dict.fromkeys(name for name, sight, _ in usable if sight not in _HAVE_OURS))
        return replace(base, situation=RecordSituation.SERVERS_DISAGREE, servers=others, found=_found(wanted, usable))
    if not seen:
        return _without_value(wanted, base, place, usable)
    return _incomplete(base, place) or _by_resolvers(wanted, base, place, usable)


def _usable(wanted: WantedRecord, place: PlaceView) -> list[_Usable]:
    """Return what each usable reply says, with the name of its server."""
    sights = [(each, _sight(wanted, each.reply)) for each in place.replies]
    return [(each.server.name, sight, each.reply) for each, sight in sights if sight is not None]


def _nothing_usable(base: RecordFinding, place: PlaceView, *, has_route: bool) -> RecordFinding:
    kinds = {each.reply.kind for each in place.replies}
    servers = _names(place, *kinds)
    if not kinds:
        return replace(base, situation=RecordSituation.NOT_CHECKED, gap=Gap.UNRESOLVED, servers=place.unresolved)
    if ReplyKind.UNASKED in kinds:
        return replace(base, situation=RecordSituation.NOT_CHECKED, gap=Gap.LIMIT, servers=servers)
    if kinds == {ReplyKind.PRIVATE}:
        return replace(base, situation=RecordSituation.NOT_CHECKED, gap=Gap.PRIVATE, servers=servers)
    if not has_route:
        return replace(base, situation=RecordSituation.NOT_CHECKED, gap=Gap.NO_ROUTE)
    return replace(base, situation=RecordSituation.ZONE_UNREACHABLE, servers=servers)


def _without_value(
    wanted: WantedRecord, base: RecordFinding, place: PlaceView, usable: Sequence[_Usable]
) -> RecordFinding:
    """Return why the value is on no server. The first sight in the order of `_WITHOUT_OURS` decides."""
    sights = {sight for _, sight, _ in usable}
    sight = next(each for each in _WITHOUT_OURS if each in sights)
    found = _found(wanted, usable)
    if place.followed:
        return _at_target(wanted, base, place, place.followed, usable)
    reply = next(reply for _, each, reply in usable if each is sight)
    is_wild = place.wildcard is not None and (reply.records or reply.aliases) and _same(reply, place.wildcard)
    if is_wild:
        return replace(base, situation=RecordSituation.WILDCARD, found=found)
    where = place.missing_from if sight is _Sight.NO_NAME and place.missing_from else place.name
    return replace(base, situation=_WITHOUT_OURS[sight], where=where, found=found)


def _at_target(
    wanted: WantedRecord, base: RecordFinding, place: PlaceView, target: PlaceView, usable: Sequence[_Usable]
) -> RecordFinding:
    """Return the finding at the target of a CNAME record if the value is on some server there."""
    aliases = {reply.aliases for _, _, reply in usable}
    alias = target.name
    if len(aliases) > 1:
        others = tuple(dict.fromkeys(server for server, _, reply in usable if reply.aliases != (alias,)))
        return replace(base, situation=RecordSituation.SERVERS_DISAGREE, servers=others, found=(alias,))
    finding = _judge_place(wanted, target, has_route=True)
    if finding.seen:
        return _incomplete(base, place) or finding
    if place.wildcard is not None and place.wildcard.aliases == (alias,):
        return replace(base, situation=RecordSituation.WILDCARD, found=(alias,))
    is_same_zone = is_at_or_below(target.name, place.zone) and target.zone == place.zone
    situation = RecordSituation.ALIAS_IN_THE_WAY if is_same_zone else RecordSituation.DELEGATED
    return replace(base, situation=situation, found=(alias,))


def _incomplete(base: RecordFinding, place: PlaceView) -> RecordFinding | None:
    """Return the finding if not every server replied usably."""
    for kinds, situation, gap in (
        (
            (ReplyKind.REFUSED, ReplyKind.LAME, ReplyKind.SERVFAIL, ReplyKind.MALFORMED),
            RecordSituation.SERVER_LAME,
            None,
        ),
        ((ReplyKind.UNREACHABLE,), RecordSituation.SERVER_UNREACHABLE, None),
        ((ReplyKind.PRIVATE,), RecordSituation.NOT_CHECKED, Gap.PRIVATE),
        ((ReplyKind.UNASKED, ReplyKind.REFERRAL), RecordSituation.NOT_CHECKED, Gap.LIMIT),
    ):
        if servers := _names(place, *kinds):
            return replace(base, situation=situation, servers=servers, gap=gap)
    if place.unresolved:
        return replace(base, situation=RecordSituation.NOT_CHECKED, gap=Gap.UNRESOLVED, servers=place.unresolved)
    return None


def _by_resolvers(
    wanted: WantedRecord, base: RecordFinding, place: PlaceView, usable: Sequence[_Usable]
) -> RecordFinding:
    """Return the finding if every server has the value: do the resolvers have it, too?"""
    for each in place.resolvers:
        if each.reply.kind is ReplyKind.SERVFAIL and each.unchecked and is_seen(wanted, each.unchecked):
            return replace(base, situation=RecordSituation.DNSSEC_BROKEN)
    if any(each.reply.is_usable and not is_seen(wanted, each.reply) for each in place.resolvers):
        return replace(base, situation=RecordSituation.CACHED)
    if not place.resolvers or not all(is_seen(wanted, each.reply) for each in place.resolvers):
        return replace(base, situation=RecordSituation.NOT_CHECKED, gap=Gap.RESOLVERS)
    if any(sight is _Sight.BESIDE for _, sight, _ in usable):
        return replace(base, situation=RecordSituation.VALUE_BESIDE, found=_found(wanted, usable))
    return replace(base, situation=RecordSituation.ALL_AGREE)


def _seen_by_resolvers(wanted: WantedRecord, place: PlaceView) -> RecordFinding:
    seen = sum(is_seen(wanted, each.reply) for each in place.resolvers)
    total = len(place.resolvers)
    return RecordFinding(RecordSituation.NOT_CHECKED, place.name, seen=seen, total=total, gap=Gap.RESOLVERS_ONLY)


def _names(place: PlaceView, *kinds: ReplyKind) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.server.name for each in place.replies if each.reply.kind in kinds))


def _same(reply: Reply, other: Reply) -> bool:
    return (reply.records, reply.aliases) == (other.records, other.aliases)


def _found(wanted: WantedRecord, usable: Sequence[_Usable]) -> tuple[str, ...]:
    """Return what is there that may be meant for the validation, without ours."""
    texts = (
        "".join(record)
        for _, _, reply in usable
        for record in (*reply.records, *((alias,) for alias in reply.aliases[:1]))
        if record != _expected(wanted) and _is_related(wanted, record, reply)
    )
    return tuple(dict.fromkeys(texts))[:_MOST_FOUND]


def _is_related(wanted: WantedRecord, record: Record, reply: Reply) -> bool:
    text = "".join(record)
    is_alias = wanted.rtype == "CNAME" or text in reply.aliases
    return is_alias or bool(_TOKEN.fullmatch(text)) or wanted.value.lower() in text.lower()


def _expected(wanted: WantedRecord) -> Record:
    return (wanted.value,) if wanted.rtype == "TXT" else (f"{wanted.value.lower()}{TARGET_SUFFIX}",)


def _sight(wanted: WantedRecord, reply: Reply) -> _Sight | None:
    if reply.kind is ReplyKind.NXDOMAIN:
        return _Sight.ALIAS if reply.aliases else _Sight.NO_NAME
    if reply.kind is not ReplyKind.ANSWER:
        return None
    return _sight_of_alias(wanted, reply) if wanted.rtype == "CNAME" else _sight_of_text(wanted, reply)


def _sight_of_text(wanted: WantedRecord, reply: Reply) -> _Sight:
    texts = ["".join(record) for record in reply.records if record != _expected(wanted)]
    has_older = any(_TOKEN.fullmatch(text) for text in texts)
    if _expected(wanted) in reply.records:
        return _Sight.BESIDE if has_older else _Sight.OURS
    if any(wanted.value.lower() in text.lower() for text in texts):
        return _Sight.DISTORTED
    if reply.aliases:
        return _Sight.ALIAS
    return _Sight.OLDER if has_older else _Sight.MISSING


def _sight_of_alias(wanted: WantedRecord, reply: Reply) -> _Sight:
    targets = [record[0] for record in reply.records]
    if not targets:
        return _Sight.MISSING
    if targets == list(_expected(wanted)):
        return _Sight.OURS
    if any(wanted.value.lower() in target for target in targets):
        return _Sight.DISTORTED
    return _Sight.OLDER if targets[0].endswith(TARGET_SUFFIX) else _Sight.ALIAS
