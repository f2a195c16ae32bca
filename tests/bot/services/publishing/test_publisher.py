"""The publisher: each message is posted once, edited afterwards, and rerouted if a channel is closed."""

import asyncio
import gc

import pytest

from bot.errors import SlackRejected, SlackUnavailable, StoreUnavailable
from bot.models import Destination
from bot.services.publishing.publisher import MessagePublisher
from bot.store.cluster.leases import Leases
from bot.store.cluster.membership import KeyLocks, LockLost
from bot.store.posts import Post
from bot.views.blocks import Message

PKI = Destination("C0PKI")
AWAY = SlackUnavailable("Slack did not answer.")
FIRST, SECOND = Message("Sending."), Message("Sent.")


@pytest.fixture
def show(publisher):
    async def show_it(message=FIRST, destination=PKI, key="r1.root"):
        return await publisher.publish(key, destination, message, "U0ANA")

    return show_it


async def test_a_key_published_again_edits_its_message(show, chat):
    first = await show(FIRST)
    again = await show(SECOND)

    assert again == first
    assert chat.texts == [("C0PKI", "Sent.")]
    assert len(chat.posts) == 1


async def test_other_keys_are_other_messages(show, chat):
    await show(key="r1.root")
    await show(key="r1.detail", destination=Destination("C0PKI", "1.0"))

    assert [destination for destination, _, _ in chat.messages.values()] == [PKI, Destination("C0PKI", "1.0")]


async def test_the_intent_is_written_before_the_post(show, chat, posts, clock):
    chat.lose_next = AWAY

    with pytest.raises(SlackUnavailable):
        await show()

    assert await posts.get("r1.root") == Post("r1.root", PKI, clock())


async def test_a_post_whose_answer_was_lost_is_found_and_edited(show, chat, posts):
    chat.lose_next = AWAY
    with pytest.raises(SlackUnavailable):
        await show(FIRST)

    post = await show(SECOND)

    assert chat.texts == [("C0PKI", "Sent.")]
    assert len(chat.posts) == 1
    assert post.ts == "1.0"
    assert await posts.get("r1.root") == post


async def test_the_search_starts_before_the_intent(show, chat, clock):
    began = clock()
    chat.lose_next = AWAY
    with pytest.raises(SlackUnavailable):
        await show()
    clock.advance(hours=5)

    await show()

    assert [(key, began > since) for _, key, since in chat.looks] == [("r1.root", True)]


async def test_a_post_that_never_arrived_is_posted_again(show, chat):
    chat.lose_next = AWAY
    with pytest.raises(SlackUnavailable):
        await show(FIRST)
    chat.messages.clear()

    await show(SECOND)

    assert chat.texts == [("C0PKI", "Sent.")]
    assert len(chat.posts) == 2


async def test_a_message_that_was_never_tried_is_not_searched_for(show, chat):
    await show()

    assert chat.looks == []


async def test_if_slack_is_unavailable_nothing_is_posted_elsewhere(show, chat):
    chat.failures = [AWAY]

    with pytest.raises(SlackUnavailable):
        await show()

    assert chat.posts == []


async def test_a_deleted_message_is_posted_again(show, chat):
    await show(FIRST)
    chat.messages.clear()

    await show(SECOND)

    assert chat.texts == [("C0PKI", "Sent.")]


@pytest.mark.parametrize("word", ["not_in_channel", "channel_not_found", "is_archived", "restricted_action"])
async def test_if_the_channel_is_closed_the_user_gets_a_direct_message(show, chat, word):
    chat.closed["C0PKI"] = word

    post = await show(FIRST)
    await show(SECOND)

    assert post.detour == word
    assert post.destination == Destination("D0ANA")
    assert len(chat.texts) == 1
    channel, text = chat.texts[0]
    assert channel == "D0ANA"
    assert text.startswith("Sent. Only you can see this because ")


async def test_a_channel_that_closes_in_between_moves_the_message(show, chat):
    await show(FIRST)
    chat.closed["C0PKI"] = "is_archived"

    post = await show(SECOND)

    assert (post.destination, post.detour) == (Destination("D0ANA"), "is_archived")
    assert [text.split(" Only you")[0] for _, text in chat.texts] == ["Sending.", "Sent."]


async def test_in_a_shared_channel_the_user_gets_a_direct_message(show, chat):
    chat.shared.add("C0PKI")

    post = await show()

    assert post.detour == "shared_channel"
    assert [destination.channel_id for destination, _, _ in chat.posts] == ["U0ANA"]
    assert "shared with another organization" in chat.texts[0][1]


