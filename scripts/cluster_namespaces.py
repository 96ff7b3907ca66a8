"""A search on a real Ray cluster of three hosts with a bad network, one of them unplugged in the middle.

    sudo python scripts/cluster_namespaces.py [--latency-ms 5] [--loss-percent 1] [--trials 16] [--config FILE]

Linux only, as root. Each host is a network namespace with an address and ports of its own; a switch in this process
(lossy_switch.py) lets every packet from one to another wait and loses some. Host 1 has the head node and the driver and
evaluates nothing, hosts 2 and 3 evaluate; the cable of host 3 is pulled when a quarter of the trials is recorded, one
of them its own. At the end all trials must be there and none twice. Ray takes minutes to give up a host that only went
silent. Needs the extra `ray`.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from lossy_switch import Switch, open_tap

NAME = "analognas"
PORT = 6399
STARTED = "Ray runtime started"
QUICK = (
    "search.batch=1",
    "search.strategy.initial=8",
    "training.digital.epochs=2",
    "training.hardware_aware.epochs=1",
    "final.digital_epochs=2",
    "final.hardware_aware_epochs=1",
    "references=[]",
)


def host(number: int) -> str:
    """Return the name of a host's namespace."""
    return f"{NAME}-host{number}"


def address(number: int) -> str:
    """Return the address of a host."""
    return f"10.77.0.{number}"


def ip(*words: str) -> None:
    """Run `ip`; what it complains about ends the program."""
    subprocess.run(["ip", *words], check=True)


def build(stack: ExitStack, latency_ms: float, loss_percent: float) -> Switch:
    """Make three hosts on a switch; `stack` takes them down again."""
    ports: dict[int, int] = {}
    for number in (1, 2, 3):
        device = f"{NAME}{number}"
        ports[number] = open_tap(device)
        stack.callback(os.close, ports[number])
        ip("netns", "add", host(number))
        stack.callback(subprocess.run, ["ip", "netns", "del", host(number)], check=False)
        ip("link", "set", device, "netns", host(number))
        ip("-n", host(number), "addr", "add", f"{address(number)}/24", "dev", device)
        for name in ("lo", device):
            ip("-n", host(number), "link", "set", name, "up")
    switch = Switch(ports, latency_ms / 1000, loss_percent / 100)
    switch.start()
    stack.callback(switch.end)
    return switch


def start(stack: ExitStack, number: int, command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    """Start a command on a host, in whose records it has a name; `stack` ends it and its children."""
    named = ["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', host(number)]
    environment = {**os.environ, "RAY_AUTH_MODE": "disabled", "OMP_NUM_THREADS": "1"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["ip", "netns", "exec", host(number), *named, *command],
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )

    def end() -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            if process.poll() is None:
                os.killpg(process.pid, number)
                time.sleep(3)

    stack.callback(end)
    return process


def wait_for(log: Path, words: str) -> None:
    """Wait until a program has printed something.

    Raises:
        SystemExit: after a minute without it.
    """
    for _ in range(600):
        if words in log.read_text(encoding="utf-8"):
            return
        time.sleep(0.1)
    print(log.read_text(encoding="utf-8"), file=sys.stderr)
    raise SystemExit(1)


def n_of_host(run: Path, number: int) -> int:
    """Return how many recorded trials a host has evaluated."""
    return sum(trial["node"] == host(number) for trial in recorded(run))


def recorded(run: Path) -> list[dict[str, object]]:
    """Return the complete trials of a run directory."""
    journal = run / "trials.jsonl"
    lines = journal.read_text(encoding="utf-8").splitlines(keepends=True) if journal.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--latency-ms", type=float, default=5.0, help="from one host to another")
    parser.add_argument("--loss-percent", type=float, default=1.0, help="of the packets on a way")
    parser.add_argument("--trials", type=int, default=16)
    parser.add_argument("--config", default="configs/digits.yaml")
    options = parser.parse_args()
    if sys.platform != "linux" or os.geteuid() != 0:
        print("network namespaces need Linux and root: run it with sudo", file=sys.stderr)
        return 2
    if not Path("/dev/net/tun").exists():
        print(
            "no /dev/net/tun, from which hosts have their network devices: load the module tun",
            file=sys.stderr,
        )
        return 2
    with tempfile.TemporaryDirectory(prefix="cluster-") as name, ExitStack() as stack:
        folder = Path(name)
        switch = build(stack, options.latency_ms, options.loss_percent)
        ray = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats"]
        head = ["--head", f"--port={PORT}", "--num-cpus=0", "--include-dashboard=false"]
        start(stack, 1, [*ray, *head, f"--node-ip-address={address(1)}"], folder / "1.log")
        wait_for(folder / "1.log", STARTED)
        for number in (2, 3):
            joins = [f"--address={address(1)}:{PORT}", "--num-cpus=2", f"--node-ip-address={address(number)}"]
            start(stack, number, [*ray, *joins], folder / f"{number}.log")
        for number in (2, 3):
            wait_for(folder / f"{number}.log", STARTED)
        run = folder / "run"
        changes = [f"search.trials={options.trials}", f"executor.address={address(1)}:{PORT}", *QUICK]
        settings = [word for change in changes for word in ("--set", change)]
        search = [sys.executable, "-m", "analognas", "search", options.config, "--out", str(run)]
        began = time.monotonic()
        driver = start(stack, 1, [*search, "--executor", "ray", *settings], folder / "driver.log")
        while driver.poll() is None and (len(recorded(run)) < options.trials // 4 or not n_of_host(run, 3)):
            time.sleep(0.2)
        before = len(recorded(run))
        switch.unplug(3)
        print(f"host 3 unplugged with {before} of {options.trials} trials recorded", flush=True)
        code = driver.wait()
        print(f"packets: {switch.n_passed} passed, {switch.n_lost} lost", flush=True)
        sys.stdout.write((folder / "driver.log").read_text(encoding="utf-8"))
        print(", ".join(f"host {number}: {n_of_host(run, number)} trials" for number in (2, 3)))
        return report(run, code, options.trials, time.monotonic() - began)


def report(run: Path, code: int, n_trials: int, seconds: float) -> int:
    """Print what came of the search, and return 0 if nothing was lost or doubled."""
    trials = recorded(run)
    candidates = {json.dumps(trial["architecture"], sort_keys=True) for trial in trials}
    print(
        f"driver: exit code {code} after {seconds:.0f} s; {len(trials)} trials, {len(candidates)} candidates"
    )
    return 0 if code == 0 and len(trials) == len(candidates) == n_trials else 1


if __name__ == "__main__":
    sys.exit(main())
