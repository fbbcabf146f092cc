"""The vault: what a thief of the disk finds, what is left of a lead that was erased, and whose key opens what."""

import asyncio
import base64
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from softswitch.errors import UsageError
from softswitch.store import rotation
from softswitch.store.connection import create_engine
from softswitch.store.database import Store
from softswitch.store.schema import metadata
from softswitch.store.vault import SHREDDED, Erased, LockedVault, Person, RootKeys, VaultDamaged, VaultLocked
from softswitch.store.vault_key import make_key, read_key
from tests.store.postgresql import sqlite_file
from tests.store.test_interviews import ENDED

SITE = {"country": "GB", "time_zone": "Europe/London"}
PERSON = Person("+442079460123", {"first_name": "Annabella", "address1": "1 Canary Wharf"})
MARKS = ("79460123", "Annabella", "Canary Wharf", "Überweg")

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=60)


@given(number=st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True), fields=st.dictionaries(texts, texts, max_size=6))
@settings(max_examples=60, deadline=None)
def test_whatever_is_sealed_opens_as_it_was_and_tells_nothing_meanwhile(number: str, fields: dict[str, str]) -> None:
    vault = RootKeys.new().vault()
    digest, wrapped, sealed = vault.seal("lead", Person(number, fields))
    assert vault.open("lead", wrapped, sealed) == Person(number, fields)
    assert digest == vault.digest(number) and number[1:].encode() not in digest + wrapped + sealed
    assert len(wrapped) == 60 and (len(sealed) - 28) % 32 == 0


def test_two_vaults_hash_and_seal_the_same_person_differently() -> None:
    one, other = RootKeys.new().vault(), RootKeys.new().vault()
    assert one.digest(PERSON.number) != other.digest(PERSON.number)
    assert one.seal("lead", PERSON).sealed != one.seal("lead", PERSON).sealed
    with pytest.raises(VaultDamaged):
        other.open("lead", *one.seal("lead", PERSON)[1:])


@pytest.mark.parametrize("part", [1, 2])
def test_a_record_that_was_changed_or_moved_to_another_lead_does_not_open(part: int) -> None:
    vault = RootKeys.new().vault()
    record = list(vault.seal("lead", PERSON))
    with pytest.raises(VaultDamaged, match="another lead"):
        vault.open("other", *record[1:])
    for at in range(len(record[part])):
        changed = bytearray(record[part])
        changed[at] ^= 1
        with pytest.raises(VaultDamaged):
            vault.open("lead", *[bytes(changed) if n == part else record[n] for n in (1, 2)])


def test_a_destroyed_key_stays_destroyed_through_a_rotation() -> None:
    vault, new = RootKeys.new().vault(), RootKeys.new().vault()
    _, wrapped, sealed = vault.seal("lead", PERSON)
    assert new.open("lead", vault.rewrapped("lead", wrapped, new), sealed) == PERSON
    assert vault.rewrapped("lead", SHREDDED, new) == SHREDDED
    with pytest.raises(Erased, match="was erased"):
        new.open("lead", SHREDDED, sealed)


def test_a_locked_vault_does_nothing() -> None:
    locked = LockedVault("no key")
    for ask in (
        lambda: locked.digest("+442079460123"),
        lambda: locked.seal("lead", PERSON),
        lambda: locked.open("lead", b"", b""),
        lambda: locked.fingerprint(b""),
        lambda: locked.rewrapped("lead", b"", locked),
    ):
        with pytest.raises(VaultLocked, match="no key"):
            ask()


def test_a_field_with_a_zero_byte_is_refused_for_it_would_come_back_as_two() -> None:
    with pytest.raises(UsageError, match="zero byte"):
        RootKeys.new().vault().seal("lead", Person("+442079460123", {"note": "a\0b"}))


# The key's file


def test_a_key_is_made_for_its_owner_alone_and_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "vault.key"
    made = make_key(path)
    assert read_key(path) == made and path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["vault.key"]
    assert made.secret.hex() not in repr(made) and made.secret.hex() not in made.key_id
    with pytest.raises(UsageError, match="never written over"):
        make_key(path)
    assert read_key(path) == made


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610])
def test_a_key_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    make_key(tmp_path / "vault.key")
    (tmp_path / "vault.key").chmod(mode)
    with pytest.raises(UsageError, match="chmod 600"):
        read_key(tmp_path / "vault.key")


