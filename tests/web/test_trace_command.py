"""`softswitch trace` against a switch's real web."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from memory_people import PASSWORD
from site_client import Site, served
from small_site import CANARY
from typer.testing import CliRunner, Result

from softswitch.errors import UsageError


@pytest.fixture
def switch(tmp_path: Path) -> Site:
    (tmp_path / "password").write_text(PASSWORD + "\n")
    site = Site()
    site.switch.place_call("ref1", "101", "in call")
    return site


@pytest.fixture
def run(switch: Site, tmp_path: Path) -> Iterator[object]:
    def run_command(*arguments: str, user: str = "sue") -> Result:
        import typer

        from softswitch.commands.traces import trace

        app = typer.Typer()
        app.command()(trace)

        async def serve() -> Result:
            async with served(switch) as server:
                words = [*arguments, "--url", server.url, "--user", user, "--password-file", str(tmp_path / "password")]
                return await asyncio.to_thread(CliRunner().invoke, app, words)

        return asyncio.run(serve())

    yield run_command


def error_of(result: Result) -> str:
    assert isinstance(result.exception, UsageError)
    return str(result.exception)


def test_the_ladder_has_a_line_for_each_message_and_its_media(run) -> None:
    lines = run("ref1").stdout.splitlines()
    assert "carrier" in lines[0] and "switch" in lines[0] and "agent phone" in lines[0]
    assert "192.0.2.2:5060" in lines[1]
    assert "◄" in lines[2] and "INVITE" in lines[2]
    assert "PCMA sendrecv" in lines[3]
    assert "►" in lines[4] and "200 OK" in lines[4]
    assert lines[-1] == "Numbers and names are masked."


def test_raw_prints_the_messages(run) -> None:
    assert "INVITE sip:xxxxxx61@x" in run("ref1", "--raw").stdout


def test_json_is_what_the_api_answers(run) -> None:
    assert json.loads(run("ref1", "--json").stdout)["steps"][0]["label"] == "INVITE"


def test_a_capture_is_written_for_this_user_alone(run, tmp_path: Path) -> None:
    run("ref1", "--pcap", str(tmp_path / "call.pcap"))
    assert (tmp_path / "call.pcap").stat().st_mode & 0o777 == 0o600


def test_the_whole_needs_a_reason_and_a_role(run, switch: Site) -> None:
    assert "--reason" in error_of(run("ref1", "--whole", user="otto"))
    assert "masked numbers only" in error_of(run("ref1", "--whole", "--reason", "one-way audio"))
    assert CANARY in run("ref1", "--whole", "--raw", "--reason", "one-way audio", user="otto").stdout
    assert switch.switch.looked_at == [("otto", "ref1", "one-way audio")]


def test_each_refusal_says_what_to_do(run) -> None:
    assert "[trace]" in error_of(run("nothing"))
    assert "--user" in error_of(run("ref1", user="nobody"))
    assert "may not" in error_of(run("ref1", user="101"))


def test_a_switch_that_is_not_there_is_said_to_be_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from softswitch.commands.traces import trace

    monkeypatch.setenv("SOFTSWITCH_WEB_PASSWORD", "x")
    with pytest.raises(UsageError, match="is it running"):
        trace("ref1", url="http://127.0.0.1:9")
    with pytest.raises(UsageError, match="no address"):
        trace("ref1", url="file:///etc/passwd")
