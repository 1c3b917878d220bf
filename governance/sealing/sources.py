"""What is sealed: the tables of the record, in the order in which a step takes from them."""

from typing import NamedTuple

from governance.models import RecordKind


class Source(NamedTuple):
    """A table whose rows are sealed by their number; a function returns the text of a row."""

    kind: RecordKind
    table: str
    leaf: str

    @property
    def numbers(self) -> str:
        """Return the sequence that gives out the rows' numbers."""
        return f"{self.table}_sequence_seq"


SOURCES = [
    Source(RecordKind.EVIDENCE, "evidence_trail", "governance_evidence_leaf"),
    Source(RecordKind.OFFICE, "office_log", "governance_office_log_leaf"),
]


def source_of(kind: str) -> Source:
    return next(source for source in SOURCES if source.kind == kind)
