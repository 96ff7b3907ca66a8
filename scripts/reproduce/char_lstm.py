"""A character LSTM on chips: bits per character in floating point, mapped directly, and after hardware-aware training.

    ANALOGNAS_DATA=FOLDER python scripts/reproduce/char_lstm.py [--hidden 504] [--epochs 200]
        [--hardware-aware-epochs 20] [--weight-noise 0.15] [--chips 10] [--folder FOLDER] [--limit-s SECONDS]
        [--beta 0.06]

The recipe measured on the HERMES chip, on War and Peace in place of the Penn Treebank: fixed orthogonal embeddings of
128 numbers, one LSTM, dropout 0.25 and a matrix to the symbols; Adam at 0.01, a tenth of it after each quarter of the
epochs (`--decay`), batches of 128 chunks of 150 characters, gradients clipped at 5. Hardware-aware training has no
dropout, a tenth of the rate, weight noise of 0.075 of each layer's span (`--weight-noise`, relative to the largest
magnitude of each column, is twice as much), weights clipped at two standard deviations, and the inputs of the hidden
gates clipped at `--beta`, the range of their DAC. The text is split 90 / 5 / 5 as it is, the test part cut in chunks of
500 characters, each of which starts without a past.

Then two devices a weight (`pcm-hermes-2`) and one (`pcm-hermes-1`) at 1 s, 1 h, 1 day and 1 year: `direct` maps the
floating-point network as it is, `aware` the trained one with that clip, `unclipped` a network trained alike whose
hidden gates take all their inputs. Each is measured digitally, too, `aware` with its clip. Rises are over the
floating-point network, and over the same network measured digitally. ADCs of a layer span what calibration
finds (`converters.adc_gain` layer), as the chip's G_max was lowered where currents left the range of its ADCs.

Every stage goes on from `--folder` where it stopped; `--limit-s` ends a run after so many seconds. One JSON line a
result goes to `results.jsonl` there, and the table is printed of what it holds. `--table FILE` prints the results of
several seeds in one file; `char_lstm.jsonl` beside this file has those of docs/hwsim-networks.md.

References:
    Le Gallo et al., A 64-core mixed-signal in-memory compute chip …, Nat. Electron. 6:680, 2023.
    Rasch et al., Nat. Commun. 14:5282, 2023.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path
from statistics import mean, stdev
from typing import Any, Final

import torch
from data_file import data_file
from torch import nn
from torch.nn import functional as F

import hwsim

WIDTH: Final = 128
CHUNK, TEST_CHUNK, BATCH = 150, 500, 128
HARDWARE: Final = {"two devices": "pcm-hermes-2", "one device": "pcm-hermes-1"}
TIMES: Final = ("1 s", "1 h", "1 day", "1 year")


class Characters(nn.Module):
    """The next character at each step."""

    def __init__(self, n_symbols: int, hidden: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        normal = torch.randn(WIDTH, WIDTH, generator=generator)
        rows = torch.linalg.qr(normal)[0][:n_symbols] * math.sqrt(WIDTH)
        self.symbols = nn.Embedding.from_pretrained(rows, freeze=True)
        self.memory = nn.LSTM(WIDTH, hidden, batch_first=True)
        self.dropout = nn.Dropout(0.25)
        self.next = nn.Linear(hidden, n_symbols)

    def forward(self, text: torch.Tensor) -> torch.Tensor:
        """Return scores, `(items, symbols, steps)`."""
        return self.next(self.dropout(self.memory(self.symbols(text))[0])).mT


def texts() -> tuple[dict[str, torch.Tensor], int]:
    """Return the symbols of each part, and how many there are."""
    text = data_file("text/war_and_peace.txt").read_text("utf-8")
    known = {symbol: code for code, symbol in enumerate(sorted(set(text)))}
    codes = torch.tensor([known[symbol] for symbol in text])
    a, b = int(0.9 * len(codes)), int(0.95 * len(codes))
    return {"train": codes[:a], "valid": codes[a:b], "test": codes[b:]}, len(known)


def chunks(codes: torch.Tensor, length: int, most: int | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    """Return inputs and targets, `(chunks, length)` each."""
    n = (len(codes) - 1) // length
    n = n if most is None else min(n, max(1, most // length))
    return codes[: n * length].view(n, length), codes[1 : n * length + 1].view(n, length)


class Clipped(nn.Module):
    """The digital network whose hidden gates take their inputs within ± `beta`, as its DAC does on a chip."""

    def __init__(self, model: Characters, beta: float) -> None:
        super().__init__()
        self.model, self.beta = model, beta

    def forward(self, text: torch.Tensor) -> torch.Tensor:
        """Return scores, `(items, symbols, steps)`."""
        memory = self.model.memory
        drives = F.linear(
            self.model.symbols(text), memory.weight_ih_l0, memory.bias_ih_l0 + memory.bias_hh_l0
        )
        hidden = cell = drives.new_zeros(len(text), memory.hidden_size)
        states = []
        for drive in drives.unbind(1):
            gates = drive + hidden.clamp(-self.beta, self.beta) @ memory.weight_hh_l0.T
            enter, keep, candidate, leave = gates.chunk(4, 1)
            cell = keep.sigmoid() * cell + enter.sigmoid() * candidate.tanh()
            hidden = leave.sigmoid() * cell.tanh()
            states.append(hidden)
        return self.model.next(torch.stack(states, 1)).mT


@torch.no_grad()
def bits(net: nn.Module, data: tuple[torch.Tensor, torch.Tensor]) -> float:
    """Return bits per character."""
    net.eval()
    total = sum(
        float(F.cross_entropy(net(x), y, reduction="sum"))
        for x, y in zip(data[0].split(256), data[1].split(256), strict=True)
    )
    return total / data[1].numel() / math.log(2)


class Training:
    """A stage that goes on from its file where it stopped.

    Args:
        name: of the file.
        net: the network, digital or analog.
        hwa: of a hardware-aware one.
        options: of the command line.
        epochs: of the whole stage.
        deadline: when to stop, on the clock of `time.monotonic`.
    """

    def __init__(
        self,
        name: str,
        net: nn.Module,
        hwa: hwsim.HwaTraining | None,
        options: argparse.Namespace,
        epochs: float,
        deadline: float,
    ) -> None:
        self.name, self.net, self.hwa, self.options, self.epochs = name, net, hwa, options, epochs
        self.path, self.deadline = options.folder / f"{name}.pt", deadline
        trained = [parameter for parameter in net.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.Adam(trained, options.lr if hwa is None else options.lr / 10)
        self.step, self.best = 0, math.inf
        self.best_net = {key: value.clone() for key, value in _tensors(net).items()}
        if self.path.exists():
            held = torch.load(self.path, weights_only=True)
            net.load_state_dict(held["net"], strict=False)
            self.optimizer.load_state_dict(held["optimizer"])
            self.step, self.best, self.best_net = held["step"], held["best"], held["best_net"]
            if hwa is not None:
                hwa.load_state_dict(held["hwa"])

    def run(self, text: dict[str, torch.Tensor]) -> bool:
        """Train to the end or the deadline, and load the best network; return whether it is the end."""
        valid = chunks(text["valid"], 128, self.options.validation_characters)
        offset, per_epoch = CHUNK, (len(text["train"]) - 1 - CHUNK) // CHUNK // BATCH
        n_steps, every = max(1, round(self.epochs * per_epoch)), max(1, per_epoch // 4)
        torch.manual_seed(self.step)  # dropout
        started = time.monotonic()
        while self.step < n_steps and time.monotonic() < self.deadline:
            epoch, at = divmod(self.step, per_epoch)
            generator = torch.Generator().manual_seed(epoch)
            shift = int(torch.randint(offset, (), generator=generator))
            x, y = chunks(text["train"][shift:], CHUNK)
            rows = torch.randperm(len(x), generator=generator)[at * BATCH : (at + 1) * BATCH]
            decay = self.options.decay ** (4 * self.step // n_steps)
            self.optimizer.param_groups[0]["lr"] = self.options.lr * (1 if self.hwa is None else 0.1) * decay
            self._update(x[rows], y[rows])
            self.step += 1
            if self.step % every == 0 or self.step == n_steps:
                self._save(bits(self.net, valid))
                took = time.monotonic() - started
                done = f"{self.name}: step {self.step} of {n_steps}"
                print(f"{done}, {self.best:.4f} bits at best, {took:.0f} s", flush=True)
        if self.step < n_steps:
            self._save(math.inf)
        self.net.load_state_dict(self.best_net, strict=False)
        self.net.eval()
        return self.step >= n_steps

    def _update(self, x: torch.Tensor, y: torch.Tensor) -> None:
        self.net.train()
        self.optimizer.zero_grad()
        if self.hwa is None:
            F.cross_entropy(self.net(x), y).backward()
        else:
            with self.hwa.step():
                F.cross_entropy(self.net(x), y).backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self.optimizer.step()
        if self.hwa is not None:
            self.hwa.after_update()

    def _save(self, found: float) -> None:
        if found < self.best:
            self.best, self.best_net = (
                found,
                {key: value.clone() for key, value in _tensors(self.net).items()},
            )
        held = {
            "net": _tensors(self.net),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "best": self.best,
            "best_net": self.best_net,
            "hwa": {} if self.hwa is None else self.hwa.state_dict(),
        }
        torch.save(held, f"{self.path}.part")
        Path(f"{self.path}.part").replace(self.path)


def _tensors(net: nn.Module) -> dict[str, torch.Tensor]:
    return {key: value for key, value in net.state_dict().items() if isinstance(value, torch.Tensor)}


def mapped(model: nn.Module, hardware: str, x: torch.Tensor, beta: float | None) -> nn.Module:
    """Return the network on hardware, calibrated; `beta` is the range of the hidden gates' inputs, None for all."""
    net = hwsim.to_analog(model, hwsim.preset(hardware).replace({"converters.adc_gain": "layer"}))
    hwsim.calibrate(net, x[:256].split(64), method="max")
    if beta is not None:
        with torch.no_grad():
            net.memory.l0.gates.hidden.input_range.fill_(beta)
    return net


