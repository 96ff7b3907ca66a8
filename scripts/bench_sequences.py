"""How fast recurrent and attention layers are on chips, as ratios to torch on the same network and data in one run.

Validation is a tenth of `hwsim.evaluate` of five chips at two times, beside the digital network on the same items in
evaluation mode; a training step is a forward and backward pass in `HwaTraining.step()`, its update and clipping, beside
a digital one with the same optimiser. Rounds of both alternate, and the best of each counts: of processor time on one
thread, which other work on the machine disturbs little, else of time on the wall. Large chips are programmed anew in
each validation, as memory keeps few; drawing weight noise is part of the step. With `--peers` recurrent networks of the
same sizes in aihwkit do the same, where it is installed.

    python scripts/bench_sequences.py [--network NAME …] [--preset pcm-analognas] [--threads N] [--rounds 5] [--peers]
        [--json]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import NamedTuple

import torch
from peers import aihwkit, aihwkit_recurrent
from torch import nn
from torch.nn import functional as F

import hwsim

SYMBOLS = 50
CHIPS = 5
TIMES = (1.0, 86_400.0)
TARGET = 2.5


class Recurrent(nn.Module):
    """An embedding, a recurrent layer, and the next symbol at each step."""

    def __init__(self, kind: type[nn.RNNBase], inputs: int, hidden: int) -> None:
        super().__init__()
        self.symbols = nn.Embedding(SYMBOLS, inputs)
        self.memory = kind(inputs, hidden, batch_first=True)
        self.last = nn.Linear(hidden, SYMBOLS)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return scores, `(items, symbols, steps)`."""
        return self.last(self.memory(self.symbols(tokens))[0]).mT


