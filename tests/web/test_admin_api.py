"""The administrator's part of the API: what is written, what is refused, and what is never answered."""

import asyncio
import io
import json
import stat
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile
from memory_people import PASSWORD
from site_client import Site, log_in, until

from softswitch.errors import UsageError
from softswitch.web.guard import MAXIMUM_BODY, MAXIMUM_UPLOAD
from softswitch.web.room import WebSettings

Story = Callable[[Site, httpx.AsyncClient], Coroutine[Any, Any, None]]


def story(body: Story, settings: WebSettings | None = None) -> None:
    async def run() -> None:
        site = Site(settings)
        async with site.client("ada") as client:
            await body(site, client)
        await site.office.administration.close()

    asyncio.run(run())


async def uploaded(client: httpx.AsyncClient, content: bytes | str, name: str = "list.csv") -> str:
    response = await client.post("/api/admin/uploads", params={"name": name}, content=content)
    assert response.status_code == 200, response.text
    return response.json()["upload_ref"]


def sound(seconds: float = 4.0, level: float = 0.2, rate_hz: int = 16000, form: str = "WAV") -> bytes:
    """Something like speech: bursts of noise and pauses."""
    rng = np.random.default_rng(1)
    times = np.arange(int(seconds * rate_hz)) / rate_hz
    samples = level * rng.standard_normal(times.size).clip(-3, 3) / 3 * (np.sin(2 * np.pi * 1.5 * times) > -0.3)
    out = io.BytesIO()
    soundfile.write(out, samples, rate_hz, format=form)
    return out.getvalue()


def test_a_trunk_is_written_with_its_password_in_a_file_of_its_own_that_no_answer_holds() -> None:
    async def body(site: Site, client: httpx.AsyncClient) -> None:
        wish = {"host": "198.51.100.40", "username": "site", "password": "s3cret-of-ours", "register": True}
        saved = await client.put("/api/admin/trunks/second", json=wish)
        assert saved.status_code == 200, saved.text
        assert "[[trunks]] second" in saved.json()["waiting"]
        trunk = site.office.settings.trunks[1]
        assert (trunk.host, trunk.username, trunk.registers) == ("198.51.100.40", "site", True)
        assert trunk.password_file.read_text() == "s3cret-of-ours\n"
        assert stat.S_IMODE(trunk.password_file.stat().st_mode) == 0o600
        assert "s3cret" not in site.office.path.read_text()
        setup = await client.get("/api/admin/setup")
        assert setup.json()["trunks"][1]["has_password"] is True
        assert "s3cret" not in setup.text + saved.text + repr(site.journal.records)
        # Another password: the file before is gone, and the key in the TOML names the new one.
        await client.put("/api/admin/trunks/second", json={"password": "another-one"})
        assert not trunk.password_file.exists()
        assert site.office.settings.trunks[1].password_file.read_text() == "another-one\n"
        await client.put("/api/admin/trunks/second", json={"channels": 7})
        assert site.office.settings.trunks[1].password_file.exists()
        assert (await client.delete("/api/admin/trunks/second")).status_code == 200
        assert (await client.delete("/api/admin/trunks/second")).status_code == 404
        assert site.office.files() == {"site.toml"}
        assert "# as on the wallboard" in site.office.path.read_text()
        assert ("ada", "change configuration", "trunk second: removed", "") in site.journal.records

    story(body)


REFUSED = [
    ("PUT", "trunks/carrier", {"caller_id": "0207"}),
    ("PUT", "trunks/carrier", {"host": "no host!", "password": "pw"}),
    ("PUT", "trunks/third", {"channels": 3}),
    ("PUT", "site", {"time_zone": "Mars/Olympus"}),
    ("PUT", "campaigns/transport-2026", {"trunk": "nowhere"}),
    ("PUT", "campaigns/transport-2026", {"opens": "20:00", "closes": "09:00"}),
    ("PUT", "campaigns/transport-2026", {"visible_fields": ["address1"]}),
    ("DELETE", "agents/999", None),
    ("POST", "agents", {"upload_ref": "ab"}),
    ("POST", "test-calls", {"trunk": "carrier", "number": "not a number"}),
    ("POST", "test-calls", {"trunk": "nowhere", "number": "+442079460001"}),
]