def aware(
    name: str,
    model: Characters,
    options: argparse.Namespace,
    text: dict[str, torch.Tensor],
    beta: float | None,
    deadline: float,
) -> Characters | None:
    """Return the hardware-aware network as a digital one; None before it is trained."""
    net = mapped(model, HARDWARE["two devices"], chunks(text["train"], CHUNK, 50_000)[0], beta)
    net.dropout.p = 0.0
    hwa = hwsim.HwaTraining(net, seed=options.seed, weight_noise=options.weight_noise, clip_sigma=2.0)
    stage = Training(name, net, hwa, options, options.hardware_aware_epochs, deadline)
    return hwsim.to_digital(net) if stage.run(text) else None


def measure(
    model: Characters,
    kind: str,
    hardware: str,
    beta: float | None,
    data: tuple[torch.Tensor, torch.Tensor],
    options: argparse.Namespace,
    text: dict[str, torch.Tensor],
) -> dict[str, Any]:
    """Return bits per character on chips, mean and standard deviation at each time."""
    net = mapped(model, HARDWARE[hardware], chunks(text["train"], CHUNK, 50_000)[0], beta)
    digital = model if beta is None else Clipped(model, beta)
    chips = hwsim.program(net, n=options.chips, seed=options.seed)
    curve = hwsim.evaluate(chips, data, TIMES, "cross-entropy", progress=False)
    found = curve.values / math.log(2)
    return {
        "hidden": options.hidden,
        "seed": options.seed,
        "weight noise": options.weight_noise,
        "beta": beta,
        "kind": kind,
        "hardware": hardware,
        "fp": bits(digital, data),
        "no noise": bits(net, data),
        "mean": dict(zip(TIMES, found.mean(1).tolist(), strict=True)),
        "std": dict(zip(TIMES, found.std(1, ddof=1).tolist(), strict=True)),
    }


