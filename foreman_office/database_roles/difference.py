"""A difference between the database and its declaration, with its remedy."""

from typing import NamedTuple


class Difference(NamedTuple):
    """Something that is not as declared, and the statement that makes it so.

    Statements that join are written as one where they differ in their middle alone.
    """

    sentence: str
    before: str  # empty where no statement can help
    middle: str = ""
    after: str = ""
    granted_by: str = ""  # the role in whose name it is granted, if it is a grant
    joins: bool = False
    taken_from: str = ""  # the role that loses a privilege, if it is none of the office's

    @property
    def statement(self) -> str:
        return f"{self.before}{self.middle}{self.after};" if self.before else ""
