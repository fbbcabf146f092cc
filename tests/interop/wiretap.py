"""What goes over the loopback interface to one UDP port, overheard: for a peer that cannot tell what it has heard."""

import asyncio
import socket
import struct
from types import TracebackType
from typing import Self

import numpy as np

from softswitch.testing.companding import Pcm, decode

ETH_P_IP = 0x0800
UDP = 17
CODECS = {0: "PCMU", 8: "PCMA"}
RTP_HEADER_BYTES = 12


class Wiretap:
    """Needs the right to open packet sockets (CAP_NET_RAW), as SIPp's pcap play does."""

    def __init__(self) -> None:
        self._datagrams: dict[int, list[bytes]] = {}

    async def __aenter__(self) -> Self:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self._socket.bind(("lo", ETH_P_IP))
        self._socket.setblocking(False)
        asyncio.get_running_loop().add_reader(self._socket, self._read)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def heard_at(self, port: int) -> Pcm:
        """The G.711 that has come to a port, packet after packet."""
        frames = [np.zeros(0, dtype=np.int16)]
        for datagram in self._datagrams.get(port, []):
            codec = CODECS.get(datagram[1] & 0x7F) if len(datagram) > RTP_HEADER_BYTES else None
            if codec:
                frames.append(decode(datagram[RTP_HEADER_BYTES:], codec))
        return np.concatenate(frames)

    def _read(self) -> None:
        while True:
            try:
                packet, source = self._socket.recvfrom(4096)
            except BlockingIOError:
                return
            if source[2] == socket.PACKET_OUTGOING or packet[9] != UDP:
                continue  # loopback shows each packet twice: as it leaves, and as it comes
            header = 4 * (packet[0] & 15)
            (port,) = struct.unpack_from(">H", packet, header + 2)
            self._datagrams.setdefault(port, []).append(packet[header + 8 :])
