"""Users and user groups, read from Slack now or cached for a moment."""

import asyncio
import time

import pytest

from bot.errors import SlackRejected, SlackUnavailable
from sandbox.faults import answers, stalls

BUSY = answers(429, {"ok": False, "error": "ratelimited"})


async def test_a_person_is_read_with_the_groups_that_list_them(directory, slack, ana, group):
    bob = slack.add_person("bob", guest=True)
    group.set_members([ana], notify=False)

    people = [await directory.person(each.id, [group.id]) for each in (ana, bob)]

    assert [(person.user_id, person.groups, person.guest) for person in people] == [
        (ana.id, {group.id}, False),
        (bob.id, frozenset(), True),
    ]
    assert people[0].teams == {slack.team_id}


async def test_a_group_may_list_a_person_by_their_enterprise_id(directory, slack, group):
    max_ = slack.add_person("max", enterprise_id="E0ORG", enterprise_user_id="W0MAX")
    group.members = ["W0MAX"]

    assert (await directory.person(max_.id, [group.id])).groups == {group.id}


async def test_a_person_is_cached_for_a_moment_and_refreshed_for_decisions(directory, ana, calls):
    await directory.person(ana.id)
    ana.deleted = True

    remembered = await directory.person(ana.id)
    afresh = await directory.person(ana.id, afresh=True)

    assert (remembered.deleted, afresh.deleted) == (False, True)
    assert calls("users.info") == 2
    assert (await directory.person(ana.id)).deleted


async def test_who_asks_at_once_shares_one_reading(directory, ana, group, calls):
    await asyncio.gather(*(directory.person(ana.id, [group.id]) for _ in range(10)))

    assert (calls("users.info"), calls("usergroups.users.list")) == (1, 1)


async def test_a_change_of_a_group_counts_at_the_next_question(directory, ana, group):
    before = await directory.person(ana.id, [group.id])
    group.set_members([ana], notify=False)
    remembered = await directory.person(ana.id, [group.id])

    directory.group_changed(group.id)
    directory.group_changed("S0OTHER")

    assert (before.groups, remembered.groups) == (frozenset(), frozenset())
    assert (await directory.person(ana.id, [group.id])).groups == {group.id}


async def test_a_group_that_slack_does_not_know_has_no_member(directory, ana):
    person = await directory.person(ana.id, ["S0GONE"])

    assert (person.groups, person.unclear) == (frozenset(), frozenset())


@pytest.mark.parametrize("trouble", ["busy", "free plan", "no scope"])
async def test_a_group_that_cannot_be_read_is_unclear(directory, slack, ana, group, trouble, logged):
    group.set_members([ana], notify=False)
    if trouble == "busy":
        slack.faults.plan("usergroups.users.list", BUSY)
    if trouble == "free plan":
        slack.paid_plan = False
    if trouble == "no scope":
        slack.granted_scopes.discard("usergroups:read")

    person = await directory.person(ana.id, [group.id])

    assert (person.user_id, person.groups, person.unclear) == (ana.id, frozenset(), {group.id})
    assert logged[0]["group"] == group.id


async def test_a_group_that_could_not_be_read_is_read_again(directory, slack, ana, group):
    group.set_members([ana], notify=False)
    slack.faults.plan("usergroups.users.list", BUSY)
    await directory.person(ana.id, [group.id])

    assert (await directory.person(ana.id, [group.id])).groups == {group.id}


async def test_an_unknown_person_is_refused(directory):
    with pytest.raises(SlackRejected) as refused:
        await directory.person("U0NOBODY")

    assert refused.value.code == "user_not_found"


@pytest.mark.parametrize("body", [{"ok": True}, {"ok": True, "user": None}, {"ok": True, "user": "ana"}])
async def test_an_answer_without_a_user_is_no_answer_and_not_remembered(directory, slack, ana, body):
    slack.faults.plan("users.info", answers(200, body))

    with pytest.raises(SlackUnavailable):
        await directory.person(ana.id)

    assert (await directory.person(ana.id)).user_id == ana.id


async def test_a_failure_is_not_remembered(directory, slack, ana):
    slack.faults.plan("users.info", BUSY)
    with pytest.raises(SlackUnavailable):
        await directory.person(ana.id)

    assert (await directory.person(ana.id)).user_id == ana.id


