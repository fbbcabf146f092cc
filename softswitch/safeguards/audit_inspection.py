"""The whole audit log looked at: chain, torn ends, head and seals. Pure: it is given what the files hold."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from softswitch.errors import UsageError
from softswitch.safeguards.audit import BEYOND, CUT, GENESIS, SWITCH, TORN, AuditRecord, torn_subject
from softswitch.safeguards.audit_seal import Fits, Head, Seal


@dataclass(frozen=True, slots=True, order=True)
class Trouble:
    """Something that is wrong, and where."""

    line: int
    """Of the log, from 1; 0 where it is about head or seals."""
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}" if self.line else self.text


@dataclass(slots=True)
class Inspection:
    """What looking at the whole log came to."""

    records: int = 0
    sealed: int = 0
    """Records that the seals hold."""
    seals: int = 0
    keys: list[str] = field(default_factory=list)
    """Public keys that have signed, in order."""
    digest: str = GENESIS
    """Of the last record: note it, to ask for it at a later inspection."""
    torn: int = 0
    """Lines that a crash cut off, and that are told of as they should be."""
    troubles: list[Trouble] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Place:
    line: int
    digest: str
    day: str


@dataclass(slots=True)
class _Places:
    """Where each record stands, by its sequence number."""

    by_sequence: dict[int, _Place] = field(default_factory=dict)
    last: int = 0
    """The highest sequence number."""
    next_line: int = 1
    """Where a line that was cut off the end would stand."""

    def __len__(self) -> int:
        return len(self.by_sequence)

    def add(self, sequence: int, place: _Place) -> None:
        self.by_sequence.setdefault(sequence, place)
        self.last = max(self.last, sequence)
        self.next_line = place.line + 1


def inspect(
    log: Iterable[bytes],
    seals: Iterable[bytes],
    head: bytes | None,
    fits: Fits,
    *,
    public_keys: Collection[str] = (),
    anchor: str = "",
) -> Inspection:
    """Everything that is wrong, by line.

    log, seals: lines with their ends; the last may have none.  head: None where there is no such file.
    public_keys: one of them must have signed; empty: whichever the files name.  anchor: a digest that must be in it.
    """
    found = Inspection()
    places = _chain(log, found, anchor)
    said = _head(head, places, found, fits, public_keys)
    signed = bool(said is not None and said.signature) or bool(public_keys)
    _seals(seals, places, found, fits, public_keys, signed=signed)
    if said is not None and not said.signature:  # each site has a key from its first start on
        found.troubles.append(Trouble(0, "the head is not signed: the site did not write it"))
    found.troubles.sort()
    return found


def _chain(log: Iterable[bytes], found: Inspection, anchor: str) -> _Places:
    """Each record's place; after a break the rest is taken as it is, so that one change is one trouble."""
    places = _Places()
    sequence, previous, span, span_line, number = 0, GENESIS, b"", 0, 0
    for number, raw in enumerate(log, 1):
        record = _record(raw)
        if record is None:
            span, span_line = span + raw, span_line or number
            continue
        if span:
            _torn(record, span, span_line, found)
            span, span_line = b"", 0
        sequence += 1
        trouble = _trouble(record, raw, sequence, previous)
        if trouble:
            found.troubles.append(Trouble(number, trouble))
        if record.actor == SWITCH and record.action == CUT:
            found.troubles.append(Trouble(number, f"records in front of it were cut off: {record.subject}"))
        if record.actor == SWITCH and record.action == BEYOND:
            found.notes.append(
                f"line {number}: {record.subject} were there without the head: a crash, or written by hand"
            )
        if record.sequence >= sequence:
            sequence, previous = record.sequence, record.digest
        else:  # put there: what comes next is asked to continue the line before it
            sequence -= 1
        places.add(record.sequence, _Place(number, record.digest, record.day))
    if span:
        if span.endswith(b"\n"):
            found.troubles.append(Trouble(span_line, "is no record"))
        else:
            found.notes.append(f"line {number}: a crash cut it off; the next start will tell of it")
            found.torn += 1
    found.records, found.digest = len(places), previous
    if anchor and all(place.digest != anchor for place in places.by_sequence.values()):
        found.troubles.append(Trouble(0, f"the record with the digest {anchor} is not in it any more"))
    return places


def _record(raw: bytes) -> AuditRecord | None:
    try:
        return AuditRecord.from_line(raw.decode("ascii")) if raw.endswith(b"\n") else None
    except (UsageError, UnicodeDecodeError):
        return None


def _torn(record: AuditRecord, span: bytes, line: int, found: Inspection) -> None:
    if (record.actor, record.action, record.subject) == (SWITCH, TORN, torn_subject(span)):
        found.torn += span.count(b"\n")
    else:
        found.troubles.append(Trouble(line, "is no record, and none behind it says that a crash tore it"))