def test_what_cannot_be_is_refused_in_words_and_leaves_everything_as_it_was() -> None:
    async def body(site: Site, client: httpx.AsyncClient) -> None:
        before = site.office.path.read_bytes()
        for method, path, wish in REFUSED:
            response = await client.request(method, f"/api/admin/{path}", json=wish)
            assert response.status_code in (404, 409), (path, response.text)
            assert response.json()["detail"]
            assert site.office.path.read_bytes() == before
            assert site.office.files() == {"site.toml"}
            assert site.office.calls.placed == []

    story(body)


def test_no_name_leads_out_of_the_sites_folder() -> None:
    async def body(site: Site, client: httpx.AsyncClient) -> None:
        for path in ("trunks/..%2F..%2Fetc", "trunks/.hidden", "prompts/..", "campaigns/%00"):
            response = await client.put(f"/api/admin/{path}", json={"host": "198.51.100.40", "password": "x"})
            assert response.status_code in (404, 405, 422), path
            assert site.office.files() == {"site.toml"}

    story(body)


def test_only_an_administrator_who_has_just_proved_it_changes_anything() -> None:
    async def run() -> None:
        site = Site()
        before = site.office.path.read_bytes()
        for name in ("sue", "otto", "101"):
            async with site.client(name) as client:
                for method, path in (("PUT", "site"), ("GET", "setup"), ("POST", "uploads"), ("POST", "restart")):
                    response = await client.request(method, f"/api/admin/{path}", json={"name": "x"})
                    assert response.status_code == 403, (name, method, path)
        async with site.client() as client:
            await log_in(client, "ada")
            same = {"sec-fetch-site": "same-origin"}
            token = (await client.get("/api/session")).json()["csrf"]
            wish = {"json": {"name": "Mine"}}
            assert (await client.put("/api/admin/site", headers=same, **wish)).status_code == 403  # no token
            same["x-csrf-token"] = token
            for session in site.room.sessions._sessions.values():
                session.proved_at -= 3600
            stale = await client.put("/api/admin/site", headers=same, **wish)
            assert stale.status_code == 403
            assert "Prove again" in stale.json()["detail"]
            assert site.office.path.read_bytes() == before
            await client.post("/api/session/proof", json={"password": PASSWORD}, headers=same)
            assert (await client.put("/api/admin/site", headers=same, **wish)).status_code == 200
            for session in list(site.room.sessions._sessions.values()):
                session.began = session.last_used = time.monotonic() - 1e6  # the session is over
            assert (await client.put("/api/admin/site", headers=same, **wish)).status_code == 401
        assert site.office.settings.site.name == "Mine"

    asyncio.run(run())


def test_agents_come_by_csv_with_a_dry_run_lines_of_mistakes_and_pins_that_are_hashed() -> None:
    async def body(site: Site, client: httpx.AsyncClient) -> None:
        text = "Agent;PIN;Extension;MAC;Model;Name\n101;;p101;00:15:65:12:34:56;Yealink;Ann\n103;270418;;;;Bob\n"
        ref = await uploaded(client, text)
        dry = (await client.post("/api/admin/agents", json={"upload_ref": ref})).json()
        assert (dry["rows"], dry["added"], dry["changed"], dry["problems"]) == (2, 1, 1, [])
        assert dry["left_out"] == ["Name"]
        assert len(site.office.settings.agents) == 2
        done = await client.post("/api/admin/agents", json={"upload_ref": ref, "dry_run": False})
        assert done.status_code == 200, done.text
        one, _, three = site.office.settings.agents
        assert (one.phone_username, one.phone_model, one.phone_mac) == ("p101", "yealink", "001565123456")
        assert len(one.phone_password_file.read_text().strip()) >= 24
        assert three.id == "103"
        assert site.accounts.rows["103"][1] == "agent"
        assert site.accounts.rows["103"][0].startswith("$argon2id$")
        kept = site.office.path.read_text() + done.text + repr(site.journal.records)
        assert "270418" not in kept
        assert "Ann" not in kept
        assert not any("uploads" in name for name in site.office.files())  # the plain file is gone
        again = await uploaded(client, text.replace("270418", ""))
        same = (await client.post("/api/admin/agents", json={"upload_ref": again})).json()
        assert (same["added"], same["changed"], same["unchanged"]) == (0, 0, 2)

    story(body)


