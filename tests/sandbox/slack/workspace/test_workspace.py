"""The state of a workspace, without a server."""

from sandbox.slack.workspace.models import Member
from sandbox.slack.workspace.workspace import Workspace


def test_a_workspace_needs_no_server() -> None:
    here = Workspace(lambda: 1_700_000_000.0)
    ana = Member(id="U1", name="ana", team_id=here.team_id)
    here.add_member(ana)
    pki = here.add_channel("pki")

    root = here.post(pki, ana.author, here.build_content("certificate expires"))
    here.post(pki, here.bot, here.build_content("on it"), thread_ts=root.ts)
    here.edit(root, here.build_content("certificate renewed"))

    assert [message.text for message in pki.thread(root.ts)] == ["on it"]
    assert (root.text, root.history[0].text, root.author) == ("certificate renewed", "certificate expires", "ana")


def test_every_person_has_one_channel_of_direct_messages() -> None:
    here = Workspace(lambda: 1_700_000_000.0)
    ana = Member(id="U1", name="ana", team_id=here.team_id)

    assert here.dm(ana) is here.dm(ana)


def test_long_texts_are_cut_off() -> None:
    assert len(Workspace(lambda: 0.0).build_content("x" * 50_000).text) == 40_000
