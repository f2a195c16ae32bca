"""The invariants that hold after every schedule. Each check yields a sentence for each violation."""

import asyncio
import json
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from sandbox.certcentral.models import Mail
from sandbox.slack import Delivery, Message
from sandbox.slack.workspace.response_urls import MAX_USES
from tests.chaos.environment import MARK, Environment, Key, key_of
from tests.chaos.schedules import LAPSED, MAY
from tests.e2e.helpers import ENDINGS, SENT, Row
from tests.forked_bot import SHORT, ForkedBot

# Before a call the bot asks who may. An answer serves the calls of all requests for ten seconds, and the call must be
# written within two seconds of that.
GRACE_SECONDS = 14.0
# So long does the bot wait for an answer of Slack's.
HANGS_UP_SECONDS = SHORT.slack_timeout
# Statuses after which a PUT has certainly had no effect.
CLEAR = {400, 403, 429}
# The name of the one instance that a SQLite file can have.
ONLY = "only"
# Longer than the bot takes from one call to the next: a writer may wait for the database for 1.9 s and make no call.
QUIET_SECONDS = 2.2
# By then an ack is there on the slowest machine.
NEVER_SECONDS = 15.0
# An ack takes some hundredths of a second. If it takes longer than this beyond the machine's lag, the bot is to blame.
OWN_SECONDS = 2.0
_MENTION = re.compile(r"<!(?!date\^|subteam\^)|<@(?!U)|<@U0EVIL|<(https?://evil[^|>]*)")
_IN_ORDER = re.compile(r"(sending turned_away )*(sending )?(sent|refused|not_sent|unknown)")
_ALERT = re.compile(r"Order (\d+) waits$")
_BRING_IT_AGAIN = "Slack delivers it again"
_EXPECTED = ("failed: ", "was answered with HTTP", "was not acknowledged within", "was acknowledged too late")
# A signature counts for five minutes, and clocks are wrong by 200 seconds at most.
SURELY_FRESH_SECONDS = 100.0
# From then on the others may take a frozen instance for dead; and what one needs after that to be itself again.
GONE_SECONDS = 7.0
THAWING_SECONDS = 3.0
# What was on its way to Slack as the bot learned that strangers read along.
SEEN_SECONDS = 1.0


async def violations(env: Environment) -> list[str]:
    """Return a sentence for each violated invariant."""
    rows = env.ledger()
    found = [each for check in _CHECKS for each in check(env, rows)]
    return [*found, *await _chain(env)]


def unfinished(env: Environment) -> list[str]:
    """Return a sentence for each unfinished item in the bot's own tables."""
    questions = {
        "request {id} is not told": "SELECT id FROM requests WHERE reported_at IS NULL",
        "alert {ts} was not looked at": "SELECT ts FROM alerts WHERE mentions IS NOT NULL",
        "offer {id} is not shown": "SELECT id FROM offers WHERE published_version = 0",
    }
    return [name.format(**row) for name, question in questions.items() for row in env.rows(question)]


def _puts_have_rows(env: Environment, rows: list[Row]) -> Iterator[str]:
    """Each PUT has a `sending` row of its own, there before it arrived; nothing takes effect twice."""
    so_far: Counter[Key] = Counter()
    for call, _, before, _ in env.witnessed:
        so_far[key := key_of(call)] += 1
        begun = _sendings(rows if before is None else before)
        if so_far[key] > begun[key]:
            yield f"PUT {so_far[key]} of {key} has only {begun[key]} sending rows before it"
    mails = Counter((*_mail_key(mail), mail.recipient) for mail in env.certcentral.outbox)
    for (order_or_domain, locale, recipient), times in mails.items():
        order = env.certcentral.orders.get(order_or_domain)
        if order_or_domain not in LAPSED and times > (len(order.dns_names) if order else 1):
            yield f"{recipient} was mailed {times} times for {order_or_domain} in {locale}"


def _no_call_is_late(env: Environment, _: list[Row]) -> Iterator[str]:
    """No PUT arrives after its call has ended: a user who read the result may have sent it again."""
    for call, _at, before, _fault in env.witnessed:
        if _is_of_revalidation(key_of(call)):
            # A person may continue with the same call in another request.
            continue
        ended = [row for row in before or () if row["kind"] in ENDINGS and _key(before or [], row) == key_of(call)]
        yield from (f"the PUT of {key_of(call)} arrived after it had ended as {row['kind']}" for row in ended)


