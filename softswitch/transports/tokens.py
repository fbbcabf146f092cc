"""Unguessable tokens for tags, branches, Call-IDs and nonces, drawn from the system's generator in blocks."""

import os

BLOCK_BYTES = 4096


class Tokens:
    """Each call gives the next `size` hexadecimal digits, of 4 bits of chance each; none is given twice.

    One draw of 4 KiB instead of 341 draws of 12 bytes: a token costs a slice. Not for several processes: make one in
    each.
    """

    def __init__(self, size: int = 24) -> None:
        """size: digits of a token; 24 are 96 bits."""
        self._size = size
        self._digits = ""
        self._at = 0

    def __call__(self) -> str:
        start, end = self._at, self._at + self._size
        if end > len(self._digits):
            self._digits = os.urandom(BLOCK_BYTES).hex()
            start, end = 0, self._size
        self._at = end
        return self._digits[start:end]
