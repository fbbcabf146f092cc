"""What an engine remembers besides the legs: timelines, the state of each detection, and what supervisors hear. It lies
in the block behind what the signalling process knows, so that the next engine goes on with it."""

from typing import NamedTuple

import numpy as np

from softswitch.amd.state import STATE, States
from softswitch.codecs.dtmf import DTMF
from softswitch.media.layout import Block, Plan, map_beyond
from softswitch.media.mixing import CHUNK, MOST_ROUTES, ROUTE, Desk
from softswitch.media.timeline import CHANNEL, SIZE, TIMELINE, WORDS, Timelines


class EngineMemory(NamedTuple):
    times: Timelines
    states: States
    mixer: Desk


def plan(slots: int) -> Plan:
    return [
        (TIMELINE, (slots,)),
        (CHANNEL, (slots, 2)),
        (np.dtype("u1"), (slots, 2, SIZE)),
        (np.dtype("i8"), (slots, 2, 2, WORDS)),
        (np.dtype("i8"), (1 + slots,)),
        (DTMF, (slots,)),
        (STATE, (slots,)),
        (ROUTE, (MOST_ROUTES,)),
        (np.dtype("i8"), (1,)),
    ]


def map_memory(descriptor: int, block: Block) -> EngineMemory:
    *times, states, routes, used = map_beyond(descriptor, block, plan(block.shared.legs.size))
    return EngineMemory(Timelines(*times), states, Desk(routes, used, np.zeros(CHUNK, np.int64)))
