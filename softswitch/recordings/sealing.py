"""Sealing: what is written of a recording, as bytes. Only the auditor's private key opens it; nothing here can."""

from nacl import bindings
from nacl._sodium import ffi

from softswitch.recordings.form import HASH_BYTES, LENGTH, PREFIX, TOTALS, Header, Kind
from softswitch.recordings.keys import fingerprint

MESSAGE: int = bindings.crypto_secretstream_xchacha20poly1305_TAG_MESSAGE
_FINAL = bindings.crypto_secretstream_xchacha20poly1305_TAG_FINAL


class Seal:
    """One recording's key and running hash, in memory only and only until `end`.

    The caller writes what is returned, in order: `header`, then each chunk.
    """

    __slots__ = ("_hash", "_state", "chunks", "header", "size")

    def __init__(
        self,
        public_key: bytes,
        *,
        call_ref: str,
        part: int = 1,
        started_ns: int,
        rate_hz: int = 8000,
        channels: int = 2,
    ) -> None:
        """public_key: the auditor's, 32 bytes.  started_ns: wall clock at position 0, ns since 1970 (UTC)."""
        key = bindings.crypto_secretstream_xchacha20poly1305_keygen()
        self._state = bindings.crypto_secretstream_xchacha20poly1305_state()
        stream_header = bindings.crypto_secretstream_xchacha20poly1305_init_push(self._state, key)
        self.header = Header(
            call_ref=call_ref,
            part=part,
            started_ns=started_ns,
            fingerprint=fingerprint(public_key),
            sealed_key=bindings.crypto_box_seal(key, public_key),
            stream_header=stream_header,
            rate_hz=rate_hz,
            channels=channels,
        ).pack()
        self.size = len(self.header)
        self._hash = bindings.crypto_generichash_blake2b_init(digest_size=HASH_BYTES)
        bindings.crypto_generichash_blake2b_update(self._hash, self.header)
        self.chunks = 0

    def chunk(self, text: bytes, tag: int = MESSAGE) -> bytes:
        """Seal a chunk's text, prefix included; the length and the ciphertext to be written."""
        sealed = bindings.crypto_secretstream_xchacha20poly1305_push(self._state, text, self.header, tag)
        written: bytes = LENGTH.pack(len(sealed)) + sealed
        bindings.crypto_generichash_blake2b_update(self._hash, written)
        self.size += len(written)
        self.chunks += 1
        return written

    def addresses(self) -> tuple[int, int, int]:
        """Of the secretstream's state, the running hash's and the header, for who seals chunks in our place.

        They hold as long as this object lives.
        """
        return (
            int(ffi.cast("uintptr_t", self._state.statebuf)),
            int(ffi.cast("uintptr_t", self._hash._statebuf)),
            int(ffi.cast("uintptr_t", ffi.from_buffer(self.header))),
        )

    def count(self, chunks: int, size: int) -> None:
        """So many chunks, of so many bytes in all, were sealed and hashed by way of `addresses`."""
        self.chunks += chunks
        self.size += size

    def end(self, position: int, stored: int, frames_lost: int) -> bytes:
        """Seal the last chunk, and forget the key.

        position: where the recording ends.  stored: samples a channel that chunks hold; less by what was paused.
        """
        text = PREFIX.pack(Kind.ENDED, 0, 0, 0, 0, position) + TOTALS.pack(stored, self.chunks, frames_lost)
        last = self.chunk(text, _FINAL)
        self.forget()
        return last

    def forget(self) -> None:
        """Overwrite the key; nothing more can be sealed."""
        self._state.statebuf[0 : len(self._state.statebuf)] = bytes(len(self._state.statebuf))  # type: ignore[index]

    def digest(self) -> bytes:
        """BLAKE2b-256 of everything returned so far; asked once, at the end."""
        made: bytes = bindings.crypto_generichash_blake2b_final(self._hash)
        return made
