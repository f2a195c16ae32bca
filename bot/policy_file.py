"""The policy file: TOML → rules, and every mistake in it as a line that names its place and the mend; pure."""

import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from bot.errors import CannotStart, Misunderstood
from bot.policy import OWN_WORDS, Action, Rule
from bot.targets import is_public_suffix, read_name, shown

LARGEST = 256 * 1024
LONGEST_NAME = 40

_Place = tuple[int | str, ...]
_Problem = tuple[int | None, str]
_AT_LINE = re.compile(r" \(at (?:line ([0-9]+), column [0-9]+|end of document)\)$")
_HEADER = re.compile(r"\s*\[\[")

_BELOW = "this is no rule: write each rule below a line [[rule]]."
_SCOPED = "users, groups, channels and names"
_LIST = {
    "allow": 'a list of actions such as ["resend", "status"]',
    "deny": 'a list of actions such as ["resend"]',
    "users": 'a list of user ids such as ["U012AB3CD"]',
    "groups": 'a list of user group ids such as ["S012AB3CD"]',
    "channels": 'a list of channel ids such as ["C012AB3CD"]',
    "names": 'a list such as ["shop.example.com", "*.shop.example.com", 700001]',
}


def _wrong(sentence: str) -> PydanticCustomError:
    """An error whose message is shown as it is, whatever braces it holds."""
    return PydanticCustomError("policy", "{sentence}", {"sentence": sentence})


def _read_id(letters: str, what: str) -> BeforeValidator:
    def read(value: object) -> object:
        if isinstance(value, str) and re.fullmatch(f"[{letters}][A-Z0-9]+", value):
            return value
        raise _wrong(f"{_shown(value)} can never match: write {what}.")

    return BeforeValidator(read)


def _read_action(value: object) -> Action:
    if isinstance(value, str) and value in set(Action):
        return Action(value)
    raise _wrong(f"{_shown(value)} is no action: the actions are {', '.join(Action)}.")


def _read_pattern(value: object) -> str | int:
    """An order id, an exact name, or `*.` and a name, in the form in which names are compared."""
    if isinstance(value, int) and not isinstance(value, bool):
        if not 0 < value < 10**18:
            raise _wrong("an order id has at most 18 digits and is greater than 0, so this can never match.")
        return value
    if not isinstance(value, str):
        raise _wrong(f"{_shown(value)} can never match: write {_LIST['names']}.")
    if value.isascii() and value.isdecimal():
        raise _wrong(f"{_shown(value)} can never match: an order id is written without quotes.")
    wildcard, name = ("*.", value[2:]) if value.startswith("*.") else ("", value)
    if is_public_suffix(name.lower()):
        raise _wrong(
            f"{_shown(value)} means no name of yours but everybody's below a public suffix: name a domain, or leave "
            "names out to mean every name."
        )
    try:
        return wildcard + read_name(name)
    except Misunderstood as error:
        raise _wrong(f"{_shown(value)} can never match. {error}") from None


def _read_rule_name(name: str) -> str:
    name = name.strip()
    if not name or not name.isprintable() or len(name) > LONGEST_NAME:
        raise _wrong(f"a rule's name is one line of 1 to {LONGEST_NAME} letters; it stands in the ledger.")
    if name in OWN_WORDS:
        raise _wrong(f"{_shown(name)} is a word that the bot's ledger uses itself: choose another name.")
    return name


def _shown(value: object) -> str:
    return shown(value if isinstance(value, str) else "")


_Actions = list[Annotated[Action, BeforeValidator(_read_action)]]
_User = Annotated[str, _read_id("UW", 'a user id (U… or W…), which a Slack profile shows under "Copy member ID"')]
_Group = Annotated[
    str, _read_id("S", 'a user group id (S…), which a group\'s page in Slack shows under "Copy group ID"')
]
_Channel = Annotated[str, _read_id("CG", "a channel id (C… or G…), which stands at the end of a channel's details")]
_Pattern = Annotated[str | int, Field(union_mode="left_to_right"), BeforeValidator(_read_pattern)]


