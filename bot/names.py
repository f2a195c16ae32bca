"""A text → the domain names in it, as alerts and people write them; pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from bot.errors import Misunderstood
from bot.targets import WantedName, is_public, read_target

_MOST_WORDS = 1000
_MOST_PARTS = 20
_LONGEST_WORD = 1000

# Letters and digits of every script, and the marks that some scripts write above and below them.
_LETTERS = r"\w\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0963\u0966-\u109f\u1780-\u17ff\u200c\u200d"
_AFTER_SLASH = r"(?:[^\s<>\"'`|,]|,(?!https?:))*"
_WORD = re.compile(
    rf"(?:[a-z][a-z0-9+.-]{{0,20}}:)?//+(?P<host>[{_LETTERS}.*@%:\[\]-]+)(?P<rest>[/?\#]{_AFTER_SLASH})?"
    rf"|(?P<word>(?:\*\.)?[{_LETTERS}.@%+-]+)(?::[0-9]{{1,5}}(?![0-9]))?(?P<path>/{_AFTER_SLASH})?"
    rf"|(?P<folders>/{_AFTER_SLASH})",
    re.IGNORECASE,
)
_BETWEEN_NAMES = re.compile(r"\.{2,}|[*+]")
_NAME_LETTERS = re.compile(f"[{_LETTERS}.-]*")
_CLOSING = "/.,;:!?)]}*_~"

# What JSON writes for a line's end or an angle bracket, unless a backslash parts folders here, as in C:\new\temp.
_ESCAPES = re.compile(r"(?<!\\)\\(?:u00(?:0[9ad]|2[267]|3[ce])|[nrt])", re.IGNORECASE)
_FOLDERS = re.compile(r"\\[^nrtu\"'\\/bf]")

# Endings of files that are top-level domains as well: of hardly anybody, or of countries and their many names.
_FILE_ENDINGS = frozenset(("cab", "java", "map", "mov", "pid", "target", "zip"))
_FILE_COUNTRIES = frozenset(("cc", "la", "md", "mk", "ml", "pl", "pm", "ps", "pub", "py", "rs", "sh", "so", "tf"))
_CERTIFICATE_FILES = frozenset(("cer", "cert", "conf", "crt", "csr", "der", "jks", "key", "p12", "p7b", "pem", "pfx"))
# Words that say of what follows that it is a name, whatever its ending.
_SAYS_NAME = re.compile(
    r"(?<![^\W_])(?:(?:domain|fqdn|hostname|common[ _-]?name|dns[ _-]?name)s?[\s:=*_`\"'(\[]{1,6}"
    r"|(?:cn|dns|host|instance|sans?|site|url)[ ]?[:=][\s*_`\"'(\[]{0,5})$",
    re.IGNORECASE,
)
_LONGEST_SAYING = 30

# _dnsauth.shop.example.com, selector._domainkey.example.com
_UNDERSCORED = re.compile(r"\A(?:.*\.)?_[^.]*\.")
_NEXT_SENTENCE = re.compile(r"(?<=[a-z0-9])\.[A-Z][a-z]*$")
# shop.example.com-DigiCertInc-20260101-20270101, shop.example.com-0001, shop.example.com_ecc, shop.example.com-tls
_GLUED = re.compile(r"(.+\.(?:xn--[a-z0-9]+|[^\W\d_]{2,}))[-_]([^.]+)", re.IGNORECASE)
_OF_CERTIFICATES = re.compile(
    r"(?<![^\W_])(?:[0-9]{3,}|tls|ssl|certs?|certificate|crt|ecc|ecdsa|rsa|key|secret|wildcard|https?)(?![^\W_])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class NamedHost:
    """A name, ASCII-encoded, and where in the text it stands; not strong where it only leads to something else."""

    name: str
    at: int
    is_strong: bool = True


def names_in(text: str) -> Iterator[NamedHost]:
    """Each name under a known public suffix, in order of appearance; a name may come twice.

    Leaves out the hosts of mail addresses, and what could as well be a file, like main.rs. Of more than 1000 words with
    dots, the rest is not read.
    """
    text = _without_escapes(text)
    for found in islice((word for word in _WORD.finditer(text) if "." in word[0]), _MOST_WORDS):
        if found["host"]:
            yield from _in_address(found)
        elif found["word"]:
            yield from _in_word(found, says_name=_says_name(text, found.start()))
        else:
            yield from _in_folders(found["folders"], found.start(), are_files=True)


def _without_escapes(text: str) -> str:
    """`text`, as long as before, with spaces for JSON's escapes and slashes for the backslashes that remain."""
    if "\\" not in text:
        return text
    if not _FOLDERS.search(text):
        text = _ESCAPES.sub(lambda escape: " " * len(escape[0]), text)
    return text.replace("\\", "/")


