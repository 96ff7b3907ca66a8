"""The networks of AnalogNAS's Table II, as architectures of `ResNetSpace`.

The table contradicts its own parameter limits under every single reading of the bottleneck (types A and C).
With as many channels inside as outside ("full"), T100 has the size the text gives it, but T300, T500 and T1M
are far too large; with as many inside as came into the main block ("input") these three end close below their
limits. For visual wake words and keyword spotting no reading fits; there we take the smallest one. Parameters
in thousands, at the task's input:

    network         limit    full   input  quarter   taken
    CIFAR-10 T100     100      93      30       12   full
    CIFAR-10 T300     300     364     270      243   input
    CIFAR-10 T500     500    1619     486      169   input
    CIFAR-10 T1M     1000    6010     925      601   input
    VWW T200          200    1292     448      212   quarter, 6 % above the limit
    VWW T400          400   11884    3174     1226   quarter, 3 times the limit
    KWS T200          200    2133     211      211   input, 6 % above the limit
    KWS T400          400   10392   10392    10392   no bottleneck in it, 26 times the limit

T300 is printed with one main block and two columns of genes; we read two. ResNet-32 is printed with OC0 = 64,
KS0 = 7 and no widening; the usual one (16, 3, twice widened) has exactly the 464,432 weights that Table IV
gives it, so we read that.

References:
    Benmeziane et al., 2023, arXiv 2305.10459, Tables II and IV.
"""

from __future__ import annotations

from typing import Any, Final

from search_spaces.published.network import PublishedNetwork

SOURCE: Final = "Benmeziane et al., AnalogNAS, 2023, arXiv 2305.10459, Table II"
CIFAR10: Final = ((3, 32, 32), 10)
VISUAL_WAKE_WORDS: Final = ((3, 96, 96), 2)
KEYWORDS: Final = ((1, 49, 10), 12)

Task = tuple[tuple[int, int, int], int]


def _network(
    name: str,
    task: Task,
    genes: tuple[int, int, list[int], list[int], str, list[int]],
    parameters: int,
    limit: int | None,
    bottleneck: str,
    reading: str,
) -> PublishedNetwork:
    """Return a row of the table; `genes` are OC0, KS0 and, for each main block, R, B, CT and WF."""
    oc0, ks0, *blocks = genes
    columns: list[dict[str, Any]] = [
        {"R": r, "B": b, "CT": ct, "WF": wf, "skip": True} for r, b, ct, wf in zip(*blocks, strict=True)
    ]
    architecture = {"OC0": oc0, "KS0": ks0, "M": len(columns), "blocks": columns}
    return PublishedNetwork(name, SOURCE, *task, parameters, limit, reading, architecture, bottleneck)


INPUT: Final = "the 3 x 3 convolution of a bottleneck has as many channels as come into the main block"
QUARTER: Final = "the 3 x 3 convolution of a bottleneck has a quarter of the main block's channels"

TABLE_II: Final = (
    _network(
        "resnet32", CIFAR10, (16, 3, [5, 5, 5], [1, 1, 1], "BBB", [1, 2, 2]), 466_906, None, "full",
        "OC0 16, KS0 3 and WF 1, 2, 2 of the usual ResNet-32, not 64, 7 and 1, 1, 1 as printed",
    ),
    _network(
        "analognas-cifar10-t100", CIFAR10, (32, 3, [2], [1], "C", [2]), 92_586, 100_000, "full",
        "the 3 x 3 convolution of a bottleneck has as many channels as the main block",
    ),
    _network(
        "analognas-cifar10-t300", CIFAR10, (32, 3, [3, 3], [1, 1], "AB", [2, 1]), 269_610, 300_000, "input",
        f"two main blocks, not one as printed; {INPUT}",
    ),
    _network(
        "analognas-cifar10-t500", CIFAR10, (64, 5, [3], [3], "A", [2]), 486_218, 500_000, "input", INPUT
    ),
    _network(
        "analognas-cifar10-t1m", CIFAR10, (32, 5, [3, 3], [2, 2], "AA", [3, 3]), 925_162, 1_000_000, "input", INPUT
    ),
    _network(
        "analognas-vww-t200", VISUAL_WAKE_WORDS, (24, 3, [2, 2, 2], [1, 2, 1], "BAA", [2, 2, 2]), 211_802, 200_000,
        "quarter", QUARTER,
    ),
    _network(
        "analognas-vww-t400", VISUAL_WAKE_WORDS, (68, 3, [3, 5], [2, 1], "CC", [3, 2]), 1_225_872, 400_000,
        "quarter", QUARTER,
    ),
    _network("analognas-kws-t200", KEYWORDS, (80, 1, [1], [2], "C", [4]), 211_452, 200_000, "input", INPUT),
    _network(
        "analognas-kws-t400", KEYWORDS, (68, 1, [2, 1], [1, 2], "BB", [3, 3]), 10_391_976, 400_000, "full",
        "as printed",
    ),
)  # fmt: skip
