"""Each situation in DNS has a sentence of its own, and a next step unless there is nothing to do."""

import pytest

from bot.dns.caa import CaaRule
from bot.dns.mail_findings import MailFinding, MailSituation
from bot.dns.record_findings import Gap, RecordFinding, RecordSituation
from bot.views.dns_findings import mail_said, mailbox_said, record_said


def finding(situation, **changes):
    values = {"where": "shop.example.com", "zone": "example.com", "seen": 2, "total": 4, "servers": ("ns3", "ns4")}
    return RecordFinding(situation, **values | {"found": ("old",), "caa": CaaRule.ALLOWS} | changes)


def said(situation):
    return record_said(finding(situation, caa=CaaRule.FORBIDS_METHOD))


def test_each_situation_of_a_record_has_its_own_sentence_and_step():
    every = [said(situation) for situation in RecordSituation]

    assert len({each.sentence for each in every}) == len(RecordSituation)
    assert [each for each in every if not each.step] == [said(RecordSituation.NOT_CHECKED)]
    assert all(str(each).endswith(".") for each in every)


def test_a_part_of_the_servers_is_named():
    assert str(record_said(finding(RecordSituation.SERVERS_DISAGREE))).startswith(
        "Seen on 2 of 4 name servers; not on ns3 and ns4 (“old”)."
    )


@pytest.mark.parametrize("gap", Gap)
def test_what_was_not_checked_is_never_fine(gap):
    words = str(record_said(finding(RecordSituation.NOT_CHECKED, gap=gap)))

    assert "ot checked" in words or "weren't asked" in words
    assert gap is not Gap.NO_ROUTE or "I can't ask name servers from here (outgoing port 53)" in words


def test_a_warning_of_caa_is_said_with_its_date():
    words = str(record_said(finding(RecordSituation.ALL_AGREE, caa=CaaRule.FORBIDS_METHOD)))

    assert words.endswith("CAA doesn't list this validation method. That blocks it from March 15, 2027.")


def test_each_situation_of_a_mail_domain_has_its_own_sentence():
    hosts = ("x.mail.protection.outlook.com",)
    domain = [each for each in MailSituation if each.value in {"M1", "M2", "M3", "M4", "M5", "M6", "not checked"}]
    mailbox = [MailSituation(f"M{number}") for number in (7, 8, 9, 11, 12)]
    words = [str(mail_said(MailFinding(each, hosts, Gap.OFF))) for each in domain]
    words += [str(mailbox_said(each)) for each in mailbox]

    assert words[0] == "Microsoft 365"
    assert "MX not checked: DNS checks are turned off" in words
    assert len(set(words)) == len(domain) + len(mailbox)
    assert "" not in words


def test_text_from_dns_makes_no_mention():
    words = str(record_said(finding(RecordSituation.OLDER_VALUE, found=("<!channel> `x`",))))

    assert "<!channel>" not in words
    assert "&lt;!channel&gt; x" in words
