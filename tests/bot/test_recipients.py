"""Recipients: the preselection, the meaning of a choice, and one mailbox for many names."""

import pytest

from bot.errors import InvalidInput
from bot.models import Address, Call, DomainTarget, OrderTarget, Plan, Recipient, WaitingName
from bot.recipients import (
    CONSTRUCTED,
    SINGLE_CHOICES,
    allows_multiple,
    calls_for_emails,
    chosen_calls,
    constructed,
    needs_shared_mailbox,
    preselected,
    repeated_calls,
    shared_calls,
    shared_mailboxes,
)

ORDER, OTHER_ORDER = OrderTarget(1), OrderTarget(2)
DOMAIN = DomainTarget(7, "example.com")
NAME, SCOPE = "shop.example.com", "example.com"
TXT = Address("pki@other.example", SCOPE, txt=True)
AT_NAME, AT_SCOPE = constructed(NAME), constructed(SCOPE)


def waiting(*allowed, target=ORDER, preferred=(), name=NAME, scope=SCOPE):
    return WaitingName(name, scope, target, True, tuple(allowed), tuple(preferred))


def plan_of(*names):
    return Plan("order:1", "1 · example.com", tuple(names))


def of_two_lists(*, preferred=()):
    """Return a name scope that DigiCert may limit by its domain's list or its own. One address is on both."""
    lists = (AT_SCOPE[0].email, TXT.email), (AT_NAME[0].email, TXT.email.upper())
    target = DomainTarget(7, NAME)
    allowed = (AT_SCOPE[0], AT_NAME[0], TXT)
    return WaitingName(NAME, NAME, target, True, allowed, tuple(preferred), lists)


def many(count, *excluded):
    """Return a plan of `count` names with five addresses each, without the excluded (number, local part) pairs."""
    return plan_of(
        *(
            waiting(
                *(
                    address
                    for address in constructed(f"a{number}.example")
                    if (number, address.email.partition("@")[0]) not in excluded
                ),
                name=f"www.a{number}.example",
                scope=f"a{number}.example",
            )
            for number in range(count)
        )
    )


def chosen_emails(waiting_name):
    return [waiting_name.allowed[index].email for index in preselected(waiting_name)]


def test_the_constructed_addresses_are_those_of_the_baseline_requirements():
    assert [address.email for address in constructed("example.com")] == [
        "admin@example.com",
        "administrator@example.com",
        "webmaster@example.com",
        "hostmaster@example.com",
        "postmaster@example.com",
    ]
    assert {address.domain for address in constructed("example.com")} == {"example.com"}
    assert not any(address.txt for address in constructed("example.com"))


@pytest.mark.parametrize(
    ("allowed", "preferred", "expected"),
    [
        pytest.param((*AT_NAME, *AT_SCOPE), (), "admin@example.com", id="admin at the scope"),
        pytest.param((*AT_NAME, *AT_SCOPE, TXT), (), TXT.email, id="a DNS TXT contact comes first"),
        pytest.param((*AT_NAME, *AT_SCOPE, TXT), (AT_NAME[2].email,), AT_NAME[2].email, id="whoever was mailed last"),
        pytest.param((*AT_SCOPE, TXT), ("gone@example.com",), TXT.email, id="no longer allowed, so it does not count"),
        pytest.param(
            (*AT_SCOPE,),
            ("gone@example.com", AT_SCOPE[3].email, AT_SCOPE[1].email),
            AT_SCOPE[3].email,
            id="the first of those still allowed",
        ),
        pytest.param(AT_NAME, (), "admin@shop.example.com", id="admin@ elsewhere where there is none at the scope"),
        pytest.param((AT_SCOPE[4], AT_SCOPE[2]), (), "postmaster@example.com", id="else the first"),
    ],
)
def test_an_order_begins_with_one_address_per_name(allowed, preferred, expected):
    assert chosen_emails(waiting(*allowed, preferred=preferred)) == [expected]


def test_a_domain_begins_with_everybody_who_was_mailed_last():
    last = (AT_SCOPE[3].email, "gone@example.com", AT_SCOPE[1].email)

    assert chosen_emails(waiting(*AT_SCOPE, target=DOMAIN, preferred=last)) == [AT_SCOPE[3].email, AT_SCOPE[1].email]
    assert chosen_emails(waiting(*AT_SCOPE, target=DOMAIN)) == ["admin@example.com"]


def test_no_address_is_preselected_if_none_is_allowed():
    assert preselected(waiting(preferred=("admin@example.com",))) == ()


