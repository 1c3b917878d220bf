"""The YAML of plan files, written as their reader allows it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import yaml

_BREAKS = {"\r", "\x85", "\u2028", "\u2029"}


class PlanDumper(yaml.CSafeDumper):
    """Writes what the reader allows: no aliases, times as times, long texts as blocks.

    And it writes event by event, so that iterators are read only in their turn.
    """

    def write(self, document: Any) -> None:
        self.open()
        self.emit(yaml.DocumentStartEvent())
        self.value(document)
        self.emit(yaml.DocumentEndEvent())
        self.close()
        self.dispose()

    def value(self, value: Any) -> None:
        match value:
            case dict():
                self.emit(yaml.MappingStartEvent(None, None, True, flow_style=False))
                for each in chain.from_iterable(value.items()):
                    self.value(each)
                self.emit(yaml.MappingEndEvent())
            case list() | Iterator():
                self.emit(yaml.SequenceStartEvent(None, None, True, flow_style=False))
                for each in value:
                    self.value(each)
                self.emit(yaml.SequenceEndEvent())
            case _:
                node = self.represent_data(value)
                plain, quoted = (
                    node.tag == self.resolve(yaml.ScalarNode, node.value, implicit)
                    for implicit in ((True, False), (False, True))
                )
                self.emit(
                    yaml.ScalarEvent(None, node.tag, (plain, quoted), node.value, style=node.style)
                )

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _time(dumper: PlanDumper, value: datetime) -> yaml.Node:
    text = value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return dumper.represent_scalar("tag:yaml.org,2002:timestamp", text)


def _text(dumper: PlanDumper, value: str) -> yaml.Node:
    # Written plainly, the breaks that only Unicode knows would be read as spaces.
    style = '"' if _BREAKS.intersection(value) else "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style)


PlanDumper.add_representer(datetime, _time)
PlanDumper.add_representer(str, _text)
