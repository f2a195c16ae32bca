"""A helper that changes one value in a valid sample."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

Change = Callable[[Any, str, Any], Any]


@pytest.fixture
def changed() -> Change:
    """Return a copy of a sample in which the value at a path such as `options/0/text` is another. `...` removes it."""

    def change(sample: Any, path: str, value: Any) -> Any:
        copy = deepcopy(sample)
        *way, last = [int(step) if step.isdigit() else step for step in path.split("/")]
        place = copy
        for step in way:
            place = place[step]
        if value is ...:
            del place[last]
        else:
            place[last] = value
        return copy

    return change
