"""Files: the three steps of an upload, its sharing, downloads, and the files of a form."""

from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import Channel, SimulatedUser, Slack
from tests.sandbox.slack.helpers import Puppet, field, show

Json = dict[str, Any]
CSV = b"domain,ends\npay.example.org,2026-12-14\n"


@pytest.fixture(autouse=True)
def _may_use_files(slack: Slack) -> None:
    slack.granted_scopes |= {"files:read", "files:write", "chat:write.public"}


async def refusal(call: Any) -> str:
    with pytest.raises(SlackApiError) as failure:
        await call
    return str(failure.value.response["error"])


async def get(url: str, token: str = "") -> tuple[int, str, bytes]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        aiohttp.ClientSession() as session,
        session.get(url, headers=headers, allow_redirects=False) as answer,
    ):
        return answer.status, answer.content_type, await answer.read()


async def test_the_sdk_uploads_into_a_thread(slack: Slack, api: AsyncWebClient, pki: Channel) -> None:
    root = (await api.chat_postMessage(channel=pki.id, text="digest"))["ts"]

    answer = await api.files_upload_v2(
        channel=pki.id, thread_ts=root, filename="plan.csv", title="Plan", content=CSV, initial_comment="All rows"
    )

    reply = pki.messages[-1]
    assert (reply.thread_ts, reply.text, reply.content.says("Plan")) == (root, "All rows", True)
    assert reply.as_json()["files"][0]["name"] == "plan.csv"
    assert answer["files"][0]["shares"] == {}
    info = (await api.files_info(file=answer["files"][0]["id"]))["file"]
    assert info["shares"]["public"] == {pki.id: [{"ts": reply.ts}]}
    assert await get(info["url_private_download"], slack.bot_token) == (200, "application/octet-stream", CSV)
    assert slack.problems == []


@pytest.mark.parametrize(
    ("sharing", "messages", "shares"), [("at once", 1, True), ("late", 1, False), ("never", 0, False)]
)
async def test_sharing_may_come_late_or_never(
    slack: Slack, api: AsyncWebClient, pki: Channel, sharing: Any, messages: int, shares: bool
) -> None:
    slack.file_sharing = sharing

    answer = await api.files_upload_v2(channel=pki.id, filename="plan.csv", content=CSV)

    assert len(pki.messages) == messages
    assert bool(answer["files"][0]["shares"]) == shares


@pytest.mark.parametrize(
    ("traits", "error"),
    [({"member": False}, "not_in_channel"), ({"member": False, "private": True}, "channel_not_found")],
)
async def test_sharing_needs_the_bot_in_the_channel(
    slack: Slack, api: AsyncWebClient, traits: Json, error: str
) -> None:
    channel = slack.add_channel("platform", **traits)

    assert await refusal(api.files_upload_v2(channel=channel.id, filename="plan.csv", content=CSV)) == error
    assert channel.messages == []


async def test_an_upload_that_slack_would_reject(slack: Slack, api: AsyncWebClient, pki: Channel) -> None:
    assert await refusal(api.files_getUploadURLExternal(filename="x.csv", length=0)) == "missing_argument"
    assert await refusal(api.files_completeUploadExternal(files=[{"id": "F0", "title": "x"}])) == "file_not_found"
    step = await api.files_getUploadURLExternal(filename="x.csv", length=3)
    assert await refusal(api.files_info(file=step["file_id"])) == "file_not_found"

    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    async with aiohttp.ClientSession() as session:
        statuses = [(await session.post(step["upload_url"], data=b"four", headers=headers)).status for _ in range(2)]

    assert statuses == [400, 400]
    assert "a token was sent to the url of an upload" in slack.problems
    slack.granted_scopes.discard("files:write")
    assert await refusal(api.files_getUploadURLExternal(filename="x.csv", length=3)) == "missing_scope"


async def test_a_download_without_token_or_scope_is_a_page_and_no_error(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser
) -> None:
    url = slack.files.add("plan.csv", ana.id, CSV).url

    assert (await get(url))[:2] == (200, "text/html")
    slack.granted_scopes.discard("files:read")
    assert (await get(url, slack.bot_token))[:2] == (200, "text/html")
    slack.download_redirects = True
    assert (await get(url, slack.bot_token))[0] == 302


async def test_a_form_takes_the_files_that_its_field_allows(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser, puppet: Puppet
) -> None:
    element = {"type": "file_input", "action_id": "csv", "filetypes": ["csv"], "max_files": 1}
    form = await show(slack, api, ana, field("File", element))

    for files in ([("a.exe", b"x")], [("a.csv", b"x"), ("b.csv", b"x")], [("a.csv", b"x" * 10_000_001)]):
        with pytest.raises(ValueError, match=r"takes|large"):
            form.attach("File", *files)
    form.attach("File", ("plan.csv", CSV))
    sent = (await form.submit()).delivery.sent

    [file] = sent["view"]["state"]["values"]["block_csv"]["csv"]["files"]
    assert (file["name"], file["size"], file["mimetype"]) == ("plan.csv", len(CSV), "text/csv")
    assert (await get(file["url_private_download"], slack.bot_token))[2] == CSV


async def test_a_file_input_needs_the_scope(slack: Slack, api: AsyncWebClient, ana: SimulatedUser) -> None:
    slack.granted_scopes.discard("files:read")

    with pytest.raises(SlackApiError, match="invalid_arguments"):
        await show(slack, api, ana, field("File", {"type": "file_input", "action_id": "csv"}))
