"""The benchmark of search strategies on tables of measured candidates."""

from analognas.bench.benchmark import BenchResult, run_benchmark
from analognas.bench.cell_table import read_cell_table
from analognas.bench.contender import StrategyLike
from analognas.bench.error import BenchError
from analognas.bench.names import open_table, strategies_named
from analognas.bench.plot import regret_svg
from analognas.bench.strategy_text import WrittenStrategy, parse_strategy, split_strategies
from analognas.bench.synthetic import synthetic_table
from analognas.bench.table import BenchTable

__all__ = [
    "BenchError",
    "BenchResult",
    "BenchTable",
    "StrategyLike",
    "WrittenStrategy",
    "open_table",
    "parse_strategy",
    "read_cell_table",
    "regret_svg",
    "run_benchmark",
    "split_strategies",
    "strategies_named",
    "synthetic_table",
]