def test_only_a_domain_accepts_several_recipients():
    assert allows_multiple(waiting(*AT_SCOPE, target=DOMAIN))
    assert not allows_multiple(waiting(*AT_SCOPE, target=ORDER))


def test_an_order_gets_one_recipient_per_name_in_one_call():
    names = (waiting(*AT_NAME, *AT_SCOPE), waiting(*AT_SCOPE, name="www.example.com"))

    calls = chosen_calls(plan_of(*names), {0: [5, 0], 1: [2]})

    assert calls == (
        Call(
            ORDER,
            (
                Recipient(NAME, "admin@example.com", email_domain="example.com"),
                Recipient("www.example.com", "webmaster@example.com", email_domain="example.com"),
            ),
        ),
    )


def test_email_domain_is_only_for_an_address_of_another_name():
    own, parent = (chosen_calls(plan_of(waiting(*AT_NAME, *AT_SCOPE)), {0: [index]})[0] for index in (0, 5))

    assert own.recipients == (Recipient(NAME, "admin@shop.example.com", email_domain=None),)
    assert parent.recipients == (Recipient(NAME, "admin@example.com", email_domain="example.com"),)


def test_a_domain_gets_all_chosen_recipients_and_never_an_email_domain():
    above = Address("admin@example.com", "example.com")
    target = DomainTarget(7, NAME)

    calls = chosen_calls(plan_of(waiting(*AT_NAME, above, target=target, scope=NAME)), {0: [1, 5]})

    assert calls == (Call(target, (Recipient(NAME, AT_NAME[1].email), Recipient(NAME, above.email))),)


def test_each_target_is_called_once_in_the_order_of_its_first_name():
    names = [waiting(*AT_SCOPE, target=target) for target in (OTHER_ORDER, DOMAIN, OTHER_ORDER, ORDER)]

    calls = chosen_calls(plan_of(*names), {number: [0] for number in range(4)})

    assert [call.target for call in calls] == [OTHER_ORDER, DOMAIN, ORDER]
    assert [len(call.recipients) for call in calls] == [2, 1, 1]


@pytest.mark.parametrize("chosen", [{0: [0]}, {0: [0], 1: []}, {0: [0], 1: [5]}, {0: [0], 1: [-1]}, {0: [0], 7: [0]}])
def test_a_name_without_a_recipient_stops_everything(chosen):
    names = (waiting(*AT_SCOPE), waiting(*AT_SCOPE, name="www.example.com"))

    with pytest.raises(InvalidInput) as refused:
        chosen_calls(plan_of(*names), chosen)

    assert list(refused.value.fields) == ["recipients.1"]


@pytest.mark.parametrize(("count", "shared"), [(1, False), (SINGLE_CHOICES, False), (SINGLE_CHOICES + 1, True)])
def test_more_than_eight_names_share_a_mailbox(count, shared):
    assert needs_shared_mailbox(many(count)) is shared


def test_a_shared_mailbox_is_allowed_at_every_scope():
    plan = many(9, (0, "admin"), (8, "webmaster"))

    assert shared_mailboxes(many(9)) == CONSTRUCTED
    assert shared_mailboxes(plan) == ("administrator", "hostmaster", "postmaster")


def test_a_shared_mailbox_is_the_one_at_the_scope_else_the_listed_one():
    at_scope = plan_of(*(waiting(*AT_NAME, *AT_SCOPE) for _ in range(9)))
    at_name = plan_of(*(waiting(*AT_NAME) for _ in range(9)))

    assert {recipient.email for recipient in shared_calls(at_scope, "admin")[0].recipients} == {"admin@example.com"}
    assert {recipient.email for recipient in shared_calls(at_name, "admin")[0].recipients} == {"admin@shop.example.com"}


def test_other_peoples_addresses_are_no_shared_mailbox():
    plan = plan_of(*(waiting(Address("admin@elsewhere.example", SCOPE)) for _ in range(9)))

    assert shared_mailboxes(plan) == ()


def test_a_shared_mailbox_is_resolved_at_each_scope():
    calls = shared_calls(many(9), "hostmaster")

    assert calls == (
        Call(
            ORDER,
            tuple(
                Recipient(f"www.a{number}.example", f"hostmaster@a{number}.example", f"a{number}.example")
                for number in range(9)
            ),
        ),
    )


@pytest.mark.parametrize("local", ["admin", "root", ""])
def test_a_mailbox_that_one_scope_does_not_allow_stops_everything(local):
    with pytest.raises(InvalidInput) as refused:
        shared_calls(many(9, (4, "admin")), local)

    assert list(refused.value.fields) == ["recipients"]