def _only_the_chosen_are_mailed(env: Environment, rows: list[Row]) -> Iterator[str]:
    chosen: dict[Key, set[str]] = defaultdict(set)
    for row in rows:
        if row["kind"] == "accepted":
            for call, key in zip(row["detail"]["calls"], _keys(row), strict=True):
                chosen[key] |= {address for each in call["recipients"].values() for address in each}
    for mail in env.certcentral.outbox:
        key = (f"order {mail.order_id}" if mail.order_id else f"domain {mail.domain_id}", mail.locale)
        if mail.recipient not in chosen[key]:
            yield f"{mail.recipient} was mailed for {key}, and {sorted(chosen[key])} were chosen"


def _colleagues_are_served_during_a_flood(env: Environment, _: list[Row]) -> Iterator[str]:
    yield from (f"{who} got no form while another person flooded the bot" for who, served in env.served if not served)


def _nobody_is_denied_falsely(env: Environment, rows: list[Row]) -> Iterator[str]:
    """A person with permission is never denied because Slack did not answer."""
    for row in rows:
        name = next((name for name, person in env.people.items() if person.id == row["user_id"]), "")
        if row["kind"] == "denied" and name in MAY and name not in env.left_at:
            yield f"{name} may, and has a row denied: {row['detail']}"


def _strangers_read_no_outcome(env: Environment, _: list[Row]) -> Iterator[str]:
    """Once the one instance has seen that the channel is shared, it says there no longer what became of a request."""
    if env.shared_at is None or len(env.instances) > 1:
        return
    calls = [call for call in env.slack.api_calls if call.params.get("channel") == env.pki.id]
    asked = [call for call in calls if call.method == "conversations.info" and call.at > env.shared_at]
    observation = next((call.at + (call.after or 0.0) for call in asked if call.status == 200 and not call.error), None)
    for call in calls:
        is_said = call.method in {"chat.postMessage", "chat.update"} and observation is not None
        if is_said and call.at > observation + SEEN_SECONDS and _says_an_outcome(str(call.params.get("text"))):
            yield f"strangers read {call.params.get('text')!r}"


def _attempts_are_in_order(_: Environment, rows: list[Row]) -> Iterator[str]:
    """One `sending` row for each attempt; another attempt only after the one before was turned away; one ending."""
    by_call = defaultdict(list)
    for row in rows:
        if row["call_no"] is not None and row["kind"] != "validated":
            by_call[row["request_id"], row["call_no"]].append((row["kind"], row["attempt"]))
    for call, events in by_call.items():
        attempts = [attempt for kind, attempt in events if kind == "sending"]
        in_order = _IN_ORDER.fullmatch(" ".join(kind for kind, _ in events))
        # A try that was turned away before its row has a number and no row.
        if not in_order or attempts != sorted(set(attempts)):
            yield f"call {call} has {events} in the ledger"


def _requests_are_accepted_once(_: Environment, rows: list[Row]) -> Iterator[str]:
    """One user action is one request, however often it arrived."""
    first = [row for row in rows if row["kind"] == "accepted" and "follows" not in row["detail"]]
    keys = Counter(key for row in first for key in _keys(row))
    yield from (f"{key} was accepted {times} times" for key, times in keys.items() if times > 1)


def _nobody_is_mailed_without_permission(env: Environment, rows: list[Row]) -> Iterator[str]:
    names = {person.id: name for name, person in env.people.items()}
    asked = {key: names[row["user_id"]] for row in rows if row["kind"] == "accepted" for key in _keys(row)}
    for row in rows:
        if row["kind"] in {"accepted", "sending"} and names.get(row["user_id"]) not in MAY:
            yield f"{names.get(row['user_id'])} may not, and has a row {row['kind']}"
    for call, at, _, _ in env.witnessed:
        who = asked.get(key_of(call))
        if who not in MAY:
            yield f"a PUT for {who}: {key_of(call)}"
        left_at = env.left_at.get(who or "", at)
        if at > left_at + GRACE_SECONDS:
            yield f"a PUT for {who}, {at - left_at:.1f} s after they lost their right"


