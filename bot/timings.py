"""Timeouts, intervals and delays of the running bot, collected in one value so that tests can shorten them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Durations in seconds. The defaults are for production.

    Limits that Slack, DigiCert or the platform set are constants where they are used.
    """

    # Socket Mode: the bot sends a ping after this long without a frame. The pong must arrive in half of that time.
    ping_interval: float = 4.0
    handshake_timeout: float = 4.0
    close_timeout: float = 1.0
    address_timeout: float = 4.0
    # The bot waits this long before it asks Slack again whether the app token is really refused.
    token_recheck_delay: float = 2.0
    # If the second socket in a row ends sooner, it counts as a failure: such a Slack must not be hammered.
    stable_after: float = 1.0
    # The upper bound of the delay before a reconnect: the first one, doubling to the longest.
    reconnect_delays: tuple[float, float] = (2.0, 4.0)

    # HTTP mode: a load balancer asks each second whether the bot is ready, and may have to ask twice.
    drain: float = 2.0

    start_retry_delay: float = 5.0
    digicert_check_timeout: float = 5.0
    digicert_retry_delay: float = 30.0

    # How long a successful call to Slack, or a positive answer of DigiCert, counts as a sign of health.
    slack_health_ttl: float = 10.0
    digicert_health_ttl: float = 10.0

    slack_timeout: float = 10.0

    # After the start, before the account is listed for the first search. Then every WARM_UP_SECONDS.
    warm_up_delay: float = 0.0

    # Slack's limit of edits counts them within this long.
    edit_window: float = 60.0

    # The mail goes out after this long, even if Slack has not taken the message that announces it.
    announce_timeout: float = 5.0
    # Before Slack is asked again for what an offer to an alert needs.
    offer_retry_delay: float = 10.0
    # Between two searches for resends of what is offered.
    offer_refresh: float = 5.0
    # DigiCert is asked at most this often whether the target of an offer is still pending.
    offer_check_delay: float = 60.0
    # An answer without a line takes this long, whether nothing is there or the user may see nothing of it.
    empty_history_delay: float = 0.5

    # Between two rounds of the digests. A digest is posted within a minute of its time.
    digest_round: float = 15.0
    # After a start, before the account is read for the metrics, if no digest is due: it is being listed for the search.
    digest_first_read: float = 30.0
    # Before the account is read again for digests, after DigiCert did not answer.
    digest_retry: float = 60.0

    # Before another attempt of a call that DigiCert put off: the first delay, doubling to the longest.
    busy_delays: tuple[float, float] = (5.0, 60.0)
    # Before each further attempt if DigiCert cannot be reached. After the last one the bot gives up.
    unreachable_delays: tuple[float, ...] = (2.0, 10.0)
    # Before another attempt if Slack cannot say whether the user is allowed: the first delay, doubling to the longest.
    permission_delays: tuple[float, float] = (1.0, 16.0)


PRODUCTION = Timings()
