"""The languages DigiCert is known to write its mails in; an unknown code falls back to English there."""

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


def language(locale: str) -> str:
    """The language in words, or the code where we know no word for it."""
    return LANGUAGES.get(locale, locale)
