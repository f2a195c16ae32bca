"""Retention: how long the bot stores each kind of row after it is no longer in use."""

from datetime import timedelta

from bot.settings import LONGEST_LIMIT_WINDOW

# Counted from when a form was drawn. A user who submits it later has to open it again.
FORM_RETENTION = timedelta(hours=24)

# Counted from the end of a workflow. What it did is in the ledger.
WORKFLOW_RETENTION = timedelta(hours=1)

# Counted from the end of a cooldown, which blocks nothing any more.
COOLDOWN_RETENTION = timedelta(hours=1)

# Counted from the last of DCV_FOLLOW_UPS after the resend.
FOLLOW_UP_RETENTION = timedelta(days=30)

# An older alert gets no offer.
ALERT_MAX_AGE = timedelta(hours=1)
# Longer than Slack may deliver an alert again and the bot may still process it, so that each is processed once.
ALERT_RETENTION = 2 * ALERT_MAX_AGE

# Counted from when an offer was made. Longer than an offer stays open for its targets.
OFFER_RETENTION = timedelta(hours=48)

# Counted from when somebody asked a colleague to resend. Longer than the hour that the limits count.
ASK_RETENTION = timedelta(hours=48)

# Counted from when a person was asked to approve an email. Certificates are renewed within this time, and the person
# who answered for a mailbox is offered first then.
APPROVAL_RETENTION = timedelta(days=400)

# Counted from when a digest was due. Until then its message is withdrawn if its channel becomes shared.
DIGEST_RETENTION = timedelta(days=100)

# The least age at which ledger rows may be pruned: longer than anything that a request waits for (its cooldown, its
# outcome in Slack, a check after its emails). DCV_PERSON_LIMITS counts rows up to this age.
LEDGER_MIN_RETENTION = LONGEST_LIMIT_WINDOW
