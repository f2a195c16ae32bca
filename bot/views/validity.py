"""Until when a validation holds and why, and what a revalidation would change, in words. Plain text."""

from datetime import date

from bot.expiry.effective_end import EffectiveEnd, EndReason
from bot.expiry.outlook import Prospect
from bot.models import SeenValidated


def day_in_words(day: date) -> str:
    """Return a day, such as `March 15, 2027`."""
    return f"{day:%B} {day.day}, {day.year}"


def because(end: EffectiveEnd) -> str:
    """Return why a validation ends, in the words of a table: `age`, `rule of March 15, 2027`."""
    match end.reason:
        case EndReason.AGE:
            return "age"
        case EndReason.RULE:
            return f"rule of {day_in_words(end.day)}"
        case EndReason.METHOD:
            return "end of email validation"


def until(end: EffectiveEnd, more: str = "") -> str:
    """Return until when a validation holds, and why: `until March 15, 2027 (rule of that day)`.

    `more` is another fact for the parentheses.
    """
    reason = "by its age" if end.reason is EndReason.AGE else because(end).replace(day_in_words(end.day), "that day")
    return f"until {day_in_words(end.day)} ({', '.join(filter(None, [reason, more]))})"


def valid_until(seen: SeenValidated) -> str:
    """Return until when a validation held when a check saw it, and why; empty if the check did not read it."""
    return until(EffectiveEnd(seen.until, EndReason(seen.because))) if seen.until else ""


def prospect_in_words(prospect: Prospect, today: date) -> str:
    """Return what a revalidation would change, as a sentence; empty if the present end is unknown."""
    if prospect.is_worthwhile and prospect.end:
        return f"Revalidated today, it would be valid {until(prospect.end)}."
    if prospect.end is None:
        return ""
    if prospect.moves_from is None:
        return "Another validation by email does not move the end."
    if prospect.moves_from > today:
        return f"Revalidating before {_soon(prospect.moves_from, today)} does not move the end."
    if prospect.pays_from is None:
        return "Another validation by email moves the end by less than a week."
    return f"Revalidating before {_soon(prospect.pays_from, today)} moves the end by less than a week."


def _soon(day: date, today: date) -> str:
    return f"{day:%B} {day.day}" if day.year == today.year else day_in_words(day)
