"""Parser of the text after the slash commands. Pure; raises only InvalidInput."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from bot.errors import InvalidInput, MistypedCommand
from bot.languages import LANGUAGES, read_locale
from bot.parsing.bulk import is_list
from bot.parsing.targets import INVISIBLE, LONGEST_TEXT, QUOTES, DomainRef, OrderRef, quoted, read_target

LONGEST_REASON = 300
EXAMPLE = "/dcv-resend 700001 to admin@shop.example.com in de because new mailbox"
WHERE_EXAMPLE = "/dcv-resend where shop.example.com"
WHY_EXAMPLE = "/dcv-resend why @ana shop.example.com"

_HELP = {"help", "-h", "--help", "—help", "?"}
_KEYWORDS = {"to", "in", "because"}
_BETWEEN_EMAILS = {"and"}
RESEND_COMMAND = "/dcv-resend"
STATUS_COMMAND = "/dcv-status"
HISTORY = "history"
WHY = "why"
BULK = "bulk"
WHERE = "where"
EXPIRING = "expiring"
EXPIRING_DAYS = 30
_MOST_DAYS = 400
# What people type as a first word, and the command that it belongs to.
_COMMANDS = {
    HISTORY: f"{RESEND_COMMAND} {HISTORY}",
    BULK: f"{RESEND_COMMAND} {BULK}",
    WHY: f"{RESEND_COMMAND} {WHY}",
    WHERE: f"{RESEND_COMMAND} {WHERE}",
    "help": f"{RESEND_COMMAND} help",
    "status": STATUS_COMMAND,
    EXPIRING: f"{STATUS_COMMAND} {EXPIRING}",
}
# The least likeness of a typing error. A word such as "shop" stays below it.
_LIKENESS = 0.6
# Words that are like a command and occur in what people paste: "build #700001".
_NO_COMMANDS = frozenset({"build"})
# 30d, 30 days, < 30d; Slack escapes the sign.
_DAYS = re.compile(r"(?:(?:<|&lt;) ?)?([0-9]{1,3}) ?(?:d|days?)?")
_PERSON = re.compile(
    r"""
    [(*]{0,3} <@([UW][A-Z0-9]{1,64}) (?:\|[^<>]*)?>   # how Slack writes a user picked from its list
    [.,;:!?)*]{0,9}                         # and the end of a sentence
    """,
    re.VERBOSE,
)
_MAILTO = re.compile(
    r"""
    <mailto: ([^<>|?]*+) (?:\?[^<>|]*+)? (?:\|[^<>]*+)? >   # <mailto:ana@example.com?subject=DCV|ana@example.com>
  | [,;] | &(?:amp|lt|gt);                                 # between two addresses, or around one
    """,
    re.IGNORECASE | re.VERBOSE,
)
_LONGEST_EMAIL = 320
_AROUND_A_LANGUAGE = f"{QUOTES}{INVISIBLE}.,;:!?*()"
_LANGUAGE_WORDS = frozenset(word.strip("()").lower() for name in LANGUAGES.values() for word in name.split())


@dataclass(frozen=True, slots=True)
class OpenForm:
    """The command to open the form, filled in for an order or a name if there is one."""

    wanted: OrderRef | DomainRef | None
    locale: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ResendNow:
    """The command to send at once to these addresses."""

    wanted: OrderRef | DomainRef
    emails: tuple[str, ...]
    locale: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ShowStatus:
    """The command to show the state of an order or a name, or of everything that waits."""

    wanted: OrderRef | DomainRef | None


@dataclass(frozen=True, slots=True)
class ShowExpiring:
    """The command to show the domains whose validation ends within so many days."""

    days: int


@dataclass(frozen=True, slots=True)
class PersonRef:
    """A Slack user, by the id that Slack puts in place of a name."""

    user_id: str


@dataclass(frozen=True, slots=True)
class ShowHistory:
    """The command to show the requests about an order or a name, those of a user, or the latest ones."""

    about: OrderRef | DomainRef | PersonRef | None


@dataclass(frozen=True, slots=True)
class ShowHelp:
    """The command to show how the slash command is used."""


@dataclass(frozen=True, slots=True)
class ExplainPolicy:
    """The command to show what a user may do, and by which rule. Without `user_id`, the user who typed it."""

    user_id: str | None = None
    wanted: OrderRef | DomainRef | None = None


@dataclass(frozen=True, slots=True)
class PlanMany:
    """The command to resend for many targets: the filter or the list as it was typed, or nothing for an empty form."""

    wanted: str = ""


@dataclass(frozen=True, slots=True)
class TraceEmail:
    """The command to show where the emails for an order or a name went."""

    wanted: OrderRef | DomainRef


Command = OpenForm | ResendNow | ShowHistory | ExplainPolicy | TraceEmail | PlanMany | ShowHelp


def read_command(text: str) -> Command:
    """Parse the text after the resend command. Without text, return OpenForm.

    The syntax is `history [order or domain or person]`, `why [@user] [name]`, `where <order or domain>`,
    `bulk [filter or list]`, `help`, or `<order or domain> [to <address> …] [in <language>] [because <reason>]`, with
    the reason last. Several orders and domains mean the same as behind `bulk`.
    Raises InvalidInput for anything else, or if the text is too long.
    """
    words = _words(text)
    if not words:
        return OpenForm(None)
    if _is_help(words):
        return ShowHelp()
    keyword = words[0].strip(QUOTES).lower()
    if keyword == HISTORY:
        return _history(words[1:])
    if keyword == WHY:
        return _why(words[1:])
    if keyword == BULK:
        return PlanMany(" ".join(words[1:]))
    if keyword == WHERE:
        return _where(words[1:])
    try:
        return _resend(words)
    except InvalidInput as error:
        if is_list(text):
            return PlanMany(" ".join(words))
        raise _mistyped(words) or error from None


def _resend(words: Sequence[str]) -> OpenForm | ResendNow:
    start = _first_clause(words)
    target = " ".join(words[:start] or words)
    try:
        wanted = read_target(target, as_label=True)
    except InvalidInput as error:
        # A sentence, such as a pasted one of the bot's own, only opens the form: nothing is sent at once.
        return _from_sentence(words, start, error)
    emails, locale, reason = _clauses(words[start:])
    return ResendNow(wanted, emails, locale, reason) if emails else OpenForm(wanted, locale, reason)


def _from_sentence(words: Sequence[str], start: int, error: InvalidInput) -> OpenForm:
    """Return the form for a sentence about one order. Raises `error` for anything else."""
    try:
        wanted = read_target(" ".join(words[:start]))
        emails, locale, reason = _clauses(words[start:])
    except InvalidInput:
        # "to" and "in" may be words of the sentence, and no keywords.
        emails, locale, reason = (), None, None
        try:
            wanted = read_target(" ".join(words))
        except InvalidInput:
            raise error from None
    if emails:
        raise error
    return OpenForm(wanted, locale, reason)


def _words(text: str) -> list[str]:
    """Return the words of a command. Raises InvalidInput if the text is too long, before anything else reads it."""
    if len(text) > LONGEST_TEXT:
        raise InvalidInput(
            f"A command has at most {LONGEST_TEXT:,} characters, and this has {len(text):,}. Nothing was sent. "
            "Enter one order number or domain."
        )
    return text.strip(f"{INVISIBLE} \n\t").split()


def read_status(text: str) -> ShowStatus | ShowExpiring | ShowHelp:
    """Parse the text after the status command: one order or domain, `expiring [30d]`, or `help`.

    Without text, it means everything that is pending. Raises InvalidInput for anything else, or if the text is too
    long.
    """
    words = _words(text)
    if not words:
        return ShowStatus(None)
    if _is_help(words):
        return ShowHelp()
    if words[0].strip(QUOTES).lower() == EXPIRING:
        return ShowExpiring(_days(words[1:]))
    try:
        return ShowStatus(read_target(text))
    except InvalidInput as error:
        raise _mistyped(words) or error from None


def _days(words: Sequence[str]) -> int:
    """Return the days of `30d`, `30 days` or `< 30d`; the usual number for no words."""
    if not words:
        return EXPIRING_DAYS
    found = _DAYS.fullmatch(" ".join(words).strip(QUOTES).lower())
    if found and 1 <= int(found[1]) <= _MOST_DAYS:
        return int(found[1])
    raise InvalidInput(f"{quoted(' '.join(words))} isn't a number of days. Try `{STATUS_COMMAND} {EXPIRING} 30d`.")


def _mistyped(words: Sequence[str]) -> MistypedCommand | None:
    """Return the error that suggests the command nearest to the first word, or None if none is near."""
    typed = words[0].strip(QUOTES).lower()
    nearest = [] if typed in _HELP | _NO_COMMANDS else difflib.get_close_matches(typed, _COMMANDS, 1, _LIKENESS)
    return MistypedCommand(quoted(words[0]), " ".join([_COMMANDS[nearest[0]], *words[1:]])) if nearest else None


def form_line(line: str) -> str | None:
    """Return the command that opens the form for what `line` sends at once, with its language and reason if it can.

    Returns None for any other line.
    """
    command, *words = line.split()
    start = _first_clause(words)
    if command != RESEND_COMMAND or start == len(words):
        return None
    try:
        wanted = read_target(" ".join(words[:start]), as_label=True)
    except InvalidInput:
        return None
    target = str(wanted.order_id) if isinstance(wanted, OrderRef) else wanted.name
    try:
        _, locale, reason = _clauses(words[start:])
    except InvalidInput:
        locale = reason = None
    more = (f" in {locale}" if locale else "") + (f" because {reason}" if reason else "")
    return f"{command} {target}{more}"


def _history(words: Sequence[str]) -> ShowHistory | ShowHelp:
    text = " ".join(words).strip(f"{QUOTES}{INVISIBLE} ")
    if not text:
        return ShowHistory(None)
    if _is_help(words):
        return ShowHelp()
    if person := _PERSON.fullmatch(text):
        return ShowHistory(PersonRef(person[1]))
    if text.startswith("@"):
        raise InvalidInput(f"I can't find {quoted(text)}. Type @ and pick the person from the list.")
    return ShowHistory(read_target(text))


def _why(words: Sequence[str]) -> ExplainPolicy:
    """Parse `why [@user] [name]`. Slack writes a user who was picked from its list as `<@U…>`."""
    mentions = [mention for word in words if (mention := _PERSON.fullmatch(word))]
    rest = " ".join(word for word in words if not _PERSON.fullmatch(word))
    if len(mentions) > 1 or rest.startswith("@"):
        raise InvalidInput(f"Pick one colleague from Slack's list. For example: {WHY_EXAMPLE}")
    return ExplainPolicy(mentions[0][1] if mentions else None, read_target(rest) if rest else None)


def _where(words: Sequence[str]) -> TraceEmail | ShowHelp:
    if _is_help(words):
        return ShowHelp()
    if not words:
        raise InvalidInput(f"Add an order number or a domain. For example: {WHERE_EXAMPLE}")
    return TraceEmail(read_target(" ".join(words)))


def _is_help(words: Sequence[str]) -> bool:
    return " ".join(words).strip(QUOTES).lower() in _HELP


def _clauses(words: Sequence[str]) -> tuple[tuple[str, ...], str | None, str | None]:
    """Return the addresses, the language and the reason. `words` begin with a keyword, if there are any."""
    emails: list[str] = []
    locale = reason = None
    rest = list(words)
    while rest:
        keyword = _keyword(rest.pop(0))
        if keyword == "because":
            return tuple(dict.fromkeys(emails)), locale, _reason(rest)
        values = _until_keyword(rest)
        if keyword == "to":
            emails += _emails(values)
        elif locale is None:
            locale = _locale(values)
        else:
            raise _misunderstood("Use only one language")
    return tuple(dict.fromkeys(emails)), locale, reason


def _first_clause(words: Sequence[str]) -> int:
    """Return the index of the first keyword. “in” is one only before what can be a language, not in a sentence."""
    for index, word in enumerate(words):
        keyword = _keyword(word)
        if keyword == "in" and not _can_be_language(_until_keyword(list(words[index + 1 :]))):
            continue
        if keyword in _KEYWORDS:
            return index
    return len(words)


def _can_be_language(values: Sequence[str]) -> bool:
    """Return True for one word, which may be mistyped, and for several if one is that of a language's name."""
    return len(values) <= 1 or any(word.strip(_AROUND_A_LANGUAGE).lower() in _LANGUAGE_WORDS for word in values)


