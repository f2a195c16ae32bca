"""Waiting out a database that is away, where what is known must not be lost."""

import stamina

from bot.errors import StoreUnavailable

patiently = stamina.AsyncRetryingCaller(attempts=None, timeout=None, wait_initial=0.2, wait_max=5.0).on(
    StoreUnavailable
)