async def test_if_the_user_cannot_be_reached_either_that_is_an_error(show, chat):
    chat.closed = {"C0PKI": "not_in_channel", "U0ANA": "messages_tab_disabled"}

    with pytest.raises(SlackRejected) as refused:
        await show()

    assert refused.value.code == "messages_tab_disabled"


async def test_a_post_whose_caller_gave_up_is_not_overtaken(show, chat, posts):
    chat.hold = asyncio.Event()
    given_up = asyncio.create_task(show(FIRST))
    await chat.began.wait()
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)

    second = asyncio.create_task(show(SECOND))
    for _ in range(20):  # time enough for a process that waits for no other
        await posts.get("r1.root")
    searches = list(chat.looks)
    chat.hold.set()
    post = await second

    assert searches == []
    assert chat.texts == [("C0PKI", "Sent.")]
    assert len(chat.posts) == 1
    assert post.ts == "1.0"


@pytest.fixture
async def unhandled():
    """Collect the errors that asyncio would log as never retrieved."""
    found, loop = [], asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: found.append(context["message"]))
    yield found
    loop.set_exception_handler(None)


@pytest.mark.fault("S188")
@pytest.mark.parametrize("error", [AWAY, SlackRejected("channel_not_found"), ValueError("a bug")])
async def test_a_post_that_fails_after_its_caller_gave_up_is_no_unhandled_error(show, chat, unhandled, logged, error):
    chat.hold = asyncio.Event()
    given_up = asyncio.create_task(show(FIRST))
    await chat.began.wait()
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)

    chat.failures.append(error)
    chat.hold.set()
    post = await show(SECOND)
    gc.collect()

    assert unhandled == []
    assert [row["log_level"] for row in logged if "no longer awaited" in row["event"]] == [
        "error" if isinstance(error, ValueError) else "warning"
    ]
    assert chat.texts == [("C0PKI", "Sent.")]
    assert post.ts == "1.0"


async def test_a_thread_stays_a_thread(show, chat):
    thread = Destination("C0PKI", "17.5")

    post = await show(destination=thread)

    assert post.destination == thread
    assert chat.posts[0][0] == thread


async def test_a_message_without_a_user_is_not_sent_directly(publisher, chat):
    chat.shared.add("C0PKI")
    with pytest.raises(SlackRejected, match="shared_channel"):
        await publisher.publish("offer.1", PKI, FIRST, None)
    chat.shared.clear()
    chat.closed["C0PKI"] = "not_in_channel"
    with pytest.raises(SlackRejected, match="not_in_channel"):
        await publisher.publish("offer.1", PKI, FIRST, None)

    assert chat.posts == []


async def test_a_message_without_a_user_is_not_posted_again_after_a_deletion(publisher, chat):
    await publisher.publish("offer.1", PKI, FIRST, None)
    chat.messages.clear()

    with pytest.raises(SlackRejected, match="message_not_found"):
        await publisher.publish("offer.1", PKI, SECOND, None)

    assert len(chat.posts) == 1


NEUTRAL = "I withdrew this message"


def neutral(chat, channel="C0PKI"):
    """Return for each message of a channel if it says nothing of a request."""
    here = [message for destination, message, _ in chat.messages.values() if destination.channel_id == channel]
    return [NEUTRAL in message.text and "Sen" not in str(message.payload()) for message in here]


def edits(chat, channel="C0PKI"):
    return [text for destination, _, text in chat.edits if destination.channel_id == channel]


@pytest.mark.fault("M9")
async def test_a_message_in_a_newly_shared_channel_continues_directly_and_is_neutral_there(show, chat):
    await show(FIRST)
    chat.shared.add("C0PKI")

    post = await show(SECOND)
    again = await show(Message("Validated."))

    assert (post.destination, post.detour) == (Destination("D0ANA"), "shared_channel")
    assert again == post
    assert neutral(chat) == [True]
    assert len(edits(chat)) == 1
    [direct] = [text for channel, text in chat.texts if channel == "D0ANA"]
    assert direct.startswith("Validated. Only you can see this because <#C0PKI> is shared with another")


@pytest.mark.fault("M9")
async def test_replies_that_were_posted_before_are_neutral_too_and_other_requests_are_not(show, chat):
    root = await show(FIRST)
    for key in ("r1.detail", "r1.0.2", "r1.nudge1", "r11.root", "r2.detail"):
        await show(SECOND, root.thread, key)
    chat.shared.add("C0PKI")

    await show(SECOND)

    assert neutral(chat) == [True, True, True, True, False, False]
    assert len(edits(chat)) == 4


