"""The media process: compiles, or loads what is compiled, makes the block or adopts one, and becomes a guardian.

It runs no thread of its own: engines are forked from it, with every kernel loaded.
"""

import gc
import os
import signal
import socket
from pathlib import Path

from softswitch.core_dumps import keep_memory_private
from softswitch.errors import SoftswitchError, UsageError
from softswitch.media.connection import end_process, receive_message, remove_socket, send_message
from softswitch.media.engine import Engine
from softswitch.media.guardian import Guardian
from softswitch.media.kernels import source_version

FIRST_CONNECTION_S = 30.0


def serve(listener: socket.socket, folder: Path) -> None:
    """Run the media process until it is told to stop or is left alone.  folder: where the listener's socket lies."""
    keep_memory_private()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the signalling process, which ends this one in order
    listener.listen(4)  # once more, so that who connects sees this process at the other end
    listener.settimeout(FIRST_CONNECTION_S)
    connection, _ = listener.accept()
    listener.settimeout(None)
    # With an engine that has lost its guardian come its block, its eventfd and its process.
    message, inherited = receive_message(connection)
    if message is None:
        return
    settings = message["begin"]
    try:
        if inherited and settings["version"] != source_version():
            raise UsageError("softswitch was changed on disk while it ran; start it again")
        engine = Engine(
            address=settings["address"],
            first_port=settings["first_port"],
            last_port=settings["last_port"],
            clips={name: Path(path) for name, path in settings["clips"].items()},
            event_driven=settings["event_driven"],
            recording_key=bytes.fromhex(settings["recording_key"]) or None,
            jitter_buffer=settings["jitter_buffer"],
            inherited=(inherited[0], inherited[1]) if inherited else None,
        )

        def tell(name: str, fraction: float) -> None:
            send_message(connection, {"progress": name, "fraction": fraction})

        engine.compile_kernels(tell, with_helper=True)
    except SoftswitchError as error:
        send_message(connection, {"failed": str(error)})
        return
    except ConnectionError:
        return
    gc.collect()
    gc.freeze()
    if inherited:
        end_process(inherited[2], 0.0)
        os.close(inherited[2])
    try:
        Guardian(listener, engine, settings).attend(connection)
    finally:
        remove_socket(folder, with_folder=message["temporary"])
