"""Agents of several campaigns and queues: each is counted on once, fairly, and callers do not find them gone."""

from itertools import count
from math import inf

import numpy as np
import pytest

from softswitch.dialler.agents import AgentBoard, AgentState
from softswitch.dialler.blending import Blend, QueueNeeds
from softswitch.dialler.campaign import Policy
from softswitch.dialler.events import PlaceCall
from softswitch.dialler.locks import NumberLocks
from tests.dialler.desk import Desk, lead

QUEUE = "inbound-442079460999"


class Floor:
    """A board, a blend, and campaigns that always want agents unless they are told otherwise."""

    def __init__(self, *campaigns: str, agents: str = "abcdef", **weights: float) -> None:
        self.board, self.now = AgentBoard(), 0.0
        self.blend = Blend(self.board)
        self.resting: set[str] = set()
        for name in campaigns:
            self.blend.add_campaign(
                name, (), weights.get(name, 1.0), lambda name=name: 0 if name in self.resting else inf
            )
        self.wait: dict[str, int] = {}
        self.blend.waiting_in = lambda queue: self.wait.get(queue, 0)
        for order, agent in enumerate(agents):
            self.board.receive_state(agent, AgentState.READY, float(order))
        self.now = 100.0

    def talk(self, agent: str, campaign: str) -> None:
        call_ref = f"call-{agent}"
        assert self.board.reserve_longest_waiting(self.now, call_ref, campaign, (agent,)) == agent
        self.board.receive_connected(agent, call_ref, self.now)

    def ready_for(self, campaign: str) -> str:
        return "".join(sorted(self.blend.allotment(campaign, self.now).ready))

    def callers(self, number: int, every_s: float) -> None:
        for _ in range(number):
            self.now += every_s
            self.blend.receive_caller(QUEUE, self.now)


def test_each_ready_agent_is_counted_on_by_one_campaign_and_as_many_by_each() -> None:
    floor = Floor("one", "two")
    one, two = floor.ready_for("one"), floor.ready_for("two")
    assert (len(one), len(two)) == (3, 3) and sorted(one + two) == list("abcdef")


def test_a_campaign_of_twice_the_weight_has_twice_the_agents() -> None:
    floor = Floor("one", "two", one=2.0)
    assert (len(floor.ready_for("one")), len(floor.ready_for("two"))) == (4, 2)


def test_those_who_work_for_a_campaign_already_count_as_its_share() -> None:
    floor = Floor("one", "two")
    for agent in "ab":
        floor.talk(agent, "one")
    assert (len(floor.ready_for("one")), len(floor.ready_for("two"))) == (1, 3)


def test_a_campaign_with_nothing_to_dial_leaves_its_agents_to_the_others() -> None:
    floor = Floor("one", "two")
    floor.resting.add("one")
    assert (floor.ready_for("one"), floor.ready_for("two")) == ("", "abcdef")
    floor.now += 1.0
    floor.blend.add_campaign("two", (), 1.0, lambda: 1)  # it dials no more, and one call rings
    assert (floor.ready_for("one"), len(floor.ready_for("two"))) == ("", 1)
    floor.blend.add_campaign("two", (), 1.0, lambda: inf)
    floor.resting.clear()
    floor.now += 1.0  # told within a second
    assert len(floor.ready_for("one")) == 3


def test_whoever_can_work_for_one_campaign_only_is_not_taken_for_another() -> None:
    floor = Floor("all", agents="abc")
    floor.blend.add_campaign("few", ("a", "b"), 1.0, lambda: inf)
    assert floor.ready_for("few") in ("a", "b", "ab")
    assert "c" in floor.ready_for("all")
    assert not set(floor.ready_for("all")) & set(floor.ready_for("few"))


def test_every_waiting_caller_has_an_agent_whom_no_campaign_counts_on() -> None:
    floor = Floor("one")
    floor.blend.add_queue(QueueNeeds(QUEUE))
    floor.wait[QUEUE] = 2
    assert floor.ready_for("one") == "cdef"  # the two longest-waiting will be given the callers


def test_a_queue_s_skills_say_who_is_kept_for_it() -> None:
    floor = Floor("one")
    floor.blend.add_queue(QueueNeeds(QUEUE, agents=("e", "f")))
    floor.wait[QUEUE] = 3
    assert floor.ready_for("one") == "abcd"


def test_the_queue_of_higher_priority_is_served_first() -> None:
    floor = Floor("one", agents="ab")
    floor.blend.add_queue(QueueNeeds("low", agents=("a",), priority=0))
    floor.blend.add_queue(QueueNeeds("high", agents=("a", "b"), priority=5))
    floor.wait.update(low=1, high=1)
    assert floor.ready_for("one") == "b"  # "a" is the high queue's, and the low one waits for "a"


def test_traffic_takes_agents_out_of_the_pool_before_callers_wait() -> None:
    floor = Floor("one", agents="abcdefghij")
    floor.blend.add_queue(QueueNeeds(QUEUE, service_share=0.8, answer_within_s=20.0))
    assert len(floor.ready_for("one")) == 10
    floor.callers(40, every_s=60.0)  # a call a minute of three minutes each: three erlangs
    wanted = floor.blend.wanted_for(QUEUE, floor.now)
    assert 4 <= wanted <= 6
    assert len(floor.ready_for("one")) == 10 - wanted
    for agent in "abc":
        floor.talk(agent, QUEUE)
    assert len(floor.ready_for("one")) == 7 - max(wanted - 3, 0)
    floor.now += 4 * 3600.0
    assert floor.blend.wanted_for(QUEUE, floor.now) <= 1  # the rush is over


