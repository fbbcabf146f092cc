"""Calls made for training from labelled clips: their voices cut and joined anew, in other rooms, over other lines.

Clips without noise give voices, parts of noisy clips in which nobody speaks give rooms. Everything in a made call comes
from one group of clips, so that a network that was not trained on that group has heard none of it.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import amd_sounds as sounds
import numpy as np
import numpy.typing as npt
from amd_beeps import music
from amd_clips import LABELS, TALKERS, LabelledClip
from amd_signals import KINDS, clatter, signal

Floats = npt.NDArray[np.floating[Any]]
MADE_RMS = 2000.0
SIGNALS, AS_RECORDED = 0.12, 0.45
"""Shares of calls in which nobody speaks, and of recorded clips as they are; the others are spliced."""
HARD_KINDS = {"tone": 0.1, "music": 0.15, "fax": 0.05, "breath": 0.15, "handling": 0.12, "clatter": 0.08, "dead": 0.35}
QUIET_KINDS = {"breath": 0.3, "handling": 0.2, "dead": 0.5}
"""What sounds where nobody speaks, in hard calls and on quiet lines."""


@dataclass(slots=True)
class MadeCall:
    """Audio with the truth about it; times in ms."""

    pcm: Floats
    label: int
    onset_ms: float | None
    end_ms: float | None
    second_ms: float | None
    active: npt.NDArray[np.bool_]
    """Per 10 ms: the callee's own voice."""
    room: str = ""
    """The kind of recorded room that was put behind it, if any."""


@dataclass(slots=True)
class Stretch:
    """Speech of one speaker, with where it begins and ends in it (ms)."""

    pcm: Floats
    active: npt.NDArray[np.bool_]
    onset_ms: float
    end_ms: float