def _says_name(text: str, at: int) -> bool:
    return _SAYS_NAME.search(text[max(0, at - _LONGEST_SAYING) : at]) is not None


def _in_address(found: re.Match[str]) -> Iterator[NamedHost]:
    """The host of an address on the web, strong where the address is nothing but the host."""
    if "@" in found["host"]:
        return
    is_bare = not (found["rest"] or "").strip(_CLOSING)
    yield from _read(found["host"], found.start(), is_strong=is_bare, says_name=True)


def _in_word(found: re.Match[str], *, says_name: bool) -> Iterator[NamedHost]:
    """The names in a word, which may be an address without a scheme, or folders that end in a name."""
    word, path, at = found["word"], found["path"] or "", found.start()
    if "@" in word or "%" in word:
        return
    is_bare = not path.strip(_CLOSING)
    hosts = [
        host
        for part in _BETWEEN_NAMES.split(word.removeprefix("*."), _MOST_PARTS)
        for host in _read(part, at, is_strong=is_bare, says_name=says_name or word.startswith("*."))
    ]
    yield from hosts or _in_folders(path, at, are_files=not word.strip("."))


def _in_folders(path: str, at: int, *, are_files: bool) -> Iterator[NamedHost]:
    for part in path.split("/", _MOST_PARTS):
        name = _NAME_LETTERS.match(part)
        if name and "@" not in part and not (are_files and _ending(name[0]) in _FILE_COUNTRIES):
            yield from _read(name[0], at)


def _read(word: str, at: int, *, is_strong: bool = True, says_name: bool = False) -> Iterator[NamedHost]:
    """The name in a word, if there is one; what only a certificate's file is called by is not strong."""
    bare = _bare(word)
    if _ending(bare) in _CERTIFICATE_FILES:
        bare, is_strong = bare.rpartition(".")[0], False
    for whole in (bare, _unglued(bare)):
        name = _encoded(whole)
        if name and (says_name or not _is_file(whole)):
            yield NamedHost(name, at, is_strong)
            return


def _is_file(word: str) -> bool:
    ending = _ending(word)
    return ending in _FILE_ENDINGS or (ending in _FILE_COUNTRIES and word.count(".") < 2)


def _ending(word: str) -> str:
    return word.strip(".").rpartition(".")[2].lower()


def _bare(word: str) -> str:
    """`word` without what people and machines put before and behind a name."""
    if len(word) > _LONGEST_WORD:
        return ""
    bare = word.partition(":")[0].strip(".-").rstrip("_").removeprefix("WILDCARD.")
    if bare[:1].islower():
        bare = _NEXT_SENTENCE.sub("", bare)
    # Of check_ssl_shop.example.com the name is what follows.
    first, dot, others = _UNDERSCORED.sub("", bare, count=1).partition(".")
    return (first.rpartition("_")[2] if "." in others else first) + dot + others


def _unglued(word: str) -> str:
    """The name at the start of a certificate's name, or nothing where the rest does not look like one's."""
    glued = _GLUED.fullmatch(word)
    return glued[1] if glued and _OF_CERTIFICATES.search(glued[2]) else ""


@lru_cache(maxsize=1024)
def _encoded(word: str) -> str | None:
    if not is_public(word.lower()):
        return None
    try:
        target = read_target(word)
    except Misunderstood:
        return None
    return target.name if isinstance(target, WantedName) else None
