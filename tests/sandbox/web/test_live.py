"""The live view of each person."""

from sandbox.certcentral import CertCentral
from sandbox.demo_workspace import DemoWorkspace
from sandbox.slack import Slack
from sandbox.slack.workspace.manifest import Manifest
from sandbox.web import WebPage
from tests.sandbox.web.conftest import MANIFEST, Visitor


async def test_a_message_comes_by_itself_and_so_does_its_edit(
    ana: Visitor, slack: Slack, workspace: DemoWorkspace
) -> None:
    message = slack.post(workspace.pki, slack.bot, slack.build_content("Sending"))
    await ana.sees(lambda: "Sending" in ana.texts(workspace.pki.id))

    slack.edit(message, slack.build_content("Sent"))

    await ana.sees(lambda: "Sent" in ana.texts(workspace.pki.id) and "Sending" not in ana.texts(workspace.pki.id))


async def test_one_change_is_sent_alone(ana: Visitor, slack: Slack, workspace: DemoWorkspace) -> None:
    frames = ana.frames
    names = set(ana.parts)

    slack.post(workspace.pki, slack.bot, slack.build_content("one more"))
    await ana.sees(lambda: ana.frames == frames + 1)

    assert {name.split("/")[0] for name in set(ana.parts) - names} == {"message"}


async def test_an_ephemeral_message_reaches_one_person_alone(
    ana: Visitor, sam: Visitor, slack: Slack, workspace: DemoWorkspace
) -> None:
    partners = next(channel for channel in slack.channels.values() if channel.ext_shared)

    slack.post_ephemeral(workspace.ana, partners, slack.build_content("only for you"))
    slack.post(partners, slack.bot, slack.build_content("for all"))
    await ana.sees(lambda: "only for you" in ana.texts(partners.id))
    await sam.sees(lambda: "for all" in sam.texts(partners.id))

    assert "only for you" not in sam.texts(partners.id)


async def test_people_from_elsewhere_see_shared_channels_alone(sam: Visitor) -> None:
    assert [part["name"] for name, part in sam.parts.items() if name.startswith("channel/")] == ["partner-northwind"]


async def test_everybody_of_the_house_has_direct_messages_with_the_app(
    ana: Visitor, workspace: DemoWorkspace, slack: Slack
) -> None:
    own = [part["id"] for name, part in ana.parts.items() if name.startswith("channel/") and part["with_bot"]]

    assert own == [slack.dm(workspace.ana).id]


async def test_a_deleted_message_goes(ana: Visitor, slack: Slack, workspace: DemoWorkspace) -> None:
    message = slack.post(workspace.pki, slack.bot, slack.build_content("soon gone"))
    await ana.sees(lambda: "soon gone" in ana.texts(workspace.pki.id))

    slack.delete(message)

    await ana.sees(lambda: "soon gone" not in ana.texts(workspace.pki.id))


async def test_orders_mails_and_the_wire_come_too(ana: Visitor, certcentral: CertCentral) -> None:
    order = certcentral.add_order(700001, ["shop.example.com", "www.example.com"], validated=["www.example.com"])
    certcentral.send_mail("shop.example.com", "admin@shop.example.com", "de", order_id=order.id)

    mail = await ana.sees(lambda: ana.parts.get("mail/1"))

    assert (mail["to"], mail["scope"], mail["language"]) == ("admin@shop.example.com", "shop.example.com", "de")
    assert [name["waits"] for name in ana.parts["order/700001"]["names"]] == [True, False]


async def test_a_problem_is_on_the_wire(ana: Visitor, slack: Slack) -> None:
    slack.report_problem("views.open was refused: invalid_arguments")

    await ana.sees(lambda: ana.parts.get("problem/0") == {"text": "views.open was refused: invalid_arguments"})


async def test_a_second_page_on_the_same_port_finds_another(
    page: WebPage, slack: Slack, certcentral: CertCentral, workspace: DemoWorkspace
) -> None:
    port = int(page.url.rstrip("/").rpartition(":")[2])
    manifest = Manifest.read(MANIFEST)

    async with WebPage(
        slack, certcentral, personas=workspace.personas, alerts=workspace.alerts, manifest=manifest, port=port
    ) as second:
        async with Visitor(second, workspace.ana.id) as visitor:
            assert visitor.parts["app"] == {"connected": False, "user": slack.bot_user_id, "bot": slack.bot.bot_id}
        assert second.url != page.url
