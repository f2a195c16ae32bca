"""What `make chaos` prints."""

from tests.chaos.report import MOST_CHARACTERS, summary


def played(seed, *violations, **more):
    return {
        "seed": seed,
        "seconds": 2.0,
        "faults": {"429": 2},
        "happened": {"PUT": 1},
        "violations": violations,
        **more,
    }


def test_the_seeds_that_failed_come_first_with_what_each_violated():
    lines = list(summary([played(7, "b", "x" * 9000), played(3), played(2, "a")]))

    assert lines[:3] == ["seed 2: a", "seed 7: b", f"seed 7: {'x' * MOST_CHARACTERS}"]
    assert lines[3] == "3 schedules, 2.0 s each"
    assert lines[-2:] == ["6 faults, 3 violations", "seeds that failed: 2, 7"]


def test_without_violations_no_seed_is_named():
    assert not any("seed" in line for line in summary([played(1)]))
