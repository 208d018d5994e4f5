"""The noise report: what is known of the noise of a stack, with findings and proposals."""

from core.noise.report.entry import Entry
from core.noise.report.report import ChannelReport, NoiseReport, known_report, report_noise

__all__ = ["ChannelReport", "Entry", "NoiseReport", "known_report", "report_noise"]
