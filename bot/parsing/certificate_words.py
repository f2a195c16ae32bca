"""Words that show that a text is about certificates or validation, in the languages of `bot.languages`. Pure."""

import re
import unicodedata
from functools import cache

from bot.parsing.domain_names import has_public_suffix

# Each entry is a word or a phrase, without accents. `*` matches the rest of a word. `-` at the front matches what is
# before it in the same word, as in Wildcardzertifikat. Chinese entries may have lookarounds.
WORDS: dict[str, tuple[str, ...]] = {
    # Names and abbreviations of every language. Names of monitoring checks say TLS or SSL for certificates.
    "*": (
        "dcv",
        "ssl",
        "tls",
        "x509",
        "x 509",
        "csr",
        "pki",
        "digicert*",
        "certcentral",
        "certbot",
        "certmanager",
    ),
    "en": (
        *("cert", "certs", "certificate*", "validate*", "validati*", "revalidat*", "unvalidated", "prevalidat*"),
        *("verify", "verified", "verifies", "verifying", "verification*", "domain control*", "domain ownership"),
    ),
    "de": (
        *(
            "-zertifikat*",
            "-zertifizier*",
            "-validier*",
            "-verifizier*",
            "domainprufung*",
            "domain prufung*",
            "inhaberprufung*",
        ),
        *("domaininhaber*", "domainkontroll*"),
    ),
    "es": (
        *("certificad*", "validacion*", "validar*", "valida el dominio", "validado*", "validada*", "revalid*"),
        *(
            "verificacion*",
            "verificar*",
            "verificado*",
            "verificada*",
            "control del dominio",
            "titularidad del dominio",
        ),
    ),
    "fr": (
        *(
            "certificat*",
            "validation*",
            "valider*",
            "validez",
            "validee*",
            "etre valide*",
            "revalid*",
            "verification*",
            "verifier*",
        ),
        *("verifiez", "controle du domaine", "propriete du domaine"),
    ),
    "it": (
        *("certificat*", "validazion*", "validare*", "validato", "validata", "validati", "validate", "convalid*"),
        *("verificare*", "verificato", "verificata", "verifica del dominio", "controllo del dominio"),
    ),
    "pt": (
        *("certificad*", "validacao", "validacoes", "validar*", "validado*", "validada*", "revalid*"),
        *("verificacao", "verificacoes", "verificar*", "verificado*", "controle do dominio", "propriedade do dominio"),
    ),
    "ru": (
        *("-сертификат*", "-валидаци*", "валидир*", "провалидир*", "верификаци*", "верифицир*"),
        *("подтвержд* домен*", "подтверд* домен*", "подтвержд* владени*", "подтверд* владени*", "подтвержд* прав*"),
        *("проверк* домен*", "проверк* владени*"),
    ),
    "ja": (
        "証明書",
        "ドメイン認証",
        "ドメイン検証",
        "検証",
        "ドメイン使用権",
        "ドメインの認証",
        "ドメインの所有",
        "認証局",
    ),
    "ko": ("인증서", "도메인 인증", "도메인인증", "검증", "유효성 검사", "유효성 확인", "도메인 소유", "소유권 확인"),
    # Not the words for confirming a person's identity or login (身份, 身分, 登录, 登入), or a code (码, 碼).
    "zh_CN": ("证书", "(?<!身份)(?<!身分)(?<!登录)验证(?!码)", "域名所有权", "域控制", "域名控制"),
    "zh_TW": ("憑證", "證書", "(?<!身份)(?<!身分)(?<!登入)驗證(?!碼)", "網域所有權", "網域控制"),
}

_UNSPACED = frozenset(("ja", "ko", "zh_CN", "zh_TW"))
_SCRIPTS = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
# Scripts without spaces: a boundary between such a letter and an ASCII character counts as a space.
_SEAM = re.compile(f"(?<=[{_SCRIPTS}])(?=[!-~])|(?<=[!-~])(?=[{_SCRIPTS}])")
_BETWEEN_CHUNKS = re.compile(r"[\s<>\"'`|,;()\[\]{}]+")
_LONGEST_NAME = 253
# The boundaries in SSLCertExpiringSoon.
_CAPITALS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[^\W\d_]+|[0-9]+")
_LONGEST_ENDING = 40


def is_about_certificates(text: str) -> bool:
    """Return True if a text is about certificates or validation. Names and addresses in it do not count."""
    chunks = _BETWEEN_CHUNKS.split(_SEAM.sub(" ", text))
    prose = " ".join(filter(None, map(_without_name, chunks)))
    words = _WORD.findall(_folded(_CAPITALS.sub(" ", prose)))
    return _pattern().search(f" {' '.join(words)} ") is not None


def _without_name(chunk: str) -> str:
    """Return an empty text for a name, an address or a path: their parts do not say what a text is about.

    A key like `tls.server.not_after` is no name. Its parts count, so they are returned as words.
    """
    bare = chunk.strip(".:!?*_~")
    if "." not in bare and "/" not in bare and "@" not in bare:
        return chunk
    name = bare.partition(":")[0].lower()
    is_key = "/" not in bare and "@" not in bare and len(name) <= _LONGEST_NAME and not has_public_suffix(name)
    return chunk.replace(".", " ") if is_key else ""


def _folded(text: str) -> str:
    """Return text without case and accents."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


@cache
def _pattern() -> re.Pattern[str]:
    """Return the pattern of all entries, for folded words with one space before, between and behind them."""
    spaced = [_folded(entry) for language, entries in WORDS.items() if language not in _UNSPACED for entry in entries]
    anywhere = [entry.strip("-*") for entry in spaced if entry.startswith("-")]
    words = [entry.replace("*", f"[^ ]{{0,{_LONGEST_ENDING}}}") for entry in spaced if not entry.startswith("-")]
    unspaced = [_folded(entry) for language in sorted(_UNSPACED) for entry in WORDS[language]]
    return re.compile("|".join([f" (?:{'|'.join(dict.fromkeys(words))})(?= )", *anywhere, *unspaced]))