def test_an_address_is_stored_as_digicert_writes_it():
    written = Address("Admin@Example.com", "example.com")
    plan = plan_of(*(waiting(written) for _ in range(9)))

    assert shared_mailboxes(plan) == ("admin",)
    assert {recipient.email for recipient in shared_calls(plan, "admin")[0].recipients} == {"Admin@Example.com"}


@pytest.mark.fault("H1")
@pytest.mark.parametrize(
    ("chosen", "is_safe"),
    [((0,), False), ((1,), False), ((0, 1), True), ((2,), True), ((0, 2), True), ((0, 1, 2), True)],
)
def test_of_two_lists_that_may_decide_a_choice_needs_an_address_of_each(chosen, is_safe):
    plan = plan_of(of_two_lists())
    emails = [plan.waiting[0].allowed[index].email for index in chosen]

    if is_safe:
        for (call,) in (chosen_calls(plan, {0: chosen}), calls_for_emails(plan, emails)):
            assert [recipient.email for recipient in call.recipients] == emails
            assert call.audience_uncertain
    else:
        with pytest.raises(InvalidInput) as in_form:
            chosen_calls(plan, {0: chosen})
        with pytest.raises(InvalidInput, match="otherwise DigiCert may email others"):
            calls_for_emails(plan, emails)
        assert list(in_form.value.fields) == ["recipients.0"]


@pytest.mark.fault("H1")
@pytest.mark.parametrize(
    ("preferred", "expected"),
    [
        ((), [TXT.email]),
        ((AT_SCOPE[0].email,), [AT_SCOPE[0].email, TXT.email]),
        ((AT_SCOPE[0].email, AT_NAME[0].email), [AT_SCOPE[0].email, AT_NAME[0].email]),
    ],
)
def test_what_is_preselected_of_two_lists_can_be_sent(preferred, expected):
    name = of_two_lists(preferred=preferred)

    assert chosen_emails(name) == expected
    assert chosen_calls(plan_of(name), {0: preselected(name)})


@pytest.mark.fault("H1")
def test_one_mailbox_for_many_names_is_one_address_of_each_list():
    names = [
        WaitingName(
            f"shop.a{number}.example",
            f"shop.a{number}.example",
            DomainTarget(number, f"shop.a{number}.example"),
            True,
            (*constructed(f"a{number}.example"), Address(f"admin@shop.a{number}.example", f"shop.a{number}.example")),
            audiences=(
                tuple(address.email for address in constructed(f"a{number}.example")),
                (f"admin@shop.a{number}.example",),
            ),
        )
        for number in range(9)
    ]

    calls = shared_calls(plan_of(*names), "admin")

    assert shared_mailboxes(plan_of(*names)) == ("admin",)
    assert {recipient.email for recipient in calls[3].recipients} == {"admin@a3.example", "admin@shop.a3.example"}


@pytest.mark.parametrize(
    ("emails", "said"),
    [
        (["bob@corp.example"], "bob@corp.example can't approve this order."),
        ([AT_NAME[0].email], "Add a recipient for other.example."),
        (
            [AT_NAME[0].email, "bob@corp.example"],
            "bob@corp.example can't approve this order. Add a recipient for other.example.",
        ),
        (
            [AT_NAME[0].email, AT_NAME[1].email, "admin@other.example"],
            f"Each domain gets one email, so leave out {AT_NAME[1].email}.",
        ),
    ],
)
def test_typed_addresses_that_do_not_fit_say_what_to_change(emails, said):
    plan = plan_of(waiting(*AT_NAME), waiting(*constructed("other.example"), name="other.example"))

    with pytest.raises(InvalidInput) as refused:
        calls_for_emails(plan, emails)

    assert str(refused.value) == f"Nothing was sent. {said}"


def test_calls_are_repeated_only_if_the_plan_would_make_the_same():
    plan = plan_of(waiting(*AT_NAME), waiting(*constructed("other.example"), name="other.example"))
    calls = chosen_calls(plan, {0: [1], 1: [0]})

    assert repeated_calls(plan, calls) == calls
    for changed in (
        plan_of(plan.waiting[0]),
        plan_of(*plan.waiting, waiting(*AT_SCOPE, name="third.example")),
        plan_of(plan.waiting[0], waiting(constructed("other.example")[1], name="other.example")),
        plan_of(),
    ):
        with pytest.raises(InvalidInput):
            repeated_calls(changed, calls)