class Encoder(nn.Module):
    """An embedding, encoder layers, and the next symbol at each step."""

    def __init__(self, width: int, heads: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.symbols = nn.Embedding(SYMBOLS, width)
        layer = nn.TransformerEncoderLayer(width, heads, hidden, dropout=0.0, batch_first=True)
        self.stack = nn.TransformerEncoder(layer, layers)
        self.last = nn.Linear(width, SYMBOLS)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return scores, `(items, symbols, steps)`."""
        return self.last(self.stack(self.symbols(tokens))).mT


class Performer(nn.Module):
    """An embedding, attention by random features with its sum, and the next symbol at each step."""

    def __init__(self, width: int, heads: int, components: int) -> None:
        super().__init__()
        self.symbols = nn.Embedding(SYMBOLS, width)
        self.attention = hwsim.KernelAttention(width, heads, components, is_causal=True)
        self.last = nn.Linear(width, SYMBOLS)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return scores, `(items, symbols, steps)`."""
        x = self.symbols(tokens)
        return self.last(x + self.attention(x)).mT


class Peer(nn.Module):
    """A recurrent network in aihwkit, whose layers take steps first and go without torch's fused kernels."""

    def __init__(self, kind: str, inputs: int, hidden: int, *, training: bool) -> None:
        super().__init__()
        self.symbols = nn.Embedding(SYMBOLS, inputs)
        self.memory = aihwkit_recurrent(kind, inputs, hidden, training=training)
        self.last = aihwkit(nn.Linear(hidden, SYMBOLS), training=training)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return scores, `(items, symbols, steps)`."""
        states = self.memory(self.symbols(tokens).transpose(0, 1))[0].transpose(0, 1)
        scores: torch.Tensor = self.last(states).mT
        return scores

    def at(self, t_s: float) -> None:
        """Let the chip drift to a time after programming; at 0 it is programmed anew."""
        for part in (self.memory, self.last):
            part.drift_analog_weights(t_s) if t_s else part.program_analog_weights()


class Workload(NamedTuple):
    """A network, and the sequences of a pass."""

    build: Callable[[], nn.Module]
    items: int
    steps: int
    peer: tuple[str, int, int] | None = None


WORKLOADS = {
    "lstm-504": Workload(lambda: Recurrent(nn.LSTM, 128, 504), 128, 64, ("lstm", 128, 504)),
    "lstm-128": Workload(lambda: Recurrent(nn.LSTM, 64, 128), 128, 64, ("lstm", 64, 128)),
    "gru-504": Workload(lambda: Recurrent(nn.GRU, 128, 504), 128, 64, ("gru", 128, 504)),
    "encoder-128": Workload(lambda: Encoder(128, 4, 512, 2), 64, 64),
    "performer-128": Workload(lambda: Performer(128, 4, 64), 64, 64),
    "encoder-256": Workload(lambda: Encoder(256, 4, 1024, 2), 64, 64),
}


def best(jobs: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the least seconds of each job, after a first round that does not count."""
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    found = dict.fromkeys(jobs, float("inf"))
    for count in range(rounds + 1):
        for name, job in jobs.items():
            started = clock()
            job()
            if count:
                found[name] = min(found[name], clock() - started)
    return found


def peer_jobs(
    work: Workload, tokens: torch.Tensor
) -> tuple[dict[str, Callable[[], object]], dict[str, Callable[[], object]]]:
    """Return a validation and a training step in aihwkit; neither where it has no such layer."""
    if work.peer is None:
        return {}, {}
    from aihwkit.optim import AnalogSGD

    inputs, targets = tokens[:, :-1], tokens[:, 1:]
    chip = Peer(*work.peer, training=False)

    @torch.no_grad()
    def on_chip() -> None:
        for _ in range(CHIPS):
            for t_s in (0.0, *TIMES):
                chip.at(t_s)
                if t_s:
                    F.cross_entropy(chip(inputs), targets)

    net = Peer(*work.peer, training=True)
    optimizer = AnalogSGD(net.parameters(), lr=1e-3)

    def step() -> None:
        optimizer.zero_grad()
        F.cross_entropy(net(inputs), targets).backward()
        optimizer.step()

    return {"peer": on_chip}, {"peer": step}


def step_of(net: nn.Module, tokens: torch.Tensor, hwa: hwsim.HwaTraining | None) -> Callable[[], None]:
    """Return a training step."""
    optimizer = torch.optim.Adam((p for p in net.parameters() if p.requires_grad), 1e-3)
    inputs, targets = tokens[:, :-1], tokens[:, 1:]

    def step() -> None:
        net.train()
        optimizer.zero_grad()
        if hwa is None:
            F.cross_entropy(net(inputs), targets).backward()
            optimizer.step()
            return
        with hwa.step():
            F.cross_entropy(net(inputs), targets).backward()
        optimizer.step()
        hwa.after_update()

    return step


def measure(name: str, preset: str, rounds: int, peers: bool) -> dict[str, float]:
    """Return milliseconds and ratios of one network."""
    work = WORKLOADS[name]
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    model = work.build()
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(SYMBOLS, (work.items, work.steps + 1), generator=generator)
    net = hwsim.to_analog(model, preset)
    hwsim.calibrate(net, tokens[:, :-1])
    chips = hwsim.program(net, n=CHIPS)
    inputs, targets = tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous()

    @torch.no_grad()
    def digital() -> float:
        return float(F.cross_entropy(model.eval()(inputs), targets))

    def on_chip() -> float:
        return float(hwsim.evaluate(chips, (inputs, targets), TIMES, "cross-entropy", progress=False).mean[0])

    peer_validation, peer_step = peer_jobs(work, tokens) if peers else ({}, {})
    validation = best({"digital": digital, "analog": on_chip, **peer_validation}, rounds)
    training = best(
        {
            "digital": step_of(model, tokens, None),
            "analog": step_of(net, tokens, hwsim.HwaTraining(net, seed=0)),
            **peer_step,
        },
        rounds,
    )
    passes = CHIPS * len(TIMES)
    found = {
        "validation_digital_ms": 1e3 * validation["digital"],
        "validation_ratio": validation["analog"] / passes / validation["digital"],
        "step_digital_ms": 1e3 * training["digital"],
        "step_ratio": training["analog"] / training["digital"],
    }
    if peer_validation:
        found["peer_validation_ratio"] = validation["peer"] / passes / validation["digital"]
        found["peer_step_ratio"] = training["peer"] / training["digital"]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--network", nargs="+", choices=WORKLOADS, default=list(WORKLOADS))
    parser.add_argument("--preset", choices=hwsim.preset_names(), default="pcm-analognas")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", action="store_true", help="aihwkit's recurrent layers as well")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.peers and not find_spec("aihwkit"):
        parser.error("`--peers` needs aihwkit, which is not installed: pip install 'analognas[peers]'")
    torch.set_num_threads(options.threads)
    found = {name: measure(name, options.preset, options.rounds, options.peers) for name in options.network}
    if options.json:
        print(json.dumps(found))
        return
    print(f"{'network':12} {'validation':>22} {'training step':>22}   target {TARGET} x")
    for name, row in found.items():
        times = (
            f"{row[f'{part}_digital_ms']:10.1f} ms {row[f'{part}_ratio']:6.2f} x"
            for part in ("validation", "step")
        )
        peer = (
            f"   aihwkit {row['peer_validation_ratio']:.2f} x, {row['peer_step_ratio']:.2f} x"
            if "peer_step_ratio" in row
            else ""
        )
        print(f"{name:12} {'  '.join(times)}{peer}")


if __name__ == "__main__":
    main()
