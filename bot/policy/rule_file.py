"""The policy file: TOML to rules. Each mistake becomes one line that names the rule and the correction. Pure."""

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from bot.errors import ConfigurationError, InvalidInput
from bot.parsing.domain_names import is_public_suffix
from bot.parsing.targets import encode_name, quoted, read_name
from bot.policy.rules import RESERVED_NAMES, Action, Rule

LARGEST = 256 * 1024
LONGEST_NAME = 40
MOST_SHOWN = 20

_Location = tuple[int | str, ...]
_AT_LINE = re.compile(r" \(at (?:line ([0-9]+), column [0-9]+|end of document)\)$")
# tomllib needs time quadratic in the parts of a dotted key. No policy has such keys, and no DNS name so many labels.
_MOST_PARTS = 130
_ENDLESS_KEY = re.compile(
    rf"""
    (?: ^ | (?<=[\s,{{\[]) )      # A key begins a line, or follows a space, a comma or a bracket.
    (?:
        (?:
            [A-Za-z0-9_-]+        # a bare key
            | "[^"\n]*"           # a basic string
            | '[^'\n]*'           # a literal string
        )
        [ \t]* \. [ \t]*          # TOML allows blanks around the dot.
    ){{{_MOST_PARTS}}}
    """,
    re.MULTILINE | re.VERBOSE,
)
# The dots that UTS #46 maps to the dot between labels, and the full-width asterisk of an input method.
_DOTS_AND_STARS = str.maketrans({"\u3002": ".", "\uff0e": ".", "\uff61": ".", "\uff0a": "*"})

_BELOW = "Write each rule below a line [[rule]]"
_SCOPED = "users, groups, channels and names"
_LIST = {
    "allow": 'a list of actions such as ["resend", "status"]',
    "deny": 'a list of actions such as ["resend"]',
    "users": 'a list of user ids such as ["U012AB3CD"]',
    "groups": 'a list of user group ids such as ["S012AB3CD"]',
    "channels": 'a list of channel ids such as ["C012AB3CD"]',
    "names": 'a list such as ["shop.example.com", "*.shop.example.com", 700001]',
}
# The sentence for each error, by the error type of pydantic.
_SENTENCES = {
    "policy": "{words}",
    "extra_forbidden": f"unknown key {{shown}}.{{near}} Allowed keys: name, allow or deny, {_SCOPED}.",
    "missing": 'this rule has no {key}. Write {key} = "…" below [[rule]].',
    "too_short": "{key} is empty, so it matches nothing. Fill it, or remove the line.",
    "list_type": "{key} must be {list}.",
    "string_type": 'name must be text in quotes, such as name = "pki".',
}


def _wrong(sentence: str) -> PydanticCustomError:
    """Return an error whose message is shown literally, even if it contains braces."""
    return PydanticCustomError("policy", "{sentence}", {"sentence": sentence})


def _read_id(letters: str, what: str) -> BeforeValidator:
    def read(value: object) -> object:
        if isinstance(value, str) and re.fullmatch(f"[{letters}][A-Z0-9]+", value):
            return value
        raise _wrong(f"{_shown(value)} can never match. Use {what}.")

    return BeforeValidator(read)


def _read_action(value: object) -> Action:
    if isinstance(value, str) and value in set(Action):
        return Action(value)
    raise _wrong(f"unknown action {_shown(value)}. Actions: {', '.join(Action)}.")


def _read_pattern(value: object) -> str | int:
    """Return an order id, an exact name, or `*.` and a name, in the form in which names are compared."""
    if isinstance(value, int) and not isinstance(value, bool):
        if not 0 < value < 10**18:
            raise _wrong("an order ID has 1 to 18 digits, so this can never match.")
        return value
    if not isinstance(value, str):
        raise _wrong(f"{_shown(value)} can never match. Use {_LIST['names']}.")
    if value.isdecimal():
        raise _wrong(f"{_shown(value)} can never match. Write an order ID without quotes.")
    plain = value.translate(_DOTS_AND_STARS)
    is_wildcard = plain.startswith("*.")
    typed = plain.removeprefix("*.")
    if _has_many_owners(typed, is_wildcard=is_wildcard):
        raise _wrong(
            f"{_shown(value)} is a public suffix, so it covers domains you don't own. Use a domain, or omit names to "
            "cover all domains."
        )
    try:
        name = read_name(typed)
    except InvalidInput as error:
        raise _wrong(f"{_shown(value)} can never match. {error}") from None
    return f"*.{name}" if is_wildcard else name