def show(rows: list[dict[str, Any]]) -> None:
    """Print bits per character over seeds, and rises over the floating-point network and over the same one, digital.

    ± is the standard deviation over seeds.
    """
    floors = {row["seed"]: row["fp"] for row in rows if row["kind"] == "direct"}
    groups: dict[tuple[str, str, float, float | None], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(
            tuple(row[name] for name in ("kind", "hardware", "weight noise", "beta")), []
        ).append(row)
    for (kind, hardware, noise, beta), group in groups.items():
        own = f"digital {_spread([row['fp'] for row in group])}, no noise {_spread([row['no noise'] for row in group])}"
        said = "" if kind == "direct" else f", weight noise {noise:g}"
        said += "" if beta is None else f", inputs within {beta:g}"
        print(f"{kind}, {hardware}{said}, {len(group)} seeds: {own}")
        for at in TIMES:
            found = [row["mean"][at] for row in group]
            over = [row["mean"][at] - floors.get(row["seed"], math.nan) for row in group]
            same = [row["mean"][at] - row["fp"] for row in group]
            print(
                f"    {at:<7} {_spread(found)}; over the first network {_spread(over)}, over this one {_spread(same)}"
            )


def _spread(values: list[float]) -> str:
    return f"{mean(values):.4f}" + (f" ± {stdev(values):.4f}" if len(values) > 1 else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hidden", type=int, default=504)
    parser.add_argument("--epochs", type=float, default=200.0)
    parser.add_argument("--hardware-aware-epochs", type=float, default=20.0)
    parser.add_argument("--lr", type=float, default=0.01)
    parser.add_argument("--decay", type=float, default=0.1, help="of the learning rate after each quarter")
    parser.add_argument("--beta", type=float, default=0.06)
    parser.add_argument("--weight-noise", type=float, default=0.15)
    parser.add_argument("--chips", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--validation-characters", type=int)
    parser.add_argument("--test-characters", type=int)
    parser.add_argument("--limit-s", type=float, default=math.inf)
    parser.add_argument("--folder", type=Path, default=Path("char_lstm"))
    parser.add_argument("--table", type=Path, help="print what a file of results holds, compute nothing")
    options = parser.parse_args()
    if options.table is not None:
        if not options.table.is_file():
            parser.error(f"`--table` must be a file of results, got {options.table}")
        show([json.loads(line) for line in options.table.read_text("utf-8").splitlines()])
        return
    for name, value in vars(options).items():
        if isinstance(value, int | float) and name != "seed" and not value > 0:
            parser.error(f"`--{name.replace('_', '-')} > 0` must hold, got {value}")
    if options.chips < 2:
        parser.error(f"`--chips >= 2` must hold, got {options.chips}")
    text, n_symbols = texts()
    options.folder.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + options.limit_s
    settings = {
        name: getattr(options, name)
        for name in (
            "hidden",
            "epochs",
            "hardware_aware_epochs",
            "lr",
            "decay",
            "beta",
            "weight_noise",
            "chips",
            "seed",
            "test_characters",
        )
    }
    known = options.folder / "settings.json"
    if known.exists() and json.loads(known.read_text("utf-8")) != settings:
        parser.error(
            f"`--folder` must be of the same settings, got {known.read_text('utf-8')}: name another folder"
        )
    known.write_text(json.dumps(settings), "utf-8")
    torch.manual_seed(options.seed)  # the initial weights; torch.nn takes no generator
    model = Characters(n_symbols, options.hidden)
    is_done = Training("floating_point", model, None, options, options.epochs, deadline).run(text)
    if not is_done:
        print("the floating-point training goes on in the next run")
        return
    path, data = options.folder / "results.jsonl", chunks(text["test"], TEST_CHUNK, options.test_characters)
    rows = (
        [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.endswith("}")]
        if path.exists()
        else []
    )
    kinds: dict[str, float | None] = {"direct": None, "aware": options.beta, "unclipped": None}
    for kind, beta in kinds.items():
        trained: Characters | None = model
        if kind != "direct":
            trained = aware(kind, model, options, text, beta, deadline)
        for hardware in HARDWARE if trained is not None else ():
            if (
                any((row["kind"], row["hardware"]) == (kind, hardware) for row in rows)
                or time.monotonic() > deadline
            ):
                continue
            rows.append(measure(trained, kind, hardware, beta, data, options, text))
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(rows[-1]) + "\n")
    show(rows)


if __name__ == "__main__":
    main()
