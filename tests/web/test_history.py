from small_site import SmallSwitch

from softswitch.web.history import History


def test_the_chart_samples_at_its_own_pace_and_forgets_what_is_older_than_its_span() -> None:
    switch = SmallSwitch()
    history = History(step_s=2.0, span_s=10.0)
    switch.place_call("c1", "101", "in call")
    for half_second in range(60):
        history.receive_view(switch.wallboard(), half_second / 2)
    samples = history.samples()
    assert [sample.at for sample in samples] == [20.0, 22.0, 24.0, 26.0, 28.0]
    assert (samples[-1].in_call, samples[-1].ready, samples[-1].ringing) == (1, 0, 1)
