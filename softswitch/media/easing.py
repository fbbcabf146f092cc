"""Edges without a click: where audio begins, breaks off or leaps, 10 ms blend what was into what comes.

A record that has the fields of EASING (`records`) remembers what was heard of one stream.
"""

from typing import Any

from softswitch.media.kernels import i64, inner

EASE_SAMPLES = 80


@inner
def eased(edge: Any, value: int, is_there: bool) -> int:
    """The stream's next sample as it is to be heard.  value: 16-bit; worth nothing where none is there."""
    if is_there:
        edge.ease_in = min(edge.ease_in + 1, EASE_SAMPLES)
    elif edge.ease_in > 0:
        leap(edge)
    heard = i64(value) * edge.ease_in // EASE_SAMPLES
    if edge.ease_out > 0:
        heard += edge.ease_from * edge.ease_out // EASE_SAMPLES
        edge.ease_out -= 1
    edge.ease_last = heard
    return heard


@inner
def leap(edge: Any) -> None:
    """What comes next does not follow what was heard last."""
    edge.ease_from = edge.ease_last
    edge.ease_out = EASE_SAMPLES
    edge.ease_in = 0


@inner
def forget_edge(edge: Any) -> None:
    """Nothing was heard yet."""
    edge.ease_last = 0
    edge.ease_out = 0
    edge.ease_in = 0
