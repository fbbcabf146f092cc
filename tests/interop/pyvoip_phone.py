"""A phone made of pyVoIP, run by the interpreter in .venv/peers/pyvoip; imports nothing of ours.

Arguments: server, port, username, password, own SIP port, lowest RTP port. Lines on stdin are commands ("dial NUMBER",
"hangup"); its end is the signal to go. Events are JSON lines on stdout. says.raw is played, heard.raw is written.
"""

import json
import sys
import threading
import time
from pathlib import Path

from pyVoIP.VoIP import CallState, VoIPCall, VoIPPhone
from pyVoIP.VoIP.status import PhoneStatus

PACKET = 160
_printing = threading.Lock()


def report(event: str, **fields: object) -> None:
    with _printing:
        print(json.dumps({"event": event, "at": time.monotonic(), **fields}), flush=True)


def talk(call: VoIPCall) -> None:
    """Play and listen for as long as the call lasts."""
    call.write_audio(Path("says.raw").read_bytes())
    with Path("heard.raw").open("ab") as heard:
        while call.state == CallState.ANSWERED:
            heard.write(call.read_audio(PACKET, blocking=True))
            heard.flush()
    report("ended")


def answer(call: VoIPCall) -> None:
    report("ringing", caller=str(call.request.headers["From"]), call_id=call.call_id)
    call.answer()
    report("answered")
    talk(call)


def follow(call: VoIPCall) -> None:
    """Wait for our own call to be answered, then talk."""
    while call.state == CallState.DIALING:
        time.sleep(0.02)
    if call.state != CallState.ANSWERED:
        report("failed")
        return
    report("answered")
    talk(call)


def main() -> None:
    server, port, username, password, sip_port, rtp_port = sys.argv[1:7]
    phone = VoIPPhone(
        server,
        int(port),
        username,
        password,
        myIP="127.0.0.1",
        callCallback=answer,
        sipPort=int(sip_port),
        rtpPortLow=int(rtp_port),
        rtpPortHigh=int(rtp_port) + 20,
    )
    try:
        phone.start()
    except Exception as error:  # whatever it is, the test is to read it
        report("failed", reason=repr(error))
        sys.exit(1)
    while phone.get_status() == PhoneStatus.REGISTERING:
        time.sleep(0.02)
    report("registered" if phone.get_status() == PhoneStatus.REGISTERED else "failed", status=str(phone.get_status()))
    call = None
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        if command == "dial":
            call = phone.call(argument)
            threading.Thread(target=follow, args=[call], daemon=True).start()
        elif command == "hangup":
            for each in list(phone.calls.values()):
                if each.state == CallState.ANSWERED:
                    each.hangup()
    phone.stop()


main()
