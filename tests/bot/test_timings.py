"""The guarantees of the production timings. End-to-end tests use shorter ones."""

import inspect
from dataclasses import asdict

import pytest

from bot.timings import PRODUCTION
from handlers.cli.main import main
from handlers.server.serve import run
from handlers.transport.http import HttpMode
from handlers.transport.socket_mode import SocketMode
from handlers.transport.transport import ACK_SECONDS
from tests.forked_bot import SHORT


@pytest.mark.parametrize("function", [main, run, SocketMode, HttpMode])
def test_the_default_timings_are_those_of_production(function):
    assert inspect.signature(function).parameters["timings"].default is PRODUCTION


# The stories wait longer for what they do not want at all: a read of the listing that no user asked for.
@pytest.mark.parametrize("name", sorted(asdict(SHORT).keys() - {"warm_up_delay", "digest_first_read"}))
def test_the_stories_wait_no_longer_than_production(name):
    assert getattr(SHORT, name) <= getattr(PRODUCTION, name)


def test_a_dead_socket_shows_within_six_seconds():
    assert 1.5 * PRODUCTION.ping_interval <= 6.0


def test_the_bot_is_back_within_ten_seconds():
    attempt = max(PRODUCTION.address_timeout, PRODUCTION.handshake_timeout)

    assert attempt + PRODUCTION.reconnect_delays[1] < 10.0
    assert 1.5 * PRODUCTION.ping_interval + PRODUCTION.close_timeout < 10.0


def test_a_slack_that_is_down_is_asked_no_more_than_once_in_a_second_and_then_in_two():
    first, longest = PRODUCTION.reconnect_delays

    assert (first / 2, longest / 2) >= (1.0, 2.0)


def test_a_stop_drains_within_the_time_for_acks():
    assert PRODUCTION.drain < ACK_SECONDS


def test_the_mail_waits_five_seconds_at_most_and_less_than_slacks_timeout():
    assert PRODUCTION.announce_timeout <= 5.0 < PRODUCTION.slack_timeout


def test_a_digicert_that_cannot_be_reached_is_tried_three_times_over_some_seconds():
    assert len(PRODUCTION.unreachable_delays) == len(SHORT.unreachable_delays) == 2
    assert sum(PRODUCTION.unreachable_delays) >= 10.0
    assert PRODUCTION.busy_delays >= (5.0, 60.0)


def test_an_empty_answer_lasts_longer_than_reading():
    assert PRODUCTION.empty_history_delay >= 0.45
