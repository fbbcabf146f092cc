"""TLS: whose certificate counts, on both sides of a connection."""

import asyncio
import os
import ssl
from pathlib import Path

import pytest

from softswitch.errors import UsageError
from softswitch.sip.hop import Hop
from softswitch.transports.connections import Limits
from softswitch.transports.tls import LOOK_AGAIN_S, Certificates
from tests.transports.certificates import Authority
from tests.transports.ends import eventually, message, open_end

TLS = Hop("127.0.0.1", 0, "TLS")


def test_messages_go_both_ways_over_one_verified_connection(runner: asyncio.Runner, certificates: Certificates) -> None:
    async def exchange() -> None:
        async with open_end(TLS, certificates=certificates) as one, open_end(TLS, certificates=certificates) as two:
            two.answer = lambda data: data.replace(b"ask", b"say")
            one.send(message("ask0"), two.hop("TLS"))
            await one.got()
            for n in range(1, 10):  # each larger than a TLS record
                one.send(message(f"ask{n}", bytes(30_000)), two.hop("TLS"))
            answers = await one.got(10)
            assert [data for data, _ in answers[1:]] == [message(f"say{n}", bytes(30_000)) for n in range(1, 10)]
            assert len(one.stack.connections) == len(two.stack.connections) == 1
            assert two.received[0][1].transport == "TLS"

    runner.run(exchange())


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_server_proves_the_name_that_was_asked_for(
    runner: asyncio.Runner, certificates: Certificates, host: str
) -> None:
    async def send() -> None:
        async with open_end(Hop(host, 0, "TLS"), certificates=certificates) as one:
            own = one.hop("TLS")
            one.send(message("address"), own)
            one.send(message("name"), own._replace(name="localhost"))
            received = await one.got(2)
            assert len({source.flow for _, source in received}) == 2  # a name of its own has a connection of its own

    runner.run(send())


@pytest.mark.parametrize("mistake", ["wrong host name", "unknown authority", "expired"])
def test_a_server_that_proves_nothing_gets_no_byte_of_sip(
    runner: asyncio.Runner, mistake: str, authority: Authority, certificates: Certificates, tmp_path: Path
) -> None:
    issuer = Authority(tmp_path, "somebody") if mistake == "unknown authority" else authority
    issued = issuer.issue("127.0.0.1", "localhost", days=-1 if mistake == "expired" else 1, file=mistake)
    name = "carrier.example" if mistake == "wrong host name" else "localhost"

    async def send() -> None:
        theirs = Certificates(issued.certificate, issued.key)
        async with open_end(TLS, certificates=theirs) as server, open_end(certificates=certificates) as client:
            target = server.hop("TLS")._replace(name=name)
            client.send(message(), target)
            await eventually(lambda: client.unreachable == [target], "it is reported")
            await eventually(lambda: len(server.stack.connections) == 0, "nothing is left")
            assert server.received == []
            assert client.closed == server.closed == []

    runner.run(send())


def test_mutual_tls_admits_who_shows_a_certificate_of_the_right_authority(
    runner: asyncio.Runner, authority: Authority, certificates: Certificates, tmp_path: Path
) -> None:
    own = authority.issue("127.0.0.1", file="strict")
    strict = Certificates(own.certificate, own.key, client_authorities=authority.path)
    stranger_issued = Authority(tmp_path, "stranger").issue("127.0.0.1")
    stranger = Certificates(stranger_issued.certificate, stranger_issued.key, authorities=authority.path)
    without = Certificates(authorities=authority.path)

    async def knock() -> None:
        async with open_end(TLS, certificates=strict) as server:
            for refused in (stranger, without):
                async with open_end(certificates=refused) as client:
                    client.send(message(), server.hop("TLS"))
                    await eventually(lambda: client.unreachable == [server.hop("TLS")], "it is refused")
            assert server.received == []
            async with open_end(certificates=certificates) as client:
                client.send(message(), server.hop("TLS"))
                await server.got()

    runner.run(knock())


def test_a_request_by_name_never_uses_a_connection_that_the_peer_opened(
    runner: asyncio.Runner, certificates: Certificates
) -> None:
    async def send() -> None:
        async with open_end(TLS, certificates=certificates) as one, open_end(TLS, certificates=certificates) as two:
            two.send(message(), one.hop("TLS"))
            (_, flow), *_ = await one.got()
            one.send(message("back"), flow._replace(flow=0))
            await eventually(lambda: one.unreachable == [flow._replace(flow=0)], "nobody listens there")
            assert two.received == []

    runner.run(send())


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01", b"OPTIONS sip:a@b SIP/2.0\r\n\r\n"])
def test_a_handshake_that_does_not_come_about_is_ended(
    runner: asyncio.Runner, certificates: Certificates, said: bytes
) -> None:
    async def dawdle() -> None:
        limits = Limits(handshake_s=0.2, look_s=0.05)
        async with open_end(TLS, certificates=certificates, limits=limits) as end:
            reader, writer = await asyncio.open_connection("127.0.0.1", end.hop("TLS").port)
            writer.write(said)
            await eventually(lambda: len(end.stack.connections) == 1, "it is accepted")
            await eventually(lambda: len(end.stack.connections) == 0, "it is ended")
            assert end.closed == []
            del reader
            writer.close()

    runner.run(dawdle())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_versions_before_tls_1_2_are_refused(runner: asyncio.Runner, certificates: Certificates) -> None:
    async def connect() -> None:
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname = False
        old.verify_mode = ssl.CERT_NONE
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        async with open_end(TLS, certificates=certificates) as end:
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await asyncio.open_connection("127.0.0.1", end.hop("TLS").port, ssl=old)

    runner.run(connect())


def test_a_renewed_certificate_is_taken_up_without_a_restart(authority: Authority, tmp_path: Path) -> None:
    first = authority.issue("first.example", file="renewed")
    certificates = Certificates(first.certificate, first.key, authorities=authority.path)
    runs = [_name_served(certificates, 0.0)]
    authority.issue("second.example", file="renewed")
    for path in (first.certificate, first.key):
        os.utime(path, ns=(1, 1))
    runs.append(_name_served(certificates, LOOK_AGAIN_S - 1))
    runs.append(_name_served(certificates, LOOK_AGAIN_S + 1))
    first.certificate.write_text("half a file")
    runs.append(_name_served(certificates, 2 * LOOK_AGAIN_S + 2))
    assert runs == ["first.example", "first.example", "second.example", "second.example"]


@pytest.mark.parametrize("file", ["certificate", "key", "authorities", "client_authorities"])
def test_a_file_that_will_not_serve_is_named_with_what_to_do(authority: Authority, file: str, tmp_path: Path) -> None:
    good = authority.issue("localhost")
    broken = tmp_path / "broken.pem"
    broken.write_text("nothing")
    files = {"certificate": good.certificate, "key": good.key, "authorities": authority.path, file: broken}
    with pytest.raises(UsageError, match=r"broken\.pem.*give a PEM file"):
        Certificates(**files)


def _name_served(certificates: Certificates, now: float) -> str:
    """Whom the server's certificate names, at a handshake in memory."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    ends = []
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends.append(client.wrap_bio(to_client, to_server))
    ends.append(certificates.accepting(now).wrap_bio(to_server, to_client, server_side=True))
    for _ in range(4):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    der = ends[0].getpeercert(binary_form=True)
    from cryptography import x509

    return str(x509.load_der_x509_certificate(der).subject.rdns[0].rfc4514_string()).removeprefix("CN=")
