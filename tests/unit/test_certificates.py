"""The self-signed certificate of a first start."""

from __future__ import annotations

import ssl
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from app.certificates import write_self_signed


def test_a_certificate_names_its_hosts_and_is_private(tmp_path: Path) -> None:
    """Names and addresses are told apart; both files are open to their owner only; the pair loads."""
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"

    write_self_signed(certificate, key, ["localhost", "127.0.0.1", "[::1]"], now=datetime(2030, 1, 1, tzinfo=UTC))

    names = x509.load_pem_x509_certificate(certificate.read_bytes()).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert names.value.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(ip) for ip in names.value.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in (certificate, key)} == {0o600}
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    """Whoever calls twice keeps what they have."""
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    write_self_signed(certificate, key, ["localhost"])
    before = key.read_bytes()

    with pytest.raises(FileExistsError):
        write_self_signed(certificate, key, ["localhost"])

    assert key.read_bytes() == before
