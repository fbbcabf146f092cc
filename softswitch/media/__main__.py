"""`python -m softswitch.media --listen-fd N --folder F`: the media process. The signalling process starts it; nobody
else needs to. `--compile` fills the cache of kernels instead, so that the first start is as quick as the next."""

import argparse
import gc
import socket
from pathlib import Path


def compile_kernels() -> None:
    from softswitch.media.engine import Engine

    engine = Engine(address="127.0.0.1", first_port=10_000, last_port=10_001, clips={})
    engine.compile_kernels(lambda doing, done: print(f"{100 * done:3.0f} %  {doing}", flush=True), with_helper=True)
    engine.release()


def run(listener: socket.socket, folder: Path) -> None:
    gc.disable()  # what modules leave as they load is no garbage: looking for some would take a tenth of the start
    from softswitch.media.process import serve

    gc.freeze()
    gc.enable()
    serve(listener, folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m softswitch.media", description="The media process of softswitch.")
    parser.add_argument("--listen-fd", type=int, help="descriptor of a listening UNIX socket")
    parser.add_argument("--folder", type=Path, help="where that socket lies")
    parser.add_argument("--compile", action="store_true", help="compile the kernels into the cache, and end")
    arguments = parser.parse_args()
    if arguments.compile:
        compile_kernels()
    elif arguments.listen_fd is None or arguments.folder is None:
        parser.error("the media process is started by the switch; by hand only --compile is of use")
    else:
        run(socket.socket(fileno=arguments.listen_fd), arguments.folder)
