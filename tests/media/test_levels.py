"""Levels of a leg's two directions, against tones whose level is known."""

import asyncio

import pytest
from softswitch.codecs.tones import tone

from softswitch.media.levels import SILENT_DBOV, Level

LOUD_DBOV, SOFT_DBOV = -16.0, -36.0


async def spoken(end, level_dbov, seconds=0.4):
    await end.say(tone((700.0,), int(1000 * seconds), level_dbov))


@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
def test_the_levels_of_both_ends_are_read_on_the_callees_leg_alone(run, tmp_path, codec):
    async def scenario(studio):
        agent, callee = studio.end(codec, 1), studio.end("PCMA", 2)
        studio.plane.bridge(agent.leg, callee.leg)
        studio.plane.start_recording(callee.leg, tmp_path / "c1.ssr")
        levels = studio.plane.levels
        heard: list[Level] = []

        async def look():
            while len(heard) < 3 or heard[-1].received == SILENT_DBOV or heard[-1].sent == SILENT_DBOV:
                heard.append(levels.look([callee.leg])[callee.leg])
                await asyncio.sleep(0.1)

        await asyncio.wait_for(
            asyncio.gather(look(), spoken(agent, LOUD_DBOV, 2.0), spoken(callee, SOFT_DBOV, 2.0)), 20
        )
        assert heard[0] == Level(SILENT_DBOV, SILENT_DBOV)  # the first look knows nothing of what was before
        assert heard[-1].received == pytest.approx(SOFT_DBOV, abs=2.0)
        assert heard[-1].sent == pytest.approx(LOUD_DBOV, abs=2.0)
        nothing = Level(SILENT_DBOV, SILENT_DBOV)
        await studio.until(lambda: levels.look([callee.leg])[callee.leg] == nothing)  # both have said all

    run(scenario)


def test_a_leg_that_is_closed_is_left_out(run):
    async def scenario(studio):
        end = studio.end("PCMU", 1)
        assert studio.plane.levels.look([end.leg, 99_999_999]) == {end.leg: Level(SILENT_DBOV, SILENT_DBOV)}
        assert studio.plane.levels.look([]) == {}

    run(scenario)
