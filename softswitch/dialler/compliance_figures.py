"""The figures of a day that was held against the rules, as people and spreadsheets read them. Pure."""

from collections.abc import Sequence
from dataclasses import asdict

from softswitch.dialler.compliance import ComplianceDay


def rows_of(days: Sequence[ComplianceDay]) -> list[list[object]]:
    """A header, and a line for each campaign; nothing where there is none."""
    flat = [_flat(each) for each in days]
    return [list(flat[0]), *(list(each.values()) for each in flat)] if flat else []


def _flat(each: ComplianceDay) -> dict[str, object]:
    """Intervals in two columns."""
    flat: dict[str, object] = {}
    for name, value in asdict(each).items():
        if isinstance(value, tuple):
            flat |= {f"{name}_low": value[0], f"{name}_high": value[1]}
        else:
            flat[name] = value
    return {**flat, "breaches": "; ".join(each.breaches)}


def lines_of(each: ComplianceDay) -> list[tuple[str, str]]:
    """What, and its figure. The letters are those of the rules of dialling."""
    origin = f"measured on {each.reviewed}" if each.false_positives_measured else "prior, until 100 are reviewed"
    period = f"over {each.period_days} days" if each.period_days > 1 else "of the day"
    return [
        ("dials", str(each.dials)),
        ("answers", str(each.answers)),
        ("live answers", str(each.live_answers)),
        ("connected to an agent in time (L)", str(each.connected)),
        ("abandoned, by the stricter clock (A)", str(each.abandoned)),
        ("  by the clock from the answer", str(each.abandoned_from_answer)),
        ("  by the clock from the greeting", str(each.abandoned_from_greeting)),
        ("silent", str(each.silent)),
        ("hung up before anybody was due", str(each.hung_up)),
        ("ended by a verdict", str(each.ended_by_amd)),
        ("machines met by agents (M)", str(each.machines_with_agents)),
        (f"false positives ({origin})", f"{each.false_positive_share:.2%}, {interval(each.false_positive_interval)}"),
        ("  expected (F)", f"{each.expected_false_positives:.2f}"),
        ("abandoned-call rate, A / (A + L)", f"{each.rate_without_amd:.2%}"),
        ("  with false positives, (A + F) / (A + F + L)", f"{each.rate:.2%}, {interval(each.rate_interval)}"),
        ("  less machines, A' / (A' + L)", f"{each.rate_less_machines:.2%}"),
        (f"  {period}; limit {each.limit:.0%}", f"{each.period_rate:.2%}"),
        ("information message in time, late, missing", _three(each)),
        ("agent heard late", str(each.agent_late)),
        ("rings cut short", str(each.rings_cut_short)),
        ("outside the rules' hours, the campaign's own", f"{each.outside_hours}, {each.outside_own_hours}"),
        ("within a lock of 72 h, of 24 h", f"{each.within_abandoned_lock}, {each.within_machine_lock}"),
        ("without caller id, with a premium one", f"{each.without_caller_id}, {each.premium_caller_id}"),
    ]


def _three(each: ComplianceDay) -> str:
    return f"{each.message_in_time}, {each.message_late}, {each.message_missing}"


def interval(bounds: tuple[float, float]) -> str:
    """A confidence interval of a share."""
    return f"{bounds[0]:.2%} to {bounds[1]:.2%}"
