-- What every governed table gets. This file is written once for each row of governed_tables.csv,
-- which fills in what stands after a dollar sign: a new governed table is a new row there.
--
-- table                 the table
-- noun                  what evidence calls a row of it (governance_action, governance_subject)
-- topic                 what pages call it when it has changed (governance_topics)
-- key                   the column of its key, which is final
-- unspoken              columns whose change is neither evidence nor announced by itself, because
--                       they are derived
-- unspoken_in_updates   those that are no evidence: the same, and what is measured (the time of a
--                       task's last work, like the progress it stands for)
-- unspoken_by_triggers  those that are no evidence where a trigger changes them
--
-- Tables that need less, or the same by other means, have a file of their own: governed_builders,
-- governed_builder_tokens; the trail itself is announced in governance_announce.
CREATE OR REPLACE TRIGGER governance_evidence_inserted AFTER INSERT ON $table
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION
        governance_evidence('$noun', '$key', '{$unspoken}', '{$unspoken_by_triggers}');

CREATE OR REPLACE TRIGGER governance_evidence_updated AFTER UPDATE ON $table
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION
        governance_evidence('$noun', '$key', '{$unspoken_in_updates}', '{$unspoken_by_triggers}');

CREATE OR REPLACE TRIGGER governance_evidence_deleted AFTER DELETE ON $table
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION
        governance_evidence('$noun', '$key', '{$unspoken}', '{$unspoken_by_triggers}');

CREATE OR REPLACE TRIGGER governance_key_is_final BEFORE UPDATE OF $key ON $table
    FOR EACH ROW WHEN (NEW.$key <> OLD.$key) EXECUTE FUNCTION governance_key_is_final();

CREATE OR REPLACE TRIGGER governance_no_truncate BEFORE TRUNCATE ON $table
    FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

CREATE OR REPLACE TRIGGER governance_announce_inserted AFTER INSERT ON $table
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('$topic', '{$unspoken}');

CREATE OR REPLACE TRIGGER governance_announce_updated AFTER UPDATE ON $table
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('$topic', '{$unspoken}');

CREATE OR REPLACE TRIGGER governance_announce_deleted AFTER DELETE ON $table
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('$topic', '{$unspoken}');
