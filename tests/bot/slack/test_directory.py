"""People and user groups, as Slack knows them now or knew them a moment ago."""

import asyncio

import pytest

from bot.errors import SlackRefused, SlackUnavailable
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


async def test_a_group_may_list_somebody_by_their_id_of_the_whole_organisation(directory, slack, group):
    max_ = slack.add_person("max", enterprise_id="E0ORG", enterprise_user_id="W0MAX")
    group.members = ["W0MAX"]

    assert (await directory.person(max_.id, [group.id])).groups == {group.id}


async def test_a_person_is_remembered_for_a_moment_and_read_afresh_where_it_counts(directory, ana, calls):
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


@pytest.mark.parametrize("trouble", ["busy", "free plan", "unknown", "no scope"])
async def test_where_a_group_cannot_be_read_nobody_counts_as_its_member(directory, slack, ana, group, trouble, logged):
    group.set_members([ana], notify=False)
    asked = group.id if trouble != "unknown" else "S0GONE"
    if trouble == "busy":
        slack.faults.plan("usergroups.users.list", BUSY)
    if trouble == "free plan":
        slack.paid_plan = False
    if trouble == "no scope":
        slack.granted_scopes.discard("usergroups:read")

    person = await directory.person(ana.id, [asked])

    assert (person.user_id, person.groups, person.unclear) == (ana.id, frozenset(), {asked})
    assert "nobody counts as its member" in logged[0]["event"]


async def test_a_group_that_could_not_be_read_is_read_again(directory, slack, ana, group):
    group.set_members([ana], notify=False)
    slack.faults.plan("usergroups.users.list", BUSY)
    await directory.person(ana.id, [group.id])

    assert (await directory.person(ana.id, [group.id])).groups == {group.id}


async def test_an_unknown_person_is_refused(directory):
    with pytest.raises(SlackRefused) as refused:
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


async def test_somebody_who_stops_waiting_leaves_no_trace(directory, slack, ana):
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