@pytest.mark.parametrize(
    ("content", "is_key"),
    [
        (b"\x80" * 32, True),
        (b"00" * 32 + b"\n", True),
        (b"# comment\n\n" + b"ab" * 32, True),
        (b"", False),
        (b"00" * 31, False),
        (b"zz" * 32, False),
        (b"00" * 32 + b"\n" + b"11" * 32, False),
        (base64.b64encode(bytes(33)), False),
    ],
)
def test_a_key_is_64_hexadecimal_digits_or_32_bytes(tmp_path: Path, content: bytes, is_key: bool) -> None:
    path = tmp_path / "vault.key"
    path.write_bytes(content)
    path.chmod(0o600)
    if is_key:
        assert len(read_key(path).secret) == 32
        return
    with pytest.raises(UsageError, match="holds no vault key"):
        read_key(path)


# The key and its store


def test_a_new_store_makes_its_key_beside_it_and_opens_with_no_other(tmp_path: Path, lead_file) -> None:
    async def run() -> None:
        url = f"sqlite:///{tmp_path}/store.db"
        store = await Store.open(url)
        await store.import_leads(lead_file("number\n02079460123\n"), "survey", **SITE)
        await store.close()
        key = tmp_path / "vault.key"
        assert key.stat().st_mode & 0o777 == 0o600
        right = read_key(key)
        key.rename(tmp_path / "elsewhere.key")
        with pytest.raises(UsageError, match=r"vault\.key is missing: put its copy back"):
            await Store.open(url)
        make_key(key)
        with pytest.raises(UsageError, match=f"is another store's.*{right.key_id}"):
            await Store.open(url)
        store = await Store.open(url, tmp_path / "elsewhere.key")
        assert list((await store.numbers_of("survey")).values()) == ["+442079460123"]
        await store.close()

    asyncio.run(run())


def test_a_store_is_not_begun_without_the_key_that_somebody_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="softswitch vault keygen"):
        asyncio.run(Store.open(f"sqlite:///{tmp_path}/store.db", tmp_path / "none.key"))
    assert not list(tmp_path.glob("*.key"))


def test_a_store_that_is_opened_locked_tells_what_happened_and_never_to_whom(tmp_path: Path, lead_file) -> None:
    async def run() -> None:
        url = f"sqlite:///{tmp_path}/store.db"
        store = await Store.open(url)
        await store.import_leads(lead_file("number\n02079460123\n"), "survey", **SITE)
        await store.close()
        (tmp_path / "vault.key").unlink()
        store = await Store.open(url, locked=True)
        assert await store.lead_totals("survey") == (1, 1)
        ((lead_ref, number),) = [(lead.lead_ref, lead.number) async for lead in store.all_leads()]
        assert number == ""
        for ask in (
            store.numbers_of("survey"),
            store.suppress("+442079460123"),
            store.lead(lead_ref),
            store.import_leads(lead_file("number\n02079460124\n"), "survey", **SITE),
        ):
            with pytest.raises(VaultLocked, match="without the vault's key"):
                await ask
        await store.close()

    asyncio.run(run())


