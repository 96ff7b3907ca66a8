"""What a person reads of a run: report.html and tables. plotly and pandas load when one is written."""

from analognas.report.data import ReportData
from analognas.report.progress import best_so_far
from analognas.report.report import write_report
from analognas.report.tables import pareto_table, trials_table, write_hypervolume, write_pareto, write_summary

__all__ = [
    "ReportData",
    "best_so_far",
    "pareto_table",
    "trials_table",
    "write_hypervolume",
    "write_pareto",
    "write_report",
    "write_summary",
]
