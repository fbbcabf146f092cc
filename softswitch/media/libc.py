"""The C library's calls that nopython code makes, with Linux's numbers for them.

`types.ExternalFunction` keeps the symbol's name, so that kernels which call it can be cached on disk; a ctypes pointer
could not. Buffers are passed as addresses (`array.ctypes.data`).
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from softswitch.media.kernels import i64, inner

_i32, _u32, _address, _size = types.int32, types.uint32, types.uintp, types.intp

_socket = types.ExternalFunction("socket", _i32(_i32, _i32, _i32))
_bind = types.ExternalFunction("bind", _i32(_i32, _address, _u32))
_connect = types.ExternalFunction("connect", _i32(_i32, _address, _u32))
_close = types.ExternalFunction("close", _i32(_i32))
_setsockopt = types.ExternalFunction("setsockopt", _i32(_i32, _i32, _i32, _address, _u32))
_recvfrom = types.ExternalFunction("recvfrom", _size(_i32, _address, _address, _i32, _address, _address))
_sendto = types.ExternalFunction("sendto", _size(_i32, _address, _address, _i32, _address, _u32))
_write = types.ExternalFunction("write", _size(_i32, _address, _address))
_memcpy = types.ExternalFunction("memcpy", _address(_address, _address, _address))
_epoll_create1 = types.ExternalFunction("epoll_create1", _i32(_i32))
_epoll_ctl = types.ExternalFunction("epoll_ctl", _i32(_i32, _i32, _i32, _address))
_epoll_wait = types.ExternalFunction("epoll_wait", _i32(_i32, _address, _i32, _i32))
_clock_gettime = types.ExternalFunction("clock_gettime", _i32(_i32, _address))
_clock_nanosleep = types.ExternalFunction("clock_nanosleep", _i32(_i32, _i32, _address, _address))
_errno_location = types.ExternalFunction("__errno_location", types.CPointer(_i32)())

AF_UNSPEC, AF_INET = 0, 2
SOCK_DGRAM_NONBLOCK_CLOEXEC = 2 | 0o4000 | 0o2000000
SOL_SOCKET, SO_RCVBUF = 1, 8
IPPROTO_IP, IP_TOS = 0, 1
MSG_DONTWAIT, MSG_TRUNC, MSG_NOSIGNAL = 0x40, 0x20, 0x4000
EPOLLIN = 1
EPOLL_CTL_ADD = 1
EPOLL_CLOEXEC = 0o2000000
CLOCK_MONOTONIC, CLOCK_THREAD_CPUTIME_ID, TIMER_ABSTIME = 1, 3, 1
EINTR = 4
ECONNREFUSED = 111
EPROTO = 71
SOCKADDR_IN_BYTES = 16
NANOSECONDS = 1_000_000_000


@intrinsic
def fence(typing_context: Any) -> Any:
    """An acquire-release fence: what was written before it is seen before what is written after it, and what is read
    after it is no older than what was read before.

    Numba offers no atomics; the single-producer rings need no more than this. On x86 it costs no instruction, where a
    sequentially consistent one would wait until every write has reached the caches.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.fence("acq_rel")
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def prefetch(typing_context: Any, address: Any) -> Any:
    """Have the line of the cache at an address fetched meanwhile, to be written too."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = ir.IntType(8).as_pointer()
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        # for writing, to be kept in every level of the cache, data
        builder.call(function, [builder.inttoptr(arguments[0], pointer), number(1), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(types.uintp), generate


@intrinsic
def _pointed_at(typing_context: Any, pointer: Any) -> Any:
    """The number that a C pointer points at."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(arguments[0])

    return pointer.dtype(pointer), generate


@inner
def errno() -> int:
    return i64(_pointed_at(_errno_location()))


@inner
def copy_octets(target: Any, at: int, source: Any, start: int, count: int) -> None:
    """Copy source[start:start + count] to target[at:]; both contiguous uint8, and not the same array."""
    if count > 0:
        _memcpy(_address(target.ctypes.data + at), _address(source.ctypes.data + start), _address(count))


@inner
def clock_ns(clock: int, timespec: Any) -> int:
    """Read a clock.  timespec: (2,) int64, scratch."""
    _clock_gettime(_i32(clock), _address(timespec.ctypes.data))
    return timespec[0] * NANOSECONDS + timespec[1]


@inner
def sleep_until(at_ns: int, timespec: Any) -> None:
    """Sleep to an absolute CLOCK_MONOTONIC time.  timespec: (2,) int64, scratch."""
    timespec[0] = at_ns // NANOSECONDS
    timespec[1] = at_ns % NANOSECONDS
    _clock_nanosleep(_i32(CLOCK_MONOTONIC), _i32(TIMER_ABSTIME), _address(timespec.ctypes.data), _address(0))


@inner
def write_socket_address(address: Any, host: int, port: int) -> None:
    """Fill a sockaddr_in.  address: (16,) uint8.  host, port: plain integers, put in network order here."""
    for i in range(8, SOCKADDR_IN_BYTES):
        address[i] = 0
    address[0] = AF_INET
    address[1] = 0
    address[2] = (port >> 8) & 0xFF
    address[3] = port & 0xFF
    address[4] = (host >> 24) & 0xFF
    address[5] = (host >> 16) & 0xFF
    address[6] = (host >> 8) & 0xFF
    address[7] = host & 0xFF


