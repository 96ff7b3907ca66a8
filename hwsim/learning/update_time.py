"""How long an update of an N × N layer takes for each input vector, and what it stores, to compare algorithms.

    SGD                 2N / F + l t_p
    TTv2, chopped TTv2  (2N + 2N / n_s) / F + (l + 1 / n_s) t_p + t_MVM / n_s
    AGAD                (2N + 6N / n_s) / F + (l + 1 / n_s) t_p + t_MVM / n_s
    mixed precision     (2N² + N) / F + (N / B) t_p

with F digital operations a second, l slots of t_p in a train, a column read (t_MVM) every n_s vectors, and B vectors in
a batch. The parallel update of the array itself does not depend on N.

References:
    Rasch et al., Fast and robust analog in-memory deep neural network training, Nat. Commun. 15:7133, 2024, Table 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias

from hwsim.arguments import number, one_of, whole

Algorithm: TypeAlias = Literal["sgd", "ttv2", "c-ttv2", "agad", "mixed-precision"]
ALGORITHMS: Final[tuple[Algorithm, ...]] = ("sgd", "ttv2", "c-ttv2", "agad", "mixed-precision")


@dataclass(frozen=True)
class Machine:
    """What the times depend on.

    Attributes:
        size: N, rows and columns of the layer.
        operations_per_s: F of the digital unit next to the array.
        mvm_ns: time of one product of the array, ns.
        pulse_ns: time of one slot of a train, ns.
        slots: l, mean slots of a train.
        most_slots: of the longest train, whose random bits are loaded.
        transfer_every: n_s, vectors between two column reads.
        batch: B, vectors between two writes of mixed precision.
    """

    size: int = 512
    operations_per_s: float = 175e9
    mvm_ns: float = 40.0
    pulse_ns: float = 5.0
    slots: float = 5.0
    most_slots: float = 5.0
    transfer_every: float = 2.0
    batch: int = 100

    def __post_init__(self) -> None:
        whole("size", self.size, least=1)
        whole("batch", self.batch, least=1)
        for name in ("operations_per_s", "transfer_every"):
            number(name, getattr(self, name), above=0)
        for name in ("mvm_ns", "pulse_ns", "slots", "most_slots"):
            number(name, getattr(self, name), least=0)


class UpdateCost(NamedTuple):
    """What one update takes for each input vector.

    Attributes:
        time_ns: time, ns.
        storage_bytes: digital memory that has to be held, bytes.
        memory_bits: digital memory traffic, bits.
    """

    time_ns: float
    storage_bytes: float
    memory_bits: float


def update_cost(algorithm: Algorithm, machine: Machine | None = None) -> UpdateCost:
    """Return the cost of an update for each input vector.

    Raises:
        ValueError: for an unknown algorithm.

    Example:
        >>> round(update_cost("agad").time_ns, 1)
        62.1
    """
    algorithm = one_of("algorithm", algorithm, ALGORITHMS)
    m = Machine() if machine is None else machine
    n, every = m.size, m.transfer_every
    ns_per_operation = 1e9 / m.operations_per_s
    reading_ns = (m.slots + 1 / every) * m.pulse_ns + m.mvm_ns / every
    match algorithm:
        case "sgd":
            time_ns = 2 * n * ns_per_operation + m.slots * m.pulse_ns
            return UpdateCost(time_ns, 2 * n, 16 * n + 2 * n * m.most_slots)
        case "ttv2" | "c-ttv2":
            time_ns = (2 * n + 2 * n / every) * ns_per_operation + reading_ns
            return UpdateCost(time_ns, n**2 + 2 * n, (16 if algorithm == "ttv2" else 18) * n / every)
        case "agad":
            time_ns = (2 * n + 6 * n / every) * ns_per_operation + reading_ns
            return UpdateCost(time_ns, 3 * n**2 + 2 * n, 50 * n / every)
        case "mixed-precision":
            time_ns = (2 * n**2 + n) * ns_per_operation + n / m.batch * m.pulse_ns
            return UpdateCost(time_ns, n**2 + 2 * n * m.batch, 16 * n**2 / m.batch)