def _every_request_ends_once_and_truly(env: Environment, rows: list[Row]) -> Iterator[str]:
    ended: dict[tuple[str, int], list[Row]] = defaultdict(list)
    for row in rows:
        if row["kind"] in ENDINGS:
            ended[row["request_id"], row["call_no"]].append(row)
    for row in rows:
        if row["kind"] != "accepted":
            continue
        for number, key in enumerate(_keys(row)):
            results = [each["kind"] for each in ended[row["request_id"], number]]
            if len(results) != 1:
                yield f"call {number} of {row['request_id']} ended {results}"
            elif not _is_of_revalidation(key) and (lie := _lie(env, rows, key, results[0])):
                yield f"{key} was told as {results[0]}, but {lie}"


def _is_of_revalidation(key: Key) -> bool:
    kind, number, *_ = key[0].split()
    return kind == "domain" and int(number) in LAPSED


def _revalidations_are_careful_and_true(env: Environment, rows: list[Row]) -> Iterator[str]:
    """Each call of a revalidation is made once in a request, in order, and what is told of it is so."""
    accepted = [row for row in rows if row["kind"] == "accepted" and _is_of_revalidation(_keys(row)[0])]
    for row in accepted:
        steps = [call.get("step", "resend") for call in row["detail"]["calls"]]
        mine = [each for each in rows if each["request_id"] == row["request_id"]]
        results = {each["call_no"]: each["kind"] for each in mine if each["kind"] in ENDINGS}
        ended = [(step, results.get(number, "")) for number, step in enumerate(steps)]
        begun = {each["call_no"] for each in mine if each["kind"] == "sending"}
        if any(results.get(number - 1) != "sent" for number in begun if number):
            yield f"{row['request_id']} went on after {results}"
        yield from _step_lies(env, _keys(row)[-1], ended)
        yield from _untrue_card(env, row["request_id"], ended)
    for domain_id in LAPSED:
        yield from _extra_emails(env, domain_id, accepted, rows)


def _step_lies(env: Environment, key: Key, ended: list[tuple[str, str]]) -> Iterator[str]:
    """Yield what CertCentral contradicts."""
    domain = env.certcentral.domains[int(key[0].split()[1])]
    is_submitted = domain.pending or domain.is_valid(env.certcentral.now())
    for step, result in ended:
        if step == "submit" and result == "sent" and not is_submitted:
            yield f"{domain.name} was told as submitted, and is not"
        if step == "method" and result == "sent" and domain.method != "email":
            yield f"{domain.name} was told as changed to email, and its method is {domain.method}"
        if step == "resend" and result == "sent":
            puts = [call.status for call in env.certcentral.resends if key_of(call) == key]
            if 204 not in puts:
                yield f"{domain.name} was told as emailed, and CertCentral answered {puts}"


def _extra_emails(env: Environment, domain_id: int, accepted: list[Row], rows: list[Row]) -> Iterator[str]:
    """Yield emails that no call explains: one for each resend, and one for a change whose flag is ignored."""
    ids = [row["request_id"] for row in accepted if f"domain {domain_id}" in _keys(row)[0][0]]
    steps = Counter(
        row["detail"]["calls"][each["call_no"]].get("step", "resend")
        for row in accepted
        for each in rows
        if row["request_id"] in ids and each["request_id"] == row["request_id"] and each["kind"] == "sending"
    )
    most = steps["resend"] + (steps["method"] if env.certcentral.options.email_flag_ignored else 0)
    mails = Counter(mail.recipient for mail in env.certcentral.outbox if mail.domain_id == domain_id)
    yield from (f"{to} was mailed {times} times for {domain_id}" for to, times in mails.items() if times > most)


# What the card says by the step that a revalidation ended with, and its result.
_STOPPED = {
    ("submit", "refused"): "no email was sent",
    ("submit", "not_sent"): "no email was sent",
    ("submit", "unknown"): "may or may not be submitted, no email was sent",
    ("method", "refused"): "submitted, no email was sent",
    ("method", "not_sent"): "submitted, no email was sent",
    ("method", "unknown"): "submitted, stopped before the email",
    ("resend", "refused"): "submitted, DigiCert refused the email",
    ("resend", "not_sent"): "submitted, stopped before the email",
}