def test_one_mistake_in_a_file_of_agents_is_told_with_its_line_and_nothing_is_written() -> None:
    async def body(site: Site, client: httpx.AsyncClient) -> None:
        before = site.office.path.read_bytes()
        text = "id,pin,mac,model\n103,123456,,\n103,270418,,\n104,,zz,snom\nbad name,,,\n105,270418,,\nsue,270418,,\n"
        ref = await uploaded(client, text)
        told = (await client.post("/api/admin/agents", json={"upload_ref": ref, "dry_run": False})).json()
        lines = [problem.partition(",")[0] for problem in told["problems"]]
        assert lines == ["line 2", "line 4", "line 5", "line 7"]
        assert "123456" not in json.dumps(told)
        assert site.office.path.read_bytes() == before
        assert "105" not in site.accounts.rows
        ref = await uploaded(client, "number,pin\n103,270418\n")
        columns = {"id": "number"}
        told = await client.post("/api/admin/agents", json={"upload_ref": ref, "columns": columns, "dry_run": False})
        assert told.json()["added"] == 1

    story(body)


def test_a_phones_file_is_for_the_administrator_or_once_for_the_phone_itself() -> None:
    async def body(site: Site, client: httpx.AsyncClient) -> None:
        ref = await uploaded(client, "id,phone,mac,model\n101,p101,00:15:65:12:34:56,grandstream\n102,p102,,\n")
        await client.post("/api/admin/agents", json={"upload_ref": ref, "dry_run": False})
        secret = site.office.settings.agents[0].phone_password_file.read_text().strip()
        file = await client.get("/api/admin/phones/101/file")
        assert secret in file.text
        assert file.headers["content-disposition"] == 'attachment; filename="cfg001565123456.xml"'
        assert file.headers["cache-control"] == "no-store"
        assert (await client.get("/api/admin/phones/102/file")).status_code == 409
        offer = (await client.post("/api/admin/phones/101/offer")).json()
        path = offer["path"]
        assert len(path.split("/")[2]) >= 43  # 256 bits
        async with site.client(source="192.0.2.7", scheme="https") as stranger:
            assert (await stranger.get(path)).status_code == 404
        async with site.client(source="10.9.0.5") as phone:
            assert (await phone.get(path)).status_code == 404  # in the clear
        async with site.client(source="10.9.0.5", scheme="https") as phone:
            assert (await phone.get(path.replace("cfg", "common"))).status_code == 404
            fetched = await phone.get(path)
            assert fetched.text == file.text
            assert (await phone.get(path)).status_code == 404  # once
            assert (await phone.get("/provisioning/x/y")).status_code == 404
        records = repr(site.journal.records)
        assert "fetch phone file" in records
        assert path.split("/")[2] not in records
        assert secret not in records + (await client.get("/api/admin/setup")).text

    story(body, WebSettings(agents_networks=("10.9.0.0/16",)))


