"""A trunk's state as people read it: on the wallboard, in the administrator's step, and as an interlock's reason."""

from typing import NamedTuple


class Words(NamedTuple):
    short: str
    tone: str
    long: str
    """What it means, and what to do where something is wrong."""


_WORDS = {
    "registered": Words("registered", "ready", "the carrier knows where we are, and takes calls"),
    "static": Words("ready", "ready", "the carrier asks for no registration: it knows this site by its address"),
    "unregistered": Words("not registered", "alert", "the carrier has not answered yet"),
    "unreachable": Words("does not answer", "alert", "none of the carrier's servers answers, or all ask for a pause"),
    "unresolved": Words("not found", "alert", "DNS does not say where the carrier is: is the host's name right?"),
}
"""By `ua.accounts.AccountState`."""
_LOGIN = "the carrier refuses user name or password: type both again"
_REFUSED = {
    401: _LOGIN,
    403: "the carrier refuses this account: user name or password is wrong, or the account is barred",
    404: "the carrier does not know this user name",
    407: _LOGIN,
}  # RFC 3261 §21.4, and what registrars make of it
_NOBODY = "nobody answers there: are host, port and transport right, and does the firewall let SIP through?"


def words_of(state: str, refusal: int = 0) -> Words:
    """refusal: the SIP status by which its registration failed last, 408 where nobody answered; 0: it has not."""
    if state != "unregistered" or not refusal:
        return _WORDS.get(state, Words(state, "alert", ""))
    if refusal == 408:
        return Words("does not answer", "alert", _NOBODY)
    if refusal in _REFUSED:
        return Words("refused", "alert", _REFUSED[refusal])
    return Words("not registered", "alert", f"the carrier answers the registration by {refusal}: ask it why")
