"""The modules that a forked bot has before it starts."""

from importlib.util import find_spec

import pytest

from tests.forked_bot import PRELOADED


@pytest.mark.parametrize("name", PRELOADED)
def test_each_module_to_load_beforehand_exists(name):
    assert find_spec(name)
