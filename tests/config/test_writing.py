"""A site's file that is changed key by key: what is not meant stays, what cannot be used is never written."""

import os
import stat
import tomllib
from pathlib import Path

import pytest

from softswitch.config import load, problems
from softswitch.config.writing import LONGEST_FILE, Draft, differences, write_secret
from softswitch.errors import UsageError

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "site.toml"
    text = (CONFIGS / "one-site.toml").read_text(encoding="utf-8")
    path.write_text(text.replace('auditor_public_key = ""', f'auditor_public_key = "{"ab" * 32}"'), encoding="utf-8")
    (tmp_path / "carrier.secret").write_text("s\n", encoding="utf-8")
    path.chmod(0o640)
    return path


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def test_a_changed_key_changes_its_line_and_no_other(site: Path) -> None:
    before = lines_of(site)
    draft = Draft.of(site)
    draft.change_table("site", {"name": "Meadow Research", "country": "GB"})
    written = draft.write()
    after = lines_of(site)
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert len(changed) == 1
    assert changed[0][1].startswith('name = "Meadow Research"')
    assert changed[0][1].endswith("# CHANGE: shown on the wallboard")
    assert written.settings.site.name == load(site).site.name == "Meadow Research"
    assert stat.S_IMODE(site.stat().st_mode) == 0o640
    assert [each.name for each in site.parent.iterdir() if each.name.endswith(".draft")] == []


def test_a_file_from_an_editor_that_puts_a_mark_first_is_read_and_changed(site: Path) -> None:
    site.write_text(site.read_text(encoding="utf-8"), encoding="utf-8-sig")
    assert not [each for each in problems(site) if each.fatal]
    draft = Draft.of(site)
    draft.change_table("site", {"name": "Meadow Research"})
    assert draft.write().settings.site.name == "Meadow Research"


def test_elements_are_added_changed_and_removed_and_every_comment_stays(site: Path) -> None:
    comments = [line.partition("#")[2] for line in lines_of(site) if "#" in line]
    draft = Draft.of(site)
    draft.change_element("trunks", "name", "second", {"host": "198.51.100.40", "channels": 4})
    draft.change_element("agents", "id", "1002", {"connect": "ring-per-call", "phone_password": None,
                                                  "phone_password_file": "carrier.secret"})  # fmt: skip
    draft.change_element("supervisors", "id", "sue", {"phone_username": "sue", "phone_password": "long-and-random"})
    draft.change_table("people", {"several_roles": True})
    settings = draft.write().settings
    assert [trunk.name for trunk in settings.trunks] == ["carrier", "second"]
    assert settings.agents[1].phone_password.get_secret_value() == ""
    assert settings.supervisors[0].id == "sue"
    draft = Draft.of(site)
    draft.remove_element("trunks", "name", "second")
    draft.remove_element("supervisors", "id", "sue")
    with pytest.raises(KeyError):
        draft.remove_element("agents", "id", "nobody")
    draft.write()
    assert "supervisors" not in tomllib.loads(site.read_text(encoding="utf-8"))
    left = [line.partition("#")[2] for line in lines_of(site) if "#" in line]
    comments.remove(next(each for each in comments if each == " CHANGE"))  # of the password that is gone
    assert sorted(left) == sorted(comments)


def test_elements_written_as_a_list_in_one_line_stay_such_a_list(site: Path) -> None:
    text = site.read_text()
    site.write_text('trunks = [{ name = "one", host = "198.51.100.20" }]\n' + text[: text.index("[[trunks]]")])
    draft = Draft.of(site)
    draft.change_element("trunks", "name", "two", {"host": "198.51.100.21"})
    assert [trunk.name for trunk in draft.write().settings.trunks] == ["one", "two"]
    assert lines_of(site)[0].startswith("trunks = [{")


@pytest.mark.parametrize(
    ("table", "values", "said"),
    [
        ("site", {"time_zone": "Europe/Nowhere"}, "is no time zone"),
        ("site", {"nmae": "x"}, "there is no such key"),
        ("media", {"first_port": 20001}, "must be even"),
        ("recordings", {"auditor_public_key": ""}, "is missing"),
    ],
)
def test_what_the_check_finds_fault_with_is_not_written(site: Path, table: str, values: dict, said: str) -> None:
    before = site.read_bytes()
    draft = Draft.of(site)
    draft.change_table(table, values)
    with pytest.raises(UsageError, match=said):
        draft.write()
    assert site.read_bytes() == before
    assert sorted(each.name for each in site.parent.iterdir()) == ["carrier.secret", "site.toml"]


def test_a_file_that_somebody_changed_meanwhile_is_not_written_over(site: Path) -> None:
    draft = Draft.of(site)
    site.write_text(site.read_text() + "# a note\n")
    draft.change_table("site", {"name": "x"})
    with pytest.raises(UsageError, match="somebody else"):
        draft.write()
    assert site.read_text().endswith("# a note\n")


@pytest.mark.parametrize("name", ['a"b', "ü\nx", "]]\n[web]\nport = 1", "'''", "# no comment"])
def test_no_text_breaks_out_of_its_key(site: Path, name: str) -> None:
    draft = Draft.of(site)
    draft.change_table("site", {"name": name})
    settings = draft.write().settings
    assert settings.site.name == name
    assert settings.web.port == 8080


@pytest.mark.parametrize(
    "content",
    [b"a = " + b"[" * 200_000, b"a = " + b"9" * 20_000, b"\xff\xfe", b"a = 1\na = 2\n", b"#" * (LONGEST_FILE + 1)],
    ids=["deep", "digits", "no text", "twice", "long"],
)
def test_a_hostile_file_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "site.toml"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"site\.toml"):
        Draft.of(path).write()
    assert path.read_bytes() == content
    assert len(content) > LONGEST_FILE or problems(path)[0].fatal


def test_the_differences_of_two_configurations_are_named_by_section_and_element(site: Path) -> None:
    before = load(site)
    draft = Draft.of(site)
    draft.change_table("site", {"name": "x"})
    draft.change_element("agents", "id", "1003", {})
    draft.change_element("trunks", "name", "carrier", {"channels": 12})
    assert differences(before, draft.write().settings) == ("[site]", "[[trunks]] carrier", "[[agents]] 1003")
    assert differences(before, before) == ()


def test_a_secret_is_written_for_its_owner_alone_and_never_over_another(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        one, two = (write_secret(tmp_path / "secrets", "trunk-first", word) for word in ("a", "b"))
    finally:
        os.umask(old)
    assert one != two
    assert (one.read_text(), two.read_text()) == ("a\n", "b\n")
    assert {stat.S_IMODE(each.stat().st_mode) for each in (one, two)} == {0o600}
    assert stat.S_IMODE(one.parent.stat().st_mode) == 0o700
