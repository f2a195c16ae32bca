"""What a JSON value may be: small kinds that put together make a table of shapes."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Flaw(NamedTuple):
    """One thing wrong with a value: where (JSON pointer) and what (a sentence)."""

    pointer: str
    message: str


Kind = Callable[[Any, str], Iterator[Flaw]]
Rule = Callable[[Mapping[str, Any], str], Iterator[Flaw]]


def below(at: str, key: str | int) -> str:
    """Return the JSON pointer of `key` inside the value at `at`; our names hold nothing that needs escaping."""
    return f"{at}/{key}"


def string(most: int | None = None, least: int = 1) -> Kind:
    """A string of `least` to `most` characters."""

    def check(value: Any, at: str) -> Iterator[Flaw]:
        if not isinstance(value, str):
            yield Flaw(at, "This must be a string.")
        elif len(value) < least:
            yield Flaw(at, "This must not be empty.")
        elif most is not None and len(value) > most:
            yield Flaw(at, f"This has {len(value)} characters; at most {most} are allowed.")

    return check


def matching(pattern: str, meaning: str, most: int | None = None) -> Kind:
    """A string that fits the regular expression `pattern`, which reads as `meaning`."""
    length, form = string(most), re.compile(pattern)

    def check(value: Any, at: str) -> Iterator[Flaw]:
        yield from length(value, at)
        if isinstance(value, str) and value and not form.fullmatch(value):
            yield Flaw(at, f"This must be {meaning}.")

    return check


def word(*allowed: str) -> Kind:
    """One of a few fixed words."""

    def check(value: Any, at: str) -> Iterator[Flaw]:
        if not isinstance(value, str) or value not in allowed:
            yield Flaw(at, f"This must be one of {', '.join(allowed)}.")

    return check


def whole(least: int, most: int | None = None) -> Kind:
    """A whole number within bounds."""

    def check(value: Any, at: str) -> Iterator[Flaw]:
        if not isinstance(value, int) or isinstance(value, bool):
            yield Flaw(at, "This must be a whole number.")
        elif value < least or (most is not None and value > most):
            yield Flaw(at, f"This must be {least} or more." if most is None else f"This must be {least} to {most}.")

    return check


def number(value: Any, at: str) -> Iterator[Flaw]:
    """Check that the value is a number."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        yield Flaw(at, "This must be a number.")


def flag(value: Any, at: str) -> Iterator[Flaw]:
    """Check that the value is true or false."""
    if not isinstance(value, bool):
        yield Flaw(at, "This must be true or false.")


def many(kind: Kind, most: int | None = None, least: int = 1) -> Kind:
    """A list of `least` to `most` items, each of `kind`."""

    def check(value: Any, at: str) -> Iterator[Flaw]:
        if not isinstance(value, list | tuple):
            yield Flaw(at, "This must be a list.")
            return
        if len(value) < least:
            yield Flaw(at, f"This list needs {least} or more items.")
        if most is not None and len(value) > most:
            yield Flaw(at, f"This list has {len(value)} items; at most {most} are allowed.")
        for index, item in enumerate(value):
            yield from kind(item, below(at, index))

    return check


@dataclass(frozen=True)
class Shape:
    """An object: its `type` (if it has one), the fields it needs and those it may have, and rules across them.

    Each rule is asked only once every field and the rules before it hold, so that it can trust what it reads.
    Unknown fields are refused unless the shape is `loose`.
    """

    tag: str | None = None
    required: Mapping[str, Kind] = field(default_factory=dict)
    optional: Mapping[str, Kind] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    loose: bool = False

    def __call__(self, value: Any, at: str) -> Iterator[Flaw]:
        """Tell what is wrong with `value`, which stands at the JSON pointer `at`."""
        checks = (self._typed, self._fields, *self.rules)
        yield from next((flaws for check in checks if (flaws := [*check(value, at)])), ())

    def _typed(self, value: Any, at: str) -> Iterator[Flaw]:
        if not isinstance(value, Mapping):
            yield Flaw(at, "This must be an object.")
        elif self.tag is not None and "type" not in value:
            yield Flaw(at, "The field `type` is missing.")
        elif self.tag is not None and value["type"] != self.tag:
            yield Flaw(below(at, "type"), f"Only {self.tag} can stand here.")

    def _fields(self, value: Mapping[str, Any], at: str) -> Iterator[Flaw]:
        known = {**self.required, **self.optional}
        yield from (Flaw(at, f"The field `{name}` is missing.") for name in self.required if name not in value)
        for name, content in value.items():
            if name in known:
                yield from known[name](content, below(at, name))
            elif not self.loose and (name != "type" or self.tag is None):
                yield Flaw(at, f"The field `{name}` is not known here.")


class Choice:
    """One of several shapes, told apart by their `type`."""

    def __init__(self, *shapes: Shape) -> None:
        self._shapes = {shape.tag: shape for shape in shapes}

    def __call__(self, value: Any, at: str) -> Iterator[Flaw]:
        """Tell what is wrong with `value`, which stands at the JSON pointer `at`."""
        if not isinstance(value, Mapping):
            yield Flaw(at, "This must be an object.")
        elif "type" not in value:
            yield Flaw(at, "The field `type` is missing.")
        elif not isinstance(tag := value["type"], str) or tag not in self._shapes:
            yield Flaw(below(at, "type"), f"Only these can stand here: {', '.join(map(str, self._shapes))}.")
        else:
            yield from self._shapes[tag](value, at)
