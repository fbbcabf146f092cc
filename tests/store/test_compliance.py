"""A day held against the rules, out of the store: each figure by itself, and all of them against the recount."""

import asyncio
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest

from softswitch.dialler.attempt import DialAttempt, Disposition
from softswitch.dialler.campaign import Campaign
from softswitch.dialler.detection import Truth
from softswitch.dialler.events import ReviewOffered
from softswitch.dialler.rules import UNITED_KINGDOM, UNITED_STATES, own_rules
from softswitch.store import reviews
from tests.recount import recount, tell

DAY = date(2027, 3, 10)
NOON = datetime(2027, 3, 10, 12, tzinfo=UTC)
CAMPAIGN = Campaign("survey", caller_id="+441134960000")
LONDON = "Europe/London"


class Day:
    """Calls of a store, one after the other, each made as a test says."""

    def __init__(self, store) -> None:
        self.store = store
        self.made = 0
        self._waiting: list[tuple[DialAttempt, DialAttempt]] = []

    def call(self, at: datetime = NOON, lead_ref: str = "", **what: float | str | bool) -> DialAttempt:
        """Moments are seconds after `at`; ended after 60 s unless said."""
        self.made += 1
        values: dict[str, object] = {"invited": 0.0, "ringing": 1.0, "ended": 60.0, **what}
        moments = {}
        for name in ("invited", "ringing", "answered", "speech", "greeting_end", "bridged", "message", "ended"):
            seconds = values.pop(name, None)
            if seconds is not None:
                moments[f"{name}_at"] = at + timedelta(seconds=float(seconds))
        known = {k: values.pop(k) for k in ("caller_id", "time_zone", "guaranteed") if k in values}
        known = {"caller_id": "+441134960000", "time_zone": LONDON, **known}
        begun = DialAttempt(f"c{self.made}", lead_ref or f"lead{self.made}", "survey", "carrier", at, **known)
        self._waiting.append((begun, replace(begun, **moments, **values)))
        return self._waiting[-1][1]

    async def write(self) -> None:
        waiting, self._waiting = self._waiting, []
        await asyncio.gather(*(self.store.commit_attempt(begun) for begun, _ in waiting))
        await asyncio.gather(*(self.store.save_attempt(ended) for _, ended in waiting))

    async def report(self, rules=UNITED_KINGDOM, campaign=CAMPAIGN, day: date = DAY):
        await self.write()
        return await self.store.compliance_day(campaign, rules, day, LONDON)


@pytest.fixture
def on_a_day(with_store):
    def run(body) -> None:
        async def whole(store):
            await body(Day(store))

        with_store(whole)

    return run


CONNECTED = {"answered": 5.0, "speech": 5.4, "bridged": 5.5, "disposition": "connected", "outcome": "answered"}
ABANDONED = {"answered": 5.0, "abandoned": True, "disposition": "abandoned", "outcome": "answered"}


def test_a_good_day_keeps_every_rule_and_says_so(on_a_day) -> None:
    async def body(day):
        for _ in range(99):
            day.call(**CONNECTED)
        day.call(**ABANDONED, speech=5.3, message=6.9)
        day.call(answered=5.0, ended=5.9, disposition="hung-up", outcome="answered")
        day.call(ended=22.0, sip_status=487, outcome="no-answer", disposition="no-answer")
        report = await day.report()
        assert (report.dials, report.answers, report.live_answers) == (102, 101, 101)
        assert (report.connected, report.abandoned, report.hung_up, report.silent) == (99, 1, 1, 0)
        assert report.rate == report.rate_without_amd == pytest.approx(0.01)
        assert (report.message_in_time, report.message_late, report.message_missing) == (1, 0, 0)
        assert report.breaches == ()
        assert report.rules == "UK"

    on_a_day(body)


def test_the_two_clocks_are_shown_apart_and_the_stricter_one_decides(on_a_day) -> None:
    async def body(day):
        day.call(**ABANDONED, speech=6.5, bridged=7.4)  # late by the answer's, in time by the greeting's
        day.call(**ABANDONED, speech=4.9, bridged=6.95)  # a voice in early media: the other way round
        day.call(**ABANDONED, speech=5.2, bridged=8.0)
        day.call(**ABANDONED, message=6.8)  # nobody spoke: there is no greeting
        day.call(**ABANDONED, speech=6.0, ended=7.5)  # rang off before the second clock ran out
        report = await day.report()
        assert report.abandoned == 5
        assert report.abandoned_from_answer == 4
        assert report.abandoned_from_greeting == 2
        assert report.agent_late == 3
        assert report.message_missing == 1

    on_a_day(body)


def test_in_the_united_states_a_completed_greeting_has_the_clock_alone(on_a_day) -> None:
    async def body(day):
        day.call(**ABANDONED, speech=5.4, greeting_end=6.4, message=8.2)  # 1.8 s after its end, 3.2 s after the answer
        day.call(**ABANDONED, speech=5.4, greeting_end=6.4, message=8.6)
        day.call(**ABANDONED, speech=5.4, message=6.9)  # its end is not known: from the answer
        here, there = await day.report(), await day.report(UNITED_STATES)
        assert (here.message_in_time, here.message_late) == (1, 2)
        assert (there.message_in_time, there.message_late) == (2, 1)
        assert here.abandoned_from_answer == there.abandoned_from_answer == 3

    on_a_day(body)


