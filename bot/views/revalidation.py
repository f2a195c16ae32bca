"""The button *Revalidate…*, which opens the form that submits a domain for validation again."""

from slack_sdk.models.blocks import ButtonElement

from bot.views.blocks import plain, truncate

REVALIDATE = "revalidate"


def revalidate_button(key: str, subject: str) -> ButtonElement:
    """Return the button for the domain of this key, such as `domain:1234`. `subject` says which, for a screen reader.

    It works below any message, on Home and in the form. Show it only if the revalidation is worthwhile.
    """
    label = truncate(f"Revalidate {subject}", 75)
    return ButtonElement(action_id=REVALIDATE, text=plain("Revalidate…"), value=key, accessibility_label=label)