def test_a_message_is_checked_for_length_and_level_and_kept_as_the_plane_plays_it() -> None:
    async def body(site: Site, client: httpx.AsyncClient) -> None:
        for content, said in (
            (sound(0.5), "0.5 s"), (sound(70), "70.0 s"), (sound(level=0.002), "too quiet"),
            (sound(level=3.0), "too loud and cut off"), (b"RIFF not a sound", "cannot be read"),
        ):  # fmt: skip
            ref = await uploaded(client, content, "message.wav")
            refused = await client.put("/api/admin/prompts/who_called", json={"upload_ref": ref})
            assert refused.status_code == 409
            assert said in refused.json()["detail"], refused.text
            assert site.office.files() == {"site.toml"}
        ref = await uploaded(client, sound(form="FLAC", rate_hz=48000), "../../message.flac")
        taken = await client.put("/api/admin/prompts/who_called", json={"upload_ref": ref})
        assert taken.status_code == 200, taken.text
        assert taken.json()["seconds"] == 4.0
        path = site.office.settings.prompts["who_called"]
        assert path.parent == site.office.path.parent / "prompts"
        info = soundfile.info(path)
        assert (info.samplerate, info.channels, info.subtype) == (8000, 1, "PCM_16")
        wish = {"information_message": "who_called", "opens": "10:00", "purpose": "marketing"}
        assert (await client.put("/api/admin/campaigns/transport-2026", json=wish)).status_code == 200
        campaign = site.office.settings.campaigns[0]
        assert (campaign.information_message, f"{campaign.opens:%H:%M}") == ("who_called", "10:00")

    story(body)


HOSTILE = [
        b"a = " + b"[" * 100_000, b"n = " + b"9" * 50_000, b"[a]\n" * 2, b"\xff\xfe", b"x" * (2 << 20), b"name = 'x'\n",
        b'[[nodes]]\nid = "a"\nsay = "' + b"y" * 500_000 + b'"\n', b"a." * 20_000 + b"b = 1\n",
]  # fmt: skip


def test_a_hostile_script_is_refused_in_words_and_leaves_nothing() -> None:
    async def body(site: Site, client: httpx.AsyncClient) -> None:
        for content in HOSTILE:
            ref = await uploaded(client, content, "script.toml")
            refused = await client.put("/api/admin/campaigns/transport-2026/script", json={"upload_ref": ref})
            assert refused.status_code == 409, (content[:20], refused.text)
            assert len(refused.text) < 10_000
            assert site.office.files() == {"site.toml"}

    story(body)


def test_a_good_script_becomes_the_campaigns() -> None:
    script = (Path(__file__).parents[2] / "configs" / "script-travel.toml").read_bytes()

    async def body(site: Site, client: httpx.AsyncClient) -> None:
        ref = await uploaded(client, script, "script.toml")
        assert (
            await client.put("/api/admin/campaigns/transport-2026/script", json={"upload_ref": ref})
        ).status_code == 200
        assert site.office.settings.campaigns[0].script.read_bytes() == script
        assert (await client.get("/api/admin/setup")).json()["campaigns"][0]["script"].endswith(".toml")
        assert (await client.put("/api/admin/campaigns/none/script", json={"upload_ref": ref})).status_code == 404

    story(body)


def test_a_body_is_taken_to_its_limit_and_no_further_and_belongs_to_who_sent_it() -> None:
    async def run() -> None:
        site = Site()
        site.accounts.rows["abe"] = site.accounts.rows["ada"]
        async with site.client("ada") as client:
            too_long = {"content-length": str(MAXIMUM_UPLOAD + 1)}
            assert (await client.post("/api/admin/uploads", headers=too_long, content=b"x")).status_code == 413
            assert (await client.put("/api/admin/site", content=b"x" * (MAXIMUM_BODY + 1))).status_code == 413
            assert (await client.post("/api/admin/uploads", content=b"")).status_code == 409

            async def endless():
                for _ in range(3 << 4):
                    yield b"x" * (1 << 16)  # chunked: no Content-Length says how long it is

            ref = await uploaded(client, endless())
            assert (site.office.path.parent / "data" / "uploads" / ref / "list.csv").stat().st_size == 3 << 20
            async with site.client("abe") as other:
                assert (await other.delete(f"/api/admin/uploads/{ref}")).status_code == 404
            assert (await client.delete(f"/api/admin/uploads/{ref}")).status_code == 204
        assert site.office.files() == {"site.toml"}
        await site.office.administration.close()

    asyncio.run(run())


