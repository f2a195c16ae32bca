"""The languages DigiCert is known to write its mails in; an unknown code falls back to English there, in silence."""

import re

LANGUAGES = {
    "en": "English",
    "de": "German",
    "es": "Spanish",
    "fr": "French",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "pt": "Portuguese",
    "ru": "Russian",
    "zh_CN": "Chinese (Simplified)",
    "zh_TW": "Chinese (Traditional)",
}
_CODE = re.compile(r"[a-z]{2}(_[a-z]{2})?", re.IGNORECASE)


def language(locale: str) -> str:
    """The language in words, or the code where we know no word for it."""
    return LANGUAGES.get(locale, locale)


def read_locale(word: str) -> str | None:
    """The code that a person means by a code or an English word; None where it is neither.

    A code that we do not know is passed on: the list is not DigiCert's own.
    """
    wanted = word.replace("-", "_").lower()
    for code, name in LANGUAGES.items():
        if wanted in (code.lower(), name.lower()):
            return code
    return wanted if _CODE.fullmatch(wanted) else None
