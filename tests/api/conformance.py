"""Send all kinds of requests to an operation, and compare the answers with its document."""

from collections.abc import Callable

import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation.hypothesis.builder import (
    HypothesisTestConfig,
    HypothesisTestMode,
    create_test,
)
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from tests.examples import examples

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
    ignored_auth,
    unsupported_method,
]
SETTINGS = settings(
    examples(5),
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def is_sent(value: object) -> bool:
    """Return whether a parameter with this value is a part of the address."""
    inside = value if isinstance(value, list) else [value]
    return any(each is not None and each != {} for each in inside)


def check(
    document: dict, path: str, method: str, token: str, adapt: Callable, modes=HypothesisTestMode
) -> None:
    """Try an operation with what its document allows and forbids; `adapt` changes each case first.

    It returns whether it has replaced a value of the query.

    Made here and not by schemathesis' own decorator, which makes all cases of all operations while
    each worker collects its tests.
    """
    schema = schemathesis.openapi.from_dict(document)
    schema.app = WSGIHandler()

    def send(case):
        is_adapted = adapt(case)
        checks = [each for each in CHECKS if each is not negative_data_rejection]
        # What was wrong may be what was replaced, or a value that no address can hold.
        if not is_adapted and all(map(is_sent, case.query.values())):
            checks = CHECKS
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=checks)

    config = HypothesisTestConfig(
        project=schema.config, modes=[*map(HypothesisTestMode, modes)], settings=SETTINGS
    )
    create_test(operation=schema[path][method], test_func=send, config=config)()
