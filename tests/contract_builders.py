"""The additions of the database to the contract's table of builders."""

from tests.contract import MOMENT, NOW
from tests.contract_triggers import MEASURED, each_row, watched

OF_BUILDERS = {
    "columns": {
        "state_since": NOW,
        "assigned_at": MOMENT,
        "announced_seconds": "integer",
        "clock_lag": "interval",
        "heard_at": MOMENT,
        "last_sent_at": MOMENT,
        "silence_threshold_seconds": "integer",
        "stamped_at": MOMENT,
    },
    "constraints": {
        "idx_builders_current_task": "UNIQUE (current_task_id)",
        "builders_silence_threshold_seconds_check": (
            "CHECK (((silence_threshold_seconds >= 2)"
            " AND (silence_threshold_seconds <= 604800))) NOT VALID"
        ),
    },
    "triggers": {
        **each_row("builders_builders_times", "BEFORE UPDATE OF state, current_task_id"),
        **each_row(
            "builders_builders_shared",
            "BEFORE UPDATE OF backend_type, provenance, created_at, silence_threshold_seconds",
        ),
        **each_row("builders_withdraw_questions", "AFTER UPDATE OF current_task_id"),
        **each_row(
            "governance_builders_hold_their_task",
            "AFTER INSERT OR UPDATE OF current_task_id DEFERRABLE INITIALLY DEFERRED",
        ),
        **each_row("governance_follow_builders", "AFTER UPDATE"),
        **watched("builder", "builder_id", MEASURED),
        # Of a beat there is nothing to tell: it is not even asked.
        "governance_evidence_updated": (
            "AFTER UPDATE OF backend_type, current_task_id, state, provenance, created_at,"
            " state_since, assigned_at, silence_threshold_seconds"
            f" FOR EACH ROW governance_evidence('builder', 'builder_id', '{MEASURED}', '{{}}')"
        ),
        **each_row("governance_announce_pulse", "AFTER UPDATE"),
    },
}
