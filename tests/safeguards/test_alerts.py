"""What a supervisor is warned of, each thing once, on a clock of the test's own."""

from dataclasses import replace

import pytest

from softswitch.errors import UsageError
from softswitch.safeguards.alerts import MOST, AlertKind, Alerts, Moment, Thresholds

QUIET = Moment("c-1", "101", in_call_s=5.0, silence_s=0.0, overlap_s=0.0, agent_talk_s=0.0, node="age")


def kinds(alerts: Alerts) -> list[str]:
    found = []
    while (event := alerts.next_event()) is not None:
        found.append(event.kind.value)
    return found


@pytest.mark.parametrize(
    ("seen", "kind"),
    [
        ({"silence_s": 10.0}, AlertKind.SILENCE),
        ({"overlap_s": 4.0}, AlertKind.OVERLAP),
        ({"in_call_s": 120.0, "untold": ("who calls",)}, AlertKind.UNTOLD),
        ({"ended_s": 30.0, "node": ""}, AlertKind.AFTER_END),
    ],
)
def test_what_lasts_as_long_as_its_threshold_is_raised_once(seen: dict[str, object], kind: AlertKind) -> None:
    alerts = Alerts()
    field, value = next(iter(seen.items()))
    alerts.receive(replace(QUIET, **{**seen, field: value - 0.1}), 1.0)  # type: ignore[arg-type, operator]
    assert kinds(alerts) == []
    for second in range(3):
        alerts.receive(replace(QUIET, **seen), 2.0 + second)  # type: ignore[arg-type]
    assert kinds(alerts) == [kind.value]
    assert [(each.agent, each.call_ref) for each in alerts.all()] == [("101", "c-1")]


def test_a_threshold_of_nought_warns_of_nothing() -> None:
    alerts = Alerts(Thresholds(0, 0, 0, 0, 0))
    loud = replace(QUIET, silence_s=900.0, overlap_s=900.0, in_call_s=900.0, untold=("who calls",), is_silent=True)
    alerts.receive(loud, 1.0)
    alerts.receive(replace(loud, agent_talk_s=900.0), 2.0)
    alerts.receive(replace(loud, ended_s=900.0), 3.0)
    assert kinds(alerts) == []


def test_silence_that_comes_again_is_told_again() -> None:
    alerts = Alerts()
    for silence_s in (11.0, 12.0, 0.0, 11.0):
        alerts.receive(replace(QUIET, silence_s=silence_s), 1.0)
    assert kinds(alerts) == ["long silence", "long silence"]


def test_talk_counts_from_when_the_silent_node_was_come_to() -> None:
    alerts = Alerts()
    alerts.receive(replace(QUIET, agent_talk_s=40.0), 1.0)
    silent = replace(QUIET, node="types-code", is_silent=True)
    alerts.receive(replace(silent, agent_talk_s=40.5), 2.0)
    alerts.receive(replace(silent, agent_talk_s=42.0), 3.0)
    assert kinds(alerts) == []
    alerts.receive(replace(silent, agent_talk_s=42.6), 4.0)
    assert kinds(alerts) == ["talk at a silent node"]
    assert alerts.all()[0].node == "types-code"


def test_what_the_callee_must_be_told_is_named() -> None:
    alerts = Alerts()
    alerts.receive(replace(QUIET, in_call_s=130.0, untold=("who calls", "asked for consent")), 1.0)
    assert alerts.all()[0].told == "after 130 s not told: who calls, asked for consent"
    other = replace(QUIET, call_ref="c-2", in_call_s=130.0, untold=("who calls",), ended_s=1.0)
    alerts.receive(other, 2.0)  # a refusal on the door-step needs no recording notice
    assert len(alerts.all()) == 1


def test_an_alert_stands_after_its_call_until_a_supervisor_has_seen_it() -> None:
    alerts = Alerts()
    alerts.report(AlertKind.RECOGNISED, "101", "c-1", "told by 101", 1.0)
    alerts.report(AlertKind.RECOGNISED, "101", "c-1", "told by sue", 2.0)
    alerts.receive_over("c-1")
    (raised,) = alerts.all()
    assert (raised.told, raised.seen_by) == ("told by 101", "")
    assert alerts.see(raised.number, "sue").seen_by == "sue"
    assert alerts.see(raised.number, "tom").seen_by == "sue"
    with pytest.raises(KeyError):
        alerts.see(99, "sue")
    with pytest.raises(UsageError):
        alerts.see(raised.number, "")


def test_the_newest_alerts_are_kept_and_those_nobody_has_seen_before_others() -> None:
    alerts = Alerts()
    for number in range(MOST):
        alerts.report(AlertKind.TOO_FAST, "101", f"c-{number}", "", float(number))
    alerts.see(5, "sue")
    for number in range(2):
        alerts.report(AlertKind.TOO_FAST, "101", f"later-{number}", "", 1000.0)
    numbers = [each.number for each in alerts.all()]
    assert len(numbers) == MOST
    assert numbers[0] == MOST + 2
    assert 5 not in numbers and 1 not in numbers and 2 in numbers