@pytest.mark.fault("M9")
async def test_a_reply_that_finds_the_channel_shared_withdraws_its_root_message(show, chat, posts):
    root = await show(FIRST)
    chat.shared.add("C0PKI")

    reply = await show(SECOND, root.thread, "r1.detail")

    assert reply.destination == Destination("D0ANA")
    assert neutral(chat) == [True]
    assert (await posts.get("r1.root")).detour == "shared_channel"
    assert (await show(SECOND)).destination == Destination("D0ANA")


@pytest.mark.fault("M9")
async def test_a_request_stays_direct_when_the_sharing_ends(show, chat):
    await show(FIRST)
    chat.shared.add("C0PKI")
    root = await show(SECOND)
    chat.shared.clear()

    reply = await show(SECOND, root.thread, "r1.detail")
    await show(Message("Validated."))

    assert reply.destination.channel_id == "D0ANA"
    assert neutral(chat) == [True]


@pytest.mark.fault("M9")
async def test_while_slack_cannot_say_if_a_channel_is_shared_nothing_is_posted_or_edited_there(show, chat):
    root = await show(FIRST)
    chat.failures = [AWAY, AWAY]

    for message, destination, key in ((SECOND, PKI, "r1.root"), (SECOND, root.thread, "r1.detail")):
        with pytest.raises(SlackUnavailable):
            await show(message, destination, key)

    assert chat.texts == [("C0PKI", "Sending.")]
    assert chat.edits == []
    await show(SECOND)
    assert chat.texts == [("C0PKI", "Sent.")]


@pytest.mark.fault("M9")
@pytest.mark.parametrize("fails_at", range(6))
async def test_a_move_that_fails_on_the_way_is_completed_by_a_repeat(show, chat, fails_at):
    """The calls of a move are: is it shared, edit, post. Those for the reply are: is it shared, edit."""
    root = await show(FIRST)
    await show(SECOND, root.thread, "r1.detail")
    chat.shared.add("C0PKI")
    chat.failures = [None] * fails_at + [AWAY]

    try:
        await show(SECOND)
    except SlackUnavailable:
        await show(SECOND)

    assert neutral(chat) == [True, True]
    assert [text.split(" Only you")[0] for channel, text in chat.texts if channel == "D0ANA"] == ["Sent."]


@pytest.mark.fault("M9")
async def test_a_direct_message_whose_answer_was_lost_during_a_move_is_found(show, chat):
    await show(FIRST)
    chat.shared.add("C0PKI")
    chat.lose_next = AWAY
    with pytest.raises(SlackUnavailable):
        await show(SECOND)
    # Slack finds a person's messages by the id of the conversation alone.
    chat.messages = {
        ts: (Destination("U0ANA") if destination.channel_id == "D0ANA" else destination, message, key)
        for ts, (destination, message, key) in chat.messages.items()
    }

    await show(SECOND)

    assert len(chat.posts) == 2
    assert neutral(chat) == [True]


@pytest.mark.fault("M9")
async def test_a_post_whose_answer_was_lost_is_withdrawn_if_it_is_found(show, chat):
    chat.lose_next = AWAY
    with pytest.raises(SlackUnavailable):
        await show(FIRST)
    chat.shared.add("C0PKI")

    await show(SECOND)

    assert neutral(chat) == [True]
    assert len(chat.posts) == 2


@pytest.mark.fault("M9")
async def test_a_message_that_is_gone_from_a_shared_channel_does_not_hold_up_the_direct_one(show, chat):
    await show(FIRST)
    chat.messages.clear()
    chat.shared.add("C0PKI")

    post = await show(SECOND)

    assert post.destination == Destination("D0ANA")
    assert len(chat.texts) == 1


@pytest.mark.fault("M9")
async def test_a_message_without_a_user_is_neutral_once_and_rejected_from_then_on(publisher, chat):
    await publisher.publish("offer.1", PKI, FIRST, None)
    await publisher.publish("offer.2", PKI, FIRST, None)
    chat.shared.add("C0PKI")

    for _ in range(2):
        with pytest.raises(SlackRejected, match="shared_channel"):
            await publisher.publish("offer.1", PKI, SECOND, None)
    chat.shared.clear()
    with pytest.raises(SlackRejected, match="shared_channel"):
        await publisher.publish("offer.1", PKI, SECOND, None)

    assert neutral(chat) == [True, False]
    assert len(edits(chat)) == 1
    assert len(chat.posts) == 2