def _untrue_card(env: Environment, request_id: str, ended: list[tuple[str, str]]) -> Iterator[str]:
    last = next((each for each in ended if each[1] != "sent"), ended[-1])
    head = _STOPPED.get(last)
    says = [head] if head else [*ENDINGS[last[1]], *_LATER] if last[1] in ENDINGS else []
    for card in _messages(env, f"{request_id}.root")[-1:]:
        is_withdrawn = env.shared_at is not None and not card.channel.im
        if not is_withdrawn and not any(words in card.text for words in says):
            yield f"{request_id} ended as {ended}, and its card says {card.text!r}"


def _lie(env: Environment, rows: list[Row], key: Key, result: str) -> str | None:
    """Return the evidence against a result, from CertCentral or the processes' lives, or None."""
    puts = [call for call in env.certcentral.resends if key_of(call) == key]
    statuses = [call.status for call in puts]
    mailed = any(_mail_key(mail) == (int(key[0].split()[1]), key[1]) for mail in env.certcentral.outbox)
    if result == "sent" and 204 not in statuses:
        return f"CertCentral answered {statuses}"
    if result in {"refused", "not_sent"} and (mailed or 204 in statuses):
        return f"CertCentral answered {statuses} and mailed"
    if result == "unknown" and not _left_in_doubt(env, rows, key) and not _died_at(env, rows, key):
        return f"CertCentral answered {statuses}, and no process ended in between"
    return None


def _left_in_doubt(env: Environment, rows: list[Row], key: Key) -> bool:
    """Return if the PUT of the last attempt arrived, and was lost or answered so that its effect is unknown."""
    faults = [each.fault for each in env.witnessed if key_of(each.call) == key]
    if not faults or len(faults) < _sendings(rows)[key] or (fault := faults[-1]) is None:
        return False
    return fault.lost or (fault.answer is not None and fault.answer.status not in CLEAR)


def _died_at(env: Environment, rows: list[Row], key: Key) -> bool:
    """Return if a process ended between the `sending` row that it wrote for this call and the row that closes it.

    One that was frozen for as long as the others wait counts as well: they ended what it had begun.
    """
    gone = {each.by for each in env.frozen if each.until - each.since > GONE_SECONDS}
    if any(_begun_by(row) in gone for row in rows if row["kind"] == "sending" and _key(rows, row) == key):
        return True
    for by, left in env.deaths:
        if left is None:
            return True
        last = [row for row in left if row["call_no"] is not None and _key(left, row) == key][-1:]
        if any(row["kind"] == "sending" and _begun_by(row) in {by, ONLY} for row in last):
            return True
    return False


def _begun_by(row: Row) -> str:
    return str(row["detail"]["by"].split("/")[0])


def _every_request_is_reported_once_and_truly(env: Environment, rows: list[Row]) -> Iterator[str]:
    ended = defaultdict(list)
    for row in rows:
        if row["kind"] in ENDINGS:
            ended[row["request_id"]].append(row["kind"])
    for row in rows:
        if row["kind"] == "accepted":
            yield from _report_violations(env, row, Counter(ended[row["request_id"]]))


def _report_violations(env: Environment, accepted: Row, ended: Counter[str]) -> Iterator[str]:
    request_id = accepted["request_id"]
    roots = _messages(env, f"{request_id}.root")
    if env.shared_at is not None:
        # What stood in the channel became a neutral line there, and the request goes on directly.
        roots = [message for message in roots if message.channel.im] or roots
    # The bot may not read direct messages: if the answer to a post was lost, a second copy may appear there.
    copies = [message for message in roots if message.channel.im]
    late = _posted_late(env, f"{request_id}.root")
    if not roots or len(roots) - len(copies) > 1 + late or (copies and len(copies) < len(roots)):
        yield f"{request_id} has {len(roots)} root messages: {[message.text[:80] for message in roots]}"
    if len(copies) > 1 and not _posts_were_lost(env):
        yield f"{request_id} was told {len(copies)} times directly"
    if not roots:
        return
    is_true = any(_is_true_of(root.text, ended) for root in (roots if late else roots[-1:]))
    if not is_true and not _is_of_revalidation(_keys(accepted)[0]):
        yield f"{request_id} ended as {dict(ended)}, and its card says {roots[-1].text!r}"
    if roots[-1].text.startswith("✅") and not _is_validated(env, accepted):
        yield f"{request_id} is not validated, and its card says {roots[-1].text!r}"


