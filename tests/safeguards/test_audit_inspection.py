"""Whatever is done to the log, its head or its seals is found, with the line. Signatures here are a keyed hash."""

import hmac
import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from softswitch.safeguards.audit import CUT, SWITCH, TORN, AuditChain, AuditRecord, torn_subject
from softswitch.safeguards.audit_inspection import Inspection, inspect
from softswitch.safeguards.audit_seal import HEAD_BYTES, Head, Seal, Why

MONDAY = datetime(2027, 6, 14, 11, 0, tzinfo=UTC)
KEY, OTHER_KEY = "aa" * 32, "bb" * 32


def sign(message: bytes, key: str = KEY) -> str:
    return hmac.digest(key.encode(), message, "sha256").hex() * 2


def fits(key: str, signature: str, message: bytes) -> bool:
    return hmac.compare_digest(sign(message, key), signature)


class Log:
    """Six records over two days, sealed as each day ends; head on the last."""

    def __init__(self) -> None:
        chain = AuditChain()
        self.records = [
            chain.append("eve", "listen", at=MONDAY + timedelta(hours=8 * n), subject=f"call{n}", reason="complaint")
            for n in range(6)
        ]
        self.lines = [record.to_line().encode() + b"\n" for record in self.records]
        first = Seal.over(self.records[0], self.records[1], Why.DAY, MONDAY.isoformat(), after=None, key=KEY, sign=sign)
        second = Seal.over(
            self.records[2], self.records[4], Why.DAY, MONDAY.isoformat(), after=first, key=KEY, sign=sign
        )
        self.seals = [seal.to_line().encode() + b"\n" for seal in (first, second)]
        self.head: bytes | None = Head.of(self.records[-1], KEY, sign).to_line().encode()

    def inspect(self, **options: object) -> Inspection:
        return inspect(self.lines, self.seals, self.head, fits, **options)  # type: ignore[arg-type]

    def lines_in_trouble(self) -> list[int]:
        return [trouble.line for trouble in self.inspect().troubles]


@pytest.fixture
def log() -> Log:
    return Log()


def test_an_untouched_log_has_no_trouble_and_says_what_it_holds(log: Log) -> None:
    found = log.inspect(public_keys={KEY}, anchor=log.records[2].digest)
    assert found.troubles == []
    assert found.notes == []
    assert (found.records, found.sealed, found.seals, found.keys) == (6, 5, 2, [KEY])
    assert found.digest == log.records[-1].digest


def test_an_empty_log_is_whole() -> None:
    assert inspect([], [], None, fits).troubles == []


@pytest.mark.parametrize("line", range(6))
def test_a_removed_line_is_named_wherever_it_was(log: Log, line: int) -> None:
    del log.lines[line]
    (trouble, *_) = log.inspect().troubles
    assert trouble.line == line + 1
    assert f"record {line + 1} " in trouble.text


