-- The evidence of builders. As for every governed table (governed_tables), with two differences.
--
-- What a beat does to its builder is kept short: it writes when it was heard, and nothing that
-- evidence or the holding of tasks speaks of. Triggers that name their columns are not even called
-- then. The columns are of the contract, or made beside it: all but the key and those that measure.
-- A trigger that names columns can have no transition tables, so on builders evidence is by row.
--
-- Builders are announced by their pulse (governance_announce_pulse).
CREATE OR REPLACE TRIGGER governance_evidence_inserted AFTER INSERT ON builders
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION
        governance_evidence('builder', 'builder_id', '{updated_at,last_heartbeat,heard_at,stamped_at,last_sent_at,clock_lag,announced_seconds}', '{}');

CREATE OR REPLACE TRIGGER governance_evidence_updated
    AFTER UPDATE OF backend_type, current_task_id, state, provenance, created_at, state_since,
        assigned_at, silence_threshold_seconds
    ON builders
    FOR EACH ROW EXECUTE FUNCTION
        governance_evidence('builder', 'builder_id', '{updated_at,last_heartbeat,heard_at,stamped_at,last_sent_at,clock_lag,announced_seconds}', '{}');

CREATE OR REPLACE TRIGGER governance_evidence_deleted AFTER DELETE ON builders
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION
        governance_evidence('builder', 'builder_id', '{updated_at,last_heartbeat,heard_at,stamped_at,last_sent_at,clock_lag,announced_seconds}', '{}');

CREATE OR REPLACE TRIGGER governance_key_is_final BEFORE UPDATE OF builder_id ON builders
    FOR EACH ROW WHEN (NEW.builder_id <> OLD.builder_id)
    EXECUTE FUNCTION governance_key_is_final();

CREATE OR REPLACE TRIGGER governance_no_truncate BEFORE TRUNCATE ON builders
    FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();