def _is_validated(env: Environment, accepted: Row) -> bool:
    """Return if every name that a request emailed for is validated in CertCentral."""
    account = env.certcentral
    for call in accepted["detail"]["calls"]:
        kind, number, *_ = call["target"].split()
        if kind == "domain":
            domain = account.domains[int(number)]
            if not all(domain.covers(each, account.now()) for each in call["recipients"]):
                return False
        else:
            order = account.orders[int(number)]
            names = [each for each in order.dns_names if each.removeprefix("*.") in call["recipients"]]
            if not all(account.is_validated(order, each) for each in names):
                return False
    return True


# What a card says of a name after its email: this hides if the email itself was sent.
_LATER = (" validated", "certificate issued", "· resent", "Resent by", "· order ", ": order ", "no longer")
_FAILED = "no email was sent"


def _is_true_of(card: str, ended: Counter[str]) -> bool:
    """Return if a card says what the calls ended as, and nothing else."""

    def says(*words: str) -> bool:
        return any(each in card for each in words)

    is_failed = bool(ended["refused"] + ended["not_sent"])
    only_failed = set(+ended) <= {"refused", "not_sent"}
    return (
        not says("Resending DCV email")
        and says(_FAILED) == is_failed
        and (says(*ENDINGS["refused"]) if ended["refused"] else not says("DigiCert's reason:"))
        and (says(SENT, *_LATER) if ended["sent"] else not says(SENT, "Email sent to"))
        and (says(*ENDINGS["unknown"], *_LATER) if ended["unknown"] else not says(*ENDINGS["unknown"]))
        and not (only_failed and says(" validated", "certificate issued"))
    )


def _says_an_outcome(text: str) -> bool:
    return any(words in text for kind in ENDINGS.values() for words in kind)


def _alerts_get_one_offer(env: Environment, _: list[Row]) -> Iterator[str]:
    # An offer whose target was resent or validated says so instead.
    firsts = [(*each.history, each.content)[0].text for each in env.ops.messages]
    offers = [text for text in firsts if "is waiting for email approval" in text]
    about = Counter(word for text in offers for word in re.findall(r"Order (\d+)", text))
    yield from (f"order {order_id} was offered {times} times" for order_id, times in about.items() if times > 1)
    yield from (f"order {order_id} waits, and was not offered" for order_id in _alerted(env) - about.keys())


def _alerted(env: Environment) -> set[str]:
    """The orders that an alert named, as the bot acknowledged, and that wait to the end; those that no domain holds."""
    named = set()
    for delivery in env.slack.deliveries:
        event = delivery.sent.get("event", {})
        if delivery.acked and event.get("channel") == env.ops.id:
            named |= set(_ALERT.findall(event.get("text", "")))
    orders = {order_id: env.certcentral.orders[int(order_id)] for order_id in named}
    return {number for number, order in orders.items() if order.is_dv and env.certcentral.pending_names(order)}


def _slack_is_answered(env: Environment, _: list[Row]) -> Iterator[str]:
    """Whatever reached a bot that lived on was acknowledged, and in time unless the machine was late."""
    missed = [each for each in env.slack.deliveries if not each.acked and _was_received(env, each)]
    missed = [each for each in missed if not _met_a_frozen_one(env, each)]
    for delivery in missed:
        if delivery.answered and _dawdled(env, delivery):
            yield f"{delivery.what} was acknowledged after {delivery.after:.1f} s"
        if not delivery.answered and delivery.kind != "events_api":
            yield f"{delivery.what} was not acknowledged"
    # An alert that cannot be written down is not acknowledged, so that Slack brings it again.
    on_purpose = sum(instance.process.log.count(_BRING_IT_AGAIN) for instance in env.instances)
    events = {each.envelope["envelope_id"] for each in missed if each.kind == "events_api" and not each.answered}
    if len(events) > on_purpose:
        yield f"{len(events)} events were not acknowledged, and {on_purpose} of them on purpose"
    expected = [*_EXPECTED, "used_url"] if _most_answers(env) > MAX_USES else _EXPECTED
    problems = [each for each in env.slack.problems if not any(words in each for words in expected)]
    yield from (f"Slack: {problem}" for problem in problems)


