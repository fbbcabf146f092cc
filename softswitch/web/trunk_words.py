"""A trunk's state as supervisors and administrators read it."""

from typing import NamedTuple


class Words(NamedTuple):
    short: str
    tone: str
    long: str


_WORDS = {
    "registered": Words("registered", "ready", "The carrier knows where we are, and takes calls."),
    "static": Words("ready", "ready", "The carrier asks for no registration: it knows this site by its address."),
    "unregistered": Words("not registered", "alert", "The carrier has not taken our registration; it is tried again."),
    "unreachable": Words("does not answer", "alert", "None of the carrier's servers answers, or all ask for a pause."),
    "unresolved": Words("not found", "alert", "DNS has not said yet where the carrier's servers are."),
}
"""By `ua.accounts.AccountState`."""


def words_of(state: str) -> Words:
    return _WORDS.get(state, Words(state, "alert", ""))
