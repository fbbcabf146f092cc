"""The audit log's chain, followed by a reader of the tests' own; `safeguards.audit_inspection` is the product's."""

from collections.abc import Iterable

from softswitch.safeguards.audit import GENESIS, AuditRecord


def first_broken(records: Iterable[AuditRecord], *, after: AuditRecord | None = None) -> int | None:
    """The sequence number at which the chain breaks (changed, removed, added or reordered there), or None if it holds.

    What was cut off at the end cannot be seen from the chain; head and seals show it (`audit_inspection`).
    """
    sequence, previous = (after.sequence, after.digest) if after is not None else (0, GENESIS)
    for record in records:
        sequence += 1
        if record.sequence != sequence or record.previous != previous or not record.is_consistent:
            return sequence
        previous = record.digest
    return None