def _has_many_owners(typed: str, *, is_wildcard: bool) -> bool:
    """Return True for a public suffix, and for a wildcard that matches public suffixes, such as `*.ck`."""
    try:
        name = encode_name(typed)
    except InvalidInput:
        return False
    return is_public_suffix(name) or (is_wildcard and is_public_suffix(f"any-label.{name}"))


def _read_rule_name(name: str) -> str:
    name = name.strip()
    if not name or not name.isprintable() or len(name) > LONGEST_NAME:
        raise _wrong(f"a rule's name must be one line of 1 to {LONGEST_NAME} characters.")
    if _folded(name) in RESERVED_NAMES:
        raise _wrong(f"{_shown(name)} is reserved for the audit log. Choose a different name.")
    return name


def _folded(name: str) -> str:
    """Return a rule's name in a form in which names that look the same are equal."""
    return unicodedata.normalize("NFKC", name).casefold()


def _shown(value: object) -> str:
    return quoted(value if isinstance(value, str) else "")


_Actions = list[Annotated[Action, BeforeValidator(_read_action)]]
_User = Annotated[str, _read_id("UW", 'a user ID (U… or W…), shown in a Slack profile under "Copy member ID"')]
_Group = Annotated[
    str, _read_id("S", 'a user group ID (S…), shown on the group\'s page in Slack under "Copy group ID"')
]
_Channel = Annotated[
    str, _read_id("CG", "a channel ID (C… or G…), shown at the bottom of the channel details in Slack")
]
_Pattern = Annotated[str | int, Field(union_mode="left_to_right"), BeforeValidator(_read_pattern)]


class _RuleSchema(BaseModel):
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
    def _has_an_effect(self) -> "_RuleSchema":
        if (self.allow is None) == (self.deny is None):
            raise _wrong('a rule either allows or denies. Write allow = ["resend"] or deny = ["resend"].')
        if self.allow and self.users is None and self.groups is None:
            raise _wrong("this rule allows no one. Add users or groups.")
        return self

    def rule(self, where: str) -> Rule:
        names = self.names or []
        actions = frozenset(self.allow or self.deny or ())
        if self.deny and Action.RESEND in actions:
            # A revalidation sends the same emails, and an approval lets someone else send them.
            actions |= {Action.REVALIDATE, Action.APPROVE}
        return Rule(
            name=self.name,
            effect_allows=self.allow is not None,
            actions=actions,
            users=frozenset(self.users or ()),
            groups=frozenset(self.groups or ()),
            channels=frozenset(self.channels or ()),
            names=frozenset(name for name in names if isinstance(name, str)),
            orders=frozenset(name for name in names if isinstance(name, int)),
            scope_text=where,
        )


