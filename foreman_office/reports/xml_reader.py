"""The base of all readers of XML: limits of depth and number, and the text of elements."""

from typing import Any

from foreman_office.reports.results import (
    MAX_ATTRIBUTES,
    MAX_DEPTH,
    MAX_ELEMENTS,
    SuiteReport,
    Unreadable,
    one_line,
)


class XMLReader:
    """A reader that is called for each element, without a tree in memory."""

    def __init__(self, parser: Any) -> None:
        self.parser = parser
        self.stack: list[str] = []
        self.tag = ""
        self.elements = 0
        self.captured: list[str] | None = None
        self._attrs: dict[str, str] = {}
        self._depth = self._size = self._limit = 0
        self._tail = False

    def start(self, tag: str, attrs: dict[str, str]) -> None:
        raise NotImplementedError

    def end(self, tag: str) -> None:
        raise NotImplementedError

    def comment(self, text: str) -> None:
        """Ignore comments."""

    def report(self, exit_code: int | None) -> SuiteReport:
        raise NotImplementedError

    def where(self) -> str:
        """Return the element that is being read, for a sentence."""
        return f"<{one_line(self.tag)}>"

    @staticmethod
    def local(tag: str) -> str:
        """Return the name of an element without its namespace, in small letters."""
        return tag.rpartition(":")[2].lower()

    def open(self, kind: str, tag: str, attrs: dict[str, str]) -> None:
        """Count an element, or refuse too deep or too many ones."""
        self.tag = tag
        self.stack.append(kind)
        self.elements += 1
        if len(self.stack) > MAX_DEPTH:
            raise Unreadable(
                f"The report is nested deeper than {MAX_DEPTH} elements, at {self.where()}."
            )
        if self.elements > MAX_ELEMENTS:
            raise Unreadable(f"The report has more than {MAX_ELEMENTS} elements.")
        if len(attrs) > MAX_ATTRIBUTES:
            raise too_many_attributes(tag)

    def close(self) -> str:
        return self.stack.pop()

    # --- text -------------------------------------------------------------------------------------

    def capture(self, attrs: dict[str, str], limit: int, tail: bool = False) -> None:
        """Keep the text of the element that began: its first characters, or its last."""
        self.captured, self._attrs = [], attrs
        self._depth, self._size, self._limit, self._tail = len(self.stack), 0, limit, tail
        self.parser.CharacterDataHandler = self.keep_text

    def keep_text(self, text: str) -> None:
        captured = self.captured
        if captured is None or (self._size > self._limit and not self._tail):
            return
        captured.append(text)
        self._size += len(text)
        if self._size > 2 * self._limit:
            if not self._tail:
                return
            kept = "".join(captured)[-self._limit :]
            captured[:] = [kept]
            self._size = len(kept)

    def captured_text(self) -> tuple[str, dict[str, str]]:
        """Return the text that was kept and the attributes of its element, and keep no more."""
        text = "".join(self.captured or ())
        self.captured = self.parser.CharacterDataHandler = None
        return text[-self._limit :] if self._tail else text[: self._limit], self._attrs


def too_many_attributes(tag: str) -> Unreadable:
    return Unreadable(
        f"The report has an element with more than {MAX_ATTRIBUTES} attributes, <{one_line(tag)}>."
    )
