"""The workspace of the demo: people of every kind, channels of every kind, and something that was said in them."""

from dataclasses import dataclass

from sandbox.slack import Channel, Person, Slack
from sandbox.web import Role
from sandbox.web.messages import say
from sandbox.web.sample_alerts import ALERTS


@dataclass(frozen=True)
class DemoWorkspace:
    """Everybody and every place; `cast` is who one can be on the page."""

    ana: Person
    ben: Person
    gita: Person
    sam: Person
    pki: Channel
    alerts: Channel

    @property
    def personas(self) -> list[Role]:
        """Who one can be on the page, with what they may do."""
        return [
            Role(self.ana, "may resend"),
            Role(self.ben, "is not on the list"),
            Role(self.gita, "a guest, though on the list"),
            Role(self.sam, "from another company"),
        ]

    @property
    def allowed_users(self) -> list[Person]:
        """Those whom the bot's list names; being a guest counts more."""
        return [self.ana, self.gita]


def populate(slack: Slack) -> DemoWorkspace:
    """Fill an empty workspace."""
    ana = slack.add_person("ana", real_name="Ana Ruiz")
    ben = slack.add_person("ben", real_name="Ben Okoro")
    gita = slack.add_person("gita", real_name="Gita Rao", guest=True)
    sam = slack.add_person("sam", real_name="Sam Lindqvist", stranger=True)
    pki = slack.add_channel("pki")
    alerts = slack.add_channel("cert-alerts")
    platform = slack.add_channel("platform", member=False, absent={gita.id})
    partners = slack.add_channel("partner-northwind", ext_shared=True)
    say(
        slack,
        ben,
        pki,
        "Morning! Who can resend the mail for shop.example.com? The first one went to an old box.",
    )
    say(slack, ana, pki, "I can. Type /dcv-resend yourself to see what you may do, or /dcv-status to see what waits.")
    say(slack, ben, platform, "The new ingress wants a certificate for api.example.net by Friday.")
    say(slack, sam, partners, "Hi all, our side of the mail setup for example.net is done.")
    ALERTS["alertmanager"].post(slack, alerts)
    return DemoWorkspace(ana, ben, gita, sam, pki, alerts)
