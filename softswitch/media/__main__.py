"""`python -m softswitch.media --listen-fd N`: the media process. The signalling process starts it; nobody else
needs to."""

import argparse
import socket

from softswitch.media.process import serve

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m softswitch.media", description="The media process of softswitch.")
    parser.add_argument("--listen-fd", type=int, required=True, help="descriptor of a listening UNIX socket")
    serve(socket.socket(fileno=parser.parse_args().listen_fd))