# What stands on the disk


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def spellings(mark: str) -> list[bytes]:
    """As text, in UTF-16, in hexadecimal, in base64 at each of its three places."""
    plain = mark.encode()
    found = [plain, mark.encode("utf-16-le"), plain.hex().encode(), plain[::-1]]
    in_base64 = []
    for shift in range(3):  # the characters that the mark alone decides
        first, last = -(-8 * shift // 6), 8 * (shift + len(plain)) // 6
        in_base64.append(base64.b64encode(b"\0" * shift + plain)[first:last])
    return found + in_base64


def test_a_thief_of_the_disk_finds_nobody_in_any_file(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    data, lists = tmp_path / "data", tmp_path / "lists"
    lists.mkdir()
    text = "number,first_name,address1,note\n02079460123,Annabella,1 Canary Wharf,Überweg\n"
    (lists / "list.csv").write_text(text + "".join(f"0207946{n:04d},x,y,z\n" for n in range(3000, 5000)))

    async def run() -> None:
        store = await Store.open(f"sqlite:///{data}/store.db")
        await store.import_leads(lists / "list.csv", "survey", **SITE)
        wall = datetime(2027, 3, 10, 12, tzinfo=UTC)
        for lead in await store.next_leads("survey", 5, wall):
            await store.lock_number(lead.number, wall)
            await store.save_lead(lead)
        await store.suppress("+442079460123", reason="rang 020 7946 0123 and asked")
        for mark in MARKS:
            assert not any(each in everything(data) for each in spellings(mark)), mark  # while it runs, log and all
        await store.close()

    asyncio.run(run())
    for mark in MARKS:
        assert not any(each in everything(data) for each in spellings(mark)), mark
    # The same search finds them where they do stand.
    assert all(any(each in everything(lists) for each in spellings(mark)) for mark in MARKS)


def keys_of(url: str) -> dict[int, tuple[bytes, bytes, str]]:
    connection = sqlite3.connect(sqlite_file(url))
    rows = connection.execute(
        "SELECT position, wrapped, sealed, lead_ref FROM vault_keys "
        "JOIN vault USING (position) JOIN leads USING (position)"
    ).fetchall()
    connection.close()
    return {row[0]: row[1:] for row in rows}


@pytest.mark.parametrize("by_number", [True, False])
def test_an_erased_lead_is_unreadable_from_the_raw_files_even_with_the_key_and_old_copies_of_its_text(
    tmp_path: Path, lead_file, by_number: bool
) -> None:
    """The proof: its wrapped key stands in no file any more, and without it the sealed text of any copy is noise."""
    data = tmp_path / "data"
    url = f"sqlite:///{data}/store.db"
    rows = "".join(f"0207946{n:04d},name{n}\n" for n in range(3000))

    async def run() -> tuple[int, bytes, bytes, str]:
        store = await Store.open(url)
        for campaign in ("one", "two"):
            await store.import_leads(lead_file(f"number,first_name\n{rows}"), campaign, **SITE)
        numbers = await store.numbers_of("one")
        lead_ref = next(ref for ref, number in numbers.items() if number == "+442079461234")
        found = {ref: (position, wrapped, sealed) for position, (wrapped, sealed, ref) in keys_of(url).items()}
        position, wrapped, sealed = found[lead_ref]
        assert store._vault.open(lead_ref, wrapped, sealed) == Person("+442079461234", {"first_name": "name1234"})
        assert wrapped in everything(data) and sealed in everything(data)
        erase = store.erase_number("+442079461234", "asked") if by_number else store.erase_lead(lead_ref, "asked")
        erased = await erase
        assert erased.leads == 2 and lead_ref in erased.lead_refs
        await store.scrub()
        after = everything(data)  # the store is open still
        for position, wrapped, _ in (found[ref] for ref in erased.lead_refs):
            assert not any(wrapped[n : n + 16] in after for n in range(0, 45)), position
        assert not (data / "store.db-wal").read_bytes().strip(b"\0") or wrapped not in after
        with pytest.raises(UsageError, match="was erased"):
            await store.lead(lead_ref)
        with pytest.raises(UsageError, match="erased before"):
            await store.erase_lead(lead_ref, "again")
        assert lead_ref not in await store.numbers_of("one") and len(await store.numbers_of("two")) == 2999
        # Whoever kept the old sealed text, and has the store and the master key, still has no key to it.
        with pytest.raises(Erased):
            store._vault.open(lead_ref, SHREDDED, sealed)
        assert "+442079461234" in await store.suppressed("one")
        report = await store.import_leads(lead_file("number\n02079461234\n"), "two", **SITE)
        assert (report.accepted, report.suppressed) == (0, 1)
        await store.close()
        return position, wrapped, sealed, lead_ref

    asyncio.run(run())


def test_what_an_erased_person_answered_is_gone_and_goes_on_counting(tmp_path: Path, lead_file, make_attempt) -> None:
    async def run() -> None:
        store = await Store.open(f"sqlite:///{tmp_path}/data/store.db")
        await store.import_leads(lead_file("number\n02079460123\n02079460124\n"), "survey", **SITE)
        refs = {number: ref for ref, number in (await store.numbers_of("survey")).items()}
        said = "I knit for the museum of Ilkley"
        for call_ref, number in (("c1", "+442079460123"), ("c2", "+442079460124")):
            attempt = make_attempt(call_ref=call_ref, lead_ref=refs[number], campaign="survey")
            await store.commit_attempt(attempt)
            await store.keep_interview(replace(ENDED, call_ref=call_ref, answers={"why": said}, state={"why": said}))
        await store.erase_number("+442079460123", "asked")
        await store.scrub()
        first, second = [kept async for kept in store.interviews_of("survey")]
        assert (first.answers, first.seconds, first.state) == ({}, {}, {}) and second.answers == {"why": said}
        assert first.ending == "complete" and await store.quotas_filled("survey", "travel") == {"young": 2, "women": 2}
        await store.erase_number("+442079460124", "asked")
        await store.scrub()
        assert said.encode() not in everything(tmp_path / "data")
        await store.close()

    asyncio.run(run())


def test_one_who_is_forgotten_wholly_leaves_no_hash_behind(tmp_path: Path, lead_file) -> None:
    async def run() -> None:
        store = await Store.open(f"sqlite:///{tmp_path}/data/store.db")
        await store.import_leads(lead_file("number\n02079460123\n"), "survey", **SITE)
        digest = store.digest("+442079460123")
        erased = await store.erase_number("+442079460123", "asked", suppress=False)
        await store.scrub()
        assert (erased.leads, erased.suppressed) == (1, False)
        held = sqlite3.connect(tmp_path / "data" / "store.db")
        for table in metadata.tables:
            assert not any(digest in row for row in held.execute(f"SELECT * FROM {table}")), table
        held.close()
        assert (await store.import_leads(lead_file("number\n02079460123\n"), "survey", **SITE)).accepted == 1
        await store.close()

    asyncio.run(run())


def test_scrubbing_that_a_crash_prevented_is_done_at_the_next_start(tmp_path: Path, lead_file) -> None:
    data = tmp_path / "data"
    url = f"sqlite:///{data}/store.db"

    async def run() -> None:
        store = await Store.open(url)
        await store.import_leads(lead_file("number\n02079460123\n"), "survey", **SITE)
        ((wrapped, _, _),) = keys_of(url).values()
        await store.erase_number("+442079460123", "asked")
        assert (await store.vault_status()).to_be_scrubbed
        await store.close()  # and nobody scrubbed
        store = await Store.open(url)
        status = await store.vault_status()
        assert not status.to_be_scrubbed and (status.leads, status.erased) == (0, 1)
        assert wrapped not in everything(data)
        await store.close()

    asyncio.run(run())


# Rotation


@pytest.mark.parametrize("every_lead", [False, True])
def test_after_a_rotation_the_new_key_opens_the_store_and_the_old_one_nothing(
    tmp_path: Path, lead_file, every_lead: bool
) -> None:
    url, path = f"sqlite:///{tmp_path}/store.db", tmp_path / "vault.key"

    async def run() -> None:
        store = await Store.open(url)
        await store.import_leads(lead_file("number\n02079460123\n02079460124\n"), "survey", **SITE)
        await store.erase_number("+442079460124", "asked")
        before = await store.numbers_of("survey")
        wrapped = {value[0] for value in keys_of(url).values()}
        await store.close()
        old = path.read_bytes()
        engine = create_engine(url)
        key = await rotation.rotate(engine, path, every_lead=every_lead)
        await engine.dispose()
        assert read_key(path) == key and path.stat().st_mode & 0o777 == 0o600
        assert not rotation.coming(path).exists()
        store = await Store.open(url)
        assert await store.numbers_of("survey") == before
        assert (await store.import_leads(lead_file("number\n02079460123\n"), "survey", **SITE)).duplicates_in_list == 1
        assert "+442079460124" in await store.suppressed("")
        assert (await store.vault_status()).rotated_at is not None
        await store.close()
        assert all((key in everything(tmp_path)) is not every_lead for key in wrapped)
        (tmp_path / "old.key").write_bytes(old)
        (tmp_path / "old.key").chmod(0o600)
        with pytest.raises(UsageError, match="another store's"):
            await Store.open(url, tmp_path / "old.key")

    asyncio.run(run())


def test_a_rotation_that_was_cut_short_leaves_a_key_that_opens_the_store(
    tmp_path: Path, lead_file, monkeypatch
) -> None:
    url, path = f"sqlite:///{tmp_path}/store.db", tmp_path / "vault.key"

    class PowerCut(Exception):
        pass

    def cut(*arguments: object) -> None:
        raise PowerCut

    async def run() -> None:
        store = await Store.open(url)
        await store.import_leads(lead_file("number\n02079460123\n"), "survey", **SITE)
        await store.close()
        engine = create_engine(url)
        with monkeypatch.context() as patched, pytest.raises(PowerCut):
            patched.setattr(rotation, "replace", cut)
            await rotation.rotate(engine, path, every_lead=True)
        await engine.dispose()
        store = await Store.open(url)  # the store wants the new key, which lies beside the old one
        assert list((await store.numbers_of("survey")).values()) == ["+442079460123"]
        await store.close()
        assert not rotation.coming(path).exists()

    asyncio.run(run())