def test_uploads_are_kept_within_their_limit_and_forgotten_when_nobody_uses_them(tmp_path: Path) -> None:
    from softswitch.exchange.intake.uploads import KEPT_S, MOST_WAITING, Uploads

    now = [0.0]

    async def chunks(*parts: bytes):
        for part in parts:
            yield part

    async def run() -> None:
        uploads = Uploads(tmp_path, lambda: now[0])
        with pytest.raises(UsageError, match="too long"):
            await uploads.receive("a", chunks(b"12", b"345"), "ada", largest=4)
        assert list((tmp_path / "uploads").iterdir()) == []
        refs = [(await uploads.receive("a.csv", chunks(b"number,city\n"), "ada")) for _ in range(MOST_WAITING)]
        assert refs[0].columns == ("number", "city")
        with pytest.raises(UsageError, match="too many"):
            await uploads.receive("a", chunks(b"1"), "ada")
        now[0] += KEPT_S
        await uploads.receive("numbers.csv", chunks(b"+442079460001\n"), "ada")
        assert len(list((tmp_path / "uploads").iterdir())) == 1
        Uploads(tmp_path)  # a start after a crash
        assert not (tmp_path / "uploads").exists()

    asyncio.run(run())


def test_a_test_call_is_noted_without_its_number_and_its_state_can_be_followed() -> None:
    async def body(site: Site, client: httpx.AsyncClient) -> None:
        assert (await client.get("/api/admin/test-calls")).json() is None
        placed = await client.post("/api/admin/test-calls", json={"trunk": "carrier", "number": "020 7946 0001"})
        assert placed.json()["state"] == "dialling"
        assert site.office.calls.placed == [("carrier", "+442079460001", "+442079460123")]
        assert "9460001" not in repr(site.journal.records)
        site.office.calls.tell("failed", "the number may never be dialled")
        assert (await client.get("/api/admin/test-calls")).json()["reason"] == "the number may never be dialled"

    story(body)


def test_a_restart_is_refused_while_calls_are_up() -> None:
    async def body(site: Site, client: httpx.AsyncClient) -> None:
        site.office.calls_up = 2
        assert (await client.post("/api/admin/restart")).status_code == 409
        site.office.calls_up = 0
        assert (await client.post("/api/admin/restart")).status_code == 204
        site.office.path.write_text("[site\n")
        assert (await client.post("/api/admin/restart")).status_code == 409
        assert site.office.restarts == 1

    story(body)


def test_lists_are_imported_by_the_same_commands_in_a_process_of_their_own() -> None:
    async def body(site: Site, client: httpx.AsyncClient) -> None:
        office = site.office

        async def ended(job: dict[str, Any]) -> dict[str, Any]:
            ref = job["job_ref"]
            await until(lambda: office.administration.job(ref).state != "running", 120.0)
            return (await client.get(f"/api/admin/jobs/{ref}")).json()

        ref = await uploaded(client, "number\n+442079460961\n")
        job = (await client.post("/api/admin/never-dial", json={"upload_ref": ref})).json()
        assert job["state"] == "running"
        busy = await client.post("/api/admin/never-dial", json={"upload_ref": ref})
        assert busy.status_code == 409
        done = await ended(job)
        assert (done["state"], done["figures"], done["error"]) == ("done", {"numbers": 1}, "")
        rows = "".join(f"0207946{n:04},Leeds\n" for n in range(1, 40))
        ref = await uploaded(client, f"Rufnummer,city\n{rows}+442079460961,York\nnonsense,Hull\n")
        wish = {"upload_ref": ref, "campaign": "transport-2026", "columns": {"number": "Rufnummer"}}
        dry = await ended((await client.post("/api/admin/lists", json=wish)).json())
        assert dry["state"] == "done", dry
        assert (dry["figures"]["accepted"], dry["figures"]["never_dial"], dry["figures"]["invalid"]) == (39, 1, 1)
        assert any(problem.startswith("line 42") for problem in dry["problems"])
        assert "460961" not in json.dumps(dry)
        assert "uploads" in " ".join(office.files())
        done = await ended((await client.post("/api/admin/lists", json={**wish, "dry_run": False})).json())
        assert (done["state"], done["figures"]["accepted"]) == ("done", 39)
        assert "uploads" not in " ".join(office.files())

    story(body)
