from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from softswitch.calls.outcome import Outcome
from softswitch.dialler import recycle
from softswitch.dialler.attempt import Disposition
from softswitch.dialler.campaign import RecycleRule
from softswitch.dialler.lead import LeadState
from tests.dialler.desk import CAMPAIGN, NOON, lead


def after(disposition, campaign=CAMPAIGN, one=None, **more):
    return recycle.after(one or lead(1), disposition, campaign, NOON, np.random.default_rng(3), **more)


@pytest.mark.parametrize("disposition", Disposition)
def test_every_disposition_leaves_the_lead_in_a_state_of_rest(disposition):
    one = after(disposition)
    assert one.state in (LeadState.DONE, LeadState.WAITING, LeadState.CALLBACK, LeadState.SUPPRESSED)
    assert (one.not_before is not None) == (one.state in (LeadState.WAITING, LeadState.CALLBACK))
    assert one.last_outcome == disposition


@pytest.mark.parametrize("final", ["completed", "refusal", "wrong-number", "connected", "refused", "invalid-number"])
def test_what_says_all_there_is_to_say_ends_the_lead(final):
    assert after(Disposition(final)).state is LeadState.DONE


def test_a_rule_counts_the_attempts_that_ended_so_and_no_others():
    one = lead(1)
    for disposition in (Disposition.BUSY, Disposition.NO_ANSWER, Disposition.BUSY, Disposition.BUSY):
        one = after(disposition, one=one)
        assert one.state is LeadState.WAITING
    assert after(Disposition.BUSY, one=one).state is LeadState.DONE


def test_the_maximum_of_attempts_ends_the_lead_whatever_the_rule():
    one = lead(1, attempts=CAMPAIGN.maximum_attempts - 1)
    assert after(Disposition.FAILED, one=one).state is LeadState.DONE


def test_the_campaigns_own_rule_wins():
    campaign = replace(CAMPAIGN, recycle={"refused": RecycleRule(60.0, 2)})
    assert after(Disposition.REFUSED, campaign).not_before == NOON + timedelta(minutes=1)


def test_no_rule_shortens_a_lock_out():
    campaign = replace(CAMPAIGN, recycle={"abandoned": RecycleRule(60.0, 9), "machine": RecycleRule(60.0, 9)})
    assert after(Disposition.ABANDONED, campaign).not_before == NOON + timedelta(hours=72)
    assert after(Disposition.MACHINE, campaign).not_before == NOON + timedelta(hours=24)


def test_a_callback_keeps_its_moment_also_where_the_call_was_abandoned_before_its_agent_came():
    due = NOON + timedelta(hours=2)
    assert after(Disposition.CALLBACK, callback_at=due).not_before == due
    assert after(Disposition.CALLBACK, callback_at=due, abandoned=True).not_before == due  # an agent is guaranteed


def test_retries_are_spread_and_never_early():
    waits = {after(Disposition.NO_ANSWER, spread=0.1).not_before - NOON}
    assert all(timedelta(hours=4) <= wait <= timedelta(hours=4.4) for wait in waits)


def test_a_blocked_attempt_is_none():
    assert after(Disposition.BLOCKED).attempts == 0


def test_a_rule_of_its_own_for_a_sip_status_comes_before_that_of_the_outcome(open_desk):
    rules = {"failed": RecycleRule(600.0, 3), "failed-503": RecycleRule(60.0, 3), "failed-501": RecycleRule(60.0, 1)}
    of_status = {503: 60.0, 500: 600.0}
    for status, wait_s in of_status.items():
        one = after(Disposition.FAILED, replace(CAMPAIGN, recycle=rules), sip_status=status)
        assert one.not_before == NOON + timedelta(seconds=wait_s)
    desk = open_desk(lead(1), recycle=rules)
    desk.agent("ada")
    desk.fail(desk.dial(), Outcome.FAILED, 501)
    assert desk.last_lead().state is LeadState.DONE
