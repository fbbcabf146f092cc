"""A waiting caller presses a key, is rung off with a promise, and is called back when the place is reached."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from softswitch.dialler.agents import AgentState
from softswitch.dialler.callbacks import promised
from softswitch.dialler.lead import Lead
from softswitch.media.events import DigitPressed
from tests.exchange.calls.inbound_site import QUEUE, Site, played

OFFERS = replace(
    QUEUE, recording_notice="", callback_campaign="survey", prompt_callback="press-one", prompt_callback_kept="kept"
)


class Offers:
    """Keeps every promise, or none."""

    def __init__(self, site: Site, *, keeps: bool = True) -> None:
        self.site, self.keeps = site, keeps
        self.asked: list[tuple[str, str, str]] = []
        self.called: list[Lead] = []

    def take(
        self, campaign: str, queue: str, caller: str, kept: Callable[[Lead], None], refused: Callable[[], None]
    ) -> None:
        self.asked.append((campaign, queue, caller))
        lead = Lead(f"lead{len(self.asked)}", campaign, "+442079460123", "Europe/London")
        if self.keeps:
            kept(promised(lead, self.site.wall + timedelta(minutes=30), ""))
        else:
            refused()

    def due(self, lead: Lead) -> None:
        self.called.append(lead)


def opened(*, keeps: bool = True) -> tuple[Site, Offers]:
    site = Site(OFFERS)
    site.calls.kept_places.offers = offers = Offers(site, keeps=keeps)
    return site, offers


def press(site: Site, leg: int, digit: str = "1") -> None:
    site.lines.receive_media_event(DigitPressed(leg, site.now, digit, 120))


def test_who_presses_the_key_is_told_so_rung_off_and_called_back_when_an_agent_is_ready() -> None:
    site, offers = opened()
    leg = site.call()
    press(site, leg)
    assert offers.asked == [("survey", QUEUE.campaign, "")]
    assert played(site, leg)[-1] == ("kept", False)
    site.hear(leg)
    assert site.pool.hung_up == ["caller"]
    site.calls.serve(site.now)
    assert not offers.called  # nobody is ready
    site.seat()
    site.calls.serve(site.now)
    assert [lead.lead_ref for lead in offers.called] == ["lead1"]
    site.calls.serve(site.now)
    assert len(offers.called) == 1 and site.calls.waiting == 0


@pytest.mark.parametrize("digit", ["2", "#"])
def test_other_keys_mean_nothing(digit: str) -> None:
    site, offers = opened()
    press(site, site.call(), digit)
    assert not offers.asked


def test_where_it_cannot_be_promised_the_caller_waits_on_and_may_ask_again() -> None:
    site, offers = opened(keeps=False)
    leg = site.call()
    press(site, leg)
    press(site, leg)
    assert len(offers.asked) == 2 and site.calls.waiting == 1 and not site.pool.hung_up
    site.seat()
    site.calls.serve(site.now)
    assert site.board.state_of("1001") is AgentState.RESERVED


def test_whoever_waits_longer_is_served_before_the_one_who_is_called_back() -> None:
    site, offers = opened()
    site.call("earlier")
    site.now += 1.0
    press(site, site.call("later"))
    site.seat()
    site.calls.serve(site.now)
    assert site.board.state_of("1001") is AgentState.RESERVED and not offers.called


def test_a_place_that_is_reached_at_the_callback_s_own_moment_is_given_up_to_it() -> None:
    site, offers = opened()
    press(site, site.call())
    site.wall += timedelta(minutes=29, seconds=30)
    site.seat()
    site.calls.serve(site.now)
    assert not offers.called and site.calls.waiting == 0


def test_who_has_an_agent_asks_for_nothing() -> None:
    site, offers = opened()
    site.seat()
    press(site, site.call())
    assert not offers.asked
