"""What DNS checks found, each situation in one sentence, with the next step."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.dns.caa import PARAMETERS_BIND_FROM, CaaRule
from bot.dns.mail_findings import MailFinding, MailSituation
from bot.dns.mail_products import product_of
from bot.dns.record_findings import Gap, RecordFinding, RecordSituation
from bot.views.blocks import escape, join_names, name, truncate

_ROOM_FOR_A_VALUE = 80
_MOST_SERVERS = 4


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence about a finding, and what to do next; `step` is empty if nothing is."""

    sentence: str
    step: str = ""

    def __str__(self) -> str:
        return f"{self.sentence} {self.step}".strip()


def record_said(finding: RecordFinding) -> Sentence:
    """Return the sentence about a validation record."""
    return _RECORD[finding.situation](finding)


def mail_said(finding: MailFinding) -> Sentence:
    """Return what is known of the mail servers of a mailbox, as a part of its line; if they are fine, who runs them."""
    if finding.situation is MailSituation.FINE:
        product = product_of(finding.hosts)
        return Sentence(product.name if product else _shown(finding.hosts[0]))
    return _MAIL.get(finding.situation) or Sentence(f"MX not checked: {_gap(finding.gap).removesuffix('.')}")


def mailbox_said(situation: MailSituation) -> Sentence:
    """Return the sentence about one mailbox by DigiCert's lists, its DNS contact, or its link; empty if it is fine."""
    return _MAILBOX.get(situation, Sentence(""))


_MAIL = {
    MailSituation.NO_MX: Sentence("no MX record, so DigiCert sends nothing"),
    MailSituation.NULL_MX: Sentence("accepts no email (null MX)"),
    MailSituation.NO_ADDRESS: Sentence("its MX has no IP address"),
    MailSituation.PRIVATE_ADDRESSES: Sentence("its MX has only private IP addresses"),
    MailSituation.UNREACHABLE: Sentence("its name servers don't answer"),
}
_MAILBOX = {
    MailSituation.NO_CONTACT: Sentence("no longer a DNS contact: neither TXT nor CAA names it", "Publish it again."),
    MailSituation.MALFORMED_CONTACT: Sentence(
        "the DNS contact record has more than a bare address", "Publish the address alone."
    ),
    MailSituation.MALFORMED_CAA_CONTACT: Sentence("the CAA contactemail is malformed", "Publish a bare address."),
    MailSituation.NEVER_ALLOWED: Sentence("DigiCert doesn't allow this address"),
    MailSituation.OLD_LINK: Sentence(
        "the link in the email has expired after 30 days", "Another mailbox gets a new link."
    ),
}


def _gap(gap: Gap | None, servers: tuple[str, ...] = ()) -> str:
    listed = _servers(servers) if servers else "a name server"
    sentences = {
        Gap.OFF: "DNS checks are turned off.",
        Gap.NO_ROUTE: "I can't ask name servers from here (outgoing port 53).",
        Gap.PRIVATE: f"private address of {listed}.",
        Gap.LIMIT: "it took too long or too many queries.",
        Gap.UNRESOLVED: f"the address of {listed} is unknown.",
        Gap.RESOLVERS: "the name servers have the value, but no resolver confirmed it.",
        Gap.RESOLVERS_ONLY: "I only ask resolvers, not the name servers.",
        Gap.CAA: "the CAA records couldn't be read.",
    }
    return sentences[gap or Gap.LIMIT]


def _servers(servers: tuple[str, ...]) -> str:
    return join_names([_shown(each) for each in servers], _MOST_SERVERS)


def _shown(foreign: str) -> str:
    return truncate(escape(foreign), _ROOM_FOR_A_VALUE)


def _first(finding: RecordFinding) -> str:
    return f"“{_shown(finding.found[0])}”" if finding.found else "another value"


def _of_servers(finding: RecordFinding) -> str:
    return f"{finding.seen} of {finding.total} name servers"


def _missing(finding: RecordFinding) -> Sentence:
    return Sentence(f"{name(finding.where)} doesn't have the value yet.", "Publish it.")


def _older(finding: RecordFinding) -> Sentence:
    return Sentence(f"{name(finding.where)} has an older value, {_first(finding)}.", "Replace it with the new value.")


def _beside(finding: RecordFinding) -> Sentence:
    return Sentence(
        f"All {finding.total} name servers have the value, beside {_first(finding)}.", "DigiCert accepts that."
    )


def _distorted(finding: RecordFinding) -> Sentence:
    words = f"{name(finding.where)} has the value in another form: {_first(finding)}."
    return Sentence(words, "Publish it as one string, without quotes or other text.")


def _alias(finding: RecordFinding) -> Sentence:
    place = name(finding.where)
    return Sentence(
        f"A CNAME of {place} to {_first(finding)} is in the way.", f"Publish the value at _dnsauth.{place}."
    )


