"""Which lines are SRTP: what the site says of its trunks and phones, applied to one call."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from softswitch.calls.events import CallOffered, Origin
from softswitch.config import Settings
from softswitch.sdp.crypto import OwnKeys, SrtpUse


@dataclass(frozen=True, slots=True)
class LineSecurity:
    """What one line starts with."""

    keys: OwnKeys | None = None
    """Ours; None where SRTP is off."""
    secure: bool = False
    """It offers SRTP and nothing else."""


@dataclass(frozen=True, slots=True)
class SrtpRules:
    """The site's rules. Trunks that nothing is said of, and phones where nothing is, are plain."""

    phones: SrtpUse = SrtpUse.OFF
    trunks: Mapping[str, SrtpUse] = field(default_factory=dict)
    trunks_by_tls: frozenset[str] = frozenset()
    random_bytes: Callable[[int], bytes] = secrets.token_bytes

    def for_trunk(self, name: str) -> LineSecurity:
        """A call that we place on a trunk. Where SRTP is optional it is offered over TLS: elsewhere the key could be
        read by whoever can listen."""
        use = self._trunk(name)
        return self._line(use, offers=use is SrtpUse.REQUIRED or name in self.trunks_by_tls)

    def for_phone(self, is_by_tls: Callable[[], bool]) -> LineSecurity:
        """An agent's phone that we ring. is_by_tls: whether it is reached over TLS; asked where it matters."""
        return self._line(
            self.phones, offers=self.phones is SrtpUse.REQUIRED or (self.phones is SrtpUse.OPTIONAL and is_by_tls())
        )

    def for_caller(self, call: CallOffered) -> LineSecurity:
        """A call that comes in."""
        use = self.phones if call.origin is Origin.PHONE else self._trunk(call.source)
        return self._line(use, offers=use is SrtpUse.REQUIRED)

    def alike(self, names: Sequence[str], security: LineSecurity) -> list[str]:
        """Those of the trunks that may be tried with the same offer."""
        refuses = SrtpUse.OFF if security.secure else SrtpUse.REQUIRED
        return [name for name in names if self._trunk(name) is not refuses]

    def _trunk(self, name: str) -> SrtpUse:
        return self.trunks.get(name, SrtpUse.OFF)

    def _line(self, use: SrtpUse, offers: bool) -> LineSecurity:
        if use is SrtpUse.OFF:
            return LineSecurity()
        return LineSecurity(OwnKeys(self.random_bytes), offers)


def srtp_rules(settings: Settings) -> SrtpRules:
    """As the configuration has them."""
    return SrtpRules(
        settings.sip.phone_srtp,
        {trunk.name: trunk.srtp for trunk in settings.trunks},
        frozenset(trunk.name for trunk in settings.trunks if trunk.transport == "tls"),
    )