def test_where_too_few_are_ready_those_who_come_back_first_are_lent_to_the_queue() -> None:
    floor = Floor("one", agents="abc")
    floor.blend.add_queue(QueueNeeds(QUEUE))
    for agent in "abc":
        floor.talk(agent, "one")
    floor.board.receive_call_ended("b", "call-b", floor.now, wrap_up_s=30.0)
    floor.wait[QUEUE] = 1
    assert floor.blend.allotment("one", floor.now).lent == {"b"}
    floor.wait[QUEUE] = 2
    floor.now += 1.0
    assert floor.blend.allotment("one", floor.now).lent == {"a", "b"}


def test_longer_calls_need_more_agents() -> None:
    floor = Floor("one", agents="abcdefghij")
    floor.blend.add_queue(QueueNeeds(QUEUE, service_share=0.8))
    floor.callers(40, every_s=60.0)
    before = floor.blend.wanted_for(QUEUE, floor.now)
    for _ in range(40):
        floor.blend.receive_handled(QUEUE, 360.0)
    assert floor.blend.wanted_for(QUEUE, floor.now) > before


def test_a_queue_that_nobody_knows_is_ignored() -> None:
    floor = Floor("one")
    floor.blend.receive_caller("nobody", 1.0)
    floor.blend.receive_handled("nobody", 1.0)
    with pytest.raises(KeyError):
        floor.blend.allotment("nobody", 1.0)


# in the diallers


def two_desks(open_desk, policy: Policy) -> tuple[AgentBoard, Blend, list[Desk]]:
    from dataclasses import replace

    from softswitch.dialler.dialling import Dialler
    from softswitch.dialler.suppression import SuppressionList
    from tests.dialler.desk import CAMPAIGN, NOON

    board, locks = AgentBoard(), NumberLocks()
    blend, desks = Blend(board), []
    for which, name in enumerate(("one", "two")):
        refs = count(1)
        dialler = Dialler(
            replace(CAMPAIGN, name=name, policy=policy),
            suppression=SuppressionList(),
            rng=np.random.default_rng(7),
            new_ref=lambda refs=refs, name=name: f"{name}-call{next(refs)}",
            board=board,
            locks=locks,
            blend=blend,
        )
        leads = [lead(index, campaign=name, lead_ref=f"{name}{index}") for index in range(20 * which, 20 * which + 20)]
        desk = Desk(dialler, leads)
        dialler.set_wall(NOON, desk.now)
        dialler.receive_channels(30, desk.now)
        dialler.receive_interlocks(True, desk.now)
        dialler.start(desk.now)
        desk.settle()
        desks.append(desk)
    return board, blend, desks


def run(desks: list[Desk], seconds: float) -> None:
    for _ in range(int(seconds)):
        for desk in desks:
            desk.pass_time(1.0)


@pytest.mark.parametrize("policy", [Policy.PROGRESSIVE, Policy.GUARANTEED_AGENT, Policy.PREVIEW])
def test_two_campaigns_never_ring_two_people_for_one_agent(open_desk, policy: Policy) -> None:
    board, _, desks = two_desks(open_desk, policy)
    for agent in "abcd":
        board.receive_state(agent, AgentState.READY, 1000.0)
    run(desks, 5)
    begun = [len(list(desk.dialler.calls(desk.now))) for desk in desks]
    assert begun == [2, 2]


def test_a_caller_who_waits_finds_an_agent_for_whom_nothing_rings(open_desk) -> None:
    board, blend, desks = two_desks(open_desk, Policy.GUARANTEED_AGENT)
    blend.add_queue(QueueNeeds(QUEUE))
    blend.waiting_in = lambda queue: 1
    for agent in "abc":
        board.receive_state(agent, AgentState.READY, 1000.0)
    run(desks, 5)
    assert sum(len(desk.of(PlaceCall)) for desk in desks) == 2
    assert board.ready() == 1


def test_nothing_is_dialled_for_an_agent_whose_break_is_near(open_desk) -> None:
    desk = open_desk(*[lead(index) for index in range(9)])
    desk.dialler.board.expect_leave("ada", desk.now + 10.0)
    desk.agent("ada")
    desk.agent("bob")
    assert len(desk.of(PlaceCall)) == 1
    desk.dialler.board.expect_leave("ada", None)
    desk.pass_time(2)
    assert len(desk.of(PlaceCall)) == 2


def test_a_campaign_whose_leads_all_wait_for_a_retry_leaves_its_agents_to_the_others(open_desk) -> None:
    board, _, desks = two_desks(open_desk, Policy.PROGRESSIVE)
    desks[0].dialler.receive_lists_changed(desks[0].now)  # the source gives nobody again
    desks[0].dialler.receive_lead_totals(20, 20, desks[0].now)
    run(desks, 6)
    for agent in "abcd":
        board.receive_state(agent, AgentState.READY, 1000.0)
    run(desks, 5)
    assert [len(desk.dialler.calls(desk.now)) for desk in desks] == [0, 4]


def test_a_campaign_whose_callees_sleep_leaves_its_agents_to_the_others_until_they_wake(open_desk) -> None:
    board, _, desks = two_desks(open_desk, Policy.PROGRESSIVE)
    desks[0].dialler.receive_lists_changed(desks[0].now)
    night = [lead(index, campaign="one", lead_ref=f"one{index}", time_zone="Australia/Sydney") for index in range(9)]
    desks[0].source = night * 20
    run(desks, 6)
    for agent in "abcd":
        board.receive_state(agent, AgentState.READY, 1000.0)
    run(desks, 70)
    assert not desks[0].of(PlaceCall)
    assert len(desks[1].dialler.calls(desks[1].now)) == 4
