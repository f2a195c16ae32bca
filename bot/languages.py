"""The known languages of DigiCert's emails. DigiCert silently uses English for an unknown code."""

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
    """Return the English name of a language, or the code if the name is not known."""
    return LANGUAGES.get(locale, locale)


def read_locale(word: str) -> str | None:
    """Return the code for a code or an English name that a person typed; None if it is neither.

    An unknown code is returned too: the list is not DigiCert's own.
    """
    wanted = word.replace("-", "_").lower()
    for code, name in LANGUAGES.items():
        if wanted in (code.lower(), name.lower()):
            return code
    return wanted if _CODE.fullmatch(wanted) else None
