"""A search on a real Ray cluster of three hosts with a bad network, one of them unplugged in the middle.

    sudo python scripts/cluster_namespaces.py [--latency-ms 5] [--loss-percent 1] [--trials 16] [--config FILE]

Linux only, as root. Each host is a network namespace with an address and ports of its own, on one switch; every
packet to or from a host waits and may be lost (tc, netem). Host 1 has the head node and the driver and evaluates
nothing, hosts 2 and 3 evaluate; the cable of host 3 is pulled when a quarter of the trials is recorded. At the end all
trials must be there and none twice. Ray takes minutes to give up a host that only went silent. Needs the extra `ray`.
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

NAME = "analognas"
SWITCH = f"{NAME}-switch"
PORT = 6399
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


def build(stack: ExitStack, latency_ms: float, loss_percent: float) -> None:
    """Make three hosts on a switch; `stack` takes them down again."""
    for name in (SWITCH, *map(host, (1, 2, 3))):
        ip("netns", "add", name)
        stack.callback(subprocess.run, ["ip", "netns", "del", name], check=False)
        ip("-n", name, "link", "set", "lo", "up")
    ip("-n", SWITCH, "link", "add", "bridge", "type", "bridge")
    ip("-n", SWITCH, "link", "set", "bridge", "up")
    for number in (1, 2, 3):
        port = f"port{number}"
        ends = ("type", "veth", "peer", "name", "cable", "netns", host(number))
        ip("link", "add", port, "netns", SWITCH, *ends)
        ip("-n", SWITCH, "link", "set", port, "master", "bridge")
        ip("-n", SWITCH, "link", "set", port, "up")
        ip("-n", host(number), "addr", "add", f"{address(number)}/24", "dev", "cable")
        ip("-n", host(number), "link", "set", "cable", "up")
        if latency_ms or loss_percent:
            worsen(host(number), latency_ms / 2, loss_percent / 2)  # once at each end of a way


def worsen(namespace: str, latency_ms: float, loss_percent: float) -> None:
    """Delay and lose what leaves a host.

    Raises:
        SystemExit: when the kernel cannot.
    """
    netem = ["netem", "delay", f"{latency_ms}ms", "loss", f"{loss_percent}%"]
    command = ["tc", "-n", namespace, "qdisc", "add", "dev", "cable", "root", *netem]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(
            f"this kernel cannot delay and lose packets ({done.stderr.strip()}): load its module sch_netem, or try "
            "the cluster alone with --latency-ms 0 --loss-percent 0",
            file=sys.stderr,
        )
        raise SystemExit(2)


def start(stack: ExitStack, number: int, command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    """Start a command on a host; `stack` ends it and its children."""
    environment = {**os.environ, "RAY_AUTH_MODE": "disabled", "OMP_NUM_THREADS": "1"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["ip", "netns", "exec", host(number), *command],
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
    with tempfile.TemporaryDirectory(prefix="cluster-") as name, ExitStack() as stack:
        folder = Path(name)
        build(stack, options.latency_ms, options.loss_percent)
        ray = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats"]
        head = ["--head", f"--port={PORT}", "--num-cpus=0", "--include-dashboard=false"]
        start(stack, 1, [*ray, *head, f"--node-ip-address={address(1)}"], folder / "1.log")
        time.sleep(8)
        for number in (2, 3):
            joins = [f"--address={address(1)}:{PORT}", "--num-cpus=2", f"--node-ip-address={address(number)}"]
            start(stack, number, [*ray, *joins], folder / f"{number}.log")
        time.sleep(8)
        run = folder / "run"
        changes = [f"search.trials={options.trials}", f"executor.address={address(1)}:{PORT}", *QUICK]
        settings = [word for change in changes for word in ("--set", change)]
        search = [sys.executable, "-m", "analognas", "search", options.config, "--out", str(run)]
        began = time.monotonic()
        driver = start(stack, 1, [*search, "--executor", "ray", *settings], folder / "driver.log")
        while driver.poll() is None and len(recorded(run)) < max(1, options.trials // 4):
            time.sleep(0.2)
        before = len(recorded(run))
        ip("-n", SWITCH, "link", "set", "port3", "down")
        print(f"host 3 unplugged with {before} of {options.trials} trials recorded", flush=True)
        code = driver.wait()
        sys.stdout.write((folder / "driver.log").read_text(encoding="utf-8"))
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
