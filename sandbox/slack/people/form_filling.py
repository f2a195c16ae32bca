"""The lookup of fields and options by their visible text, and Slack's checks before it sends a form."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sandbox.json_types import Json
from sandbox.slack.blockkit.interactive_elements import TEXT_INPUTS, VALUE_KEYS, ElementKey, Field
from sandbox.slack.blockkit.plain_text import visible_text
from sandbox.slack.workspace.files import MAX_BYTES
from sandbox.slack.workspace.views import View

SELECTS = frozenset(VALUE_KEYS) - TEXT_INPUTS - {"file_input", "rich_text_input"}
ID_KEYS = frozenset(
    {"selected_user", "selected_users", "selected_channel", "selected_channels"}
    | {"selected_conversation", "selected_conversations", "selected_date", "selected_time", "selected_date_time"}
)


def find_field(among: Iterable[Field], name: str | ElementKey | None, kinds: Collection[str]) -> Field:
    """Return the one field of these kinds with this label, action_id or key, or whose label contains it.

    None stands for the only field. Raises LookupError, with the fields that exist, if there is not exactly one.
    """
    candidates = [each for each in among if each.kind in kinds]
    exact = [each for each in candidates if name in (None, each.label, each.action_id, each.key)]
    # An exact match wins, so that "Domain" can be named beside "Domain owner".
    fitting = exact or [each for each in candidates if isinstance(name, str) and name in each.label]
    if len(fitting) == 1:
        return fitting[0]
    raise LookupError(f"no single field {name!r} among {[each.label or each.action_id for each in candidates]}")


def find_select(among: Iterable[Field], label: str | ElementKey | None, action_id: str | None) -> Field:
    """Return the one select, group of boxes or picker with this label, key or action_id."""
    if action_id is not None:
        among = [each for each in among if each.action_id == action_id]
    return find_field(among, label, SELECTS)


def find_option(among: Iterable[Field], wanted: Any, found: dict[str, list[Json]]) -> tuple[Field, Any]:
    """Return the field and its new value. `found` has the results of searches by action_id.

    Raises LookupError unless exactly one field offers what is wanted.
    """
    selects = [each for each in among if each.kind in SELECTS]
    matches = [(each, value) for each in selects for value in _find_values(each, wanted, found)]
    if len(matches) == 1:
        return matches[0]
    offered = {
        each.label or each.action_id: [option_text(one) for one in offered_options(each, found)] for each in selects
    }
    raise LookupError(f"{len(matches)} fields offer {wanted!r}; there is {offered}")


def option_text(option: Any) -> str:
    """Return the text of an option as it reads. Ids of users and channels, dates and times are returned unchanged."""
    return visible_text([option["text"]]) if isinstance(option, dict) else str(option)


def offered_options(each: Field, found: dict[str, list[Json]]) -> list[Json]:
    """Return the options of a field. Those of an external select are the ones that its last search found."""
    return found.get(each.action_id, []) if each.kind.endswith("external_select") else each.options


def missing_fields(view: View) -> list[Field]:
    """Return the fields whose values Slack would reject."""
    return [each for each in view.fields if each.in_input and not _is_acceptable(each, view.value(each))]


def require_valid_text(each: Field, text: str) -> None:
    """Raise ValueError if Slack would not accept this text in the field."""
    longest = each.element.get("max_length", 3_000)
    if len(text) > longest:
        raise ValueError(f"{each.label!r} takes {longest} characters at most")
    if "\n" in text and not each.element.get("multiline"):
        raise ValueError(f"{each.label!r} takes a single line")


def require_valid_files(each: Field, files: Sequence[tuple[str, bytes]]) -> None:
    """Raise ValueError if Slack would not accept these files in the field. Their content is not checked."""
    most, kinds = each.element.get("max_files", 10), each.element.get("filetypes")
    if len(files) > most:
        raise ValueError(f"{each.label!r} takes {most} files at most")
    for name, content in files:
        if kinds and name.rpartition(".")[2].lower() not in kinds:
            raise ValueError(f"{each.label!r} takes {', '.join(kinds)}, not {name}")
        if len(content) > MAX_BYTES:
            raise ValueError(f"{name} is too large")


def _find_values(each: Field, wanted: Any, found: dict[str, list[Json]]) -> list[Any]:
    if wanted is None and each.kind != "radio_buttons":
        return [[] if each.is_multi else None]
    if each.value_key in ID_KEYS:
        return [wanted if isinstance(wanted, list) == each.is_multi else [wanted]]
    items = wanted if isinstance(wanted, list) else [wanted]
    options = [_matching(offered_options(each, found), item) for item in items]
    if any(len(fitting) != 1 for fitting in options) or (not each.is_multi and len(options) != 1):
        return []
    chosen = [fitting[0] for fitting in options]
    if len(chosen) > each.element.get("max_selected_items", len(chosen)):
        raise ValueError(f"{each.label!r} takes {each.element['max_selected_items']} options at most")
    return [chosen if each.is_multi else chosen[0]]


def _matching(options: list[Json], item: Any) -> list[Json]:
    if isinstance(item, dict):
        return [option for option in options if option["value"] == item["value"]]
    # Slack has no way to clear radio buttons, so None is none of the options.
    texts = [(option, {option_text(option), option["text"]["text"]}) for option in options if item is not None]
    # As with labels, an exact match wins over a partial one.
    exact = [option for option, shown in texts if item in shown]
    return exact or [option for option, shown in texts if any(item in text for text in shown)]


def _is_acceptable(each: Field, value: Any) -> bool:
    if not value:
        return each.optional
    if each.kind not in TEXT_INPUTS:
        return True
    return len(value) >= each.element.get("min_length", 0) and _has_format(each.kind, str(value))


def _has_format(kind: str, value: str) -> bool:
    if kind == "email_text_input":
        name, _, host = value.rpartition("@")
        return bool(name) and "." in host
    if kind == "url_text_input":
        return "://" in value
    return kind != "number_input" or value.lstrip("-").replace(".", "", 1).isdigit()
