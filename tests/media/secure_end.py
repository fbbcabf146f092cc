"""The far end of a secure leg, by pylibsrtp."""

import asyncio
import contextlib
import struct
import time

import pylibsrtp

from softswitch.media import srtp
from softswitch.sdp.crypto import KEYING_BYTES, SrtpKeys

SUITES = sorted(KEYING_BYTES)
CM_80 = "AES_CM_128_HMAC_SHA1_80"
GCM_128 = "AEAD_AES_128_GCM"
PATTERN = bytes(range(160))


def keys(suite=GCM_128, seed=1, mki=b""):
    size = KEYING_BYTES[suite]
    return SrtpKeys(suite, bytes([seed]) * size, bytes([seed + 100]) * size, mki)


def session(key, suite, kind):
    return pylibsrtp.Session(pylibsrtp.Policy(key=key, ssrc_type=kind, srtp_profile=srtp.PROFILES[suite]))


class Far:
    """The other end of a secure leg."""

    def __init__(self, studio, suite=GCM_128, seed=1, ssrc=0xDECAFBAD, mki=b"", connect=True, **options):
        self.keys = keys(suite, seed, mki)
        self.end = studio.end(ssrc=ssrc, connect=False)
        self.clear = self.end.send_raw
        self.end.send_raw = lambda datagram: self.clear(self.seal(datagram))
        self.end.read = self.read
        self.refused, self.sent = [], []
        self.rekey(self.keys)
        if connect:
            self.end.open(studio.plane, secure=self.keys, **options)
        self.studio = studio

    def rekey(self, new):
        self.keys = new
        self.sealing = session(new.receiving, new.suite, pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
        self.opening = session(new.sending, new.suite, pylibsrtp.Policy.SSRC_ANY_INBOUND)

    def seal(self, datagram):
        self.sent.append(self.sealing.protect(datagram))
        return self.sent[-1]

    def read(self):
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while True:
                datagram = self.end.socket.recv(4096)
                try:
                    opened = self.opening.unprotect(datagram)
                except pylibsrtp.Error:
                    self.refused.append(datagram)
                else:
                    self.end.packets.append(self.studio.parse(opened, time.monotonic()))

    def plain(self, sequence=9000, ssrc=0xBAD):
        return struct.pack(">BBHII", 0x80, 0, sequence, 160 * sequence, ssrc) + PATTERN

    @property
    def row(self):
        return self.studio.plane._shared.legs[self.studio.plane._leg(self.end.leg).slot]

    @property
    def statistics(self):
        return self.studio.plane.statistics(self.end.leg)


async def heard_alike(near, far, count=30):
    """Packets sent by `near` come out of `far`, one for one."""
    before = len(far.packets)
    for index in range(count):
        near.send(bytes([index & 0xFF]) * 160)
        await asyncio.sleep(0.002)
    deadline = time.monotonic() + 60
    while len(far.packets) < before + count and time.monotonic() < deadline:
        await asyncio.sleep(0.005)
    assert [packet.payload[0] for packet in far.packets[before:]] == list(range(count))
