"""What a JSON value may be: small kinds that put together make a table of shapes."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Violation(NamedTuple):
    """One thing wrong with a value: where (JSON pointer) and what (a sentence)."""

    pointer: str
    message: str


Validator = Callable[[Any, str], Iterator[Violation]]
Rule = Callable[[Mapping[str, Any], str], Iterator[Violation]]


def child_pointer(at: str, key: str | int) -> str:
    """Return the JSON pointer of `key` inside the value at `at`; our names hold nothing that needs escaping."""
    return f"{at}/{key}"


def string(most: int | None = None, least: int = 1) -> Validator:
    """A string of `least` to `most` characters."""

    def check(value: Any, at: str) -> Iterator[Violation]:
        if not isinstance(value, str):
            yield Violation(at, "This must be a string.")
        elif len(value) < least:
            yield Violation(at, "This must not be empty.")
        elif most is not None and len(value) > most:
            yield Violation(at, f"This has {len(value)} characters; at most {most} are allowed.")

    return check


def pattern(regex: str, meaning: str, most: int | None = None) -> Validator:
    """A string that fits the regular expression `pattern`, which reads as `meaning`."""
    length, form = string(most), re.compile(regex)

    def check(value: Any, at: str) -> Iterator[Violation]:
        yield from length(value, at)
        if isinstance(value, str) and value and not form.fullmatch(value):
            yield Violation(at, f"This must be {meaning}.")

    return check


def one_of(*allowed: str) -> Validator:
    """One of a few fixed words."""

    def check(value: Any, at: str) -> Iterator[Violation]:
        if not isinstance(value, str) or value not in allowed:
            yield Violation(at, f"This must be one of {', '.join(allowed)}.")

    return check


def integer(least: int, most: int | None = None) -> Validator:
    """A whole number within bounds."""

    def check(value: Any, at: str) -> Iterator[Violation]:
        if not isinstance(value, int) or isinstance(value, bool):
            yield Violation(at, "This must be a whole number.")
        elif value < least or (most is not None and value > most):
            yield Violation(
                at, f"This must be {least} or more." if most is None else f"This must be {least} to {most}."
            )

    return check


def number(value: Any, at: str) -> Iterator[Violation]:
    """Check that the value is a number."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        yield Violation(at, "This must be a number.")


def boolean(value: Any, at: str) -> Iterator[Violation]:
    """Check that the value is true or false."""
    if not isinstance(value, bool):
        yield Violation(at, "This must be true or false.")


def list_of(validator: Validator, most: int | None = None, least: int = 1) -> Validator:
    """A list of `least` to `most` items, each valid for `validator`."""

    def check(value: Any, at: str) -> Iterator[Violation]:
        if not isinstance(value, list | tuple):
            yield Violation(at, "This must be a list.")
            return
        if len(value) < least:
            yield Violation(at, f"This list needs {least} or more items.")
        if most is not None and len(value) > most:
            yield Violation(at, f"This list has {len(value)} items; at most {most} are allowed.")
        for index, item in enumerate(value):
            yield from validator(item, child_pointer(at, index))

    return check


@dataclass(frozen=True)
class ObjectSchema:
    """An object: its `type` (if it has one), the fields it needs and those it may have, and rules across them.

    Each rule is asked only once every field and the rules before it hold, so that it can trust what it reads.
    Unknown fields are refused unless the shape is `loose`.
    """

    tag: str | None = None
    required: Mapping[str, Validator] = field(default_factory=dict)
    optional: Mapping[str, Validator] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    loose: bool = False

    def __call__(self, value: Any, at: str) -> Iterator[Violation]:
        """Tell what is wrong with `value`, which stands at the JSON pointer `at`."""
        checks = (self._check_type, self._check_fields, *self.rules)
        yield from next((violations for check in checks if (violations := [*check(value, at)])), ())

    def _check_type(self, value: Any, at: str) -> Iterator[Violation]:
        if not isinstance(value, Mapping):
            yield Violation(at, "This must be an object.")
        elif self.tag is not None and "type" not in value:
            yield Violation(at, "The field `type` is missing.")
        elif self.tag is not None and value["type"] != self.tag:
            yield Violation(child_pointer(at, "type"), f"Only {self.tag} can stand here.")

    def _check_fields(self, value: Mapping[str, Any], at: str) -> Iterator[Violation]:
        known = {**self.required, **self.optional}
        yield from (Violation(at, f"The field `{name}` is missing.") for name in self.required if name not in value)
        for name, content in value.items():
            if name in known:
                yield from known[name](content, child_pointer(at, name))
            elif not self.loose and (name != "type" or self.tag is None):
                yield Violation(at, f"The field `{name}` is not known here.")


class TaggedUnion:
    """One of several shapes, told apart by their `type`."""

    def __init__(self, *schemas: ObjectSchema) -> None:
        self._schemas = {schema.tag: schema for schema in schemas}

    def __call__(self, value: Any, at: str) -> Iterator[Violation]:
        """Tell what is wrong with `value`, which stands at the JSON pointer `at`."""
        if not isinstance(value, Mapping):
            yield Violation(at, "This must be an object.")
        elif "type" not in value:
            yield Violation(at, "The field `type` is missing.")
        elif not isinstance(tag := value["type"], str) or tag not in self._schemas:
            yield Violation(
                child_pointer(at, "type"), f"Only these can stand here: {', '.join(map(str, self._schemas))}."
            )
        else:
            yield from self._schemas[tag](value, at)
