from softswitch.dialler.agents import AgentBoard, AgentChanged, AgentState


def board(*ready):
    made = AgentBoard()
    for at, name in enumerate(ready):
        made.receive_state(name, AgentState.READY, float(at))
    return made


def test_the_longest_waiting_agent_is_reserved():
    assert board("bob", "ada").reserve_longest_waiting(10, "call1") == "bob"


def test_an_agent_is_never_reserved_twice():
    one = board("ada")
    assert one.reserve_longest_waiting(10, "call1") == "ada"
    assert one.reserve_longest_waiting(10, "call2") is None


def test_a_reservation_that_comes_to_nothing_keeps_the_agents_place():
    one = board("bob", "ada")
    one.reserve_longest_waiting(10, "call1")
    one.release("bob", "call1", 11)
    assert one.reserve_longest_waiting(12, "call2") == "bob"


def test_after_a_call_the_agent_goes_to_the_end_of_the_line():
    one = board("bob", "ada")
    one.reserve_longest_waiting(10, "call1")
    one.receive_connected("bob", "call1", 10)
    one.receive_call_ended("bob", "call1", 20, wrap_up_s=0)
    assert one.reserve_longest_waiting(21, "call2") == "ada"


def test_wrap_up_ends_by_itself():
    one = board("ada")
    one.reserve_longest_waiting(0, "call1")
    one.receive_connected("ada", "call1", 0)
    one.receive_call_ended("ada", "call1", 60, wrap_up_s=15)
    assert one.next_timer() == 75
    one.handle_timer(75)
    assert one.state_of("ada") is AgentState.READY


def test_a_pause_asked_for_in_a_call_is_granted_after_the_wrap_up():
    one = board("ada")
    one.reserve_longest_waiting(0, "call1")
    one.receive_connected("ada", "call1", 0)
    one.receive_state("ada", AgentState.PAUSED, 5, "lunch")
    assert one.state_of("ada") is AgentState.IN_CALL
    one.receive_call_ended("ada", "call1", 60, wrap_up_s=15)
    one.receive_wrapped_up("ada", 63)
    assert one.state_of("ada") is AgentState.PAUSED
    assert one.figures(63)[0].code == "lunch"


def test_ready_takes_a_pause_that_was_asked_for_back():
    one = board("ada")
    one.reserve_longest_waiting(0, "call1")
    one.receive_connected("ada", "call1", 0)
    one.receive_state("ada", AgentState.PAUSED, 5, "lunch")
    one.receive_state("ada", AgentState.READY, 6)
    one.receive_call_ended("ada", "call1", 60, wrap_up_s=0)
    assert one.state_of("ada") is AgentState.READY


def test_news_of_another_call_is_ignored():
    one = board("ada")
    one.reserve_longest_waiting(0, "call1")
    one.receive_connected("ada", "call2", 0)
    one.receive_call_ended("ada", "call2", 1, wrap_up_s=15)
    one.release("ada", "call2", 1)
    assert one.state_of("ada") is AgentState.RESERVED


def test_an_agent_who_goes_offline_is_out_at_once_and_told_once():
    one = board("ada")
    one.reserve_longest_waiting(0, "call1")
    while one.next_event():
        pass
    one.receive_state("ada", AgentState.OFFLINE, 1)
    one.receive_state("ada", AgentState.OFFLINE, 2)
    assert one.next_event() == AgentChanged("ada", AgentState.OFFLINE, "")
    assert one.next_event() is None


def test_an_agent_known_only_by_going_offline_is_offline():
    one = AgentBoard()
    one.receive_state("ada", AgentState.OFFLINE, 0)
    assert one.state_of("ada") is AgentState.OFFLINE
    assert one.next_event() is None


def test_utilisation_is_talk_and_wrap_up_of_the_time_logged_in():
    one = board("ada")
    one.reserve_longest_waiting(100, "call1")
    one.receive_connected("ada", "call1", 100)
    one.receive_call_ended("ada", "call1", 160, wrap_up_s=40)
    one.handle_timer(200)
    one.receive_state("ada", AgentState.OFFLINE, 400)
    figures = one.figures(1000)[0]
    assert (figures.talk_s, figures.wrap_up_s, figures.logged_in_s) == (60, 40, 400)
    assert figures.utilisation == 0.25


def test_figures_count_the_state_that_still_lasts():
    one = board("ada")
    one.reserve_longest_waiting(10, "call1")
    one.receive_connected("ada", "call1", 10)
    assert one.figures(25)[0].talk_s == 15


def test_only_agents_of_the_campaign_are_reserved():
    assert board("bob", "ada").reserve_longest_waiting(10, "call1", among=("ada",)) == "ada"
    assert board("bob").reserve_longest_waiting(10, "call1", among=("ada",)) is None
