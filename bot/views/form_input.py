"""The input of a form: what a submission chose, and the field of each error."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.errors import BotError, InvalidInput
from bot.parsing.commands import LONGEST_REASON, readable
from bot.parsing.targets import LONGEST_TEXT
from bot.views.resend_form import LOCALE, MATCH, REASON, RECIPIENTS, SHARED, TARGET, Selections


@dataclass(frozen=True, slots=True)
class FormInput:
    """The input of a submitted form. `recipients` are indices of options by the number of the name.

    `shared` is the index of the one mailbox for all names, if the form has one. `key` is the chosen order or domain.
    """

    form_id: str
    recipients: Mapping[int, Sequence[int]]
    shared: int | None
    locale: str | None
    reason: str | None
    key: str | None = None


NOTHING_TYPED = Selections()


def read_typed(view: Mapping[str, Any]) -> Selections:
    """Return the input so far that is valid for any order or domain; empty if the form has no such fields."""
    try:
        filled = read_form(view)
    except InvalidInput:
        return NOTHING_TYPED
    return Selections(filled.locale, filled.reason, shows_more=filled.locale is not None)


def read_selections(view: Mapping[str, Any]) -> Selections:
    """Return the input so far, with the recipients. Raises InvalidInput if it does not have the form's shape."""
    return selections(read_form(view))


def selections(filled: FormInput) -> Selections:
    """Return a submission as the input to show again."""
    return Selections(
        filled.locale, filled.reason, filled.recipients, filled.shared or 0, shows_more=filled.locale is not None
    )


def read_form(view: Mapping[str, Any]) -> FormInput:
    """Read a submission. Raises InvalidInput if it does not have the form's shape."""
    try:
        values = view["state"]["values"]
        chosen = {block_id: next(iter(actions.values())) for block_id, actions in values.items() if actions}
        return FormInput(
            form_id=_opaque(view["private_metadata"]),
            recipients={
                _number(block_id): _picked(state) for block_id, state in chosen.items() if _is_single(block_id)
            },
            shared=next((_picked(state)[0] for block_id, state in chosen.items() if block_id.startswith(SHARED)), None),
            locale=_value(chosen.get(LOCALE)),
            reason=_reason(chosen.get(REASON, {}).get("value") or ""),
            key=_value(chosen.get(MATCH)) or _value(chosen.get(TARGET)),
        )
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InvalidInput("This form has expired. Run /dcv-resend again.") from error


def field_errors(view: Mapping[str, Any], error: BotError) -> dict[str, str]:
    """Return the error's fields by the block ids of this view.

    A field that the view lacks is replaced by the first one below the search.
    """
    ids = list(_input_ids(view.get("blocks")))
    first = next((block_id for block_id in ids if block_id != TARGET), TARGET)
    match error:
        case InvalidInput(fields=fields) if fields:
            wanted = fields
        case _:
            wanted = {"": str(error)}
    return {
        next((block_id for block_id in ids if key and block_id.startswith(key)), first): sentence
        for key, sentence in wanted.items()
        if ids
    }


def _input_ids(blocks: object) -> Iterator[str]:
    for block in blocks if isinstance(blocks, list) else ():
        if isinstance(block, Mapping) and block.get("type") == "input" and isinstance(block.get("block_id"), str):
            yield block["block_id"]


def _is_single(block_id: str) -> bool:
    return block_id.startswith(f"{RECIPIENTS}.") and not block_id.startswith(SHARED)


def _value(state: Mapping[str, Any] | None) -> str | None:
    """Return the value of the chosen option of a single choice, or None if there is none."""
    value = ((state or {}).get("selected_option") or {}).get("value")
    if value is not None and not (isinstance(value, str) and value.isprintable()):
        raise TypeError
    return value


def _opaque(value: Any) -> str:
    """Return an id of ours.

    Raises TypeError if it is unprintable, because the database cannot search for such a text.
    """
    if not isinstance(value, str) or not value.isprintable():
        raise TypeError
    return value


def _reason(value: str) -> str | None:
    # The raw text is bounded first, so that cleaning a huge one costs no time.
    reason = readable(value) or None if len(value) <= LONGEST_TEXT else None
    if len(value) > LONGEST_TEXT or (reason and len(reason) > LONGEST_REASON):
        words = f"Shorten the reason to {LONGEST_REASON} characters or fewer."
        raise InvalidInput(words, {REASON: words})
    return reason


def _number(block_id: str) -> int:
    return int(block_id.split(".")[1])


def _picked(state: Mapping[str, Any]) -> list[int]:
    options = state.get("selected_options")
    if options is None:
        options = [state["selected_option"]] if state.get("selected_option") else []
    return [int(chosen["value"]) for chosen in options]
