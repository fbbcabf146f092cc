"""Training of both networks with PyTorch: one thread, seeded, Adam with weight decay, the rate falling as a cosine."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from amd_features import judge_rows, voice_inputs
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, log_softmax

from softswitch.amd.timing import ROW
from softswitch.amd.voice import CONTENT, INPUTS, WIDE
from softswitch.amd.weights import CLASSES, FIRST, NAMES, SECOND

torch.set_num_threads(1)
Floats = npt.NDArray[np.floating[Any]]
Clips = dict[str, npt.NDArray[Any]]
"""Arrays (clips, steps, ...): heard, real (not padding, and past the first 40 ms), and those of `amd_clips.truth`."""
BATCH = 2048
RATE = 3e-3
JUDGES = 3
"""So many judges are trained, and their means taken: each errs elsewhere."""
AVERAGED = 200
"""Steps over which the weights are averaged."""
VOICE_SHARE, JUDGE_SHARE = 0.3, 0.5
"""Of the steps of 20 ms, drawn at random, that are learnt from: neighbours say much the same."""
SIGNAL_WORTH = 2.0
"""How much more a step counts in which nobody speaks: such calls are few, and each that is missed costs an agent."""
PERSON = CLASSES.index("person")
SPOKEN = [CLASSES.index(name) for name in ("person", "voicemail", "menu", "announcement", "screening")]


class VoiceNetwork(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.wide, self.content = nn.Linear(INPUTS, WIDE), nn.Linear(WIDE, CONTENT)
        self.outputs = nn.Linear(CONTENT, 2)

    def forward(self, inputs: Any) -> Any:
        content = torch.relu(self.content(torch.relu(self.wide(inputs))))
        return self.outputs(content), content


class JudgeNetwork(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(ROW, FIRST // JUDGES), nn.Linear(FIRST // JUDGES, SECOND // JUDGES)
        self.outputs = nn.Linear(SECOND // JUDGES, len(CLASSES) + 1)

    def forward(self, rows: Any) -> Any:
        return self.outputs(torch.relu(self.second(torch.relu(self.first(rows)))))


def _descend(network: nn.Module, steps: int, decay: float, loss_of: Callable[[], Any]) -> None:
    """Train, and leave the running mean of the weights of the last steps, which generalises better than the last."""
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=decay)
    mean = [parameter.detach().clone() for parameter in network.parameters()]
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1, step / 100) * 0.5 * (1 + math.cos(math.pi * step / steps)) + 1e-5
        loss = loss_of()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        with torch.no_grad():
            for kept, parameter in zip(mean, network.parameters(), strict=True):
                kept.lerp_(parameter, 1 / min(step + 1, AVERAGED))
    with torch.no_grad():
        for kept, parameter in zip(mean, network.parameters(), strict=True):
            parameter.copy_(kept)


def _mean(losses: Any, weights: Any) -> Any:
    return (losses * weights).sum() / (weights.sum() + 1)


def _drawn(chosen: npt.NDArray[np.bool_], share: float, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Some of the chosen steps, by their number in the flat array."""
    found = np.flatnonzero(chosen)
    return found[rng.random(len(found)) < share]


def _batches(columns: dict[str, list[Any]], rng: np.random.Generator) -> Callable[[], list[Any]]:
    """Draws batches: runs of rows that were shuffled once, which costs less than to gather each batch anew."""
    whole = {name: np.concatenate(column) for name, column in columns.items()}
    order = rng.permutation(len(next(iter(whole.values()))))
    shuffled = {name: torch.from_numpy(column[order]) for name, column in whole.items()}

    def draw() -> list[Any]:
        start = int(rng.integers(0, len(order) - BATCH))
        return [column[start : start + BATCH] for column in shuffled.values()]

    return draw


def train_voice(parts: list[Clips], steps: int, seed: int) -> VoiceNetwork:
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    columns: dict[str, list[Any]] = {"inputs": [], "voiced": [], "greeting": [], "known": []}
    for clips in parts:
        spoken = (clips["known"] > 0) & np.isin(clips["label"], SPOKEN)
        chosen = clips["real"] & ((clips["voiced"] >= 0) | spoken)
        for start in range(0, len(chosen), 200):
            some = slice(start, start + 200)
            at = _drawn(chosen[some], VOICE_SHARE, rng)
            columns["inputs"].append(voice_inputs(clips["heard"][some]).reshape(-1, INPUTS)[at])
            columns["known"].append(spoken[some].ravel()[at].astype(np.float32))
            for name in ("voiced", "greeting"):
                columns[name].append(clips[name][some].ravel()[at].astype(np.float32))
    draw = _batches(columns, rng)
    network = VoiceNetwork()

    def loss() -> Any:
        inputs, voiced, greeting, known = draw()
        told, _ = network(inputs)
        heard = _mean(
            binary_cross_entropy_with_logits(told[:, 0], voiced.clamp(0, 1), reduction="none"), (voiced >= 0).float()
        )
        return heard + 0.5 * _mean(binary_cross_entropy_with_logits(told[:, 1], greeting, reduction="none"), known)

    _descend(network, steps, 1e-4, loss)
    return network