def _wildcard(finding: RecordFinding) -> Sentence:
    return Sentence(
        f"A wildcard record answers for {name(finding.where)}: {_first(finding)}.", "Publish the name's own record."
    )


def _no_name(finding: RecordFinding) -> Sentence:
    return Sentence(f"{name(finding.where)} doesn't exist in DNS.", "Check the zone and the spelling of the host.")


def _lame(finding: RecordFinding) -> Sentence:
    words = f"{_of_servers(finding)} have the value; {_servers(finding.servers)} refused or can't answer."
    return Sentence(words, "Fix or remove that server.")


def _unreachable(finding: RecordFinding) -> Sentence:
    words = f"{_of_servers(finding)} have the value; {_servers(finding.servers)} can't be reached."
    return Sentence(words, "Fix or remove that server.")


def _disagree(finding: RecordFinding) -> Sentence:
    old = f" ({_first(finding)})" if finding.found else ""
    words = f"Seen on {_of_servers(finding)}; not on {_servers(finding.servers)}{old}."
    return Sentence(words, "Wait for the zone transfer, or publish it there.")


def _zone_unreachable(finding: RecordFinding) -> Sentence:
    zone = name(finding.zone or finding.where)
    return Sentence(f"No name server of {zone} can be reached.", "Ask the team that runs the zone.")


def _dnssec(finding: RecordFinding) -> Sentence:
    zone = name(finding.zone or finding.where)
    return Sentence(
        f"DNSSEC of {zone} is broken, so DigiCert must refuse the value.", "Fix the signatures or the DS record."
    )


def _cached(finding: RecordFinding) -> Sentence:
    words = f"All {finding.total} name servers have the value, but a resolver still caches the old answer."
    return Sentence(words, "Wait until its cache expires.")


def _agree(finding: RecordFinding) -> Sentence:
    restricted = _restriction(finding.caa) if finding.caa in _RESTRICTIONS else ""
    return Sentence(f"All {finding.total} name servers have the value, and the resolvers too.", restricted)


def _expired(_: RecordFinding) -> Sentence:
    return Sentence("The value has expired.", "Get a new value and publish it.")


def _caa_forbids(finding: RecordFinding) -> Sentence:
    words = f"All {finding.total} name servers have the value, but CAA forbids DigiCert to issue."
    return Sentence(words, 'Add the CAA record 0 issue "digicert.com".')


def _caa_restricts(finding: RecordFinding) -> Sentence:
    words = f"All {finding.total} name servers have the value, but CAA {_RESTRICTIONS[finding.caa]}."
    return Sentence(words, "Change that CAA record.")


def _delegated(finding: RecordFinding) -> Sentence:
    place = name(finding.where)
    return Sentence(
        f"{place} is delegated by a CNAME to {_first(finding)}, in another zone.", "Publish the value there."
    )


def _not_checked(finding: RecordFinding) -> Sentence:
    if finding.gap is Gap.RESOLVERS_ONLY:
        return Sentence(f"{finding.seen} of {finding.total} resolvers have the value; the name servers weren't asked.")
    return Sentence(f"Not checked: {_gap(finding.gap, finding.servers)}")


_RESTRICTIONS = {
    CaaRule.FORBIDS_METHOD: "doesn't list this validation method",
    CaaRule.NAMES_ACCOUNT: "allows only one account, which I can't compare with yours",
}


def _restriction(rule: CaaRule) -> str:
    day = PARAMETERS_BIND_FROM
    return f"CAA {_RESTRICTIONS[rule]}. That blocks it from {day:%B} {day.day}, {day.year}."


_RECORD: dict[RecordSituation, Callable[[RecordFinding], Sentence]] = {
    RecordSituation.MISSING: _missing,
    RecordSituation.OLDER_VALUE: _older,
    RecordSituation.VALUE_BESIDE: _beside,
    RecordSituation.DISTORTED: _distorted,
    RecordSituation.ALIAS_IN_THE_WAY: _alias,
    RecordSituation.WILDCARD: _wildcard,
    RecordSituation.NO_SUCH_NAME: _no_name,
    RecordSituation.SERVER_LAME: _lame,
    RecordSituation.SERVER_UNREACHABLE: _unreachable,
    RecordSituation.SERVERS_DISAGREE: _disagree,
    RecordSituation.ZONE_UNREACHABLE: _zone_unreachable,
    RecordSituation.DNSSEC_BROKEN: _dnssec,
    RecordSituation.CACHED: _cached,
    RecordSituation.ALL_AGREE: _agree,
    RecordSituation.EXPIRED: _expired,
    RecordSituation.CAA_FORBIDS: _caa_forbids,
    RecordSituation.CAA_RESTRICTS: _caa_restricts,
    RecordSituation.DELEGATED: _delegated,
    RecordSituation.NOT_CHECKED: _not_checked,
}
