"""The words that mark a text as about certificates or validation, in every language that DigiCert writes."""

import time

import pytest

from bot.languages import LANGUAGES
from bot.parsing.certificate_words import WORDS, is_about_certificates

ABOUT = {
    "*": [
        *("DCV pending for shop.example.com", "SSLCertExpiringSoon", "probe_ssl_earliest_cert_expiry < 7d"),
        *("tls.server.not_after: 2026-12-01", "X.509 error", "ssl-check: CRITICAL"),
    ],
    "en": [
        *("Certificate for shop.example.com expires in 3 days", "CERTS: 5", "*certificate* expired", "certificate."),
        *("Please validate ownership of your domain nurwww.example", "revalidation is due", "domain control failed"),
        *("Waiting for verification of shop.example.com", "deep.example.org: cert expires"),
    ],
    "de": [
        *("Zertifikat läuft ab", "Das Wildcardzertifikat", "Serverzertifikate", "Domain-Validierung ausstehend"),
        *("wird validiert", "Domainprüfung nötig", "Bitte verifizieren Sie die Domain"),
    ],
    "es": ["el certificado de la tienda caduca", "Validación del dominio pendiente", "validacion", "Hay que verificar"],
    "fr": ["Le certificat expire", "Validation du domaine", "Le domaine doit être validé", "vérifiez le domaine"],
    "it": ["il certificato scade", "convalida del dominio", "I certificati", "verifica del dominio"],
    "pt": ["O certificado expira", "Validação de domínio", "verificação pendente"],
    "ru": ["истекает срок сертификата", "SSL-сертификаты", "подтвердите владение доменом", "Валидация домена"],
    "ja": ["サーバー証明書の有効期限", "ドメイン認証が必要です", "検証待ち"],
    "ko": ["인증서 만료", "도메인 인증 대기", "도메인 소유권 확인"],
    "zh_CN": ["证书即将过期", "域名验证", "证书https://x.example.org/y 过期"],
    "zh_TW": ["憑證即將到期", "網域驗證"],
}
NOT_ABOUT = [
    *("", "disk full", "Good morning", "login.example.org is down", "the session expired", "concert tickets"),
    *("It is uncertain", "invalid response from deep.example.org", "HTTP 503 from https://deep.example.org/"),
    # Names, addresses and paths do not show the topic of a text.
    *("cert.example.com is down", "Certs.example.com.", "*ssl-check.example.org* is down", "ask certs@example.com"),
    *("https://certs.example.com/validate/ssl", "/etc/ssl/certs/ca.pem is missing", "zertifikat.münchen.de ist weg"),
    *("example.com/validation", "//certificate.example.org:443"),
    # Other validations: of people, of forms, of codes that were sent to them.
    *(
        "身份验证失败",
        "验证码 123",
        "身分驗證失敗",
        "réponse invalide",
        "El servicio no responde",
        "Der Dienst antwortet nicht",
    ),
    *(
        "valid until tomorrow",
        "сервер недоступен",
        "サーバーが応答しません",
        "서버 응답 없음",
        "服务器无响应",
        "O serviço caiu",
    ),
]


@pytest.mark.parametrize(("language", "text"), [(language, text) for language, some in ABOUT.items() for text in some])
def test_a_text_about_certificates_or_validation(language, text):
    assert is_about_certificates(text)


@pytest.mark.parametrize("text", NOT_ABOUT)
def test_a_text_about_anything_else(text):
    assert not is_about_certificates(text)


def test_every_language_has_words_and_examples():
    assert set(WORDS) - {"*"} == set(LANGUAGES)
    assert set(ABOUT) == set(WORDS)


@pytest.mark.parametrize(
    "part",
    ["a.", "aA", "x", "./", "a@", "://", "ab:", "x.y:", "certificat", " certificatx", "подтвержд ", "域名", "1a"],
)
def test_a_hostile_text_costs_no_more_than_another(part):
    began = time.process_time()

    is_about_certificates(part * (100_000 // len(part)))

    assert time.process_time() - began < 1.0
