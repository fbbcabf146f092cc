"""`softswitch backup` and `softswitch restore`: a site that ran is made anew from its copy and its keys."""

import asyncio
import json
import shutil
import sqlite3
import stat
import time
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from softswitch.__main__ import whole_app
from softswitch.config import load, store_url
from softswitch.errors import SoftswitchError
from softswitch.recordings.destruction import destroy
from softswitch.recordings.inspection import inspect_folder
from softswitch.store.database import Store
from tests.recordings.recorded import folder_of
from tests.site_file import COMMON

SITE = f"""\
{COMMON}
password_file = "secrets/carrier.secret"

[[campaigns]]
name = "survey"
"""
LEADS = "number,first_name\n02079460001,Annabella\n02079460002,Bob\n"


def run(*arguments: object) -> str:
    result = CliRunner().invoke(whole_app(), [str(each) for each in arguments], env={"COLUMNS": "150"})
    assert result.exit_code == 0, (result.output, result.exception)
    return " ".join(result.output.split())


def refused(*arguments: object) -> str:
    result = CliRunner().invoke(whole_app(), [str(each) for each in arguments], env={"COLUMNS": "150"})
    assert result.exit_code != 0, result.output
    assert result.exception is None or isinstance(result.exception, SoftswitchError | SystemExit), result.exception
    return " ".join(f"{result.output} {result.exception}".split())


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """As a day has left it: leads, an audit log, a secret, two recordings."""
    folder = tmp_path / "site"
    (folder / "secrets").mkdir(parents=True)
    (folder / "secrets" / "carrier.secret").write_text("tea at noon\n")
    (folder / "leads.csv").write_text(LEADS)
    path = folder / "site.toml"
    path.write_text(SITE)
    path.chmod(0o600)
    run("leads", "import", path, folder / "leads.csv")
    (folder / "data" / "recordings").mkdir()
    folder_of(folder / "data" / "recordings", "a", "b")
    return path


def content(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def put_keys_back(site: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for path in (site.parent / "data").glob("*.key"):
        shutil.copy2(path, folder / path.name)


def first_lead(site: Path) -> str:
    out = site.parent / "refs.csv"
    run("leads", "export", site, out)
    lead_ref = out.read_text().splitlines()[1].split(",")[0]
    out.unlink()
    return lead_ref


def test_a_site_is_made_anew_from_its_backup_and_its_keys(site: Path, tmp_path: Path) -> None:
    told = run("backup", site, tmp_path / "copy")
    assert "2 recordings, 2 of them new" in told and "vault.key" in told
    lead_ref, audit = first_lead(site), site.parent / "data" / "audit.key"
    secret = audit.read_text().split()[-1]
    shutil.move(site.parent, tmp_path / "burnt")
    put_keys_back(tmp_path / "burnt" / "site.toml", tmp_path / "new" / "data")
    new = tmp_path / "new" / "site.toml"
    assert "opted out since" in run("restore", tmp_path / "copy", new)
    assert new.read_text() == SITE and (tmp_path / "new" / "secrets" / "carrier.secret").read_text() == "tea at noon\n"
    assert "Annabella" in run("leads", "show", new, "--lead-ref", lead_ref, "--reason", "is it whole?")
    assert "0 troubles" in run("recordings", "verify", tmp_path / "new" / "data" / "recordings")
    run("audit", "verify", new)
    assert [
        record["action"]
        for record in map(json.loads, (tmp_path / "new" / "data" / "audit.log").read_text().splitlines())
    ][-3:-1] == ["back up", "restore"]
    assert secret.encode() not in content(tmp_path / "copy")


def test_the_copy_holds_no_key_and_nobody_else_may_read_it(site: Path, tmp_path: Path) -> None:
    run("backup", site, tmp_path / "copy")
    copied = content(tmp_path / "copy")
    for key in (site.parent / "data").glob("*.key"):
        assert key.read_text().split()[-1].encode() not in copied, key
    for told in (b"Annabella", b"79460001"):
        assert told not in copied
    assert stat.S_IMODE((tmp_path / "copy").stat().st_mode) == 0o700
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "copy").rglob("*") if path.is_file()}
    assert modes == {0o600}


