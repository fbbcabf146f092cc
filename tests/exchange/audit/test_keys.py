"""Whose key signs the audit log, and what its signatures are."""

from collections.abc import Callable
from pathlib import Path

import pytest

from softswitch.errors import UsageError
from softswitch.exchange.audit.keys import CREDENTIAL, AuditKey, find_key, fits


def test_the_key_is_the_named_one_else_systemds_else_one_of_the_sites_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, credentials = tmp_path / "data", tmp_path / "credentials"
    data.mkdir(), credentials.mkdir()
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    own = find_key(None, data)
    assert find_key(None, data).public == own.public
    handed = AuditKey.make(credentials / CREDENTIAL)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    assert find_key(None, data).public == handed.public
    named = AuditKey.make(tmp_path / "named.key")
    assert find_key(tmp_path / "named.key", data).public == named.public


@pytest.mark.parametrize(
    "spoil", [lambda path: path.chmod(0o644), lambda path: path.write_text("nonsense"), lambda path: path.unlink()]
)
def test_a_key_that_is_readable_by_others_damaged_or_missing_is_refused(
    tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    path = tmp_path / "audit.key"
    key = AuditKey.make(path)
    assert key.public not in repr(path.read_text())
    spoil(path)
    with pytest.raises(UsageError):
        find_key(path, tmp_path)


def test_a_key_is_never_written_over(tmp_path: Path) -> None:
    AuditKey.make(tmp_path / "audit.key")
    with pytest.raises(UsageError, match="never written over"):
        AuditKey.make(tmp_path / "audit.key")


def test_signatures_are_those_of_rfc_8032_and_nothing_odd_fits() -> None:
    # RFC 8032 §7.1, test 2
    key = AuditKey(bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"))
    assert key.public == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    signature = key.sign(b"\x72")
    assert signature.startswith("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da")
    assert fits(key.public, signature, b"\x72")
    for odd in ("", "zz", signature[:-2], signature + "00", "00" * 64):
        assert not fits(key.public, odd, b"\x72")
        assert not fits(odd, signature, b"\x72")
