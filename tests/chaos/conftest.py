"""Options for the number of schedules or a single seed."""

import pytest

SHORT = 12


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the long form, and a seed of one's own."""
    parser.addoption("--schedules", type=int, default=SHORT, help="how many schedules the chaos suite plays")
    parser.addoption("--seed", type=int, help="the only seed that the chaos suite plays")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Generate one test for each seed."""
    if "seed" in metafunc.fixturenames:
        only = metafunc.config.getoption("--seed", None)
        last = metafunc.config.getoption("--schedules", SHORT)
        metafunc.parametrize("seed", range(1, last + 1) if only is None else [only])


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread the schedules evenly over a whole run, so that no worker gets all of these long tests at its end."""
    schedules = [item for item in items if "seed" in getattr(getattr(item, "callspec", None), "params", {})]
    others = [item for item in items if item not in set(schedules)]
    if not schedules or not others:
        return
    share = len(others) / len(schedules)
    items[:] = []
    for number, schedule in enumerate(schedules):
        items += [schedule, *others[round(number * share) : round((number + 1) * share)]]