async def test_a_cancelled_waiter_has_no_effect(directory, slack, ana):
    answer = asyncio.Event()
    slack.faults.plan("users.info", stalls(hold=answer))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(directory.person(ana.id), 0.1)

    answer.set()

    assert (await directory.person(ana.id)).user_id == ana.id


async def test_without_groups_none_is_asked_for(directory, ana, calls):
    person = await directory.person(ana.id)

    assert person.groups == frozenset()
    assert calls("usergroups.users.list") == 0


@pytest.mark.fault("M3")
async def test_one_fresh_answer_serves_every_call_of_the_next_seconds(directory, ana, group, calls):
    for _ in range(3):
        await asyncio.gather(*(directory.person(ana.id, [group.id], afresh=True) for _ in range(10)))

    assert (calls("users.info"), calls("usergroups.users.list")) == (1, 1)


@pytest.mark.fault("M3")
async def test_one_fresh_list_of_members_serves_colleagues_too(directory, slack, ana, group, calls):
    group.set_members([ana], notify=False)

    people = [await directory.person(each.id, [group.id], afresh=True) for each in (ana, slack.add_person("bob"))]

    assert [person.groups for person in people] == [{group.id}, frozenset()]
    assert (calls("users.info"), calls("usergroups.users.list")) == (2, 1)


async def test_a_fresh_answer_is_used_for_ten_seconds_and_no_longer(directory, ana, calls, monkeypatch):
    began = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: began)
    await directory.person(ana.id, afresh=True)
    monkeypatch.setattr(time, "monotonic", lambda: began + 9.9)
    await directory.person(ana.id, afresh=True)
    used = calls("users.info")
    monkeypatch.setattr(time, "monotonic", lambda: began + 10.1)
    await directory.person(ana.id, afresh=True)

    assert (used, calls("users.info")) == (1, 2)


async def test_what_was_remembered_before_is_no_fresh_answer(directory, ana, group, calls):
    await directory.person(ana.id, [group.id])
    group.set_members([ana], notify=False)

    assert (await directory.person(ana.id, [group.id], afresh=True)).groups == {group.id}
    assert (calls("users.info"), calls("usergroups.users.list")) == (2, 2)


async def test_a_change_of_a_group_ends_a_fresh_answer_too(directory, ana, group):
    await directory.person(ana.id, [group.id], afresh=True)
    group.set_members([ana], notify=False)
    directory.group_changed(group.id)

    assert (await directory.person(ana.id, [group.id], afresh=True)).groups == {group.id}


@pytest.mark.fault("M3")
async def test_calls_wait_as_long_as_slack_asks_and_people_may_try_before(directory, slack, ana, group, calls):
    group.set_members([ana], notify=False)
    slack.faults.plan(
        "usergroups.users.list", answers(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": "30"})
    )
    first = await directory.person(ana.id, [group.id], afresh=True)
    held, asked = directory.retry_after, calls("usergroups.users.list")

    second = await directory.person(ana.id, [group.id], afresh=True)
    asked_again = calls("usergroups.users.list")
    of_a_person = await directory.person(ana.id, [group.id])

    assert [person.unclear for person in (first, second, of_a_person)] == [{group.id}, {group.id}, frozenset()]
    assert 29.0 < held <= 30.0
    assert (asked, asked_again, calls("usergroups.users.list")) == (1, 1, 2)
    assert directory.retry_after == 0.0
    assert (await directory.person(ana.id, [group.id], afresh=True)).groups == {group.id}


@pytest.mark.fault("M3")
async def test_a_failed_refresh_preserves_the_cached_value(directory, slack, ana, group):
    group.set_members([ana], notify=False)
    await directory.person(ana.id, [group.id])
    slack.faults.plan("usergroups.users.list", BUSY, times=None)

    for_a_call = await directory.person(ana.id, [group.id], afresh=True)
    for_a_form = await directory.person(ana.id, [group.id])

    assert (for_a_call.groups, for_a_call.unclear) == (frozenset(), {group.id})
    assert (for_a_form.groups, for_a_form.unclear) == ({group.id}, frozenset())
