"""The report of a comparison: one page for any browser, a table, all figures, and recipes."""

from core.report.comparison import Comparison
from core.report.writing import names, write_report

__all__ = ["Comparison", "names", "write_report"]
