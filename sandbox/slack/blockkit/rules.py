"""Rules across the fields of one object. They apply only if every field is valid."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sandbox.slack.blockkit.schema import Rule, Violation, child_pointer


def any_of(*names: str) -> Rule:
    """Return a rule that at least one of these fields is present."""

    def check(value: Mapping[str, Any], at: str) -> Iterator[Violation]:
        if not any(name in value for name in names):
            yield Violation(at, f"One of the fields {', '.join(names)} is needed.")

    return check


def exactly_one_of(*names: str) -> Rule:
    """Return a rule that exactly one of these fields is present."""

    def check(value: Mapping[str, Any], at: str) -> Iterator[Violation]:
        if sum(name in value for name in names) != 1:
            yield Violation(at, f"Exactly one of the fields {', '.join(names)} is needed.")

    return check


def not_both(one: str, other: str) -> Rule:
    """Return a rule that these two fields are not both true (or filled)."""

    def check(value: Mapping[str, Any], at: str) -> Iterator[Violation]:
        if value.get(one) and value.get(other):
            yield Violation(at, f"The fields {one} and {other} cannot be used together.")

    return check


def in_order(lower: str, upper: str) -> Rule:
    """Return a rule that the number in the field `lower` is not above the one in `upper`."""

    def check(value: Mapping[str, Any], at: str) -> Iterator[Violation]:
        if lower in value and upper in value and float(value[lower]) > float(value[upper]):
            yield Violation(child_pointer(at, lower), f"This must not be more than {upper}.")

    return check


def find_repeated(places: Iterable[tuple[Mapping[str, Any], str]], name: str) -> Iterator[Violation]:
    """Yield a violation for every object whose field `name` repeats that of an earlier one."""
    seen = set()
    for value, at in places:
        identifier = value.get(name)
        if identifier is not None and identifier in seen:
            yield Violation(child_pointer(at, name), f"The {name} {identifier} is used more than once.")
        seen.add(identifier)


def distinct(name: str, within: str) -> Rule:
    """Return a rule that the items of the list `within` differ in the field `name`."""

    def check(value: Mapping[str, Any], at: str) -> Iterator[Violation]:
        yield from find_repeated(iter_items(value, at, within), name)

    return check


def iter_items(value: Mapping[str, Any], at: str, name: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield the items of the list in the field `name`, each with its pointer. The field may be absent."""
    for index, item in enumerate(value.get(name, ())):
        yield item, f"{at}/{name}/{index}"


def initial_option_exists(value: Mapping[str, Any], at: str) -> Iterator[Violation]:
    """Yield a violation for every initial option that is not among the options or the option groups."""
    groups = [group["options"] for group in value.get("option_groups", ())]
    offered = [_option_key(option) for options in [value.get("options", ()), *groups] for option in options]
    chosen = [*iter_items(value, at, "initial_options")]
    if "initial_option" in value:
        chosen.append((value["initial_option"], child_pointer(at, "initial_option")))
    for option, pointer in chosen:
        if _option_key(option) not in offered:
            yield Violation(pointer, "This option is not among the options.")


def initial_count_allowed(name: str) -> Rule:
    """Return a rule that the initial selection in the field `name` is not above `max_selected_items`."""

    def check(value: Mapping[str, Any], at: str) -> Iterator[Violation]:
        most = value.get("max_selected_items")
        if most is not None and len(value.get(name, ())) > most:
            yield Violation(child_pointer(at, name), f"At most {most} can be selected.")

    return check


def _option_key(option: Mapping[str, Any]) -> tuple[Any, ...]:
    text, description = option["text"], option.get("description", {})
    # Slack compares these parts. Other keys, such as `emoji`, may differ.
    return option["value"], text["type"], text["text"], description.get("text")