def test_the_next_backup_brings_what_is_new_and_takes_away_what_was_destroyed(site: Path, tmp_path: Path) -> None:
    run("backup", site, tmp_path / "copy")
    before = (tmp_path / "copy" / "recordings" / "b.ssr").stat().st_ino
    folder = site.parent / "data" / "recordings"
    folder_of(folder, "c")
    destroy(folder, ["a.ssr"], time.time_ns())
    run("leads", "erase", site, "--lead-ref", first_lead(site), "--reason", "asked by letter")
    told = run("backup", site, tmp_path / "copy")
    assert "2 recordings, 1 of them new; 1 that were destroyed since are gone" in told
    copied = tmp_path / "copy" / "recordings"
    assert sorted(path.name for path in copied.glob("*.ssr")) == ["b.ssr", "c.ssr"]
    assert (copied / "b.ssr").stat().st_ino == before, "it was not copied again"
    found = inspect_folder(copied)
    assert (found.troubles, list(found.destroyed)) == ([], ["a.ssr"])
    with closing(sqlite3.connect(tmp_path / "copy" / "data" / "softswitch.db")) as store:
        assert store.execute("SELECT count(*) FROM vault_keys WHERE wrapped = zeroblob(60)").fetchone() == (1,)


def test_nobody_who_writes_to_the_store_waits_for_a_backup(site: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(site.parent / "data" / "softswitch.db", isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM pulse")
        run("backup", site, tmp_path / "copy")
        writer.execute("COMMIT")


def test_a_backup_that_was_altered_or_broken_off_is_not_restored(site: Path, tmp_path: Path) -> None:
    run("backup", site, tmp_path / "copy")
    put_keys_back(site, tmp_path / "new" / "data")
    with (tmp_path / "copy" / "data" / "audit.log").open("ab") as log:
        log.write(b"more\n")
    assert "audit.log is missing or altered" in refused("restore", tmp_path / "copy", tmp_path / "new" / "site.toml")
    (tmp_path / "copy" / "backup.json").unlink()
    assert "no whole backup" in refused("restore", tmp_path / "copy", tmp_path / "new" / "site.toml")
    assert not (tmp_path / "new" / "site.toml").exists()
    run("backup", site, tmp_path / "copy")  # one that was broken off is completed
    run("restore", tmp_path / "copy", tmp_path / "new" / "site.toml")


def test_a_campaign_that_ran_is_stopped_by_a_restore(site: Path, tmp_path: Path) -> None:
    async def orders(path: Path, wanted: str = "") -> dict[str, str]:
        store = await Store.open(store_url(load(path)))
        try:
            if wanted:
                await store.keep_order("survey", wanted)
            return await store.campaign_orders()
        finally:
            await store.close()

    assert asyncio.run(orders(site, "running")) == {"survey": "running"}
    run("backup", site, tmp_path / "copy")
    put_keys_back(site, tmp_path / "new" / "data")
    run("restore", tmp_path / "copy", tmp_path / "new" / "site.toml")
    assert asyncio.run(orders(tmp_path / "new" / "site.toml")) == {"survey": "stopped"}


def test_nothing_is_restored_over_a_site_or_without_its_keys(site: Path, tmp_path: Path) -> None:
    run("backup", site, tmp_path / "copy")
    assert "is not written over" in refused("restore", tmp_path / "copy", site)
    told = refused("restore", tmp_path / "copy", tmp_path / "new" / "site.toml")
    assert "put the key to" in told and str(tmp_path / "new" / "data") in told
    assert not (tmp_path / "new" / "site.toml").exists()
    site.rename(site.with_name("old.toml"))
    assert "there is a site already" in refused("restore", tmp_path / "copy", site)


def test_a_backup_goes_into_no_folder_of_the_site_and_over_nothing_else(site: Path, tmp_path: Path) -> None:
    assert "a folder of the site itself" in refused("backup", site, site.parent / "data" / "copy")
    assert "a folder of the site itself" in refused("backup", site, site.parent)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(b"cat")
    assert "something else than a backup" in refused("backup", site, tmp_path / "photos")
    assert (tmp_path / "photos" / "cat.jpg").exists()
