"""Lab phones in a process of their own, as many as agents sit in a room.

    python -m softswitch.testing.phones --server 127.0.0.1:5060 --accounts phones.json --log phones.jsonl \\
        --capture phones.pcap --dial login

phones.json is a list of objects with the fields of `softswitch.testing.phone.PhoneSettings`: agent, username, password,
and, where wanted, marker_hz, voice, auto_answer, expires_s. A phone without marker_hz gets one of its own by its place
in the list. The process prints a line of JSON when its ports are open and another when every phone has registered; it
ends with its parent: at SIGTERM, or when its stdin is closed.
"""

import argparse
import asyncio
import json
from pathlib import Path

from softswitch.errors import UsageError
from softswitch.testing.capture import Capture
from softswitch.testing.journal import Journal
from softswitch.testing.lifetime import announce, parent_gone
from softswitch.testing.marker import AGENT_MARKERS_HZ
from softswitch.testing.phone import Phone, PhoneSettings


def read_accounts(path: Path) -> list[PhoneSettings]:
    """Raises UsageError saying which entry is wrong."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise UsageError(f"{path}: not JSON: {error}") from None
    phones = []
    for place, entry in enumerate(entries):
        defaults = {"marker_hz": AGENT_MARKERS_HZ[place % len(AGENT_MARKERS_HZ)], "voice": 1 + place % 2}
        try:
            phones.append(PhoneSettings(**{**defaults, **entry}))
        except TypeError as error:
            raise UsageError(f"{path}: entry {place + 1}: {error}") from None
    return phones


async def run(arguments: argparse.Namespace) -> None:
    host, _, port = arguments.server.rpartition(":")
    settings = read_accounts(arguments.accounts)
    capture = Capture(arguments.capture) if arguments.capture else None
    with Journal(arguments.log) as journal:
        phones = [
            await Phone.start((host, int(port)), each, journal=journal, capture=capture, address=(arguments.address, 0))
            for each in settings
        ]
        announce(phones={phone.settings.agent: phone.address[1] for phone in phones})
        working = asyncio.create_task(_start_shift(phones, arguments.dial))
        await parent_gone()
        working.cancel()
        await asyncio.gather(*(phone.stop() for phone in phones))
    if capture:
        capture.close()


async def _start_shift(phones: list[Phone], log_in: str) -> None:
    for phone in phones:
        await phone.registered.wait()
    announce(registered=[phone.settings.agent for phone in phones])
    if log_in:
        for phone in phones:
            await phone.dial(log_in)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m softswitch.testing.phones", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--server", required=True, help="the switch: HOST:PORT")
    parser.add_argument("--accounts", type=Path, required=True, help="JSON: a list of phones")
    parser.add_argument("--log", type=Path, help="what they saw, as JSON lines")
    parser.add_argument("--capture", type=Path, help="pcap of everything that reached them")
    parser.add_argument("--address", default="127.0.0.1", help="of their own")
    parser.add_argument("--dial", default="", help="call this once registered, such as login; else wait to be rung")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
