"""Trains what tells a beep from a vowel, a note and a whistle: the weights in softswitch/amd/beep_weights.py.

python bench/amd_beeps.py ../shared/amd/dev            # writes the weights; the same seed gives the same file
python bench/amd_beeps.py ../shared/amd/dev --folds 5  # cross-validated by clip instead, writes nothing

Every clip is heard as it is, and again with a beep put in, with another noise, another level and another codec. Each
line that `amd.lines` follows to its end is one example; it is a beep's if it lies where one was put or is labelled.
"""

import argparse
import csv
import io
import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
from numba import njit
from softswitch.codecs import g711

from softswitch.amd import lines
from softswitch.amd.commands import read_wav

Floats = npt.NDArray[np.float64]
RATE_HZ = 8000
HANN = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(256) / 256)
HIDDEN = 16
SEED = 20261122
LONGEST_BEEP_MS = 1700.0
COMMON_HZ = (440, 480, 620, 800, 850, 950, 1000, 1050, 1200, 1400, 1600, 1850)


def spectra(pcm: Floats) -> npt.NDArray[np.float32]:
    """(blocks, 128) power spectra, as the detector makes them."""
    padded = np.concatenate([np.zeros(176), pcm]).astype(np.float32)
    at = np.arange(len(pcm) // 80)[:, None] * 80 + np.arange(256)[None]
    transform = np.fft.rfft(padded[at] * HANN, axis=1)[:, :128]
    return (transform.real**2 + transform.imag**2).astype(np.float32)


@njit(cache=True)
def examples(power, state, out, found):  # type: ignore[no-untyped-def]
    """Descriptions of all lines in `power`; their first blocks go into `found`. Returns how many."""
    count = 0
    lines.reset(state)
    for block in range(power.shape[0]):
        ended = lines.follow(state, power[block])
        for slot in range(lines.SLOTS):
            if (ended >> slot) & 1 and count < out.shape[0]:
                lines.describe(state, state.line[slot], out[count])
                found[count] = state.line[slot].start
                count += 1
    return count


def beep(rng: np.random.Generator, level_dbfs: float) -> tuple[Floats, list[float]]:
    """A beep and its frequencies."""
    hz = float(rng.choice(COMMON_HZ)) if rng.random() < 0.4 else rng.uniform(350, 2100)
    length_ms = math.exp(rng.uniform(math.log(58), math.log(160 if rng.random() < 0.3 else 1500)))
    kind = rng.choice(["single", "double", "decay", "dual"], p=[0.6, 0.12, 0.14, 0.14])
    hzs = [hz]
    if kind == "dual":
        hzs = [min(hz, 1500.0), min(hz, 1500.0) * float(rng.choice([4 / 3, 1.5, 2.0, rng.uniform(1.15, 2.2)]))]
    time = np.arange(int(length_ms * 8)) / RATE_HZ
    wave = sum(np.sin(2 * np.pi * f * time + rng.uniform(0, 6.3)) for f in hzs) * np.sqrt(2 / len(hzs))
    if kind == "decay":
        wave = wave * 10 ** (-rng.uniform(0.15, 2.5) * time / max(time[-1], 0.1))
    ramp = int(rng.uniform(1, 12) * 8)
    window = np.minimum(1, np.minimum(np.arange(len(time)), np.arange(len(time))[::-1]) / ramp)
    wave = wave * window * 32768 * 10 ** (level_dbfs / 20)
    if kind == "double":
        wave = np.concatenate([wave, np.zeros(int(rng.uniform(60, 250) * 8)), wave])
    return wave, [f for f in hzs if f < 2180]


def music(rng: np.random.Generator, count: int) -> Floats:
    """Notes of a few harmonics that ring on, steady or in chords: what a beep is most easily mistaken for."""
    wave = np.zeros(count)
    at = 0
    while at < count:
        length = int(rng.uniform(0.12, 1.2) * RATE_HZ)
        time = np.arange(min(length * 2, count - at)) / RATE_HZ
        for _ in range(rng.integers(1, 4)):
            pitch = 110 * 2 ** (rng.integers(0, 40) / 12)
            decay = rng.uniform(0.3, 6)
            for harmonic in range(1, rng.integers(2, 7)):
                if pitch * harmonic < 3400:
                    level = rng.uniform(0.2, 1) / harmonic ** rng.uniform(0.3, 2)
                    vibrato = 1 + (rng.random() < 0.3) * 0.004 * np.sin(2 * np.pi * 5.5 * time) / 5.5
                    tone = np.sin(2 * np.pi * pitch * harmonic * time * vibrato + rng.uniform(0, 6))
                    wave[at : at + len(time)] += level * tone * np.exp(-decay * time)
        at += length
    return wave


def noise(rng: np.random.Generator, count: int, voices: list[Floats]) -> Floats:
    """A background of another make than the clip's own."""
    kind = rng.choice(["coloured", "babble", "music", "hum"], p=[0.3, 0.3, 0.3, 0.1])
    if kind == "music":
        return music(rng, count)
    if kind == "babble":
        wave = np.zeros(count)
        for _ in range(rng.integers(1, 8)):
            voice = voices[rng.integers(len(voices))]
            wave += np.resize(np.roll(voice, rng.integers(len(voice))), count) * rng.uniform(0.3, 1)
        return wave
    spectrum = np.fft.rfft(rng.normal(size=count))
    hz = np.fft.rfftfreq(count, 1 / RATE_HZ)
    spectrum *= 1 / np.maximum(hz, 60) ** rng.uniform(0, 1.6)
    wave = np.fft.irfft(spectrum, count)
    wave *= 1 + rng.uniform(0, 0.9) * np.sin(2 * np.pi * rng.uniform(0.3, 6) * np.arange(count) / RATE_HZ)
    if kind == "hum":
        base = rng.choice([50.0, 60.0, 100.0, rng.uniform(90, 400)])
        for harmonic in range(1, 9):
            wave += np.std(wave) * rng.uniform(0, 1) * np.sin(2 * np.pi * base * harmonic * np.arange(count) / RATE_HZ)
    return wave


def through_codec(rng: np.random.Generator, pcm: Floats) -> Floats:
    """As it comes out of a transcoder, G.711 and a line that loses packets."""
    pcm = np.clip(pcm, -32768, 32767)
    chain = rng.choice(["none", "GSM610", "OPUS"], p=[0.55, 0.3, 0.15])
    if chain != "none":
        file = io.BytesIO()
        container = "WAV" if chain == "GSM610" else "OGG"
        soundfile.write(file, pcm / 32768, RATE_HZ, format=container, subtype=chain)
        file.seek(0)
        decoded = soundfile.read(file)[0]
        pcm = np.resize(decoded * 32768, len(pcm)) if len(decoded) >= len(pcm) else pcm
    code = rng.choice(["PCMU", "PCMA"])
    encoded = g711.encode(str(code), pcm.astype(np.int16))
    out = np.empty(len(encoded), np.int16)
    (g711.decode_ulaw if code == "PCMU" else g711.decode_alaw)(encoded, out)
    heard = out.astype(float)
    if rng.random() < 0.3:
        loss = rng.uniform(0.005, 0.05)
        for start in range(160, len(heard) - 160, 160):
            if rng.random() < loss:
                heard[start : start + 160] = 0.0 if rng.random() < 0.3 else heard[start - 160 : start] * 0.8
    return heard


def altered(
    rng: np.random.Generator, pcm: Floats, row: dict[str, str], voices: list[Floats]
) -> tuple[Floats, tuple[float, float, list[float]] | None]:
    """The clip with, mostly, a beep put in after its speech, and a noise; and where (start and end in ms, Hz)."""
    pcm = pcm.copy()
    put = None
    level = float(row["level_dbfs"] or -25)
    if row["label"] not in {"FAX", "RINGBACK"} and not row["subtype"].startswith("SIT") and not row["beep_ms_start"]:
        wave, hzs = beep(rng, level + rng.uniform(-12, 3))
        ended = float(row["speech_end_ms"] or 1000) * 8 + rng.uniform(60, 1500) * 8
        start = int(ended) if ended + len(wave) < len(pcm) - 2000 else int(rng.uniform(800, len(pcm) - 2000))
        if rng.random() < 0.75 and start + len(wave) < len(pcm):
            pcm[start : start + len(wave)] += wave
            put = (start / 8, (start + len(wave)) / 8, hzs)
    if rng.random() < (0.6 if row["noise"] == "none" else 0.15):
        made = noise(rng, len(pcm), voices)
        pcm += made / max(np.std(made), 1e-9) * 32768 * 10 ** ((level - rng.uniform(0, 30)) / 20)
    return through_codec(rng, pcm * 10 ** (rng.uniform(-14, 8) / 20)), put


def labelled(row: dict[str, str]) -> tuple[float, float, list[float]] | None:
    if not row["beep_ms_start"]:
        return None
    start, hz = float(row["beep_ms_start"]), float(row["beep_hz"])
    return start, start + float(row["beep_len_ms"]), [hz * ratio for ratio in (1, 4 / 3, 1.5, 2)]


def gather(
    folder: Path, copies: int
) -> tuple[Floats, npt.NDArray[np.int64], npt.NDArray[np.int64], list[dict[str, str]]]:
    """(examples, 20), whether a beep (1), what is no beep (0) or must not count (-1), (clip, copy), and the labels."""
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    pcms = [read_wav(folder / row["file"]).astype(float) for row in rows]
    voices = [pcm for pcm, row in zip(pcms, rows, strict=True) if row["label"] == "MACHINE" and row["noise"] == "none"]
    state = np.zeros(1, lines.LINES)[0]
    out, found = np.zeros((4000, len(lines.DESCRIPTION)), np.float32), np.zeros(4000, np.int64)
    gathered, truths, sources = [], [], []
    for number, (row, pcm) in enumerate(zip(rows, pcms, strict=True)):
        rng = np.random.default_rng([SEED, number])
        tones = (row["label"] in {"FAX", "RINGBACK"} and row["subtype"] != "music") or row["subtype"].startswith("SIT")
        for copy in range(copies + 1):
            put = labelled(row)
            heard = pcm
            if copy:
                heard, added = altered(rng, pcm, row, voices)
                put = put or added
            count = examples(spectra(heard), state, out, found)
            truth = np.full(count, -1 if tones else 0)
            if put is not None:
                first, last = found[:count] * 10.0, (found[:count] + out[:count, 0]) * 10.0
                overlap = np.minimum(last, put[1] + 30) - np.maximum(first, put[0])
                near = np.min(np.abs(out[:count, 2:3] - np.array(put[2])), axis=1) < 25
                truth[near & (overlap >= 40)] = -1
                truth[near & (overlap >= 40) & (overlap > 0.3 * 10 * out[:count, 0])] = 1
            gathered.append(out[:count].astype(float))
            truths.append(truth)
            sources.append(np.column_stack([np.full(count, number), np.full(count, copy)]))
    return np.concatenate(gathered), np.concatenate(truths), np.concatenate(sources), rows


def prepared(described: Floats) -> Floats:
    """As `beeps.likelihood` sees it; kept beside it by a test."""
    from softswitch.amd.beeps import prepare

    out = np.zeros((len(described), len(lines.DESCRIPTION)), np.float32)
    for row, into in zip(described.astype(np.float32), out, strict=True):
        prepare(row, into)
    return out.astype(float)


def fit(inputs: Floats, truths: Floats, weights: Floats, epochs: int = 40) -> list[Floats]:
    """One hidden layer of rectified units, by Adam on the weighted cross-entropy; deterministic."""
    rng = np.random.default_rng(SEED)
    mean, scale = inputs.mean(0), inputs.std(0) + 1e-6
    x = (inputs - mean) / scale
    layers = [
        rng.normal(0, math.sqrt(2 / x.shape[1]), (x.shape[1], HIDDEN)), np.zeros(HIDDEN),
        rng.normal(0, math.sqrt(2 / HIDDEN), HIDDEN), np.zeros(1),
    ]  # fmt: skip
    first, second = [np.zeros_like(a) for a in layers], [np.zeros_like(a) for a in layers]
    step = 0
    for epoch in range(epochs):
        order = rng.permutation(len(x))
        rate = 6e-3 * 0.5 * (1 + math.cos(math.pi * epoch / epochs)) + 1e-5
        for start in range(0, len(x), 1024):
            pick = order[start : start + 1024]
            hidden = np.maximum(x[pick] @ layers[0] + layers[1], 0)
            chance = 1 / (1 + np.exp(-(hidden @ layers[2] + layers[3])))
            error = weights[pick] * (chance - truths[pick]) / len(pick)
            back = error[:, None] * layers[2] * (hidden > 0)
            slopes = [x[pick].T @ back, back.sum(0), hidden.T @ error, error.sum(keepdims=True)]
            step += 1
            for index, slope in enumerate(slopes):
                decayed = slope + 2e-4 * layers[index] * (layers[index].ndim == 2)
                first[index] += 0.1 * (decayed - first[index])
                second[index] += 0.001 * (decayed**2 - second[index])
                layers[index] -= (
                    rate * first[index] / (1 - 0.9**step) / (np.sqrt(second[index] / (1 - 0.999**step)) + 1e-8)
                )
    folded = layers[0] / scale[:, None]
    return [folded, layers[1] - mean @ folded, layers[2], layers[3]]


def score(layers: list[Floats], inputs: Floats) -> Floats:
    return np.maximum(inputs @ layers[0] + layers[1], 0) @ layers[2] + layers[3]


def weights_of(truths: Floats, sources: npt.NDArray[np.int64], rows: list[dict[str, str]]) -> Floats:
    """People's and music's lines weigh more: a beep heard there hangs up on somebody."""
    weights = np.where(sources[:, 1] == 0, 2.0, 1.0)
    person = np.array([row["label"] in {"HUMAN", "HUMAN_BUSINESS", "IVR"} or row["subtype"] == "music" for row in rows])
    return weights * np.where((truths == 0) & person[sources[:, 0]], 2.0, 1.0)


def show(scores: Floats, truths: Floats, sources: npt.NDArray[np.int64], rows: list[dict[str, str]]) -> None:
    """Recall on the clips as they are, at the thresholds that let through so many false beeps."""
    plain = sources[:, 1] == 0
    has = np.array([bool(row["beep_ms_start"]) for row in rows])
    clean = np.array([row["noise"] == "none" for row in rows])
    best = np.full((2, len(rows)), -99.0)
    for s, truth, clip in zip(scores[plain], truths[plain], sources[plain, 0], strict=True):
        if truth >= 0 and (truth == 1 or not has[clip]):
            best[int(truth), clip] = max(best[int(truth), clip], s)
    false = np.sort(best[0][~has])[::-1]
    for allowed in (0, 1, 2, 3, 5, 8):
        threshold = false[allowed]
        print(f"{allowed} false beeps: threshold {threshold:.2f}, recall {(best[1][has] > threshold).mean():.3f}, "
              f"without noise {(best[1][has & clean] > threshold).mean():.3f}")  # fmt: skip
    for clip in np.argsort(-np.where(has, -99, best[0]))[:8]:
        print(
            "  false",
            rows[clip]["file"],
            rows[clip]["label"],
            rows[clip]["subtype"],
            rows[clip]["noise"],
            round(best[0][clip], 2),
        )
    for clip in np.argsort(np.where(has, best[1], 99))[:14]:
        row = rows[clip]
        print(
            "  missed",
            row["file"],
            row["noise"],
            row["snr_db"],
            row["beep_hz"],
            row["beep_len_ms"],
            row["beep_kind"],
            round(best[1][clip], 2),
        )


def write(layers: list[Floats], path: Path, examples: int, beeps: int) -> None:
    names = ("INPUT", "INPUT_BIAS", "OUTPUT", "OUTPUT_BIAS")
    text = [
        '"""Weights of `beeps.likelihood`, written by `python bench/amd_beeps.py ../shared/amd/dev`.',
        "",
        f"Trained on {examples} lines, {beeps} of them beeps, of ../shared/amd/dev and altered copies; seed {SEED}.",
        '"""',
        "",
        "import numpy as np",
        "",
        "# fmt: off",
    ]
    for name, layer in zip(names, layers, strict=True):
        numbers = ", ".join(f"{value:.5g}" for value in layer.ravel())
        body = "\n".join(f"    {part}" for part in wrapped(numbers))
        text.append(f"{name} = np.array([\n{body}\n], np.float32).reshape({layer.shape})")
    path.write_text("\n".join([*text, "# fmt: on", ""]), encoding="utf-8")


def wrapped(numbers: str) -> list[str]:
    import textwrap

    return textwrap.wrap(numbers, 112)


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--copies", type=int, default=2)
    options.add_argument("--folds", type=int, default=0)
    options.add_argument("--cache", type=Path)
    chosen = options.parse_args()
    if chosen.cache and chosen.cache.exists():
        stored = np.load(chosen.cache, allow_pickle=True)
        x, y, source, labels = stored["x"], stored["y"], stored["source"], list(stored["labels"])
    else:
        x, y, source, labels = gather(chosen.folder, chosen.copies)
        if chosen.cache:
            np.savez(chosen.cache, x=x, y=y, source=source, labels=np.array(labels, object))
    used = (y >= 0) & (x[:, 0] * 10 <= LONGEST_BEEP_MS + 100)
    inputs, weighing = prepared(x), weights_of(y, source, labels)
    print(f"{used.sum()} lines, {(y == 1).sum()} beeps")
    if chosen.folds:
        scores = np.zeros(len(x))
        for fold in range(chosen.folds):
            test = source[:, 0] % chosen.folds == fold
            layers = fit(inputs[used & ~test], y[used & ~test], weighing[used & ~test])
            scores[test] = score(layers, inputs[test])
        scores[~used] = -99
        show(scores, y, source, labels)
    else:
        layers = fit(inputs[used], y[used], weighing[used])
        show(np.where(used, score(layers, inputs), -99), y, source, labels)
        write(
            layers, Path(__file__).parent.parent / "softswitch" / "amd" / "beep_weights.py", used.sum(), (y == 1).sum()
        )