def _most_answers(env: Environment) -> int:
    """Return the highest number of deliveries of one response_url, each of which is answered once."""
    urls = Counter(url for each in env.slack.deliveries if (url := each.sent.get("response_url")))
    return max(urls.values(), default=0)


def _dawdled(env: Environment, delivery: Delivery) -> bool:
    """Return if a late delivery took too long even without the machine's lag."""
    return delivery.after - env.lag_meter.lag(delivery.sent_at, delivery.sent_at + delivery.after) > OWN_SECONDS


def _was_received(env: Environment, delivery: Delivery) -> bool:
    """Return if the delivery reached a bot that stayed alive and had enough time."""
    if not env.is_http:
        lag = env.lag_meter.lag(delivery.sent_at, delivery.sent_at + NEVER_SECONDS)
        return delivery.connection_outlived(env.slack.ack_seconds + lag)
    if delivery.failure == "http_timeout":
        return _dawdled(env, delivery)
    if delivery.status == 401:
        envelope_id = delivery.envelope["envelope_id"]
        same = (each for each in env.slack.deliveries if each.envelope["envelope_id"] == envelope_id)
        return delivery.at < next(same).at + SURELY_FRESH_SECONDS
    until = delivery.sent_at + delivery.after
    met = any(began < until and delivery.sent_at < ended for began, ended in env.absences)
    return not met or delivery.status not in {None, 503}


def _met_a_frozen_one(env: Environment, delivery: Delivery) -> bool:
    """Return if a process was frozen during the delivery, or had only just thawed."""
    until = delivery.sent_at + delivery.after
    return any(each.since < until and delivery.sent_at < each.until + THAWING_SECONDS for each in env.frozen)


def _nothing_foreign_is_alive(env: Environment, _: list[Row]) -> Iterator[str]:
    said = [(call.method, call.params) for call in env.slack.api_calls]
    mine = [each for each in _everything_said(env) if each.by.bot_id == env.slack.bot.bot_id]
    said += [("a message", {"text": each.text, "blocks": each.blocks}) for each in mine]
    for what, held in said:
        yield from (f"{what} holds {found[0]!r}: {text!r}" for text in _texts(held) if (found := _MENTION.search(text)))


def no_secret_leaks(env: Environment, rows: list[Row]) -> Iterator[str]:
    """The marks appear in no log, row or message, nor in anything that Slack was sent."""
    said = [(message.text, message.blocks, message.attachments, message.metadata) for message in _everything_said(env)]
    views = [delivery.payload for delivery in env.slack.deliveries]
    places = {
        "the ledger": rows,
        "what Slack was sent": [call.params for call in env.slack.api_calls],
        "what is said in Slack": said,
        "the answers to Slack": views,
        "a log": [instance.process.log for instance in env.instances],
        "the database": env.everything_stored(),
    }
    for destination, held in places.items():
        for found in re.finditer(f".{{0,200}}{MARK}.{{0,40}}", json.dumps(held, ensure_ascii=False, default=str)):
            yield f"{destination} holds a secret: {found[0]}"


def _logs_are_clean(env: Environment, _: list[Row]) -> Iterator[str]:
    for instance in env.instances:
        log = instance.process.log
        yield from (f"log: {line[:1500]}" for line in log.splitlines() if _is_bad(line))
        for status in instance.ends:
            if status != 2 or not env.unavailable:
                yield f"a bot ended by itself with {status}: {log[-500:]}"


def _is_bad(line: str) -> bool:
    try:
        parsed = json.loads(line)
    except ValueError:
        return not line.startswith("DATABASE_URL: ")
    return "exception" in parsed or parsed["level"] in {"error", "critical"}


async def _chain(env: Environment) -> list[str]:
    settings = {"DATABASE_URL": env.database_url}
    checker = ForkedBot(settings, env.folder / "verify.log", ("dcv-resend", "ledger", "verify"))
    await checker.start()
    status = await checker.wait_for_exit(60.0)
    return [] if status == 0 else [f"ledger verify exited with {status}: {checker.log}"]