def _trouble(record: AuditRecord, raw: bytes, sequence: int, previous: str) -> str:
    if not record.is_consistent:
        return "was changed: its digest does not fit"
    if raw.decode("ascii") != record.to_line() + "\n":
        return "was changed: it is not written as records are"
    if record.sequence > sequence:
        return f"record {sequence} is missing in front of it" + (
            f" (and all up to {record.sequence - 1})" if record.sequence > sequence + 1 else ""
        )
    if record.sequence < sequence:
        return f"record {record.sequence} stands here where {sequence} belongs: inserted or moved"
    if record.previous != previous:
        return "does not continue the line before: one of them was put there later"
    return ""


def _head(
    raw: bytes | None, places: _Places, found: Inspection, fits: Fits, public_keys: Collection[str]
) -> Head | None:
    if raw is None:
        if places:
            found.troubles.append(Trouble(0, "the head is missing: an end that was cut off could not be seen"))
        return None
    try:
        head = Head.from_line(raw.decode("ascii"))
    except (UsageError, UnicodeDecodeError):
        found.troubles.append(Trouble(0, "the head is damaged"))
        return None
    if head.signature or public_keys:
        if not fits(head.key, head.signature, head.message()):
            found.troubles.append(Trouble(0, "the head's signature is wrong: it was changed"))
        elif public_keys and head.key not in public_keys:
            found.troubles.append(Trouble(0, "the head was signed with a key that is none of those given"))
    place = places.by_sequence.get(head.count)
    if head.count > places.last:
        text = f"the end is cut off: record {places.last + 1} is missing"
        more = f", and all up to {head.count}" if head.count > places.last + 1 else ""
        found.troubles.append(Trouble(places.next_line, text + more))
    elif head.count < places.last:
        found.notes.append(f"{places.last - head.count} records are newer than the head: a crash, or written by hand")
    if place is not None and place.digest != head.digest:
        found.troubles.append(Trouble(place.line, f"record {head.count} is not the one that the head knows"))
    return head


def _seals(
    lines: Iterable[bytes],
    places: _Places,
    found: Inspection,
    fits: Fits,
    public_keys: Collection[str],
    *,
    signed: bool,
) -> None:
    done, previous = 0, GENESIS
    for number, raw in enumerate(lines, 1):
        try:
            seal = Seal.from_line(raw.decode("ascii"))
        except (UsageError, UnicodeDecodeError):
            found.notes.append(f"seal {number} is no seal: a crash tore it, or it was damaged")
            continue
        name = f"seal {number} ({seal.day})"
        found.seals += 1
        if seal.key not in found.keys:
            found.keys.append(seal.key)
        for text in _wrong(seal, raw, previous, done, fits, public_keys):
            found.troubles.append(Trouble(0, f"{name} {text}"))
        for sequence, digest in {seal.first_sequence: seal.first, seal.last_sequence: seal.last}.items():
            place = places.by_sequence.get(sequence)
            if place is None:
                found.troubles.append(Trouble(places.next_line, f"record {sequence} is missing: {name} has it"))
            elif place.digest != digest:
                found.troubles.append(Trouble(place.line, f"record {sequence} is not the one that {name} was set on"))
        done, previous = max(done, seal.last_sequence), sha256(raw.rstrip(b"\n")).hexdigest()
    found.sealed = sum(sequence <= done for sequence in places.by_sequence)
    if signed or found.seals:
        _unsealed(places, done, found)


def _wrong(seal: Seal, raw: bytes, previous: str, done: int, fits: Fits, public_keys: Collection[str]) -> Iterator[str]:
    if not fits(seal.key, seal.signature, seal.message()) or raw.decode("ascii").rstrip("\n") != seal.to_line():
        yield "has a wrong signature: it was changed"
    elif public_keys and seal.key not in public_keys:
        yield "was signed with a key that is none of those given"
    if seal.previous != previous:
        yield "does not follow the seal before it: one was removed, moved or put in"
    if seal.first_sequence != done + 1:
        yield f"begins with record {seal.first_sequence}, where {done + 1} was to be the next"
    if seal.count != seal.last_sequence - seal.first_sequence + 1:
        yield f"counts {seal.count} records, which are {seal.last_sequence - seal.first_sequence + 1}"


def _unsealed(places: _Places, done: int, found: Inspection) -> None:
    """Every day but the last that the log knows has its seal."""
    last = places.by_sequence.get(places.last)
    told: set[str] = set()
    for sequence, place in sorted(places.by_sequence.items()):
        if sequence > done and last is not None and place.day < last.day and place.day not in told:
            told.add(place.day)
            found.troubles.append(Trouble(place.line, f"from here on, {place.day} has no seal: it was removed"))
