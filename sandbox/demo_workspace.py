"""The workspace of the demo: one user and one channel of each kind, with a few messages."""

from dataclasses import dataclass

from sandbox.slack import Channel, SimulatedUser, Slack, Usergroup
from sandbox.web import Persona
from sandbox.web.messages import post_as
from sandbox.web.sample_alerts import SAMPLE_ALERTS


@dataclass(frozen=True)
class DemoWorkspace:
    """The users and channels of the demo."""

    ana: SimulatedUser
    ben: SimulatedUser
    gita: SimulatedUser
    noor: SimulatedUser
    sam: SimulatedUser
    pki: Channel
    alerts: Channel
    pki_team: Usergroup

    @property
    def personas(self) -> list[Persona]:
        """Return the users that a visitor of the page can act as."""
        return [
            Persona(self.ana, "can resend"),
            Persona(self.ben, "can't resend"),
            Persona(self.gita, "in @pki-team, can resend"),
            # The bot denies guests, whatever the lists say.
            Persona(self.noor, "guest in @pki-team"),
            Persona(self.sam, "from another company"),
        ]


def populate(slack: Slack) -> DemoWorkspace:
    """Fill an empty workspace with users, channels and messages."""
    ana = slack.add_person("ana", real_name="Ana Ruiz")
    ben = slack.add_person("ben", real_name="Ben Okoro")
    gita = slack.add_person("gita", real_name="Gita Rao")
    noor = slack.add_person("noor", real_name="Noor Haddad", guest=True)
    sam = slack.add_person("sam", real_name="Sam Lindqvist", stranger=True)
    pki = slack.add_channel("pki")
    alerts = slack.add_channel("cert-alerts")
    platform = slack.add_channel("platform", member=False, absent={noor.id})
    partners = slack.add_channel("partner-northwind", ext_shared=True)
    post_as(
        slack,
        ben,
        pki,
        "Morning! Who can resend the DCV email for shop.example.com? The first one went to an old mailbox.",
    )
    post_as(
        slack, ana, pki, "I can. Run /dcv-resend why to see your permissions, or /dcv-status to see the pending orders."
    )
    post_as(slack, ben, platform, "The new ingress needs a certificate for api.example.net by Friday.")
    post_as(slack, sam, partners, "Hi all, our side of the email setup for example.net is done.")
    SAMPLE_ALERTS["alertmanager"].post(slack, alerts)
    pki_team = slack.add_usergroup("pki-team", [gita, noor])
    return DemoWorkspace(ana, ben, gita, noor, sam, pki, alerts, pki_team)
