"""libsodium's secretstream, from the reader's side: one chunk after the other, and past one that was altered."""

from nacl import bindings
from nacl.exceptions import CryptoError

_FINAL = bindings.crypto_secretstream_xchacha20poly1305_TAG_FINAL
_OVERHEAD = bindings.crypto_secretstream_xchacha20poly1305_ABYTES
# crypto_secretstream_xchacha20poly1305_state: a 32-byte key, a 4-byte counter, an 8-byte nonce, padding
_COUNTER, _NONCE, _PADDING = slice(32, 36), slice(36, 44), 44
_MAC_BYTES = 16


class Stream:
    """Decrypts the chunks of one recording, in order."""

    def __init__(self, key: bytes, stream_header: bytes, associated: bytes) -> None:
        """associated: what each chunk authenticates besides its text; the file's header."""
        self._associated = associated
        self._state = bindings.crypto_secretstream_xchacha20poly1305_state()
        bindings.crypto_secretstream_xchacha20poly1305_init_pull(self._state, stream_header, key)

    def copy(self) -> "Stream":
        twin = object.__new__(Stream)
        twin._associated = self._associated
        twin._state = bindings.crypto_secretstream_xchacha20poly1305_state()
        bindings.crypto_secretstream_xchacha20poly1305_init_pull(twin._state, bytes(24), bytes(32))
        twin._write(bytes(self._state.statebuf))
        return twin

    def pull(self, sealed: bytes) -> tuple[bytes, bool] | None:
        """The text of the next chunk, and whether it is the last; None, and nothing changes, where it is another."""
        if len(sealed) < _OVERHEAD:
            return None
        try:
            text, tag = bindings.crypto_secretstream_xchacha20poly1305_pull(self._state, sealed, self._associated)
        except CryptoError:
            return None
        return text, tag == _FINAL

    def skip(self, sealed: bytes) -> None:
        """Go past a chunk that does not authenticate.

        What a chunk does to the state depends on its authenticator alone (libsodium, "Secret-key encryption of
        streams", Algorithm), which may be as it was written even where the text is not.
        """
        state = bytearray(bytes(self._state.statebuf))
        for place, byte in zip(range(_NONCE.start, _NONCE.stop), sealed[-_MAC_BYTES:], strict=False):
            state[place] ^= byte
        counter = int.from_bytes(state[_COUNTER], "little") + 1
        state[_COUNTER] = (counter & 0xFFFF_FFFF).to_bytes(4, "little")
        self._write(bytes(state))

    def _write(self, state: bytes) -> None:
        self._state.statebuf[0 : len(state)] = state  # type: ignore[index]
