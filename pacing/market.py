"""Who is called and who calls: the parameters of a simulated market, and the table that a kernel reads."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from math import inf

import numpy as np

from softswitch.errors import UsageError

MOST_AGENTS = 1000
LONGEST_DAY_S = 86400.0
LEAST_SETUP_S = 0.1
"""Calls that failed in no time would be dialled again for ever, and no time would pass."""
MOST_SPREAD = 100.0
"""Of a coefficient of variation or a standard deviation; beyond, times are no numbers any more."""
MOST_S = 1e9
MOST_PARTS = 48
"""Of a day, each with its answer rate."""


@dataclass(frozen=True, slots=True)
class Market:
    """One day of one campaign. The defaults are the reference market that published figures refer to."""

    agents: int = 10
    day_s: float = 8 * 3600.0
    answer_rate: float = 0.2
    """P(any answer) of a call, people and machines: the answer-seizure ratio (ITU-T E.411). Calls that fail are never
    answered, whatever this says."""
    machine_share: float = 0.3
    """Of answers."""
    failure_share: float = 0.06
    """Of calls: they end at set-up, and are among those that nobody answers."""
    setup_mean_s: float = 2.5
    setup_cv: float = 0.4
    people_answer_mean_s: float = 9.5
    people_answer_cv: float = 0.55
    machine_answer_mean_s: float = 15.0
    machine_answer_cv: float = 0.25
    no_answer_s: float = 22.0
    amd_s: float = 1.5
    """From the answer to the verdict."""
    amd_false_positive_share: float = 0.02
    """People taken for machines; they are lost, and are not counted in the overflow."""
    patience_s: float = 2.0
    talk_mean_s: float = 120.0
    short_talk_share: float = 0.4
    short_talk_mean_s: float = 25.0
    """Exponential; the other talks are log-normal with `long_talk_cv`."""
    long_talk_cv: float = 0.8
    wrap_up_mean_s: float = 15.0
    """Erlang-2; 0: no wrap-up."""
    break_every_s: float = 55 * 60.0
    break_s: float = 360.0
    log_in_spread_s: float = 900.0
    rate_drift_sd: float = 0.2
    """Of the answer rate's logit, an Ornstein-Uhlenbeck process."""
    rate_drift_s: float = 45 * 60.0
    rate_jump_sd: float = 0.35
    rate_jump_every_s: float = 2 * 3600.0
    talk_drift_sd: float = 0.12
    """Of the mean talk's logarithm."""
    talk_drift_s: float = 3600.0
    answer_rate_factors: tuple[float, ...] = ()
    """If given, the day has so many equal parts, and the answer rate of each is `answer_rate` times its factor."""
    outage_every_s: float = 0.0
    outage_s: float = 0.0
    """The trunk fails every call in the last `outage_s` of each `outage_every_s`; 0: it never does."""
    channels: int = 10_000
    abandoned_target: float = 0.03
    """The day's ceiling, which the published figures are for."""
    abandoned_limit: float = 1.0
    """A running rate over this stops dialling ahead; under 1, an unlucky morning is lost."""

    def __post_init__(self) -> None:
        """Raises UsageError for what cannot be."""
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "answer_rate_factors":
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < inf:
                raise UsageError(f"{field.name} must be a number, zero or more, not {value!r}")
            if value > MOST_S or (field.name.endswith(("_cv", "_sd")) and value > MOST_SPREAD):
                raise UsageError(f"{field.name} is beyond all reason")
        if not isinstance(self.agents, int) or not 1 <= self.agents <= MOST_AGENTS:
            raise UsageError(f"a market needs 1 to {MOST_AGENTS} agents, a whole number")
        if self.day_s > LONGEST_DAY_S:
            raise UsageError("day_s: a day has 86400 seconds at most")
        if self.setup_mean_s < LEAST_SETUP_S:
            raise UsageError(f"setup_mean_s must be {LEAST_SETUP_S} or more")
        for name in (
            "machine_share", "failure_share", "amd_false_positive_share", "short_talk_share", "abandoned_target",
            "abandoned_limit",
        ):  # fmt: skip
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise UsageError(f"{name} is a share: it must lie between 0 and 1")
        if not 0.0 < self.answer_rate < 1.0:
            raise UsageError("answer_rate must lie between 0 and 1")
        self._check_factors()
        if self.abandoned_target > self.abandoned_limit:
            raise UsageError("abandoned_target must not lie over abandoned_limit")
        for name in (
            "day_s", "people_answer_mean_s", "machine_answer_mean_s", "no_answer_s", "patience_s", "talk_mean_s",
            "break_every_s", "rate_drift_s", "rate_jump_every_s", "talk_drift_s",
        ):  # fmt: skip
            if not getattr(self, name) > 0.0:
                raise UsageError(f"{name} must be more than 0")
        if self.short_talk_share < 1.0 and self.short_talk_share * self.short_talk_mean_s >= self.talk_mean_s:
            raise UsageError("short talks alone are longer than talk_mean_s: no mean is left for the others")

    def _check_factors(self) -> None:
        factors = self.answer_rate_factors
        if not isinstance(factors, tuple) or len(factors) > MOST_PARTS:
            raise UsageError(f"answer_rate_factors must be a list of {MOST_PARTS} numbers at most")
        for factor in factors:
            if isinstance(factor, bool) or not isinstance(factor, int | float) or not 0.0 < factor <= MOST_S:
                raise UsageError(f"answer_rate_factors must be numbers over 0, not {factor!r}")
            if not 0.0 < self.answer_rate * factor < 1.0:
                raise UsageError("answer_rate_factors: each answer rate must lie between 0 and 1")

    @classmethod
    def from_mapping(cls, values: Mapping[str, object]) -> "Market":
        """From a TOML table. Raises UsageError for a name that is not a market's."""
        known = {field.name for field in fields(cls)}
        for name in values:
            if name not in known:
                raise UsageError(f"{name} is no market parameter; known are {', '.join(sorted(known))}")
        given = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
        return cls(**given)  # type: ignore[arg-type]

    def as_record(self) -> np.ndarray:
        """(1,) of float64 fields by the same names; each part of the day has its answer rate, and is `part_s` long."""
        record = np.zeros(1, dtype=MARKET)
        for name in SCALARS:
            record[name] = getattr(self, name)
        rates = [self.answer_rate * factor for factor in self.answer_rate_factors or (1.0,)]
        record["part_s"] = self.day_s / len(rates)
        record["rates"][0] = rates[-1]
        record["rates"][0, : len(rates)] = rates
        return record


SCALARS = [field.name for field in fields(Market) if field.name != "answer_rate_factors"]
MARKET = np.dtype([(name, "f8") for name in [*SCALARS, "part_s"]] + [("rates", "f8", (MOST_PARTS,))])


def describe(market: Market) -> dict[str, object]:
    """The market's parameters by name."""
    return asdict(market)