@pytest.mark.parametrize("line", range(6))
@pytest.mark.parametrize("name", ["sequence", "at", "actor", "action", "subject", "reason", "previous", "digest"])
def test_a_changed_field_is_named_by_its_line(log: Log, line: int, name: str) -> None:
    told = json.loads(log.lines[line])
    told[name] = told[name] + 1 if name == "sequence" else told[name][:-1] + "~"
    log.lines[line] = json.dumps(told, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    assert line + 1 in log.lines_in_trouble()


def test_a_line_that_says_the_same_in_other_bytes_was_changed(log: Log) -> None:
    log.lines[3] = log.lines[3].replace(b'":"', b'": "', 1)
    assert log.lines_in_trouble() == [4]


@pytest.mark.parametrize("line", range(5))
def test_two_lines_that_changed_places_are_found(log: Log, line: int) -> None:
    log.lines[line], log.lines[line + 1] = log.lines[line + 1], log.lines[line]
    assert line + 1 in log.lines_in_trouble()


@pytest.mark.parametrize("line", range(6))
def test_a_line_that_is_there_twice_is_found(log: Log, line: int) -> None:
    log.lines.insert(line + 1, log.lines[line])
    assert log.lines_in_trouble() == [line + 2]


@pytest.mark.parametrize("line", range(1, 6))
def test_a_forged_line_with_a_fitting_hash_is_found_beside_the_one_it_was_put_before(log: Log, line: int) -> None:
    forged = AuditChain(log.records[line - 1]).append("eve", "listen", at=MONDAY, subject="x", reason="y")
    log.lines.insert(line, forged.to_line().encode() + b"\n")
    assert line + 2 in log.lines_in_trouble()


@pytest.mark.parametrize("count", range(1, 7))
def test_an_end_that_was_cut_off_is_found_by_the_head(log: Log, count: int) -> None:
    del log.lines[6 - count :]
    (trouble, *_) = log.inspect().troubles
    assert trouble.line == 7 - count
    assert "cut off" in " ".join(each.text for each in log.inspect().troubles)


def test_an_end_cut_off_together_with_the_head_is_found_by_the_seals(log: Log) -> None:
    del log.lines[4:]
    log.head = Head.of(log.records[3], KEY, sign).to_line().encode()
    assert any("seal 2" in trouble.text for trouble in log.inspect().troubles)


def test_a_whole_chain_made_anew_does_not_fit_the_signatures(log: Log) -> None:
    chain = AuditChain()
    anew = [chain.append("eve", "listen", at=MONDAY, subject="other", reason="complaint") for _ in range(6)]
    log.lines = [record.to_line().encode() + b"\n" for record in anew]
    assert {1, 2, 3, 5, 6} <= set(log.lines_in_trouble())
    log.head = Head.of(anew[-1], KEY, lambda message: sign(message, OTHER_KEY)).to_line().encode()
    assert any("signature" in trouble.text for trouble in log.inspect().troubles)


def test_a_log_signed_throughout_with_another_key_is_found_by_who_knows_the_right_one(log: Log) -> None:
    assert log.inspect().troubles == []
    assert {"seal 1", "seal 2", "the head"} <= {
        " ".join(trouble.text.split()[:2]) for trouble in log.inspect(public_keys={OTHER_KEY}).troubles
    }


@pytest.mark.parametrize("removed", [0, 1])
def test_a_removed_seal_is_found(log: Log, removed: int) -> None:
    del log.seals[removed]
    assert log.inspect().troubles


def test_removed_seals_are_missed_though_none_is_left(log: Log) -> None:
    log.seals.clear()
    assert [trouble.line for trouble in log.inspect().troubles] == [1, 3]


def test_seals_that_changed_places_are_found(log: Log) -> None:
    log.seals.reverse()
    assert log.inspect().troubles


@pytest.mark.parametrize("name", ["day", "why", "count", "first", "last", "at", "previous", "last_sequence", "key"])
def test_a_changed_seal_is_found(log: Log, name: str) -> None:
    told = json.loads(log.seals[0])
    told[name] = told[name] + 1 if isinstance(told[name], int) else told[name][:-1] + "~"
    log.seals[0] = json.dumps(told, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    assert any("seal 1" in trouble.text for trouble in log.inspect().troubles)


def test_a_torn_seal_that_was_made_again_is_noted_and_does_no_harm(log: Log) -> None:
    log.seals.insert(1, log.seals[1][:40] + b"\n")
    found = log.inspect()
    assert found.troubles == []
    assert "seal 2 is no seal" in found.notes[0]


@pytest.mark.parametrize("head", [None, b"", b"{}", b"\xff" * 512])
def test_a_head_that_is_missing_or_damaged_is_found(log: Log, head: bytes | None) -> None:
    log.head = head
    assert log.inspect().troubles


def test_an_end_cut_off_under_a_head_without_a_signature_is_found(log: Log) -> None:
    del log.lines[5:]
    log.head = Head.of(log.records[4]).to_line().encode()
    assert ["not signed" in trouble.text for trouble in log.inspect().troubles] == [True]


def test_a_log_made_anew_without_any_signature_is_found(log: Log) -> None:
    log.seals.clear()
    alone = AuditChain().append("eve", "listen", at=MONDAY, subject="other", reason="complaint")
    log.lines, log.head = [alone.to_line().encode() + b"\n"], Head.of(alone).to_line().encode()
    assert ["not signed" in trouble.text for trouble in log.inspect().troubles] == [True]


def test_a_head_is_one_disk_sector() -> None:
    assert len(Log().head or b"") == HEAD_BYTES


def test_records_newer_than_the_head_are_noted(log: Log) -> None:
    log.head = Head.of(log.records[4], KEY, sign).to_line().encode()
    found = log.inspect()
    assert found.troubles == []
    assert "1 records are newer" in found.notes[0]


def torn(log: Log, fragment: bytes, **changes: str) -> None:
    fields = {"action": TORN, "subject": torn_subject(fragment), "reason": "", **changes}
    record = AuditChain(log.records[-1]).append(SWITCH, at=MONDAY + timedelta(hours=41), **fields)
    log.lines += [fragment, record.to_line().encode() + b"\n"]
    log.head = Head.of(record, KEY, sign).to_line().encode()


def test_a_torn_line_that_is_told_of_is_no_trouble_and_is_counted(log: Log) -> None:
    torn(log, b'{"action":"li\n')
    found = log.inspect()
    assert (found.troubles, found.torn, found.records) == ([], 1, 7)


@pytest.mark.parametrize("changes", [{"action": "listen"}, {"subject": torn_subject(b"another\n")}])
def test_a_line_that_is_no_record_and_not_told_of_is_found(log: Log, changes: dict[str, str]) -> None:
    torn(log, b'{"action":"li\n', **changes)
    assert log.lines_in_trouble() == [7]


def test_a_torn_line_that_was_changed_later_is_found(log: Log) -> None:
    torn(log, b'{"action":"li\n')
    log.lines[6] = b'{"action":"l!\n'
    assert log.lines_in_trouble() == [7]


def test_junk_at_the_end_is_found_and_a_line_that_is_still_torn_is_noted(log: Log) -> None:
    log.lines.append(b"junk\n")
    assert log.lines_in_trouble() == [7]
    log.lines[-1] = b'{"action"'
    found = log.inspect()
    assert found.troubles == []
    assert "line 7" in found.notes[0]


def test_a_shortened_log_that_went_on_says_so_for_good(log: Log) -> None:
    record = AuditChain(log.records[-1]).append(SWITCH, CUT, at=MONDAY + timedelta(hours=41), subject="record 9")
    log.lines.append(record.to_line().encode() + b"\n")
    log.head = Head.of(record, KEY, sign).to_line().encode()
    assert log.lines_in_trouble() == [7]


def test_an_anchor_that_is_no_longer_there_is_found(log: Log) -> None:
    assert log.inspect(anchor="00" * 32).troubles


@pytest.mark.parametrize("line", [b"[" * 100_000 + b"\n", b"\xff\n", b"null\n", b'{"sequence":1}\n', b"\n"])
def test_lines_that_are_nothing_are_found_and_break_nothing(log: Log, line: bytes) -> None:
    log.lines.insert(2, line)
    assert 3 in log.lines_in_trouble()


def test_a_field_of_the_wrong_kind_makes_no_record() -> None:
    told = json.loads(Log().lines[0]) | {"sequence": True}
    with pytest.raises(Exception, match="wrong kind"):
        AuditRecord.from_line(json.dumps(told))


def test_the_digest_is_what_the_document_says(log: Log) -> None:
    told = json.loads(log.lines[1])
    order = ("sequence", "at", "actor", "action", "subject", "reason", "previous")
    assert told["digest"] == sha256(json.dumps([told[k] for k in order], separators=(",", ":")).encode()).hexdigest()
