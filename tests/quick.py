"""`make quick`: the tests that start no process, fewer examples, and the services on one of the two databases."""

import pytest
from hypothesis import Phase, settings

FEWER = 10
_PHASES = [Phase.explicit, Phase.reuse, Phase.generate]
# Without looking for the smallest example that fails, which may take minutes.
settings.register_profile("quick", max_examples=100 // FEWER, deadline=None, phases=_PHASES)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the short form."""
    parser.addoption("--quick", action="store_true", help="no processes, fewer examples, the services on SQLite alone")


def pytest_configure(config: pytest.Config) -> None:
    """Choose how many examples hypothesis tries."""
    if config.getoption("--quick"):
        settings.load_profile("quick")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes long."""
    if config.getoption("--quick"):
        slow = [item for item in items if item.get_closest_marker("process") or _is_service_on_a_server(item)]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in set(slow)]


def examples(number: int) -> int:
    """Return how many examples to try if a whole run tries so many."""
    return max(2, number // FEWER) if settings.get_current_profile_name() == "quick" else number


def _is_service_on_a_server(item: pytest.Item) -> bool:
    """Return if the test runs a service on PostgreSQL. Tests of the stores do so in any case."""
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    return "services" in item.path.parts and parameters.get("database_url") == "postgresql"
