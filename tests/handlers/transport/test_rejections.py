"""However much is turned away, the log stays small, and says what it left out."""

import pytest

pytestmark = pytest.mark.fault("M1")


def test_so_many_lines_a_minute_and_the_next_one_says_how_many_were_left_out():
    from handlers.transport.rejections import LogBudget

    now = 1000.0
    budget = LogBudget(2, lambda: now)

    first = [budget.spend() for _ in range(5)]
    now += 59.0
    still = budget.spend()
    now += 1.0
    later = [budget.spend() for _ in range(3)]

    assert first == [{}, {}, None, None, None]
    assert still is None
    assert later == [{"not_logged_before": 4}, {}, None]
