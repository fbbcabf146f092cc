"""The audit log of a running site: signed, chained, and written before what it notes is done (docs/audit-log.md)."""
