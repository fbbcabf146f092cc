"""`python -m softswitch.media --listen-fd N --folder F`: the media process. The signalling process starts it; nobody
else needs to."""

import argparse
import socket
from pathlib import Path

from softswitch.media.process import serve

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m softswitch.media", description="The media process of softswitch.")
    parser.add_argument("--listen-fd", type=int, required=True, help="descriptor of a listening UNIX socket")
    parser.add_argument("--folder", type=Path, required=True, help="where that socket lies")
    arguments = parser.parse_args()
    serve(socket.socket(fileno=arguments.listen_fd), arguments.folder)
