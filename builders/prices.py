"""The price list: what tokens of a model cost, in a file that an admin edits.

It says US dollars for a million tokens, by model and kind. A name that ends in `*` stands for all
models that begin so; the longest that fits is taken. What the list does not say has no price: such
tokens are counted, and no estimate is made of them.
"""

from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings

from builders.models import UsageKind

MILLION = Decimal(1_000_000)
MAX_BYTES = 256 * 1024
DEAREST = Decimal(1_000_000)
KINDS = [kind.value for kind in UsageKind if kind is not UsageKind.COST]


class PriceListError(Exception):
    """The price list cannot be used. The message says where and why."""


class PriceList:
    """Prices in US dollars for one token, by model and kind."""

    def __init__(self, models: Mapping[str, Mapping[str, Decimal]]) -> None:
        self.models = models
        self.beginnings = sorted((name[:-1] for name in models if name.endswith("*")), key=len)

    def price(self, model: str, kind: str) -> Decimal | None:
        """Return the price of one token; None where the list has none."""
        found = self.models.get(model)
        if found is None:
            fitting = [start for start in self.beginnings if model.startswith(start)]
            found = self.models[f"{fitting[-1]}*"] if fitting else {}
        return found.get(kind)


class _UniqueKeys(yaml.SafeLoader):
    """Reads YAML whose mappings have no key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        found = super().construct_mapping(node, deep=deep)
        if len(found) < len(node.value):
            raise yaml.constructor.ConstructorError(
                None, None, "a key appears twice", node.start_mark
            )
        return found


def price_file() -> Path:
    return Path(settings.FOREMAN_PRICES or settings.FOREMAN_VAR / "prices.yaml")


def price_list() -> PriceList:
    """Return the price list as the file is now, empty without one, or raise PriceListError."""
    path = price_file()
    try:
        found = path.stat()
    except FileNotFoundError:
        if settings.FOREMAN_PRICES:
            raise PriceListError(f"{path}: there is no such file.") from None
        return PriceList({})
    except OSError as error:
        raise PriceListError(f"{path}: cannot be read: {error.strerror}.") from None
    return _read_list(path, found.st_mtime_ns, found.st_size, found.st_ino)


def usable_prices() -> PriceList:
    """Return the price list, or an empty one: nothing is estimated by a list with a mistake."""
    with suppress(PriceListError):
        return price_list()
    return PriceList({})


@lru_cache(maxsize=4)
def _read_list(path: Path, *version: int) -> PriceList:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise PriceListError(f"{path}: cannot be read: {error.strerror}.") from None
    if len(content) > MAX_BYTES:
        raise PriceListError(f"{path}: has more than {MAX_BYTES >> 10} KiB.")
    try:
        return PriceList(_models_of(yaml.load(content, _UniqueKeys)))  # noqa: S506  a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise PriceListError(f"{path}{line}: is not YAML: {error.problem}.") from None
    except (yaml.YAMLError, RecursionError, ValueError, TypeError):
        raise PriceListError(f"{path}: is not YAML in UTF-8.") from None
    except PriceListError as error:
        raise PriceListError(f"{path}: {error}") from None


def _models_of(document: Any) -> dict[str, dict[str, Decimal]]:
    if not isinstance(document, dict) or document.keys() != {"models"}:
        raise PriceListError("has to have one key, `models`.")
    models = document["models"] or {}
    if not isinstance(models, dict):
        raise PriceListError("`models` has to be a mapping of models to prices.")
    found = {}
    for model, prices in models.items():
        if not isinstance(model, str) or not model or "*" in model[:-1]:
            raise PriceListError(
                f"{model!r} is no name of a model, nor the beginning of one and *."
            )
        if not isinstance(prices, dict):
            raise PriceListError(f"{model} has to have prices by kind: {', '.join(KINDS)}.")
        found[model] = {kind: _price_of(model, kind, said) for kind, said in prices.items()}
    return found


def _price_of(model: str, kind: Any, said: Any) -> Decimal:
    if kind not in KINDS:
        raise PriceListError(f"{model} has {kind!r}, which is none of {', '.join(KINDS)}.")
    if isinstance(said, bool) or not isinstance(said, int | float):
        raise PriceListError(f"{model}, {kind}: {said!r} is not a number.")
    price = Decimal(str(said))
    if not price.is_finite() or not 0 <= price <= DEAREST:
        raise PriceListError(f"{model}, {kind}: {said} is not between 0 and {DEAREST:,}.")
    return price / MILLION