def rows_of(network: VoiceNetwork, heard: Floats) -> npt.NDArray[np.float32]:
    """What the judge is shown of clips.  heard: (clips, steps, HEARD)."""
    out = []
    with torch.no_grad():
        for start in range(0, len(heard), 200):
            some = heard[start : start + 200]
            told, content = network(torch.from_numpy(voice_inputs(some)))
            out.append(judge_rows(some, torch.sigmoid(told).numpy(), content.numpy()))
    return np.concatenate(out)


def train_judges(parts: list[tuple[Floats, Clips, float]], steps: int, seed: int) -> list[JudgeNetwork]:
    """JUDGES networks, each from other beginnings on other draws of the same steps.

    parts: rows of the judge, the clips they are of, and the weight of one of these clips.
    """
    rng = np.random.default_rng(seed)
    columns: dict[str, list[Any]] = {"rows": [], "label": [], "weight": [], "ended": [], "known": []}
    for rows, clips, worth in parts:
        at = _drawn(clips["real"] & (clips["weight"] > 0), JUDGE_SHARE, rng)
        columns["rows"].append(rows.reshape(-1, ROW)[at])
        label = clips["label"].ravel()[at]
        worths = np.where(np.isin(label, SPOKEN), worth, SIGNAL_WORTH * worth)
        columns["label"].append(label.astype(np.int64))
        columns["weight"].append((clips["weight"].ravel()[at] * worths).astype(np.float32))
        for name in ("ended", "known"):
            columns[name].append(clips[name].ravel()[at].astype(np.float32))
    level = float(sum(column.sum() for column in columns["weight"]) / sum(map(len, columns["weight"])))
    seen = np.concatenate([rows[::7] for rows in columns["rows"]])
    mean, spread = seen.mean(0), seen.std(0) + 0.05
    columns["rows"] = [(rows - mean) / spread for rows in columns["rows"]]
    draw = _batches(columns, rng)
    return [_train_judge(draw, level, mean, spread, steps, seed + member) for member in range(JUDGES)]


def _train_judge(
    draw: Callable[[], list[Any]], level: float, mean: Floats, spread: Floats, steps: int, seed: int
) -> JudgeNetwork:
    """level: the mean weight of a step.  mean, spread: with which the rows were scaled, (ROW,)."""
    torch.manual_seed(seed)
    network = JudgeNetwork()

    def loss() -> Any:
        rows, label, weight, ended, known = draw()
        told = network(rows + 0.05 * torch.randn_like(rows))
        classes = told[:, : len(CLASSES)]
        person = log_softmax(classes, 1)[:, PERSON].exp().clamp(1e-4, 1 - 1e-4)
        is_person = (label == PERSON).float()
        doubt = -(is_person * person.log() + (1 - is_person) * (1 - person).log())
        mistaken = (weight * (0.5 * cross_entropy(classes, label, reduction="none") + doubt)).mean() / level
        return mistaken + 0.7 * _mean(
            binary_cross_entropy_with_logits(told[:, len(CLASSES)], ended, reduction="none"), known
        )

    _descend(network, steps, 1e-3, loss)
    with torch.no_grad():
        network.first.bias -= network.first.weight @ torch.from_numpy(mean / spread)
        network.first.weight /= torch.from_numpy(spread)
    return network


def matrices(voice: VoiceNetwork, judges: list[JudgeNetwork]) -> dict[str, npt.NDArray[np.float32]]:
    """All layers as `softswitch.amd.weights.pack` takes them: the judges side by side make one, whose last layer takes
    the mean of what they say."""

    def weight(layer: nn.Linear) -> npt.NDArray[np.float32]:
        return np.ascontiguousarray(layer.weight.detach().numpy().T)

    def bias(layer: nn.Linear) -> npt.NDArray[np.float32]:
        return layer.bias.detach().numpy()

    named = {}
    for name, layer in zip(NAMES, (voice.wide, voice.content, voice.outputs), strict=False):
        named[f"{name}_weight"], named[f"{name}_bias"] = weight(layer), bias(layer)
    second = np.zeros((FIRST, SECOND), np.float32)
    for member, judge in enumerate(judges):
        inputs, outputs = FIRST // JUDGES, SECOND // JUDGES
        second[member * inputs :, member * outputs :][:inputs, :outputs] = weight(judge.second)
    named["judge_first_weight"] = np.concatenate([weight(judge.first) for judge in judges], 1)
    named["judge_first_bias"] = np.concatenate([bias(judge.first) for judge in judges])
    named["judge_second_weight"], named["judge_second_bias"] = second, np.concatenate([bias(j.second) for j in judges])
    named["judge_outputs_weight"] = np.concatenate([weight(judge.outputs) for judge in judges]) / JUDGES
    named["judge_outputs_bias"] = np.mean([bias(judge.outputs) for judge in judges], 0)
    return named