def test_a_message_after_the_rules_end_is_late_and_none_at_all_is_a_silent_call(on_a_day) -> None:
    async def body(day):
        day.call(**ABANDONED, message=7.2)
        day.call(**ABANDONED, silent=True)
        report = await day.report()
        assert (report.message_late, report.message_missing, report.silent) == (1, 1, 1)
        assert "1 silent calls" in report.breaches
        assert "1 information messages too late" in report.breaches

    on_a_day(body)


def test_false_positives_are_measured_and_the_rate_is_shown_with_and_without_them(on_a_day) -> None:
    async def body(day):
        offers = []
        for n in range(200):
            made = day.call(
                answered=5.0, amd_acted=True, amd_verdict="MACHINE", amd_point="careful", disposition="machine"
            )
            offered = ReviewOffered(made.call_ref, "survey", DAY, n / 200, _finding(), "careful", "")
            offers.append(day.store.offer_review(offered))
        await asyncio.gather(*offers)
        for _ in range(100):
            day.call(**CONNECTED)
        report = await day.report()
        assert not report.false_positives_measured
        prior = report.false_positive_share
        assert report.rate == pytest.approx(200 * prior / (200 * prior + 100))
        draw = reviews.Draw(1.0, 10)
        truths = [Truth.PERSON] * 3 + [Truth.MACHINE] * 147
        judged = (day.store.judge(f"c{n}", truth, "reviewer", NOON, draw) for n, truth in enumerate(truths, 1))
        await asyncio.gather(*judged)
        report = await day.report()
        assert (report.reviewed, report.false_positives, report.false_positive_share) == (150, 3, 0.02)
        assert report.expected_false_positives == pytest.approx(4.0)
        assert report.rate_without_amd == 0.0
        assert report.rate == pytest.approx(4 / 104)
        low, high = report.false_positive_interval
        assert (low, high) == pytest.approx((0.00683, 0.05714), abs=1e-4)  # Wilson's interval of 3 in 150
        assert report.rate_interval[0] < report.rate < report.rate_interval[1]
        assert "abandoned-call rate 3.85%, over 3%" in report.breaches

    on_a_day(body)


def test_only_our_own_cancel_makes_a_ring_too_short(on_a_day) -> None:
    async def body(day):
        day.call(ended=15.5, sip_status=487, outcome="cancelled")
        day.call(ended=16.0, sip_status=487, outcome="no-answer")  # rang from 1.0: 15 s
        day.call(ended=9.0, sip_status=480, outcome="no-answer")  # the network gave up
        day.call(ended=9.0, ringing=None, sip_status=487, outcome="failed")
        report = await day.report()
        assert report.rings_cut_short == 1

    on_a_day(body)


def test_hours_are_the_callees_also_where_the_callee_lives_elsewhere(on_a_day) -> None:
    async def body(day):
        day.call(datetime(2027, 3, 10, 8, 59, 59, tzinfo=UTC))
        day.call(datetime(2027, 3, 10, 9, 0, tzinfo=UTC))
        day.call(datetime(2027, 3, 10, 20, 59, 59, tzinfo=UTC))
        day.call(datetime(2027, 3, 10, 21, 0, tzinfo=UTC))
        day.call(NOON, time_zone="America/New_York")  # seven in the morning there
        day.call(NOON, time_zone="")
        assert (await day.report()).outside_hours == 3
        assert (await day.report(UNITED_STATES)).outside_hours == 2
        own = replace(CAMPAIGN, opens=datetime(2027, 3, 10, 10).time(), weekdays=frozenset({0, 1}))
        assert (await day.report(own_rules(own), own)).outside_hours == 4
        assert (await day.report(campaign=own)).outside_own_hours == 6

    on_a_day(body)


def test_a_number_is_left_alone_whichever_lead_or_campaign_has_it(with_store, lead_file) -> None:
    async def body(store):
        day = Day(store)
        path = lead_file("number\n02079460123\n02079460124\n")
        for name in ("survey", "other"):
            await store.import_leads(path, name, country="GB", time_zone=LONDON)
        here = [lead.lead_ref async for lead in store.all_leads("survey")]
        there = [lead.lead_ref async for lead in store.all_leads("other")]
        before = NOON - timedelta(hours=71, minutes=59)
        first = day.call(before, there[0], **ABANDONED, message=6.0)
        await day.write()
        await store.save_attempt(replace(first, campaign="other"))
        day.call(NOON - timedelta(hours=25), here[1], answered=5.0, amd_acted=True, amd_verdict="MACHINE")
        day.call(NOON, here[0])
        day.call(NOON, here[0], guaranteed=True)
        day.call(NOON, here[1])
        report = await day.report()
        assert (report.within_abandoned_lock, report.within_machine_lock) == (1, 0)
        day.call(NOON + timedelta(minutes=3), here[0])
        day.call(NOON - timedelta(hours=22), here[1], answered=5.0, amd_acted=True, amd_verdict="MACHINE")
        report = await day.report()
        assert (report.within_abandoned_lock, report.within_machine_lock) == (1, 1)
        assert (await day.report(UNITED_STATES)).within_abandoned_lock == 0

    with_store(body)


