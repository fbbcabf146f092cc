"""What we ship of others is what they published."""

from hashlib import sha256

from softswitch.web.plain_pages import ASSETS

LIBSODIUM = "29087d1719326c68006fe88cd110110e6c198ea078bd9c417ba3975875c89819"


def test_libsodium_is_the_published_file_and_its_licence_lies_beside_it() -> None:
    folder = ASSETS / "libsodium"
    digest = sha256((folder / "libsodium.mjs").read_bytes()).hexdigest()
    assert digest == LIBSODIUM
    assert digest in (folder / "README.md").read_text()
    assert "Permission to use, copy, modify" in (folder / "LICENSE").read_text()
