"""What agents document of their usage: metrics and log records, and which kind each count is."""

from collections.abc import Mapping
from typing import NamedTuple

from builders.models import UsageKind, UsageSource


class Whole(NamedTuple):
    """A kind of count, and the kind that its sender counts it in too."""

    kind: UsageKind
    part_of: UsageKind | None = None


class KnownMetric(NamedTuple):
    """A metric, the attributes that name the model, and the one that names the kind."""

    source: UsageSource
    model: tuple[str, ...]
    kind: str = ""  # no attribute: all is of the kind of the empty value
    kinds: Mapping[str, Whole] = {}


class KnownEvent(NamedTuple):
    """A log record, the attributes that name the model, and those that hold counts."""

    source: UsageSource
    model: tuple[str, ...]
    counts: Mapping[str, Whole]


INPUT, OUTPUT = Whole(UsageKind.INPUT), Whole(UsageKind.OUTPUT)
CACHED = Whole(UsageKind.CACHE_READ, part_of=UsageKind.INPUT)
COST = Whole(UsageKind.COST)
OF_CONVENTION = ("gen_ai.response.model", "gen_ai.request.model")

METRICS = {
    # Claude Code, "Monitoring": none of its kinds contains another.
    "claude_code.token.usage": KnownMetric(
        UsageSource.AGENT_METRIC,
        ("model",),
        "type",
        {
            "input": INPUT,
            "output": OUTPUT,
            "cacheRead": Whole(UsageKind.CACHE_READ),
            "cacheCreation": Whole(UsageKind.CACHE_WRITE),
        },
    ),
    "claude_code.cost.usage": KnownMetric(UsageSource.AGENT_METRIC, ("model",), kinds={"": COST}),
    # Gemini CLI, "Telemetry": the prompt's tokens contain those that were cached.
    "gemini_cli.token.usage": KnownMetric(
        UsageSource.AGENT_METRIC,
        ("model",),
        "type",
        {
            "input": INPUT,
            "output": OUTPUT,
            "thought": Whole(UsageKind.REASONING),
            "cache": CACHED,
            "tool": Whole(UsageKind.TOOL),
        },
    ),
    # OpenTelemetry's conventions for generative AI. "completion" is an older word for output.
    "gen_ai.client.token.usage": KnownMetric(
        UsageSource.CONVENTION_METRIC,
        OF_CONVENTION,
        "gen_ai.token.type",
        {"input": INPUT, "output": OUTPUT, "completion": OUTPUT},
    ),
}

EVENTS = {
    "claude_code.api_request": KnownEvent(
        UsageSource.AGENT_EVENT,
        ("model",),
        {
            "input_tokens": INPUT,
            "output_tokens": OUTPUT,
            "cache_read_tokens": Whole(UsageKind.CACHE_READ),
            "cache_creation_tokens": Whole(UsageKind.CACHE_WRITE),
            "cost_usd": COST,
        },
    ),
    "gemini_cli.api_response": KnownEvent(
        UsageSource.AGENT_EVENT,
        ("model",),
        {
            "input_token_count": INPUT,
            "output_token_count": OUTPUT,
            "thoughts_token_count": Whole(UsageKind.REASONING),
            "cached_content_token_count": CACHED,
            "tool_token_count": Whole(UsageKind.TOOL),
        },
    ),
}
# A record of the conventions is known by what it holds: its name has changed.
CONVENTION_EVENT = KnownEvent(
    UsageSource.CONVENTION_EVENT,
    OF_CONVENTION,
    {
        "gen_ai.usage.input_tokens": INPUT,
        "gen_ai.usage.output_tokens": OUTPUT,
        "gen_ai.usage.cache_read.input_tokens": CACHED,
        "gen_ai.usage.cache_creation.input_tokens": Whole(
            UsageKind.CACHE_WRITE, part_of=UsageKind.INPUT
        ),
    },
)
# What an agent calls an event of its own, where it leaves its name out.
EVENTS_OF_SERVICES = {("claude-code", "api_request"): "claude_code.api_request"}
SESSION = ("session.id", "gen_ai.conversation.id")

# Metrics of the known agents are understood without being counted, unless their names speak of
# usage: one of these is new to the office, and has to be seen.
_AGENTS = ("claude_code.", "gemini_cli.", "gen_ai.")
_USAGE = ("token", "cost")


def is_of_no_usage(metric: str) -> bool:
    """Return whether a metric is one of a known agent that has nothing to do with usage."""
    if metric in ("gemini_cli.token.efficiency", "gen_ai.server.time_per_output_token"):
        return True
    if metric == "gen_ai.server.time_to_first_token":
        return True
    return metric.startswith(_AGENTS) and not any(word in metric for word in _USAGE)
