"""A short live shift by real SIP and RTP comes to what the simulator says of the same market at the same speed."""

from pathlib import Path

import pytest
import uvloop

from softswitch.demo.agreement import LiveShift, market_of, predict

AGENTS, LASTS_S, SPEED, ANSWER_RATE = 6, 40.0, 12.0, 0.6
LEADS = 600


@pytest.mark.timeout(400)
def test_a_live_shift_agrees_with_the_simulated_ones(tmp_path: Path) -> None:
    market = market_of(AGENTS, SPEED, ANSWER_RATE)
    predicted = predict(market, LASTS_S, share=0.998)
    live = uvloop.run(LiveShift(tmp_path, market, leads=LEADS).run(LASTS_S))
    assert predicted.connected_interval[0] > 5, "a shift in which so little happens would prove nothing"
    # By the edges of a thousand shifts, and a tenth beyond: on a busy machine calls take longer to come up.
    assert 0.9 * predicted.connected_interval[0] <= live.connected <= 1.1 * predicted.connected_interval[1]
    assert live.dials <= 1.1 * predicted.dials_interval[1]
    low, high = predicted.utilisation_interval
    assert low - 0.1 <= live.utilisation <= min(1.0, high + 0.1)
    most = predicted.abandoned_rate_interval[1] * (live.connected + live.abandoned)
    assert live.abandoned <= most + 2
