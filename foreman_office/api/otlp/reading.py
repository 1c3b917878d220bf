"""What was read of an export: points to count, and what was not understood."""

from typing import NamedTuple

from builders.usage import DataPoint, Remark

MAX_REMARKS = 100  # of one export
AFTER_ALL_TIME = 2**63  # nanoseconds


class Reading:
    """Collects the points of an export, and remarks about what cannot be counted."""

    def __init__(self) -> None:
        self.points: list[DataPoint] = []
        self.remarks: list[Remark] = []
        self.rejected = 0

    def reject(self, subject: str, reason: str, items: int = 1) -> None:
        """Note that data points or records were not counted."""
        self.rejected += items
        if len(self.remarks) < MAX_REMARKS:
            self.remarks.append(Remark(subject, reason))

    @property
    def sentence(self) -> str:
        """Return what was not understood, for the sender."""
        told = dict.fromkeys(f"{subject}: {reason}" for subject, reason in self.remarks)
        return " ".join([*told][:10])


class Times(NamedTuple):
    """The start and the time of a point in nanoseconds."""

    started_ns: int
    at_ns: int

    @property
    def fault(self) -> str:
        """Return what is wrong with them, or nothing."""
        if not self.at_ns:
            return "A data point has no time."
        if max(self) >= AFTER_ALL_TIME:
            return "A data point has a time beyond the calendar."
        return ""