class Material:
    def __init__(self, clips: list[LabelledClip]) -> None:
        self.clean = [clip for clip in clips if clip.noise == "none"]
        self.voices: dict[str, list[tuple[Floats, npt.NDArray[np.bool_]]]] = defaultdict(list)
        self.rooms: dict[str, list[Floats]] = defaultdict(list)
        for clip in self.clean:
            self._take_voice(clip)
        for clip in clips:
            self._take_rooms(clip)
        self.music = [clip.audio for clip in self.clean if clip.subtype == "music"]
        self.speakers = list(self.voices)

    def _take_voice(self, clip: LabelledClip) -> None:
        if clip.label not in TALKERS or clip.subtype.startswith("SIT") or clip.above_line_db <= 25:
            return
        assert clip.onset_ms is not None
        assert clip.end_ms is not None
        first, last = max(int(clip.onset_ms * 8) - 320, 0), int(clip.end_ms * 8) + 400
        if clip.beep_ms is not None:
            last = min(last, max(int(clip.beep_ms * 8) - 80, first))
        pcm = clip.audio[first:last]
        if len(pcm) >= 3000:
            self.voices[clip.speaker].append((pcm, sounds.activity(pcm, len(pcm) // 80)))

    def _take_rooms(self, clip: LabelledClip) -> None:
        if clip.noise == "none" or clip.bg_mode != "on":
            return
        if clip.label == "SILENCE":
            if clip.subtype == "silence":
                self.rooms[clip.noise].append(clip.audio)
            return
        if clip.label not in ("HUMAN", "HUMAN_BUSINESS", "MACHINE", "IVR") or clip.snr_db >= 22:
            return
        assert clip.onset_ms is not None
        assert clip.end_ms is not None
        until = len(clip.audio) / 8 if clip.second_ms is None else clip.second_ms - 50
        if clip.beep_ms is not None:
            until = min(until, clip.beep_ms - 50)
        for start_ms, stop_ms in ((0.0, clip.onset_ms - 50), (clip.end_ms + 150, until)):
            if stop_ms - start_ms > 600:
                self.rooms[clip.noise].append(clip.audio[int(start_ms * 8) : int(stop_ms * 8)])

    # rooms

    def _recorded(self, pool: list[Floats], samples: int, rng: np.random.Generator) -> Floats:
        room = pool[rng.integers(len(pool))]
        room = room / sounds.rms(room)
        out, at = np.zeros(samples), 0
        while at < samples:
            part = room[rng.integers(0, max(len(room) - 4000, 1)) :][: samples - at + 160].copy()
            if len(part) <= 160:
                break
            if at == 0:
                part = part[:samples]
                out[: len(part)] = part
                at = len(part)
                continue
            fade = np.linspace(0, 1, 160)
            out[at - 160 : at] *= 1 - fade
            part[:160] *= fade
            out[at - 160 : at - 160 + len(part)] += part
            at += len(part) - 160
        return sounds.coloured(out, rng, 4) if rng.random() < 0.5 else out

    def _talk(self, samples: int, rng: np.random.Generator) -> Floats:
        """One to six other talkers, with music or without: a television, or babble."""
        out = np.zeros(samples)
        for _ in range(rng.integers(1, 7)):
            pool, at = self.voices[self.speakers[rng.integers(len(self.speakers))]], 0
            while at < samples:
                pcm = pool[rng.integers(len(pool))][0]
                part = (pcm / sounds.rms(pcm))[rng.integers(0, max(len(pcm) // 2, 1)) :][: samples - at]
                out[at : at + len(part)] += part * sounds.gain(rng.normal(0, 2))
                at += len(part) + int(rng.integers(0, 4000))
        if self.music and rng.random() < 0.4:
            tune = self.music[rng.integers(len(self.music))]
            out += np.resize(tune / sounds.rms(tune), samples) * sounds.gain(rng.uniform(-9, 6))
        return sounds.coloured(out, rng, 4)

    def _tune(self, samples: int, rng: np.random.Generator) -> Floats:
        tune = self.music[rng.integers(len(self.music))]
        out = np.resize(np.roll(tune, rng.integers(len(tune))), 2 * samples).astype(float)
        return sounds.faster(out, rng.uniform(0.8, 1.2))[:samples] if rng.random() < 0.5 else out[:samples]

    def room(self, samples: int, rng: np.random.Generator) -> tuple[Floats, str]:
        """Background of rms 1, and what it was recorded in."""
        kind, recorded_in = rng.random(), ""
        if kind < 0.55 and self.rooms:
            recorded_in = str(rng.choice(sorted(self.rooms)))
            out = self._recorded(self.rooms[recorded_in], samples, rng)
        elif kind < 0.73 and self.speakers:
            out = self._talk(samples, rng)
        elif kind < 0.79 and self.music:
            out = self._tune(samples, rng)
        elif kind < 0.87:
            out = clatter(samples, rng) + sounds.made_noise(samples, rng) * sounds.gain(rng.uniform(-30, -6))
        else:
            out = sounds.made_noise(samples, rng)
        return out / np.sqrt(np.mean(out**2) + 1e-9), recorded_in

    # voices

    def _as_recorded(self, rng: np.random.Generator) -> MadeCall:
        """A clean clip begun earlier or later, and a little faster or slower."""
        clip = self.clean[rng.integers(len(self.clean))]
        pcm, active, label = clip.audio, clip.active(), LABELS[clip.kind]
        times = list(clip.times())
        onset_ms, shift = times[0], 0
        if rng.random() < 0.6:
            if onset_ms is not None and rng.random() < 0.6:
                shift = int(rng.integers(0, max(int(onset_ms) // 10 - 5, 1)))
            elif rng.random() < 0.7:
                shift = -int(rng.integers(0, 120))
        if shift > 0:
            pcm, active = pcm[shift * 80 :], active[shift:]
        elif shift < 0:
            hiss = float(np.sqrt(np.mean(pcm[:800] ** 2))) if onset_ms is None or onset_ms > 150 else 3.0
            pcm = np.concatenate([rng.normal(0, min(hiss, 60) + 0.1, -shift * 80), pcm])
            active = np.concatenate([np.zeros(-shift, bool), active])
        times = [None if time is None else time - shift * 10 for time in times]
        if rng.random() < 0.6:
            rate = rng.uniform(0.94, 1.06) if label in (LABELS["HUMAN"], LABELS["MACHINE"]) else rng.uniform(0.9, 1.12)
            pcm, active = _at_another_rate(pcm, active, rate)
            times = [None if time is None else time / rate for time in times]
        return MadeCall(pcm, label, times[0], times[1], times[2], active)

    def _stretch(self, rng: np.random.Generator, low_ms: float, high_ms: float) -> Stretch | None:
        """Speech of one speaker that begins and ends at pauses; None where twelve draws gave none of that length."""
        for _ in range(12):
            pool = self.voices[self.speakers[rng.integers(len(self.speakers))]]
            pcm, active = pool[rng.integers(len(pool))]
            if high_ms > 3400 and rng.random() >= 0.3:
                for _ in range(rng.integers(0, 4)):
                    pause = int(np.clip(rng.gamma(2, 0.14), 0.05, 1.2) * 100)
                    if rng.random() < 0.06:
                        pause += int(rng.integers(20, 160))
                    more, heard = pool[rng.integers(len(pool))]
                    pcm = np.concatenate([pcm[: len(active) * 80], rng.normal(0, 2, pause * 80), more])
                    active = np.concatenate([active, np.zeros(pause, bool), heard])
            at = np.flatnonzero(active)
            if len(at) < 20:
                continue
            pauses = np.flatnonzero(np.diff(at) >= 5)
            starts, ends = [at[0], *at[pauses + 1]], [*at[pauses], at[-1]]
            fitting = [(a, b) for a in starts for b in ends if low_ms <= (b - a) * 10 <= high_ms]
            if not fitting:
                continue
            first, last = fitting[rng.integers(len(fitting))]
            begin, stop = max(first - 4, 0), min(last + 6, len(active))
            cut = pcm[begin * 80 : stop * 80].copy()
            cut[:240] *= np.linspace(0, 1, 240)
            cut[-240:] *= np.linspace(1, 0, 240)
            heard, rate = active[begin:stop], rng.uniform(0.88, 1.14) if rng.random() < 0.5 else 1.0
            cut, heard = _at_another_rate(cut, heard, rate)
            return Stretch(cut, heard, (first - begin) * 10.0 / rate, (last + 1 - begin) * 10.0 / rate)
        return None

    def _spliced(self, rng: np.random.Generator) -> MadeCall:
        """People from machines' speech cut short, machines from anybody's speech joined."""
        kind, person = rng.random(), LABELS["HUMAN"]
        low_ms, high_ms, label = 3350, 9500, LABELS["MACHINE"]
        for share, low, high, meant in (
            (0.38, 400, 1950, "HUMAN"),
            (0.55, 1450, 3200, "HUMAN"),
            (0.6, 1450, 2950, "MACHINE"),
        ):
            if kind < share:
                low_ms, high_ms, label = low, high, LABELS[meant]
                break
        speech = self._stretch(rng, low_ms, high_ms)
        if speech is None:
            return self._as_recorded(rng)
        blocks = int(rng.integers(600, 1200))
        pcm, active = rng.normal(0, rng.uniform(0.5, 8), blocks * 80), np.zeros(blocks, bool)
        start = int(np.clip(rng.gamma(2.2, 330), 100, 2500)) // 10
        _lay(pcm, active, speech, start)
        onset_ms, end_ms, second_ms = start * 10 + speech.onset_ms, start * 10 + speech.end_ms, None
        if label == person and rng.random() < 0.42:
            again = self._stretch(rng, 300, 1500)
            start = int((end_ms + rng.uniform(1100, 4200)) / 10)
            if again is not None and start < blocks - 40:
                _lay(pcm, active, again, start)
                second_ms = start * 10 + again.onset_ms
        if label != person and rng.random() < 0.75:
            after_ms = rng.uniform(200, 900) if rng.random() < 0.5 else rng.uniform(300, 3000)
            start = int((end_ms + after_ms) * 8)
            tone = sounds.beep(rng)[: max(len(pcm) - start, 0)]
            pcm[start : start + len(tone)] += tone
        return MadeCall(pcm, label, onset_ms, end_ms, second_ms, active)

    def _signal(self, rng: np.random.Generator, kinds: dict[str, float] = KINDS) -> MadeCall:
        """Nobody speaks."""
        blocks = int(rng.integers(700, 1000))
        made = signal(blocks * 80, rng, kinds)
        return MadeCall(made.pcm, made.label, None, None, None, np.zeros(blocks, bool))

    def call(self, rng: np.random.Generator) -> MadeCall:
        """One call, up to 10 s, as the far end's line and codec give it."""
        kind = rng.random()
        if kind < SIGNALS:
            made = self._signal(rng)
        else:
            made = self._as_recorded(rng) if kind < SIGNALS + AS_RECORDED else self._spliced(rng)
        samples = min(len(made.pcm) // 160 * 160, 80_000)
        pcm = made.pcm[:samples]
        active = np.resize(made.active, samples // 80)
        voiced = active if active.any() else np.ones(samples // 80, bool)
        level = float(np.sqrt(np.mean(pcm.reshape(-1, 80)[voiced] ** 2) + 1))
        if rng.random() < 0.5:
            pcm = sounds.coloured(pcm, rng, 3)
        if rng.random() < 0.72:
            snr_db = rng.uniform(-1, 14) if rng.random() < 0.6 else rng.uniform(10, 30)
            room, made.room = self.room(samples, rng)
            pcm = _in_room(pcm, active, room * level * sounds.gain(-snr_db), rng)
        made.pcm, made.active = _over_line(pcm, level, rng), active
        return made

    def hard_call(self, rng: np.random.Generator) -> MadeCall:
        """What is mistaken most: a loud room in which nobody speaks, or somebody before loud music or other talk."""
        nobody = rng.random() < 0.5
        if nobody:
            made = self._signal(rng, HARD_KINDS)
        else:
            made = self._as_recorded(rng) if rng.random() < 0.5 else self._spliced(rng)
        samples = min(len(made.pcm) // 160 * 160, 80_000)
        pcm, active, level = made.pcm[:samples], np.resize(made.active, samples // 80), MADE_RMS
        if active.any():
            level = float(np.sqrt(np.mean(pcm.reshape(-1, 80)[active] ** 2) + 1))
        snr_db = rng.uniform(-1, 18)
        if nobody:
            room, made.room = self.room(samples, rng)
        elif rng.random() < 0.6 or not self.speakers:
            room = self._tune(samples, rng) if self.music and rng.random() < 0.5 else music(rng, samples)
        else:
            room = self._talk(samples, rng)
        if not nobody or rng.random() < 0.75:
            room = room / np.sqrt(np.mean(room**2) + 1e-9)
            pcm = _in_room(pcm, active, room * level * sounds.gain(-snr_db), rng)
        made.pcm, made.active = _over_line(pcm, level, rng), active
        return made

    def quiet_call(self, rng: np.random.Generator) -> MadeCall:
        """Nobody speaks, on a line that is as quiet as between words: hiss, comfort noise or a far room, at most with
        a breath or a touch."""
        made = self._signal(rng, QUIET_KINDS)
        samples = len(made.pcm) // 160 * 160
        pcm = made.pcm[:samples]
        kind = rng.random()
        if kind < 0.4:
            pcm = pcm + sounds.comfort_noise(samples, rng) * MADE_RMS * sounds.gain(-rng.uniform(20, 45))
        elif kind < 0.7:
            room, made.room = self.room(samples, rng)
            pcm = pcm + room * MADE_RMS * sounds.gain(-rng.uniform(12, 35))
        made.pcm = _over_line(pcm, MADE_RMS, rng)
        return made


def _at_another_rate(pcm: Floats, active: npt.NDArray[np.bool_], rate: float) -> tuple[Floats, npt.NDArray[np.bool_]]:
    if rate == 1.0:
        return pcm, active
    pcm = sounds.faster(pcm, rate)
    return pcm, active[np.minimum((np.arange(len(pcm) // 80) * rate).astype(int), len(active) - 1)]


def _lay(pcm: Floats, active: npt.NDArray[np.bool_], speech: Stretch, start: int) -> None:
    """Put speech into a call from a block on."""
    blocks = min(len(speech.active), len(active) - start)
    pcm[start * 80 : (start + blocks) * 80] += (speech.pcm / sounds.rms(speech.pcm) * MADE_RMS)[: blocks * 80]
    active[start : start + blocks] = speech.active[:blocks]


def _in_room(pcm: Floats, active: npt.NDArray[np.bool_], room: Floats, rng: np.random.Generator) -> Floats:
    """The room is heard all the time, or only with the voice: then comfort noise (DTX) or a gate fills the pauses."""
    mode = rng.choice(["on", "on", "on", "on", "dtx", "gate"])
    if mode == "on":
        return pcm + room
    held = np.convolve(active.astype(float), np.ones(int(rng.integers(8, 30))), "full")[: len(active)] > 0
    held |= np.roll(held, -2)
    through = np.convolve(np.repeat(held, 80).astype(float), np.ones(80) / 80, "same")
    heard = room * through
    if mode == "dtx":
        comfort = sounds.coloured(rng.normal(0, 1, len(pcm)), rng, 3) * float(np.sqrt(np.mean(room**2)))
        return pcm + heard + (1 - through) * comfort * sounds.gain(rng.uniform(-6, 0))
    return pcm * (through + (1 - through) * sounds.gain(-rng.uniform(15, 40))) + heard


def _over_line(pcm: Floats, level: float, rng: np.random.Generator) -> Floats:
    """Band, transcoding, level, line noise, lost packets and companding.  level: rms of the voice in `pcm`."""
    kind = rng.random()
    if kind < 0.4:
        pcm = sounds.band_limited(pcm, 300, 3400)
    elif kind < 0.6:
        pcm = sounds.band_limited(pcm, rng.uniform(100, 350), rng.uniform(2800, 3800))
    coding = rng.random()
    if coding < 0.2:  # noise that goes with the signal, as of a speech codec (ITU-T P.810)
        pcm = pcm * (1 + rng.normal(0, 1, len(pcm)) * sounds.gain(-rng.uniform(10, 24)))
    target_dbov = rng.uniform(-36, -9)
    pcm = pcm * (sounds.FULL_SCALE * sounds.gain(target_dbov) / level)
    if 0.2 <= coding < 0.5:
        pcm = sounds.transcoded(pcm, "GSM610" if coding < 0.45 else "OPUS")
    hiss_dbov = rng.uniform(-80, -48 if target_dbov > -26 else -58)
    pcm = pcm + rng.normal(0, sounds.FULL_SCALE * sounds.gain(hiss_dbov), len(pcm))
    if rng.random() < 0.25:
        pcm = sounds.with_lost_packets(pcm, rng)
    pcm = np.clip(pcm, -32768, 32767)
    return np.round(sounds.mu_law(pcm) if rng.random() < 0.5 else sounds.a_law(pcm))
