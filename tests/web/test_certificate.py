"""A self-made certificate serves, lasts, and is renewed; its key is for its owner alone."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from site_client import Site

from softswitch.errors import UsageError
from softswitch.web.certificate import RENEWED_BEFORE, VALID_FOR, fingerprint, self_made
from softswitch.web.server import WebServer

NOW = datetime(2027, 6, 14, 12, 0, tzinfo=UTC)


def test_a_browser_that_trusts_it_is_served_under_tls_and_its_session_cookie_is_secure(tmp_path: Path) -> None:
    async def story() -> None:
        certificate, key = self_made(tmp_path, "127.0.0.1")
        server = WebServer(Site().app, certificate=certificate, key=key)
        await server.start()
        try:
            assert server.url.startswith("https://")
            trust = ssl.create_default_context(cafile=str(certificate))
            async with httpx.AsyncClient(base_url=server.url, verify=trust) as client:
                form = {"name": "sue", "password": "correct horse battery"}
                answer = await client.post("/login", data=form, headers={"sec-fetch-site": "same-origin"})
                assert answer.status_code == 303
                assert "secure" in answer.headers["set-cookie"].lower()
                assert "strict-transport-security" in answer.headers
            with pytest.raises(httpx.ConnectError):
                async with httpx.AsyncClient(base_url=server.url) as stranger:
                    await stranger.get("/healthz")
        finally:
            await server.stop()

    asyncio.run(story())


def test_it_stays_the_same_until_shortly_before_it_runs_out(tmp_path: Path) -> None:
    first = fingerprint(self_made(tmp_path, "192.0.2.1", NOW)[0])
    late = NOW + VALID_FOR - RENEWED_BEFORE
    assert fingerprint(self_made(tmp_path, "192.0.2.1", late - timedelta(days=1))[0]) == first
    assert fingerprint(self_made(tmp_path, "192.0.2.1", late)[0]) != first


def test_another_address_makes_another_one_and_an_unspecified_address_is_not_named(tmp_path: Path) -> None:
    certificate, _ = self_made(tmp_path, "192.0.2.1", NOW)
    first = fingerprint(certificate)
    self_made(tmp_path, "0.0.0.0", NOW)
    assert fingerprint(certificate) == first  # it names all that is needed, and more
    self_made(tmp_path, "192.0.2.2", NOW)
    assert fingerprint(certificate) != first
    names = x509.load_pem_x509_certificate(certificate.read_bytes()).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert "192.0.2.2" in {str(each) for each in names.value.get_values_for_type(x509.IPAddress)}


def test_key_and_certificate_are_for_their_owner_alone_and_a_damaged_one_is_replaced(tmp_path: Path) -> None:
    certificate, key = self_made(tmp_path, "127.0.0.1", NOW)
    assert key.stat().st_mode & 0o777 == 0o600
    certificate.write_text("rubbish")
    self_made(tmp_path, "127.0.0.1", NOW)
    assert fingerprint(certificate).count(":") == 31


def test_a_folder_that_cannot_be_written_is_told_plainly(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="certificate cannot be written"):
        self_made(tmp_path / "gone", "127.0.0.1", NOW)