@inner
def host_of(address: Any) -> int:
    return (i64(address[4]) << 24) | (i64(address[5]) << 16) | (i64(address[6]) << 8) | i64(address[7])


@inner
def port_of(address: Any) -> int:
    return (i64(address[2]) << 8) | i64(address[3])


@inner
def open_datagram_socket(address: Any, option: Any, receive_buffer: int, type_of_service: int) -> int:
    """Open and bind a UDP socket; the descriptor, or -errno.  address: (16,) uint8.  option: (1,) int32, scratch."""
    descriptor = _socket(_i32(AF_INET), _i32(SOCK_DGRAM_NONBLOCK_CLOEXEC), _i32(0))
    if descriptor < 0:
        return -errno()
    option[0] = receive_buffer
    _setsockopt(_i32(descriptor), _i32(SOL_SOCKET), _i32(SO_RCVBUF), _address(option.ctypes.data), _u32(4))
    option[0] = type_of_service
    _setsockopt(_i32(descriptor), _i32(IPPROTO_IP), _i32(IP_TOS), _address(option.ctypes.data), _u32(4))
    if _bind(_i32(descriptor), _address(address.ctypes.data), _u32(SOCKADDR_IN_BYTES)) < 0:
        failure = errno()
        _close(_i32(descriptor))
        return -failure
    return i64(descriptor)


@inner
def connect_socket(descriptor: int, address: Any) -> int:
    """Fix a socket's remote end, so that the kernel drops every other source; 0 or -errno."""
    if _connect(_i32(descriptor), _address(address.ctypes.data), _u32(SOCKADDR_IN_BYTES)) < 0:
        return -errno()
    return 0


@inner
def disconnect_socket(descriptor: int, address: Any) -> None:
    """Open a socket to every source again; it stays bound.  address: (16,) uint8, scratch."""
    for i in range(SOCKADDR_IN_BYTES):
        address[i] = 0
    address[0] = AF_UNSPEC
    _connect(_i32(descriptor), _address(address.ctypes.data), _u32(SOCKADDR_IN_BYTES))


@inner
def close_descriptor(descriptor: int) -> None:
    _close(_i32(descriptor))


@inner
def receive_datagram(descriptor: int, buffer: int, size: int, source: int, source_size: Any) -> int:
    """Read one datagram; its true length, which may be beyond `size`, or -1.

    buffer, source: addresses.  source_size: (1,) uint32, scratch.
    """
    source_size[0] = SOCKADDR_IN_BYTES
    return i64(
        _recvfrom(
            _i32(descriptor),
            _address(buffer),
            _address(size),
            _i32(MSG_DONTWAIT | MSG_TRUNC),
            _address(source),
            _address(source_size.ctypes.data),
        )
    )


@inner
def send_datagram(descriptor: int, buffer: int, size: int, destination: int) -> int:
    """Send one datagram; destination 0 means the connected end.  Bytes sent, or -errno.

    A connected socket reports an earlier ICMP error in place of sending, so a refusal is tried once more.
    """
    length = 0 if destination == 0 else SOCKADDR_IN_BYTES
    for _ in range(2):
        sent = _sendto(
            _i32(descriptor),
            _address(buffer),
            _address(size),
            _i32(MSG_DONTWAIT | MSG_NOSIGNAL),
            _address(destination),
            _u32(length),
        )
        if sent >= 0:
            return i64(sent)
        failure = errno()
        if failure != ECONNREFUSED:
            return -failure
    return -ECONNREFUSED


@inner
def wake(descriptor: int, one: Any) -> None:
    """Signal an eventfd.  one: (1,) uint64 that holds 1."""
    _write(_i32(descriptor), _address(one.ctypes.data), _address(8))


@inner
def write_octets(descriptor: int, buffer: int, size: int) -> int:
    """Write to a file, which may take a while; bytes written, or -errno.  buffer: an address."""
    written = i64(_write(_i32(descriptor), _address(buffer), _address(size)))
    return -errno() if written < 0 else written


@inner
def open_poller() -> int:
    return i64(_epoll_create1(_i32(EPOLL_CLOEXEC)))


@inner
def watch(poller: int, descriptor: int, token: int, registration: Any) -> None:
    """Report a descriptor under `token` when it can be read.  registration: (3,) uint32, scratch."""
    registration[0] = EPOLLIN
    registration[1] = token  # struct epoll_event is packed on x86-64: events, then 64 bits of data
    registration[2] = 0
    _epoll_ctl(_i32(poller), _i32(EPOLL_CTL_ADD), _i32(descriptor), _address(registration.ctypes.data))


@inner
def poll(poller: int, ready: Any, patience_ms: int) -> int:
    """Which descriptors can be read, after waiting so long for the first; their number.

    ready: (3 * n,) uint32 filled with packed epoll_events.
    """
    return i64(_epoll_wait(_i32(poller), _address(ready.ctypes.data), _i32(ready.size // 3), _i32(patience_ms)))
