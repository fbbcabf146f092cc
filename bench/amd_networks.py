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
BATCH = 4096
RATE = 3e-3
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
        self.first, self.second = nn.Linear(ROW, FIRST), nn.Linear(FIRST, SECOND)
        self.outputs = nn.Linear(SECOND, len(CLASSES) + 1)

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


def train_voice(parts: list[Clips], steps: int, seed: int) -> VoiceNetwork:
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    columns: dict[str, list[Any]] = {"inputs": [], "voiced": [], "greeting": [], "known": []}
    for clips in parts:
        spoken = (clips["known"] > 0) & np.isin(clips["label"], SPOKEN)
        chosen = clips["real"] & ((clips["voiced"] >= 0) | spoken) & (rng.random(spoken.shape) < VOICE_SHARE)
        for start in range(0, len(chosen), 200):
            some = slice(start, start + 200)
            columns["inputs"].append(voice_inputs(clips["heard"][some])[chosen[some]])
        columns["known"].append(spoken[chosen].astype(np.float32))
        for name in ("voiced", "greeting"):
            columns[name].append(clips[name][chosen].astype(np.float32))
    data = {name: np.concatenate(column) for name, column in columns.items()}
    network = VoiceNetwork()

    def loss() -> Any:
        batch = rng.integers(0, len(data["inputs"]), BATCH)
        inputs, voiced, greeting, known = (torch.from_numpy(data[name][batch]) for name in data_order)
        told, _ = network(inputs)
        heard = _mean(
            binary_cross_entropy_with_logits(told[:, 0], voiced.clamp(0, 1), reduction="none"), (voiced >= 0).float()
        )
        return heard + 0.5 * _mean(binary_cross_entropy_with_logits(told[:, 1], greeting, reduction="none"), known)

    data_order = ("inputs", "voiced", "greeting", "known")
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


def train_judge(parts: list[tuple[Floats, Clips, float]], steps: int, seed: int) -> JudgeNetwork:
    """parts: rows of the judge, the clips they are of, and the weight of one of these clips."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    columns: dict[str, list[Any]] = {"rows": [], "label": [], "weight": [], "ended": [], "known": []}
    for rows, clips, worth in parts:
        index = clips["real"] & (clips["weight"] > 0) & (rng.random(clips["real"].shape) < JUDGE_SHARE)
        columns["rows"].append(rows[index])
        worths = np.where(np.isin(clips["label"][index], SPOKEN), worth, SIGNAL_WORTH * worth)
        columns["weight"].append((clips["weight"][index] * worths).astype(np.float32))
        for name in ("label", "ended", "known"):
            columns[name].append(clips[name][index].astype(np.float32))
    data = {name: np.concatenate(column) for name, column in columns.items()}
    data["weight"] /= data["weight"].mean()
    mean, spread = data["rows"][::7].mean(0), data["rows"][::7].std(0) + 0.05
    data["rows"] = (data["rows"] - mean) / spread
    network = JudgeNetwork()

    def loss() -> Any:
        batch = rng.integers(0, len(data["rows"]), BATCH)
        rows, label, weight, ended, known = (torch.from_numpy(data[name][batch]) for name in columns)
        told = network(rows + 0.05 * torch.randn_like(rows))
        classes, label = told[:, : len(CLASSES)], label.long()
        person = log_softmax(classes, 1)[:, PERSON].exp().clamp(1e-4, 1 - 1e-4)
        is_person = (label == PERSON).float()
        doubt = -(is_person * person.log() + (1 - is_person) * (1 - person).log())
        mistaken = (weight * (0.5 * cross_entropy(classes, label, reduction="none") + doubt)).mean()
        return mistaken + 0.7 * _mean(
            binary_cross_entropy_with_logits(told[:, len(CLASSES)], ended, reduction="none"), known
        )

    _descend(network, steps, 1e-3, loss)
    with torch.no_grad():
        network.first.bias -= network.first.weight @ torch.from_numpy(mean / spread)
        network.first.weight /= torch.from_numpy(spread)
    return network


def judged(network: JudgeNetwork, rows: Floats) -> npt.NDArray[np.float32]:
    """(clips, steps, OUTPUTS): shares of the classes, and whether the greeting has ended."""
    out = []
    with torch.no_grad():
        for start in range(0, len(rows), 200):
            told = network(torch.from_numpy(rows[start : start + 200]))
            split = len(CLASSES)
            out.append(torch.cat([torch.softmax(told[..., :split], -1), torch.sigmoid(told[..., split:])], -1).numpy())
    return np.concatenate(out)


def matrices(voice: VoiceNetwork, judge: JudgeNetwork) -> dict[str, npt.NDArray[np.float32]]:
    """All layers as `softswitch.amd.weights.pack` takes them."""
    layers = (voice.wide, voice.content, voice.outputs, judge.first, judge.second, judge.outputs)
    named = {}
    for name, layer in zip(NAMES, layers, strict=True):
        named[f"{name}_weight"] = np.ascontiguousarray(layer.weight.detach().numpy().T)
        named[f"{name}_bias"] = layer.bias.detach().numpy()
    return named