class _Written(BaseModel):
    """One `[[rule]]` as it was written."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: Annotated[str, AfterValidator(_read_rule_name)]
    allow: Annotated[_Actions | None, Field(min_length=1)] = None
    deny: Annotated[_Actions | None, Field(min_length=1)] = None
    users: Annotated[list[_User] | None, Field(min_length=1)] = None
    groups: Annotated[list[_Group] | None, Field(min_length=1)] = None
    channels: Annotated[list[_Channel] | None, Field(min_length=1)] = None
    names: Annotated[list[_Pattern] | None, Field(min_length=1)] = None

    @model_validator(mode="after")
    def _has_an_effect(self) -> "_Written":
        if (self.allow is None) == (self.deny is None):
            raise _wrong('a rule either allows or denies: write one of allow = ["resend"] and deny = ["resend"].')
        if self.allow and self.users is None and self.groups is None:
            raise _wrong("this rule allows nobody anything: say whom, with users or groups.")
        return self

    def rule(self, where: str) -> Rule:
        names = self.names or []
        return Rule(
            name=self.name,
            allows=self.allow is not None,
            actions=frozenset(self.allow or self.deny or ()),
            users=frozenset(self.users or ()),
            groups=frozenset(self.groups or ()),
            channels=frozenset(self.channels or ()),
            names=frozenset(name for name in names if isinstance(name, str)),
            orders=frozenset(name for name in names if isinstance(name, int)),
            where=where,
        )


class _File(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    rule: Annotated[list[_Written], Field(min_length=1)]


def read_policy(content: bytes, file: str) -> tuple[Rule, ...]:
    """The rules of a policy file; `file` is the name by which people know it.

    Raises CannotStart with one line per problem, each naming file, line and mend, and nothing else, whatever stands in
    the file.
    """
    text = _text(content, file)
    document = _document(text, file)
    lines = _Lines(text)
    try:
        written = _File.model_validate(document).rule
        problems = list(_odd(written, lines))
    except ValidationError as error:
        problems = [_problem(detail, lines) for detail in error.errors(include_url=False, include_input=False)]
    if problems:
        raise CannotStart([_placed(file, line, sentence) for line, sentence in problems])
    return tuple(rule.rule(f"line {lines.of(('rule', number))} of {file}") for number, rule in enumerate(written))


def _placed(file: str, line: int | None, sentence: str) -> str:
    return f"{file}, line {line}: {sentence}" if line else f"{file}: {sentence}"


def _text(content: bytes, file: str) -> str:
    if len(content) > LARGEST:
        raise CannotStart([f"{file} is larger than {LARGEST // 1024} KiB: is it the right file?"])
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise CannotStart([_placed(file, line, "this is no UTF-8 text: save the file as UTF-8.")]) from None


def _document(text: str, file: str) -> dict[str, Any]:
    try:
        document = tomllib.loads(text)
    except RecursionError:
        raise CannotStart([f"{file} is no policy: it nests brackets far too deeply."]) from None
    except ValueError as error:
        place = _AT_LINE.search(str(error))
        line = int(place[1]) if place and place[1] else text.count("\n") + 1 if place else None
        said = shown(_AT_LINE.sub("", str(error))).strip("“”")
        raise CannotStart([_placed(file, line, f"this is no TOML: {said}. Mend it there or just above.")]) from None
    if not document:
        raise CannotStart([f"{file} is empty, so it would allow nobody anything: write a [[rule]], or unset it."])
    return document


def _odd(written: Sequence[_Written], lines: "_Lines") -> Iterator[_Problem]:
    """What is wrong with rules that are well-formed one by one."""
    if len(written) != lines.headers:
        yield lines.of(("rule",)), _BELOW
    seen: set[str] = set()
    for number, rule in enumerate(written):
        if rule.name.casefold() in seen:
            sentence = f"there is a rule named {_shown(rule.name)} already: each has a name of its own, for the ledger."
            yield lines.of(("rule", number, "name")), sentence
        seen.add(rule.name.casefold())


def _problem(detail: ErrorDetails, lines: "_Lines") -> _Problem:
    """The line and the sentence for what pydantic found."""
    return lines.of(detail["loc"]), _sentence(detail, detail["loc"])


def _sentence(detail: ErrorDetails, place: _Place) -> str:
    key = str(place[-1]) if isinstance(place[-1], str) else str(place[-2])
    match detail["type"]:
        case "policy":
            return detail["msg"]
        case "extra_forbidden" if len(place) == 1:
            return f"{_shown(key)} is no key of a policy: it holds only rules, each below a line [[rule]]."
        case "extra_forbidden":
            return f"{_shown(key)} is no key of a rule: the keys are name, allow or deny, {_SCOPED}."
        case "missing" if key == "rule":
            return "there is no [[rule]], so it would allow nobody anything: write one."
        case "missing":
            return f'this rule has no {key}: write {key} = "…" below [[rule]].'
        case "too_short":
            return f"{key} is empty and matches nothing: fill it, or take the line out."
        case "list_type" if key in _LIST:
            return f"{key} takes {_LIST[key]}."
        case _ if key == "name":
            return 'name takes text in quotes, such as name = "pki".'
        case _:
            return _BELOW


class _Lines:
    """Where things stand in a TOML text, found by letting tomllib read parts of it.

    tomllib tells the line of a mistake in the syntax only. A `[[…]]` in the text begins a table if what comes before it
    is whole, so the text falls into parts that can be read alone; within one, a value stands in the line with which it
    is first there.
    """

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._rules = [part for part in self._split() if "rule" in self._read(*part)]

    @property
    def headers(self) -> int:
        """How many `[[rule]]` there are."""
        return sum(_HEADER.match(self._lines[start]) is not None for start, _ in self._rules)

    def of(self, place: _Place) -> int | None:
        """The line, counted from 1, of `("rule", 2, "users", 0)` and its like, or of what holds it."""
        if place[:1] != ("rule",) or len(place) < 2:
            return self._first(lambda document: _reaches(document, place), 0, len(self._lines))
        number = place[1]
        if not isinstance(number, int) or number >= len(self._rules):
            return self.of(("rule",))
        start, end = self._rules[number]
        found = self._first(lambda document: _reaches(document, ("rule", 0, *place[2:])), start, end)
        return found or start + 1

    def _split(self) -> Iterator[tuple[int, int]]:
        start = 0
        for number, line in enumerate(self._lines):
            if number > start and _HEADER.match(line) and _parsed("\n".join(self._lines[start:number])) is not None:
                yield start, number
                start = number
        yield start, len(self._lines)

    def _read(self, start: int, end: int) -> dict[str, Any]:
        return _parsed("\n".join(self._lines[start:end])) or {}

    def _first(self, holds: Callable[[dict[str, Any]], bool], start: int, end: int) -> int | None:
        for line in range(start + 1, end + 1):
            so_far = "\n".join(self._lines[start:line])
            # A list that goes on below is closed, to see what it holds so far.
            if any((document := _parsed(so_far + rest)) and holds(document) for rest in ("", "\n]")):
                return line
        return None


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return None


def _reaches(document: object, place: _Place) -> bool:
    for step in place:
        match document, step:
            case dict(), str() if step in document:
                document = document[step]
            case list(), int() if step < len(document):
                document = document[step]
            case _:
                return False
    return True