_CHECKS: tuple[Callable[[Environment, list[Row]], Iterable[str]], ...] = (
    _puts_have_rows,
    _no_call_is_late,
    _only_the_chosen_are_mailed,
    _colleagues_are_served_during_a_flood,
    _nobody_is_denied_falsely,
    _strangers_read_no_outcome,
    _attempts_are_in_order,
    _requests_are_accepted_once,
    _nobody_is_mailed_without_permission,
    _every_request_ends_once_and_truly,
    _every_request_is_reported_once_and_truly,
    _revalidations_are_careful_and_true,
    _alerts_get_one_offer,
    _slack_is_answered,
    _nothing_foreign_is_alive,
    no_secret_leaks,
    _logs_are_clean,
)


def _keys(accepted: Row) -> list[Key]:
    """Target and language of each call of a request."""
    detail = accepted["detail"]
    return [_key_of_call(call, detail["locale"]) for call in detail["calls"]]


def _key_of_call(call: dict[str, str], locale: str) -> Key:
    target, step = " ".join(call["target"].split()[:2]), call.get("step", "")
    return f"{target} {step}".strip(), "" if step == "submit" else locale


def _mail_key(mail: Mail) -> tuple[int, str]:
    return mail.order_id or mail.domain_id or 0, mail.locale


def _key(rows: list[Row], row: Row) -> Key:
    """Target and language of the call that a row is about."""
    accepted = next(each for each in rows if each["kind"] == "accepted" and each["request_id"] == row["request_id"])
    return _keys(accepted)[row["call_no"]]


def _sendings(rows: list[Row]) -> Counter[Key]:
    """Count the `sending` rows for each key."""
    keys = {row["request_id"]: _keys(row) for row in rows if row["kind"] == "accepted"}
    return Counter(keys[row["request_id"]][row["call_no"]] for row in rows if row["kind"] == "sending")


def _posts_were_lost(env: Environment) -> bool:
    lossy = ("answer lost", "500 after it took effect", "timeout", "slow", "kill")
    return any(word in name for name in env.injected if env.injected[name] for word in lossy)


def _posted_late(env: Environment, key: str) -> int:
    """Count the posts of a message that Slack carried out after the bot had hung up. The bot cannot undo those."""
    posts = [call for call in env.slack.api_calls if call.method == "chat.postMessage"]
    late = [call for call in posts if (call.after or 0.0) > HANGS_UP_SECONDS]
    return sum(key in json.dumps(call.params.get("metadata")) for call in late)


def _messages(env: Environment, key: str) -> list[Message]:
    """The messages that carry this key."""
    return [
        message
        for channel in env.slack.channels.values()
        for message in channel.messages
        if ((message.metadata or {}).get("event_payload") or {}).get("key") == key
    ]


def _everything_said(env: Environment) -> Iterator[Message]:
    for channel in env.slack.channels.values():
        yield from channel.messages
    for person in env.people.values():
        yield from person.ephemerals


def _texts(value: object) -> Iterator[str]:
    """Every text in a JSON value that Slack would read as markup."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict) and value.get("type") not in {"plain_text", "plain_text_input"}:
        # The value of a button is not shown. It may hold the line that the user typed, to run it again.
        for key, each in value.items():
            yield from _texts(each) if key != "value" else ()
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


async def until_quiet(env: Environment, seconds: float) -> list[str]:
    """Wait until no work is in progress and no calls arrive. Return what is unfinished after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        began, before, left = time.monotonic(), env.calls, await asyncio.to_thread(unfinished, env)
        await asyncio.sleep(QUIET_SECONDS)
        # A busy machine gives the bot less of that time than it gives a sleeper.
        await asyncio.sleep(env.lag_meter.lag(began, time.monotonic()))
        if not left and env.calls == before:
            return []
        if time.monotonic() > deadline:
            return [f"not quiet after {seconds:g} s: {each}" for each in left or ["somebody still calls"]]


def logs(folder: Path) -> str:
    """Return the bots' logs, to find the cause of a failure."""
    return "\n".join(f"{file.name}:\n{file.read_text()}" for file in sorted(folder.glob("*.log")))