@pytest.mark.fault("M9")
async def test_a_link_leads_to_the_direct_message_of_the_requester(show, publisher, chat):
    await show(FIRST)
    before = await publisher.link("r1.root")
    chat.shared.add("C0PKI")
    post = await show(SECOND)

    assert before == "https://slack.test/C0PKI/1.0"
    assert await publisher.link("r1.root") is None
    assert await publisher.link("r1.root", to_its_own=True) == f"https://slack.test/D0ANA/{post.ts}"


class LosingLocks(KeyLocks):
    """Locks that are lost the given number of times, at the check after a publication or before a post."""

    def __init__(self):
        super().__init__()
        self.lost, self.meanwhile = 0, None

    async def acquire(self, key):
        lock, losing = await super().acquire(key), self

        async def confirm():
            if losing.lost:
                losing.lost -= 1
                if losing.meanwhile:
                    await losing.meanwhile()
                raise LockLost("Another one may have shown this.")

        lock.confirm = confirm
        return lock


@pytest.fixture
def locks():
    return LosingLocks()


@pytest.fixture
def sharing(chat, posts, clock, locks):
    """Return a publisher that shares its locks with another process."""
    return MessagePublisher(chat, posts, clock, locks)


async def test_a_process_that_lost_its_lock_renders_again_and_publishes_the_newest_version(
    sharing, publisher, chat, locks
):
    await sharing.publish("r1.root", PKI, FIRST, "U0ANA")
    versions = [FIRST, SECOND]

    async def draw():
        return versions.pop(0)

    async def another_one_shows():
        await publisher.publish("r1.root", PKI, SECOND, "U0ANA")

    locks.lost, locks.meanwhile = 1, another_one_shows
    await sharing.publish("r1.root", PKI, draw, "U0ANA")

    assert chat.texts == [("C0PKI", "Sent.")]
    assert versions == []
    assert len(chat.posts) == 1


async def test_a_process_that_lost_its_lock_before_posting_finds_the_others_post(sharing, publisher, chat, locks):
    async def another_one_shows():
        await publisher.publish("r1.root", PKI, SECOND, "U0ANA")

    locks.lost, locks.meanwhile = 1, another_one_shows
    post = await sharing.publish("r1.root", PKI, SECOND, "U0ANA")

    assert chat.texts == [("C0PKI", "Sent.")]
    assert len(chat.posts) == 1
    assert post.ts == "1.0"


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_an_instance_whose_lease_another_one_acquired_posts_nothing(open_another, chat, posts, clock):
    """The instance was frozen while it rendered its message, so its lease was not renewed."""
    one, two = (
        MessagePublisher(chat, posts, clock, KeyLocks(Leases(open_another(), holder, seconds=0.5)))
        for holder in ("one/1", "two/1")
    )
    drawings = []

    async def draw_slowly():
        drawings.append(len(chat.posts))
        if len(drawings) == 1:
            # Waits until the lease has expired.
            await two.publish("r1.root", PKI, FIRST, "U0ANA")
        return SECOND

    post = await one.publish("r1.root", PKI, draw_slowly, "U0ANA")

    assert drawings == [0, 1]
    assert chat.texts == [("C0PKI", "Sent.")]
    assert len(chat.posts) == 1
    assert post.ts == "1.0"


async def test_an_unavailable_database_is_reported_and_not_retried_forever(sharing, locks):
    async def unavailable(key):
        raise StoreUnavailable("The database is away.")

    locks.acquire = unavailable

    with pytest.raises(StoreUnavailable):
        await sharing.publish("r1.root", PKI, FIRST, "U0ANA")


class Gate:
    """A limiter that is closed until `opened`."""

    def __init__(self):
        self.opened, self.released = asyncio.Event(), 0

    async def acquire(self, *, is_urgent):
        await self.opened.wait()

    def release(self):
        self.released += 1


async def test_of_edits_that_wait_for_their_turn_only_the_newest_state_is_published(chat, posts, clock):
    gate = Gate()
    publisher = MessagePublisher(chat, posts, clock, KeyLocks(), gate)
    await publisher.publish("r1.root", PKI, FIRST, "U0ANA")
    words = ["Old."]

    async def draw():
        return Message(words[-1])

    waiting = [asyncio.create_task(publisher.publish("r1.root", PKI, draw, "U0ANA")) for _ in range(3)]
    await asyncio.sleep(0)
    words.append("New.")
    gate.opened.set()
    await asyncio.gather(*waiting)

    assert [text for _, _, text in chat.edits] == ["New."]
    assert gate.released == 2
