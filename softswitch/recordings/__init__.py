"""Sealed recordings: a container that only the auditor can open, and the ledger that binds all of a site's together.

The format is told in docs/recording-format.md, so that anybody can write a reader.
"""
