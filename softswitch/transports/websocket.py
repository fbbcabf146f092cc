"""SIP over WebSocket, the server's end (RFC 7118): one message of WebSocket is one of SIP."""

from http import HTTPStatus

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from softswitch.sip.framing import PING, PONG
from softswitch.sip.parser import MAX_MESSAGE_BYTES

SUBPROTOCOL = Subprotocol("sip")  # RFC 7118 §4.1


class WebSocketChannel:
    """Messages in WebSocket frames, after the HTTP handshake; a client that does not speak "sip" is refused."""

    def __init__(self) -> None:
        self._socket = ServerProtocol(subprotocols=[SUBPROTOCOL], max_size=MAX_MESSAGE_BYTES)
        self._pieces: list[bytes] = []
        self._is_fragmented = False
        self._ending = ""

    @property
    def is_ready(self) -> bool:
        return self._socket.state is State.OPEN

    @property
    def is_between_messages(self) -> bool:
        return not self._is_fragmented

    @property
    def ending(self) -> str:
        return self._ending

    def receive(self, data: bytes) -> list[bytes]:
        self._socket.receive_data(data)
        messages: list[bytes] = []
        for event in self._socket.events_received():
            if isinstance(event, Request):
                self._accept(event)
            elif isinstance(event, Frame):
                self._receive_frame(event, messages)
        if self._socket.state is State.CLOSED or self._socket.close_expected():
            self._ending = self._ending or "the WebSocket is closed"
        return messages

    def wrap(self, message: bytes) -> bytes:
        if message.isascii() or _is_text(message):
            self._socket.send_text(message)
        else:
            self._socket.send_binary(message)
        return self.answers()

    def ping(self) -> bytes:
        self._socket.send_ping(b"")
        return self.answers()

    def answers(self) -> bytes:
        return b"".join(self._socket.data_to_send())

    def _accept(self, request: Request) -> None:
        response = self._socket.accept(request)
        self._socket.send_response(response)
        if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            self._ending = f"no WebSocket of SIP: HTTP {response.status_code}"

    def _receive_frame(self, frame: Frame, messages: list[bytes]) -> None:
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return  # pings are answered by the protocol itself
        if frame.data:  # empty pieces cost the sender next to nothing, and would cost us memory
            self._pieces.append(bytes(frame.data))
        self._is_fragmented = not frame.fin
        if not frame.fin:
            return
        message = b"".join(self._pieces)
        self._pieces.clear()
        if message == PING:  # RFC 7118 §6 lets a client send these also
            if self.is_ready:
                self._socket.send_text(PONG)
        elif message.strip(b"\r\n"):
            messages.append(message)


def _is_text(message: bytes) -> bool:
    try:
        message.decode()
    except UnicodeDecodeError:
        return False
    return True