def _keyword(word: str) -> str:
    return word.lower().removesuffix(":")


def _until_keyword(rest: list[str]) -> list[str]:
    """Remove and return the words before the next keyword."""
    end = next((index for index, word in enumerate(rest) if _keyword(word) in _KEYWORDS), len(rest))
    values, rest[:end] = rest[:end], []
    return values


def _emails(values: Sequence[str]) -> list[str]:
    words = _MAILTO.sub(lambda found: f" {found[1] or ''} ", " ".join(values)).split()
    found = [_email(word) for word in words if word.lower() not in _BETWEEN_EMAILS and any(map(str.isalnum, word))]
    if not found:
        raise _misunderstood("Add an address after “to”")
    return found


def _email(word: str) -> str:
    bare = word.strip(f"{QUOTES}{INVISIBLE}<>()[]{{}},;.:!?*\u2026\u3001\u3002")
    if len(bare) > _LONGEST_EMAIL:
        raise _misunderstood(f"{quoted(bare)} isn't a valid email address")
    try:
        return validate_email(bare, check_deliverability=False, globally_deliverable=False).normalized.lower()
    except EmailNotValidError:
        raise _misunderstood(_bad_email(bare)) from None


def _bad_email(bare: str) -> str:
    """Return why this cannot be an address, with the reason if it is its top-level domain (RFC 6761)."""
    host = bare.rpartition("@")[2].lower()
    reserved = next((each for each in SPECIAL_USE_DOMAIN_NAMES if host == each or host.endswith(f".{each}")), None)
    if reserved and "@" in bare:
        return f"{quoted(bare)} can't receive email, because .{reserved} is reserved"
    return f"{quoted(bare)} isn't a valid email address"


def _locale(values: Sequence[str]) -> str:
    locale = read_locale(" ".join(values).strip(_AROUND_A_LANGUAGE)) if values else None
    if locale is None:
        raise _misunderstood(f"{quoted(' '.join(values))} isn't a language I know. Use a code such as de or fr")
    return locale


def _reason(values: Sequence[str]) -> str:
    reason = readable(" ".join(values))
    if not reason:
        raise _misunderstood("Add a reason after “because”")
    if len(reason) > LONGEST_REASON:
        raise _misunderstood(f"Keep the reason under {LONGEST_REASON} characters")
    return reason


def readable(text: str) -> str:
    """Return text as one line of visible characters, without those that change the direction of writing."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _misunderstood(case: str) -> InvalidInput:
    return InvalidInput(f"{case}. Nothing was sent.")