def test_a_call_without_a_caller_id_or_with_a_premium_one_is_told(on_a_day) -> None:
    async def body(day):
        day.call(caller_id="")
        day.call(caller_id="+449098790000")
        report = await day.report()
        assert (report.without_caller_id, report.premium_caller_id) == (1, 1)

    on_a_day(body)


def test_the_american_limit_is_taken_over_thirty_days(on_a_day) -> None:
    async def body(day):
        for back in (0, 5, 29, 30):
            at = NOON - timedelta(days=back)
            for _ in range(10):
                day.call(at, **CONNECTED)
            if back in (5, 30):
                day.call(at, **ABANDONED, message=6.0)
        report = await day.report(UNITED_STATES)
        assert report.rate == 0.0
        assert report.period_days == 30
        assert report.period_rate == pytest.approx(1 / 31)
        assert report.breaches == ("abandoned-call rate 3.23%, over 3%",)

    on_a_day(body)


@pytest.mark.parametrize("day", [DAY, date(2027, 3, 28), date(2026, 10, 25)])  # an ordinary one, and both clock changes
def test_the_report_equals_a_recount_from_the_journal(on_a_day, day: date) -> None:
    rng = Random(day.toordinal())
    first = datetime.combine(day, datetime.min.time(), UTC) - timedelta(hours=30)
    dispositions = [each.value for each in Disposition]

    async def body(that):
        for _ in range(250):
            at = first + timedelta(seconds=rng.uniform(0, 60 * 3600))
            what: dict[str, object] = {"ended": rng.uniform(5, 90), "sip_status": rng.choice((487, 486, 480, 200))}
            if rng.random() < 0.7:
                what["answered"] = rng.uniform(1, 5)
                for name in ("speech", "bridged", "message"):
                    if rng.random() < 0.5:
                        what[name] = what["answered"] + rng.uniform(-0.5, 3)
                what |= {name: rng.random() < 0.3 for name in ("abandoned", "silent", "amd_acted")}
                what["amd_verdict"] = rng.choice(("", "HUMAN", "TONE", "MACHINE"))
                what["disposition"] = rng.choice(dispositions)
            what["guaranteed"] = rng.random() < 0.1
            what["time_zone"] = rng.choice(("", LONDON, "America/New_York"))
            what["caller_id"] = rng.choice(("", "+441134960000"))
            that.call(at, f"lead{rng.randrange(60)}", **what)
        await that.write()
        entries = [entry async for entry in that.store.journal()]
        counted = recount(tell(entries), "survey", day, LONDON, {})
        report = asdict(await that.report(day=day))
        assert counted == {name: report[name] for name in counted}
        assert {"abandoned", "within_machine_lock", "message_late", "rings_cut_short"} <= counted.keys()
        assert report["dials"] > 60

    on_a_day(body)


def _finding():
    from softswitch.amd.verdict import Cause, Verdict
    from softswitch.dialler.detection import Finding

    return Finding(Verdict.MACHINE, Cause.BEEP, 900, 0.9)


def test_a_lock_of_the_campaign_s_own_that_is_longer_is_held_against_all_of_it(on_a_day) -> None:
    async def body(day):
        day.call(NOON - timedelta(hours=99), "somebody", **ABANDONED, message=6.0)
        day.call(NOON, "somebody")
        own = replace(CAMPAIGN, abandoned_lock_s=100 * 3600.0)
        assert (await day.report(own_rules(own), own)).within_abandoned_lock == 1
        assert (await day.report()).within_abandoned_lock == 0

    on_a_day(body)


def test_a_switch_that_starts_knows_which_numbers_rest_and_since_when(with_store, lead_file) -> None:
    async def body(store):
        report = await store.import_leads(
            lead_file("number\n0207946 0001\n0207946 0002\n"), "survey", country="GB", time_zone=LONDON
        )
        assert report.accepted == 2
        leads = sorted(await store.next_leads("survey", 2, NOON), key=lambda one: one.number)
        day = Day(store)
        day.call(lead_ref=leads[0].lead_ref, **ABANDONED)
        day.call(lead_ref=leads[1].lead_ref, **CONNECTED)
        await day.write()
        (rested,) = await store.rested(NOON - timedelta(hours=72), NOON + timedelta(hours=1))
        assert (rested.number, rested.abandoned) == (store.digest("+442079460001"), True)
        assert rested.ended_at == NOON + timedelta(seconds=60)
        assert not await store.rested(NOON + timedelta(hours=72), NOON + timedelta(hours=80))

    with_store(body)
