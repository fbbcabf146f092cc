"""HEP3 datagrams as a capture server reads them."""

import struct


def decode(datagram: bytes) -> dict[int, bytes]:
    """The values of its chunks, by their types; each stands in it once, and none is a vendor's own."""
    magic, length = struct.unpack_from("!4sH", datagram)
    assert magic == b"HEP3" and length == len(datagram)
    found, rest = {}, datagram[6:]
    while rest:
        vendor, kind, size = struct.unpack_from("!HHH", rest)
        assert vendor == 0 and kind not in found
        found[kind], rest = rest[6:size], rest[size:]
    return found
