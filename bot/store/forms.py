"""The state of each form. Slack gets only an opaque id, so that a tampered form has no effect."""

import uuid
from dataclasses import dataclass, field, replace
from datetime import datetime

import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError

from bot.async_cache import cached
from bot.models import Actor, Destination, Plan, ResendAsk
from bot.store.database import Database
from bot.store.retention import FORM_RETENTION
from bot.store.schema import format_timestamp, forms

REMEMBERED = 60.0


@dataclass(frozen=True, slots=True)
class Form:
    """One version of a form: who opened it, where its result goes, and what it offers.

    Each target that is drawn makes a new version. `requested_by` is the id of the user who asked the actor to resend,
    if there is one. `follows` is the id of the request from whose card it was opened, and `answers` that of the
    question. `before` and `found_in` are shown again if only a choice changes. `response_url` is a secret: with it, the
    bot answers in a channel that it is not in, for 30 minutes. `changes` is the id of the plan that a form of many
    targets changes.
    """

    actor: Actor
    destination: Destination
    plan: Plan | None = None
    drawn_at: datetime | None = None
    requested_by: str | None = None
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    before: str | None = None
    found_in: str | None = None
    response_url: str | None = field(default=None, repr=False)
    changes: str | None = None
    follows: str | None = None
    answers: str | None = None

    @property
    def revalidates(self) -> bool:
        """True if its submission is a revalidation, which is another action of the policy than a resend."""
        return self.plan is not None and self.plan.revalidation is not None

    def answering(self, ask: ResendAsk) -> "Form":
        """Return the form that a question opens: its result is that of the user who asked, unless they send it."""
        by = ask.actor.user_id
        return replace(self, answers=ask.id, requested_by=None if by == self.actor.user_id else by)

    def redrawn(self, plan: Plan | None = None, drawn_at: datetime | None = None) -> "Form":
        """Return the next version of the form, with an id of its own."""
        new_id = uuid.uuid4().hex
        return replace(self, id=new_id, plan=plan, drawn_at=drawn_at, before=None, found_in=None, changes=None)


_FORM = TypeAdapter(Form)


class Forms:
    """One row per version of a form, stored for FORM_RETENTION."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # One submit reads it twice. Only forms that were found are cached: `_read` raises for the others.
        self._remembered = cached(self._read, maxsize=256, ttl=REMEMBERED)

    async def save(self, form: Form, now: datetime) -> None:
        """Save a form, and delete those that are older than FORM_RETENTION."""
        body = _FORM.dump_json(form).decode()
        new = sa.insert(forms).values(id=form.id, at=format_timestamp(now), body=body)
        await self._database.run(new, sa.delete(forms).where(forms.c.at < format_timestamp(now - FORM_RETENTION)))

    async def get(self, form_id: str) -> Form | None:
        """Return the form with this id; None if it is unknown or too old."""
        try:
            return await self._remembered(form_id)
        except (KeyError, ValidationError):
            # Not in the database, or saved by an older version of the bot.
            return None

    async def _read(self, form_id: str) -> Form:
        rows = await self._database.rows(sa.select(forms.c.body).where(forms.c.id == form_id))
        if not rows:
            raise KeyError(form_id)
        return _FORM.validate_json(rows[0].body)
