"""Validators for JSON values: small functions that are combined to the schemas of Block Kit."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Violation(NamedTuple):
    """One problem of a value: its JSON pointer and a sentence about it."""

    pointer: str
    message: str


Validator = Callable[[Any, str], Iterator[Violation]]
Rule = Callable[[Mapping[str, Any], str], Iterator[Violation]]


def child_pointer(at: str, key: str | int) -> str:
    """Return the JSON pointer of `key` inside the value at `at`. Block Kit's names need no escaping."""
    return f"{at}/{key}"


def string(most: int | None = None, least: int = 1) -> Validator:
    """Return a validator for a string of `least` to `most` characters."""

    def check(value: Any, at: str) -> Iterator[Violation]:
        if not isinstance(value, str):
            yield Violation(at, "This must be a string.")
        elif len(value) < least:
            yield Violation(at, "This must not be empty.")
        elif most is not None and len(value) > most:
            yield Violation(at, f"This has {len(value)} characters; at most {most} are allowed.")

    return check


def pattern(regex: str, meaning: str, most: int | None = None) -> Validator:
    """Return a validator for a string that matches `regex`. `meaning` describes it in words."""
    length, form = string(most), re.compile(regex)

    def check(value: Any, at: str) -> Iterator[Violation]:
        yield from length(value, at)
        if isinstance(value, str) and value and not form.fullmatch(value):
            yield Violation(at, f"This must be {meaning}.")

    return check


def one_of(*allowed: str) -> Validator:
    """Return a validator for one of a few fixed strings."""

    def check(value: Any, at: str) -> Iterator[Violation]:
        if not isinstance(value, str) or value not in allowed:
            yield Violation(at, f"This must be one of {', '.join(allowed)}.")

    return check


def integer(least: int, most: int | None = None) -> Validator:
    """Return a validator for an integer in these bounds."""

    def check(value: Any, at: str) -> Iterator[Violation]:
        # In Python, True is an int. In JSON it is not.
        if not isinstance(value, int) or isinstance(value, bool):
            yield Violation(at, "This must be a whole number.")
        elif value < least or (most is not None and value > most):
            yield Violation(
                at, f"This must be {least} or more." if most is None else f"This must be {least} to {most}."
            )

    return check


def number(value: Any, at: str) -> Iterator[Violation]:
    """Yield a violation if the value is not a number."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        yield Violation(at, "This must be a number.")


def boolean(value: Any, at: str) -> Iterator[Violation]:
    """Yield a violation if the value is not a boolean."""
    if not isinstance(value, bool):
        yield Violation(at, "This must be true or false.")


def list_of(validator: Validator, most: int | None = None, least: int = 1) -> Validator:
    """Return a validator for a list of `least` to `most` items, each valid for `validator`."""

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
    """The schema of an object: its `type`, its required and optional fields, and rules across them.

    Unknown fields are violations, unless the schema is `loose`.
    """

    tag: str | None = None
    required: Mapping[str, Validator] = field(default_factory=dict)
    optional: Mapping[str, Validator] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    loose: bool = False

    def __call__(self, value: Any, at: str) -> Iterator[Violation]:
        """Yield the violations of `value`, which is at the JSON pointer `at`."""
        # Each check runs only if the ones before it found nothing, so a rule can trust the fields that it reads.
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
    """One of several object schemas, chosen by `type`."""

    def __init__(self, *schemas: ObjectSchema) -> None:
        self._schemas = {schema.tag: schema for schema in schemas}

    def __call__(self, value: Any, at: str) -> Iterator[Violation]:
        """Yield the violations of `value`, which is at the JSON pointer `at`."""
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
