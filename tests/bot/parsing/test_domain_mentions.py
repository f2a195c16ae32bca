"""Domain names in texts: the spellings of senders, and text that only resembles a name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.parsing.domain_mentions import find_domains


def named(text, *, strong=True):
    return [host.name for host in find_domains(text) if host.is_explicit is strong]


@pytest.mark.parametrize(
    "text",
    [
        "shop.example.com",
        "SHOP.EXAMPLE.COM",
        "Shop.Example.Com",
        "shop.example.com.",
        "(shop.example.com)",
        "[shop.example.com]: down",
        "Is it shop.example.com?",
        "Checking shop.example.com...",
        "...shop.example.com",
        "\U0001f534shop.example.com\U0001f534",
        "•shop.example.com",
        "-shop.example.com",
        "*shop.example.com*",
        "~shop.example.com~",
        "**`shop.example.com`**",
        "“shop.example.com”",
        "see shop.example.com, please",
        "shop.example.com:443",
        "shop.example.com:443/",
        "shop.example.com/",
        "*.shop.example.com",
        "*.shop.example.com:443",
        "**.shop.example.com*",
        ".shop.example.com",
        "domain=shop.example.com",
        "domain:shop.example.com",
        '{instance="shop.example.com:9443"}',
        '{"cn":"shop.example.com","days":3}',
        r"{\"cn\":\"shop.example.com\"}",
        r"failed:\nshop.example.com\nsee log",
        r"\u003cshop.example.com\u003e",
        "DNS:shop.example.com",
        "CN=shop.example.com,O=Example",
        "host:shop.example.com,env:blue",
        "<b>shop.example.com</b>",
        "|shop.example.com|3 days|",
        "tcp/shop.example.com:443",
        "core/shop.example.com",
        "https://shop.example.com",
        "https://shop.example.com/",
        "HTTPS://SHOP.EXAMPLE.COM:443/",
        "https://shop.example.com:9443",
        "(https://shop.example.com).",
        "https://shop.example.com/*",
        "ldaps://shop.example.com:636",
        "[shop](https://shop.example.com/)",
        r"https:\/\/shop.example.com\/",
        "probe=https://shop.example.com, 3 tries",
        "shop.example.com-DigiCertInc-20250101-20260101",
        "WILDCARD.shop.example.com-DigiCertInc-20250101-20260101-2",
        "WILDCARD.shop.example.com",
        "shop.example.com-0001",
        "shop.example.com_ecc",
        "shop.example.com-tls",
        "secret web/shop.example.com-tls-x7k2p",
        "_dnsauth.shop.example.com",
        "_acme-challenge.shop.example.com.",
        "_a1b2c3._dnsauth.shop.example.com",
        "selector._domainkey.shop.example.com",
        "check_ssl_shop.example.com",
        "/etc/letsencrypt/live/shop.example.com/fullchain.pem",
        "~/.acme.sh/shop.example.com_ecc/ca.cer",
        r"\VED\Policy\Certificates\shop.example.com",
        r"C:\new\certs\shop.example.com",
        "The mail for shop.example.com.Please look",
        "50% of shop.example.com",
        "证书shop.example.com已过期",
        "shop.example.comの証明書",
    ],
)
def test_a_name_is_found_however_it_appears_in_a_text(text):
    # In messages the text spans separate scripts that use no spaces.
    text = text.replace("证书", "证书 ").replace("已", " 已").replace("の", " の")

    assert named(text) == ["shop.example.com"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a.example.com,b.example.com;c.example.com|d.example.com", ["a", "b", "c", "d"]),
        ("a.example.com\nb.example.com\tc.example.com", ["a", "b", "c"]),
        ("a.example.com+b.example.com a.example.com..c.example.com", ["a", "b", "a", "c"]),
        ("https://a.example.com,https://b.example.com", ["a", "b"]),
        ("DNS:a.example.com, DNS:*.b.example.com", ["a", "b"]),
    ],
)
def test_every_name_is_found_in_order(text, names):
    assert named(text) == [f"{name}.example.com" for name in names]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("bücher.de läuft ab", "xn--bcher-kva.de"),
        ("BÜCHER.DE", "xn--bcher-kva.de"),
        ("bu\u0308cher.de", "xn--bcher-kva.de"),
        ("xn--bcher-kva.de", "xn--bcher-kva.de"),
        ("*.bücher.de", "xn--bcher-kva.de"),
        ("https://bücher.de", "xn--bcher-kva.de"),
        ("сайт.рф истекает", "xn--80aswg.xn--p1ai"),
        ("xn--80aswg.xn--p1ai-DigiCertInc-20250101-20260101", "xn--80aswg.xn--p1ai"),
        ("उदाहरण.भारत", "xn--p1b6ci4b4b3a.xn--h2brj9c"),
        ("shop.example.co.uk", "shop.example.co.uk"),
        ("shop.example.github.io", "shop.example.github.io"),
        ("r3---sn.example.com", "r3---sn.example.com"),
        ("1.example.com", "1.example.com"),
        ("example.com-DigiCertInc-20250101-20260101", "example.com"),
    ],
)
def test_a_name_is_ascii_encoded(text, name):
    assert named(text) == [name]


@pytest.mark.parametrize(
    "text",
    [
        "https://shop.example.com/health",
        "(https://shop.example.com/health warning)",
        "https://shop.example.com/?a=b",
        "https://shop.example.com#top",
        "https://shop.example.com/#/certificates/7",
        "https://shop.example.com/a?names=b.example.com,c.example.com",
        r"https:\/\/shop.example.com\/health",
        "//shop.example.com/app.js",
        "shop.example.com/health",
        "shop.example.com:8443/health",
        "shop.example.com/team/app:1.2",
        "shop.example.com/a?b=c.example.com&d=e.example.com",
        "/etc/ssl/shop.example.com.pem",
        "shop.example.com.crt",
    ],
)
def test_what_only_leads_to_a_host_or_is_a_certificates_file_is_weak(text):
    assert named(text) == []
    assert named(text, strong=False) == ["shop.example.com"]


@pytest.mark.parametrize(
    "text",
    [
        "ana@example.com",
        "<ana@example.com>",
        "ana.shop@example.com",
        "ana.shop+dcv@example.com",
        "mailto:ana.shop@example.com",
        "admin@example.com,webmaster@example.com;hostmaster@example.com",
        "bounce+ana=example.org@lists.example.com",
        "@example.com",
        "ana%40example.com",
        "git@github.com:team/renew.sh",
        "https://ana:secret@shop.example.com/",
        "ana@shop.example.com/work",
        "ana@bücher.de",
        "cert.pem",
        "renew.sh",
        "app.py",
        "main.rs:42",
        "src/main.rs",
        "./deploy.prod.sh",
        "/opt/bin/deploy.prod.sh",
        "/var/run/shop.pid",
        "README.md",
        "libssl.so.3",
        "libcrypto.so",
        "backup.zip",
        "renew.sh-20260101",
        "backup.2025.zip",
        "app.js.map",
        "id_rsa.pub",
        "main.tf",
        "multi-user.target",
        "(Shop.java:17)",
        "app.py.conf",
        "1.2.3",
        "v1.2.3-rc.1",
        "10.0.0.1",
        "10.0.0.0/24",
        "https://10.0.0.1:443/x",
        "[2001:db8::1]:443",
        "https://[2001:db8::1]/",
        "1764000000",
        "1764000000.123456",
        "account 123456",
        "INC0012345",
        "shop.prod.svc.cluster.local",
        "shop.prod.svc.cluster.local:8080",
        "http://shop.prod.svc.cluster.local:8080/x",
        "ip-10-0-0-1.eu-west-1.compute.internal",
        "db1.prod.us-east-1",
        "alertmanager.example.internal",
        "www-example-com-tls",
        "bücher.example",
        "localhost:8080",
        "co.uk",
        "com",
        "*.com",
        "it failed.It is down",
        "e.g. this, i.e. that",
        "failed: exit 1.",
        "2026-01-01T10:00:00.000Z",
        "a..b",
        "...",
        "-.com",
        "foo..com",
        "@",
        "//",
        "https://",
        "%2Fexample.com",
        "xn--a.com",
        "x" * 5000 + ".com",
    ],
)
def test_text_that_only_resembles_a_name_is_ignored(text):
    assert list(find_domains(text)) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("lampy.example.pl", "lampy.example.pl"),
        ("core/www.lampy.pl", "www.lampy.pl"),
        ("domain: lampy.pl", "lampy.pl"),
        ("Domain lampy.pl", "lampy.pl"),
        ("CN=lampy.pl", "lampy.pl"),
        ("common name `lampy.pl`", "lampy.pl"),
        ("*.lampy.pl", "lampy.pl"),
        ("https://lampy.pl", "lampy.pl"),
    ],
)
def test_an_ending_that_files_have_too_needs_three_labels_or_a_word_that_says_name(text, name):
    assert named(text) == [name]


@pytest.mark.fault("K5")
@pytest.mark.parametrize(
    "text",
    [
        "subject=/C=DE/ST=Berlin/O=Example Ltd/CN=shop.example.com",
        "0 s:/C=US/ST=Utah/O=Example Ltd/CN=shop.example.com\n  i:/C=US/O=DigiCert Inc/CN=DigiCert TLS RSA CA1",
        "/C=US/ST=Indiana/O=Example University/OU=IT/CN=shop.example.com/emailAddress=ana@example.com",
        "/CN=*.shop.example.com",
        "/C=DE/O=Ex, Inc./OU=Web & Mail/CN=shop.example.com",
        '/C=DE/O=Ex "Q" Ltd/CN=shop.example.com/serialNumber=123',
        "/DC=com/DC=example/CN=shop.example.com",
        "/O=Example.org Inc/OU=mail.example.org/CN=shop.example.com",
        "subject=C = DE, O = Example.org Ltd, CN = shop.example.com",
        r"/C=DE/L=K\xC3\xB6ln/O=Ex/CN=shop.example.com",
        "/C=DE/O=A B/subjectAltName=DNS:shop.example.com",
    ],
)
def test_the_name_of_a_certificates_subject_is_found(text):
    assert named(text) == ["shop.example.com"]


@pytest.mark.fault("K5")
def test_a_subject_may_be_a_name_whose_ending_files_have():
    assert named("/C=PL/O=Lampy Sp/CN=lampy.pl/CN=www.lampy.pl") == ["lampy.pl", "www.lampy.pl"]


@pytest.mark.fault("K6")
@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Certificate for przyklad.pl waits for DCV", ["przyklad.pl"]),
        ("SSL_CERT CRITICAL exemplu.md: x509 certificate expires in 3 days", ["exemplu.md"]),
        ("Zertifikat für przyklad.pl läuft ab", ["przyklad.pl"]),
        ("Le certificat de exemple.la expire", ["exemple.la"]),
        ("сертификат primer.rs истекает", ["primer.rs"]),
        ("证书 przyklad.pl 过期", ["przyklad.pl"]),
        ("DCV pending: primer.rs, exemplu.md", ["primer.rs", "exemplu.md"]),
        ("TLS certificate of `przyklad.pl` expires soon", ["przyklad.pl"]),
        (
            "Certificates expiring soon:\n• przyklad.pl\n• primer.rs\n• ejemplo.cc",
            ["przyklad.pl", "primer.rs", "ejemplo.cc"],
        ),
        ("przyklad.pl:443 certificate expired", ["przyklad.pl"]),
        ("Validation of PRZYKLAD.PL is pending", ["przyklad.pl"]),
        ("HTTPS for ejemplo.so is down", ["ejemplo.so"]),
        ("*Renew przyklad.pl error*", ["przyklad.pl"]),
        ("Certificate for example.zip waits for DCV", ["example.zip"]),
    ],
)
def test_a_name_with_a_file_extension_counts_near_words_on_certificates(text, names):
    assert named(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "panic at main.rs:7, see README.md, main.rs, `renew.sh` and app.py; run deploy.pl",
        "certificate renewal: renew.sh failed",
        "certbot hook deploy.sh exited 1, certificate not renewed",
        "see docs in README.md about certificates",
        "TLS handshake failed in client.rs:120",
        "TLS handshake failed, zones.rs:120:4",
        "error in tls.rs: certificate verify failed",
        "check_cert.pl reports certificate OK",
        "run validate.py to check the certificate",
        "run zones.py to check the certificate",
        "bug in zones.rs breaks TLS",
        "certificate generator written in zones.pl",
        "edit `zones.tf` for the certificate",
        "perl checker.pl certificate",
        "script zones.sh renews the certificate",
        "zones.cc line 12: certificate is bad",
        "src/zones.rs: certificate is bad",
        "ssl_expiry.sh: certificate expires",
        "libssl.so: certificate error",
        "CHANGES.md of the certificate tool",
        "ZoneTool.py cannot read the certificate",
        "certificate backup.zip",
        "certificates in backup.zip",
    ],
)
def test_a_file_is_no_name_near_words_on_certificates(text):
    assert list(find_domains(text)) == []


@pytest.mark.fault("K15")
@pytest.mark.parametrize(
    "text",
    [
        "Secret shop.example.com.tls is missing",
        "secret default/shop.example.com.tls not found",
        '{"secretName":"shop.example.com.tls"}',
        "shop.example.com.tls-secret",
        "SHOP.EXAMPLE.COM.TLS",
        "shop.example.com.ssl",
        "shop.example.com.secret",
    ],
)
def test_the_name_of_a_secret_is_the_name_that_it_is_for(text):
    assert named(text) == ["shop.example.com"]


@pytest.mark.parametrize("text", ["name.tls", "ingress-tls.tls", "tls.crt", "shop-example-com.tls", "a.b.c.tls"])
def test_a_secret_that_no_name_calls_is_left_out(text):
    assert list(find_domains(text)) == []


@given(st.text(st.sampled_from("aZ9ü.-_@:/\\*+%?#,( \n。com例")) | st.text())
def test_no_text_makes_reading_raise(text):
    for host in find_domains(text):
        assert "." in host.name
        assert 0 <= host.at < len(text)
