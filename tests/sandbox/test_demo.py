"""The story that `make play` prints, without a browser."""

import pytest

from sandbox.demo import play_story, running_demo
from tests.forked_bot import ForkedBot

pytestmark = pytest.mark.process


async def test_the_story_in_the_terminal_is_played_to_its_end(tmp_path, capsys):
    async with running_demo(tmp_path, ForkedBot) as demo:
        await play_story(demo)

    printed = capsys.readouterr().out
    assert "Calls to DigiCert about order 700001: 0" in printed
    assert printed.count("[Resend to another address…]") == 2
    assert "You can't resend for 700001. @pki-team and @Ana Ruiz can. For access, ask #pki." in printed
    assert "The local CertCentral sent 5 emails:" in printed
    assert "PUT /order/certificate/700001/resend-emails → 204" in printed
