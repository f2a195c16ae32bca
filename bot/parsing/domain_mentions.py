"""Search for the domain names in a text, as alerts and people write them. Pure."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from bot.errors import InvalidInput
from bot.parsing import certificate_words
from bot.parsing.domain_names import has_public_suffix
from bot.parsing.targets import DomainRef, read_target
from bot.parsing.work_budget import WorkBudget


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# An ASCII word is one unit of work. A word that must be encoded, or that could be a file, takes as long as several.
MOST_WORK = 2000
_ENCODING = 10
_READING_AROUND = 3
_MOST_PARTS = 20
_LONGEST_WORD = 1000

# Letters and digits of every script, and the marks that some scripts write above and below them.
_LETTERS = r"\w\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0963\u0966-\u109f\u1780-\u17ff\u200c\u200d"
_AFTER_SLASH = r"(?:[^\s<>\"'`|,]|,(?!https?:))*+"
_WORD = re.compile(
    rf"""
    # https://shop.example.com/path, //shop.example.com
    (?:[a-z][a-z0-9+.-]{{0,20}}:)? //++ (?P<host>[{_LETTERS}.*@%:\[\]-]++) (?P<rest>[/?\#]{_AFTER_SLASH})?
    # shop.example.com:443, *.shop.example.com, core/shop.example.com
  | (?P<word>(?:\*\.)?[{_LETTERS}.@%+-]++) (?P<port>:[0-9]{{1,5}}(?![0-9]))? (?P<path>/{_AFTER_SLASH})?
    # /etc/ssl/shop.example.com.pem, /C=DE/CN=shop.example.com
  | (?P<folders>/{_AFTER_SLASH})
    """,
    re.IGNORECASE | re.VERBOSE,
)
# A run without spaces that has a dot. It starts only after a space, and is possessive, so that it takes linear time.
_DOTTED = re.compile(r"(?<!\S)[^\s.]*+\.\S*+")
_BETWEEN_NAMES = re.compile(r"\.{2,}|[*+]")
_NAME_LETTERS = re.compile(f"[{_LETTERS}.-]*+")
_CLOSING = "/.,;:!?)]}*_~"

# JSON's escapes for line ends, quotes, & and angle brackets. Not used if backslashes separate folders: C:\new\temp.
_ESCAPES = re.compile(r"(?<!\\)\\(?:u00(?:0[9ad]|2[267]|3[ce])|[nrt])", re.IGNORECASE)
_FOLDERS = re.compile(r"\\[^nrtu\"'\\/bf]")

# File endings that are top-level domains too: those with few names, and those of countries, with many names.
_FILE_ENDINGS = frozenset(("cab", "java", "map", "mov", "pid", "target", "zip"))
_FILE_COUNTRIES = frozenset(("cc", "la", "md", "mk", "ml", "pl", "pm", "ps", "pub", "py", "rs", "sh", "so", "tf"))
_CERTIFICATE_FILES = frozenset(("cer", "cert", "conf", "crt", "csr", "der", "jks", "key", "p12", "p7b", "pem", "pfx"))
# Kubernetes secrets are often called by the name and a type, which is no top-level domain: shop.example.com.tls.
_SECRET_ENDINGS = frozenset(("tls", "ssl", "secret", "certificate"))
# Words before a domain name. What follows is a name, whatever its ending.
_SAYS_NAME = re.compile(
    r"""
    (?<![^\W_])
    (?:
        (?:domain|fqdn|hostname|common[ _-]?name|dns[ _-]?name)s? [\s:=*_`"'(\[]{1,6}   # domain shop.example.com
      | (?:cn|dns|host|instance|sans?|site|url) [ ]?[:=][\s*_`"'(\[]{0,5}               # CN = shop.example.com
    )
    \Z
    """,
    re.IGNORECASE | re.VERBOSE,
)
# What follows is an organization, even if it looks like a name: O = Example.com Inc.
_SAYS_ORGANIZATION = re.compile(
    r"(?<![^\W_])(?:o|ou|organization(?:al[ ]?unit)?(?:name)?)[ ]?=[ ]?[\"']?\Z", re.IGNORECASE
)
_LONGEST_SAYING = 30
_SUBJECT_NAMES = frozenset(("cn", "commonname", "dns", "san", "subjectaltname"))

# Labels with underscores in front of a name: _dnsauth.shop.example.com, selector._domainkey.example.com
_UNDERSCORED = re.compile(r"\A(?:.*\.)?_[^.]*\.")
# The next sentence, if no space follows the full stop: shop.example.com.Please
_NEXT_SENTENCE = re.compile(r"(?<=[a-z0-9])\.[A-Z][a-z]*+\Z")
# A certificate's own name, which begins with the domain name: shop.example.com-DigiCertInc-20260101-20270101,
# shop.example.com-0001, shop.example.com_ecc, shop.example.com-tls
_GLUED = re.compile(r"(.+\.(?:xn--[a-z0-9]+|[^\W\d_]{2,}))[-_]([^.]+)", re.IGNORECASE)
_OF_CERTIFICATES = re.compile(
    r"(?<![^\W_])(?:[0-9]{3,}|tls|ssl|certs?|certificate|crt|ecc|ecdsa|rsa|key|secret|wildcard|https?)(?![^\W_])",
    re.IGNORECASE,
)

# Words for domains, renewal and expiry, beside the words for certificates and validation themselves.
_LAPSES = re.compile(
    r"""
    (?<![^\W\d_])
    (?:
        https | domain | domän | domini | domín | domaine | домен
      | renew(?:s|al|als|ed|ing)?(?![\w.-]) | expir | abgelaufen | ablauf | läuft | caduc | vence | scad
      | истек
    )
  | ドメイン | 有効期限 | 도메인 | 만료
  | 域名 | 网域 | 網域 | [过過到]期
    """,
    re.VERBOSE,
)
# Words before the name of a certificate: "certificate for", "ssl:", "Zertifikat für".
_SAYS_WHOSE = re.compile(
    r"""
    (?: certs? | certificates? | certificat | certificado | certificato | zertifikat | ssl | tls | dcv | validation )
    (?P<of> \s{1,4} (?:for|of|on|für|von|de|di|do|pour|per) )? [\s:*_"'(`]{1,4} \Z
    """,
    re.VERBOSE,
)
_BEFORE, _BEHIND = 160, 80
# Words around the name of a file: what is run, opened or written, and the line where something happened.
_BEFORE_FILE = re.compile(
    r"""
    (?<![^\W_])
    (?:
        run | runs | running | ran | exec | execute[sd]? | executing | start(?:s|ed|ing)? | call(?:s|ed|ing)? | cron
      | sh | bash | zsh | python3? | perl | source | include[sd]? | import(?:s|ed)? | load(?:s|ed|ing)?
      | compil(?:e|ed|ing) | open(?:s|ed)? | edit(?:s|ed|ing)? | see | read | cat | less | vim? | nano | write | wrote
      | delete[sd]? | chmod | scripts? | files? | module | crate | library | function | commit(?:ted)? | merged?
      | patch(?:ed)? | hook | job | code | written | bug | panic(?:ked|s)? | exception | traceback | typo | fix(?:ed)?
    )
    (?: \s{1,4} (?:in|at|of) )? [\s:*_`"'(\[]{1,4} \Z
    """,
    re.VERBOSE,
)
_BEHIND_FILE = re.compile(
    r"""
    [`*_"')\]]{0,3}
    (?:
        \(\) | :[0-9] | \#L?[0-9]
      | ,? \s{1,4} (?:line|scripts?|files?|exited|returned|crashed|panicked|module|crate|hook) (?![^\W_])
    )
    """,
    re.VERBOSE,
)
_PORTS = frozenset(f":{port}" for port in (25, 80, 443, 465, 587, 636, 853, 993, 995, 5061, 8080, 8443, 9443))
_FILE_STEMS = _words(
    """
    acme app auth backup bootstrap build cert certbot certificate certificates certs changelog check ci client
    config contributing cron dcv dehydrated deploy docs entrypoint handler handlers helper helpers hook id index
    init install lego lib libcrypto libssl license main make manage mod module monitor notes openssl parser plugin
    post pre readme release renew renewal restart run runbook runner script security server service setup ssl
    start stop sync task tasks test tests tls todo tool tools update upload util utils validate validation verify
    version views wrapper x509
    """
)


@dataclass(frozen=True, slots=True)
class DomainMention:
    """An ASCII-encoded name, and its position in the text. Not explicit if it is only a part of an address or path."""

    name: str
    at: int
    is_explicit: bool = True


def find_domains(
    text: str, budget: WorkBudget | None = None, is_about_certificates: Callable[[], bool] = lambda: False
) -> Iterator[DomainMention]:
    """Yield each name under a known public suffix, in order of appearance. A name may come twice.

    Skips the hosts of email addresses, and words that could also be files, like main.rs. `is_about_certificates` is
    called for the whole message that the text belongs to. Once `budget` is spent, the rest is not read.
    """
    scanner = _DomainScanner(_without_escapes(text), budget or WorkBudget(MOST_WORK), is_about_certificates)
    return scanner.names()


def is_about_certificates(text: str) -> bool:
    """Return True if the text has a word about certificates, domains or validation, in one of DigiCert's languages."""
    return certificate_words.is_about_certificates(text) or _LAPSES.search(text.lower()) is not None


def _without_escapes(text: str) -> str:
    """Return a text of the same length, with spaces for JSON's escapes and slashes for the other backslashes."""
    if "\\" not in text:
        return text
    if not _FOLDERS.search(text):
        text = _ESCAPES.sub(lambda escape: " " * len(escape[0]), text)
    return text.replace("\\", "/")


class _DomainScanner:
    """One pass over a text."""

    def __init__(self, text: str, budget: WorkBudget, is_about_certificates: Callable[[], bool]) -> None:
        self._text = text
        self._budget = budget
        self._is_about_certificates = is_about_certificates

    def names(self) -> Iterator[DomainMention]:
        for found in self._words():
            if self._budget.is_spent:
                return
            if "." not in found[0] or found[0].replace(".", "").isdigit() or not self._budget.spend():
                continue
            if found["host"]:
                yield from self._in_address(found)
            elif found["word"]:
                yield from self._in_word(found)
            else:
                yield from self._in_folders(found["folders"], found.start(), are_files=True)

    def _words(self) -> Iterator[re.Match[str]]:
        for run in _DOTTED.finditer(self._text):
            yield from _WORD.finditer(self._text, run.start(), run.end())

    def _in_address(self, found: re.Match[str]) -> Iterator[DomainMention]:
        """Yield the host of a web address. It is explicit if the address is only the host."""
        if "@" in found["host"]:
            return
        is_bare = not (found["rest"] or "").strip(_CLOSING)
        yield from self._read(found["host"], found.start(), is_strong=is_bare, says_name=True)

    def _in_word(self, found: re.Match[str]) -> Iterator[DomainMention]:
        """Yield the names in a word, which may be an address without a scheme, or a path that ends in a name."""
        word, path, at = found["word"], found["path"] or "", found.start()
        if "@" in word or "%" in word:
            return
        before = self._text[max(0, at - _LONGEST_SAYING) : at]
        if _SAYS_ORGANIZATION.search(before):
            return
        is_bare = not path.strip(_CLOSING)
        says_name = word.startswith("*.") or _SAYS_NAME.search(before) is not None or self._is_surely_a_name(found)
        hosts = [
            host
            for part in _BETWEEN_NAMES.split(word.removeprefix("*."), _MOST_PARTS)
            for host in self._read(part, at, is_strong=is_bare, says_name=says_name)
        ]
        yield from hosts or self._in_folders(path, at, are_files=not word.strip("."))

    def _in_folders(self, path: str, at: int, *, are_files: bool) -> Iterator[DomainMention]:
        for part in path.split("/", _MOST_PARTS):
            # /C=DE/O=Example Ltd/CN=shop.example.com is how OpenSSL writes a certificate's subject.
            key, is_subject, value = part.partition("=")
            if is_subject and key.lower() not in _SUBJECT_NAMES:
                continue
            name = _NAME_LETTERS.match(value.removeprefix("DNS:").removeprefix("*.") if is_subject else part)
            is_file = are_files and not is_subject and _result(name[0] if name else "") in _FILE_COUNTRIES
            if name and "@" not in part and not is_file:
                yield from self._read(name[0], at, says_name=bool(is_subject))

    def _read(self, word: str, at: int, *, is_strong: bool = True, says_name: bool = False) -> Iterator[DomainMention]:
        """Yield the name in a word, if there is one. The name of a certificate's file is not explicit."""
        if "." not in word or not self._budget.spend(1 if word.isascii() and "xn--" not in word else _ENCODING):
            return
        bare = _bare(word)
        if _result(bare) in _CERTIFICATE_FILES:
            bare, is_strong = bare.rpartition(".")[0], False
        if _result(bare).partition("-")[0] in _SECRET_ENDINGS and not has_public_suffix(bare.lower()):
            bare = bare.rpartition(".")[0]
        for whole in (bare, _unglued(bare)):
            name = _encoded(whole)
            if name and (says_name or not _is_file(whole)):
                yield DomainMention(name, at, is_strong)
                return

    def _is_surely_a_name(self, found: re.Match[str]) -> bool:
        """Return True if a word that could also be a file is a name, by the text around it."""
        word = found["word"].strip(".-_")
        stem = word.rpartition(".")[0]
        is_country = _result(word) in _FILE_COUNTRIES
        if "." in stem or not (is_country or _result(word) in _FILE_ENDINGS):
            return False
        if not _could_be_a_label(stem, is_upper=word.isupper()) or not self._budget.spend(_READING_AROUND):
            return False
        start, end = found.span("word")
        before = self._text[max(0, start - _BEFORE) : start].lower()
        behind = self._text[end : end + _BEHIND].partition("\n")[0].lower()
        if found["port"] in _PORTS:
            behind = behind.removeprefix(found["port"])
        if _BEFORE_FILE.search(before[-40:]) or _BEHIND_FILE.match(behind) or before.endswith("/"):
            return False
        whose = _SAYS_WHOSE.search(before[-40:])
        if before.endswith("`") or not is_country:
            return whose is not None and (is_country or bool(whose["of"]))
        if is_about_certificates(before) or is_about_certificates(behind):
            return True
        is_own_line = not (before.rpartition("\n")[2] + behind).strip(" \t\r*_~>.:\u2022\u25e6\u2013-")
        return is_own_line and self._is_about_certificates()


def _could_be_a_label(stem: str, *, is_upper: bool) -> bool:
    """Return False for usual names of files: main, deploy-certs, README, TlsClient."""
    is_one_case = stem == stem.lower() or stem.istitle() or is_upper
    return is_one_case and "_" not in stem and not _FILE_STEMS.intersection(stem.lower().split("-"))


def _is_file(word: str) -> bool:
    result = _result(word)
    return result in _FILE_ENDINGS or (result in _FILE_COUNTRIES and word.count(".") < 2)


def _result(word: str) -> str:
    return word.strip(".").rpartition(".")[2].lower()


def _bare(word: str) -> str:
    """Return `word` without what people and programs put before and after a name."""
    if len(word) > _LONGEST_WORD:
        return ""
    bare = word.partition(":")[0].strip(".-").rstrip("_").removeprefix("WILDCARD.")
    if bare[:1].islower():
        bare = _NEXT_SENTENCE.sub("", bare)
    # In check_ssl_shop.example.com, the name begins after the last underscore.
    first, dot, others = _UNDERSCORED.sub("", bare, count=1).partition(".")
    return (first.rpartition("_")[2] if "." in others else first) + dot + others


def _unglued(word: str) -> str:
    """Return the domain name at the start of a certificate's own name, or nothing if the rest does not fit one."""
    glued = _GLUED.fullmatch(word)
    return glued[1] if glued and _OF_CERTIFICATES.search(glued[2]) else ""


@lru_cache(maxsize=1024)
def _encoded(word: str) -> str | None:
    if not has_public_suffix(word.lower()):
        return None
    try:
        target = read_target(word)
    except InvalidInput:
        return None
    return target.name if isinstance(target, DomainRef) else None
