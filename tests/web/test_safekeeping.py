"""Four eyes and play-back over REST and by the commands: roles, proofs, and sound decrypted at the listener's."""

import asyncio
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from memory_people import PASSWORD
from site_client import Site, log_in, served
from typer.testing import CliRunner, Result

from softswitch.commands.safekeeping import recordings_app
from softswitch.errors import UsageError
from softswitch.recordings.keys import write_private_key
from tests.auditor import AUDITOR
from tests.recordings.recorded import keep, pieces

WISH = {"what": "export", "call_refs": ["a"], "reason": "complaint 7"}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site()
    (tmp_path / "recordings").mkdir()
    site.switch.container = keep(tmp_path / "recordings", pieces("a")[0], "a")
    return site


def test_one_asks_another_approves_and_a_supervisor_asks_for_holds_alone(site: Site) -> None:
    async def story() -> None:
        assert (await site.post("sue", "/api/requests", WISH)).status_code == 403
        assert (await site.post("sue", "/api/requests", {**WISH, "what": "hold"})).status_code == 200
        asked = (await site.post("otto", "/api/requests", WISH)).json()
        path = f"/api/requests/{asked['request_ref']}/approval"
        own = await site.post("otto", path)
        assert (own.status_code, "somebody else" in own.text) == (409, True)
        assert (await site.post("sue", path)).status_code == 403
        assert (await site.post("ada", path)).json()["approved_by"] == "ada"
        assert (await site.post("ada", "/api/requests/ffff/approval")).status_code == 404
        assert [each["what"] for each in (await site.get("sue", "/api/requests")).json()] == ["hold", "export"]
        for wrong in ({**WISH, "what": "burn"}, {**WISH, "call_refs": []}, {**WISH, "call_refs": ["../a"]}):
            assert (await site.post("otto", "/api/requests", wrong)).status_code == 422
        assert (await site.post("otto", "/api/requests", {**WISH, "reason": "7"})).status_code == 409

    asyncio.run(story())


def test_the_auditor_gets_the_encrypted_container_and_nobody_else(site: Site) -> None:
    async def story() -> None:
        for name in ("ada", "sue", "101"):
            assert (await site.post(name, "/api/recordings/a/playback", {"reason": "complaint 7"})).status_code == 403
        begun = (await site.post("otto", "/api/recordings/a/playback", {"reason": "complaint 7"})).json()
        path = f"/api/playbacks/{begun['playback_ref']}"
        sent = await site.get("otto", f"{path}/parts/1")
        assert site.switch.container is not None
        assert sent.content == site.switch.container.read_bytes()
        assert sent.headers["content-type"] == "application/octet-stream"
        assert (await site.get("otto", f"{path}/parts/2")).status_code == 404
        assert (await site.post("otto", f"{path}/listened", {"seconds": 3.2})).status_code == 204
        assert (await site.get("ada", "/api/playbacks")).json()[0]["listened_s"] == 3.2
        assert (await site.post("otto", "/api/recordings/zz/playback", {"reason": "complaint 7"})).status_code == 404

    asyncio.run(story())


def test_a_session_proves_itself_again_before_it_listens_or_approves(site: Site) -> None:
    async def story() -> None:
        async with site.client() as client:
            await log_in(client, "otto")
            token = (await client.get("/api/session")).json()["csrf"]
            headers = {"sec-fetch-site": "same-origin", "x-csrf-token": token}
            for session in site.room.sessions._sessions.values():
                session.proved_at -= 3600
            for path, body in (("/api/recordings/a/playback", {"reason": "complaint 7"}), ("/api/requests", WISH)):
                refused = await client.post(path, json=body, headers=headers)
                assert refused.status_code == 403
                assert "Prove again" in refused.text

    asyncio.run(story())


@pytest.fixture
def run(site: Site, tmp_path: Path) -> Callable[..., Result]:
    (tmp_path / "password").write_text(PASSWORD)

    def command(user: str, name: str, *words: str) -> Result:
        async def serve() -> Result:
            async with served(site) as server:
                config = tmp_path / "site.toml"
                config.write_text(
                    f'[recordings]\nauditor_public_key = "{AUDITOR.public.hex()}"\n[web]\nport = {server.port}\n'
                )
                who = ["--user", user, "--password-file", str(tmp_path / "password")]
                return await asyncio.to_thread(
                    CliRunner().invoke, recordings_app, [name, str(config), *words, *who], env={"COLUMNS": "200"}
                )

        return asyncio.run(serve())

    return command


def test_the_commands_ask_approve_and_list(run: Callable[..., Result]) -> None:
    asked = run("otto", "ask", "export", "a", "--reason", "complaint 7", "--hours", "2")
    assert asked.exit_code == 0, asked.output
    ref = asked.stdout.strip()
    assert isinstance(run("otto", "approve", ref).exception, UsageError)
    assert run("ada", "approve", ref).exit_code == 0
    listed = run("otto", "requests").output.splitlines()
    assert listed[1].split()[:5] == [ref, "export", "a", "otto", "ada"]
    assert '"for_s":7200.0' in run("otto", "requests", "--json").output


def test_play_decrypts_at_the_listeners_and_tells_how_long(
    run: Callable[..., Result], site: Site, tmp_path: Path
) -> None:
    write_private_key(tmp_path / "auditor.key", AUDITOR)
    heard = tmp_path / "heard"
    keeps = f"import sys; open({str(heard)!r}, 'wb').write(sys.stdin.buffer.read())"
    player = shlex.join([sys.executable, "-c", keeps])
    words = ("a", "--private-key", str(tmp_path / "auditor.key"), "--reason", "complaint 7", "--player", player)
    done = run("otto", "play", *words)
    assert done.exit_code == 0, (done.output, done.exception)
    samples = np.frombuffer(heard.read_bytes(), "<i2").reshape(-1, 2)
    assert np.array_equal(samples, pieces("a")[1])
    (playback,) = site.switch.played.values()
    assert playback.listened_s == round(len(samples) / 8000, 1)
    assert playback.reason == "complaint 7"