class _FileSchema(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    rule: Annotated[list[_RuleSchema], Field(min_length=1)]


def read_policy(content: bytes, file: str) -> tuple[Rule, ...]:
    """Return the rules of a policy file. `file` is the name by which users know it.

    Raises ConfigurationError, and nothing else, with one line per mistake: the rule by its number and name, and the
    correction. A mistake in the syntax has its line number instead. Takes time linear in the size of the file.
    """
    document = _document(_text(content, file), file)
    try:
        written = _FileSchema.model_validate(document).rule
        problems = list(_duplicates(written))
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        if len(details) > 1:
            # Another mistake explains the missing rules: [[rule]] is misspelled, or a key is written above it.
            details = [each for each in details if each["loc"] != ("rule",)]
        problems = [_problem(each, document) for each in details]
    if problems:
        raise ConfigurationError([f"{file}{problem}" for problem in _first(problems)])
    return tuple(rule.rule(f"rule {number} of {file}") for number, rule in enumerate(written, start=1))


def _first(problems: Sequence[str]) -> list[str]:
    """Return at most MOST_SHOWN mistakes, and how many more there are."""
    more = len(problems) - MOST_SHOWN
    if more <= 0:
        return list(problems)
    counted = "1 more mistake is" if more == 1 else f"{more} more mistakes are"
    return [*problems[:MOST_SHOWN], f": {counted} not shown. Fix these first."]


def _text(content: bytes, file: str) -> str:
    if len(content) > LARGEST:
        raise ConfigurationError([f"{file} is larger than {LARGEST // 1024} KiB. Is it the right file?"])
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ConfigurationError([f"{file}, line {line}: this isn't UTF-8 text. Save the file as UTF-8."]) from None


def _document(text: str, file: str) -> dict[str, Any]:
    if endless := _ENDLESS_KEY.search(text):
        line = text.count("\n", 0, endless.start()) + 1
        raise ConfigurationError([f"{file}, line {line}: this key has too many dots. Put quotes around a name."])
    try:
        document = tomllib.loads(text)
    except RecursionError:
        raise ConfigurationError([f"{file} isn't a policy file, because its brackets are nested too deeply."]) from None
    except ValueError as error:
        at = _AT_LINE.search(str(error))
        line = int(at[1]) if at and at[1] else text.count("\n") + 1
        location = f"{file}, line {line}" if at else file
        said = quoted(_AT_LINE.sub("", str(error))).strip("“”")
        raise ConfigurationError(
            [f"{location}: invalid TOML ({said}). The mistake is in this line or just above."]
        ) from None
    if not document:
        raise ConfigurationError(
            [f"{file} is empty, so it would allow no one. Write a [[rule]], or unset DCV_POLICY_FILE."]
        )
    return document


def _duplicates(written: Sequence[_RuleSchema]) -> Iterator[str]:
    first: dict[str, int] = {}
    for number, rule in enumerate(written, start=1):
        if (before := first.setdefault(_folded(rule.name), number)) != number:
            sentence = f"rule {before} already has this name. Give each rule its own name."
            yield f"{_rule(number, rule.name)}: {sentence}"


def _problem(detail: ErrorDetails, document: dict[str, Any]) -> str:
    """Return the location of a mistake and the sentence for it. `detail` is the error from pydantic."""
    match detail["loc"]:
        case ("rule", int(index), *_) as location:
            rule = document["rule"][index]
            name = rule.get("name") if isinstance(rule, dict) else None
            return f"{_rule(index + 1, name)}: {_sentence(detail, location)}"
        case (str(key),) if key != "rule":
            return f": {_misplaced(key, document[key])}"
        case _:
            return f": {_whole(detail)}"


def _rule(number: int, name: object) -> str:
    """Return the text by which users find a rule: its number, and its name if it has one."""
    named = _shown(name).strip("“”") if isinstance(name, str) and name.strip() else ""
    return f', rule {number} ("{named}")' if named else f", rule {number}"


def _whole(detail: ErrorDetails) -> str:
    """Return the sentence for a mistake in the list of rules itself."""
    if detail["type"] == "missing":
        return f"there is no [[rule]], so it would allow no one. {_BELOW}."
    return f"rule isn't a list of rules. {_BELOW}, with two brackets on each side."


def _misplaced(key: str, value: object) -> str:
    """Return the sentence for a key that the file has outside of its rules."""
    if key in _RuleSchema.model_fields:
        return f"{_shown(key)} is outside of a rule. {_BELOW}."
    tables = value if isinstance(value, list) else [value]
    rules = [table for table in tables if isinstance(table, dict)]
    means_rules = key.casefold() in {"rule", "rules"} or any(
        set(rule) & set(_RuleSchema.model_fields) for rule in rules
    )
    if rules and len(rules) == len(tables) and means_rules:
        names = [_shown(rule["name"]) for rule in rules if isinstance(rule.get("name"), str)]
        whose = f" above {names[0]}" if names else ""
        more = f" and {len(rules) - 1} more" if len(rules) > 1 else ""
        spelled = quoted(f"[[{key}]]" if isinstance(value, list) else f"[{key}]").strip("“”")
        return f"{spelled} is misspelled. Write [[rule]]{whose}{more}."
    return f"unknown key {_shown(key)}. {_BELOW}, and nothing else."


def _sentence(detail: ErrorDetails, location: _Location) -> str:
    """Return the sentence for a mistake within a rule."""
    key = str(location[-1]) if isinstance(location[-1], str) else str(location[-2])
    kind = "string_type" if key == "name" and detail["type"] not in _SENTENCES else detail["type"]
    sentence = _SENTENCES.get(kind if kind != "list_type" or key in _LIST else "", f"this isn't a rule. {_BELOW}.")
    near = "".join(f" Did you mean “{each}”?" for each in get_close_matches(key, _RuleSchema.model_fields, n=1))
    values = {"key": key, "shown": _shown(key), "near": near, "list": _LIST.get(key), "words": detail["msg"]}
    return sentence.format_map(values)
