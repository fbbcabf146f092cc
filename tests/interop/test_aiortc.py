"""aiortc as the browser: another implementation of ICE, DTLS and SRTP than Chromium's and than the tests' own."""

import asyncio
import fractions

import numpy as np
import pytest

from tests.interop.peers import eventually
from tests.interop.test_browser_headset import MICROPHONE_HZ, THEIRS_HZ, plane_of_one_call

aiortc = pytest.importorskip("aiortc")
av = pytest.importorskip("av")

from aiortc.mediastreams import AudioStreamTrack, MediaStreamError  # noqa: E402

from softswitch.testing.marker import MarkerEar, MarkerTone  # noqa: E402


class Microphone(AudioStreamTrack):  # type: ignore[misc]
    """A tone, 20 ms at a time."""

    def __init__(self) -> None:
        super().__init__()
        self._tone = MarkerTone(MICROPHONE_HZ, -20.0)
        self._samples = 0

    async def recv(self) -> "av.AudioFrame":
        await asyncio.sleep(0.02)
        frame = av.AudioFrame.from_ndarray(self._tone.next(160).astype(np.int16)[None, :], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = 8000, self._samples, fractions.Fraction(1, 8000)
        self._samples += 160
        return frame


async def listen(track: AudioStreamTrack, ear: MarkerEar) -> None:
    try:
        while True:
            frame = await track.recv()
            ear.receive(frame.to_ndarray()[0].reshape(-1, len(frame.layout.channels))[:, 0].astype(np.int16))
    except MediaStreamError:
        return


def test_aiortc_and_a_phone_hear_each_other() -> None:
    async def story() -> None:
        async with plane_of_one_call() as (plane, headset, callee, owner):
            browser = aiortc.RTCPeerConnection()
            ear = MarkerEar((MICROPHONE_HZ, THEIRS_HZ))
            listening: list[asyncio.Task[None]] = []
            browser.on("track", lambda track: listening.append(asyncio.ensure_future(listen(track, ear))))
            browser.addTrack(Microphone())
            await browser.setLocalDescription(await browser.createOffer())
            answer = headset.answer(browser.localDescription.sdp.encode(), "127.0.0.1").decode()
            await browser.setRemoteDescription(aiortc.RTCSessionDescription(answer, "answer"))
            await eventually(lambda: owner.told[:1] == ["connected"], "the headset is connected")
            await eventually(lambda: MICROPHONE_HZ in callee.ear.heard, "the callee hears aiortc")
            await eventually(lambda: THEIRS_HZ in ear.heard, "aiortc hears the callee")
            assert plane.statistics(headset.leg).packets_unauthentic == 0
            await browser.close()
            await eventually(lambda: owner.told[-1] == "lost: the browser ended it", "its end is heard")

    asyncio.run(story())
