from pathlib import Path

from softswitch.testing.journal import Journal, read_journal


def test_each_entry_has_both_clocks_and_can_be_read_back(tmp_path: Path) -> None:
    with Journal(tmp_path / "log.jsonl") as journal:
        journal.write("invite", number="+442079460123")
        journal.write("answered", leg="a")
    invite, answered = read_journal(tmp_path / "log.jsonl")
    assert invite["number"] == "+442079460123"
    assert invite["at"] <= answered["at"]
    assert invite["wall"].endswith("+00:00")


def test_entries_are_found_by_event_and_field() -> None:
    journal = Journal()
    journal.write("ended", leg="a")
    journal.write("ended", leg="b")
    assert [entry["leg"] for entry in journal.of("ended", leg="b")] == ["b"]


def test_a_line_cut_off_by_a_kill_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text('{"event": "invite"}\n{"event": "answ')
    assert read_journal(tmp_path / "log.jsonl") == [{"event": "invite"}]
