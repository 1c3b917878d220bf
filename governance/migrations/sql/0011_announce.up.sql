-- What pages show is announced on the channel "foreman". The payload names what has changed as
-- topics, "task:<id> wave:<id> blocker", never how; each thing brings along whatever it is part of.
-- "*" is everything: a statement that changed more than a page could tell apart says no more.
CREATE FUNCTION governance_topics(kind text, docs jsonb[]) RETURNS text LANGUAGE sql STABLE AS $$
    WITH named AS (
        SELECT DISTINCT thing.kind, thing.id FROM unnest(docs) AS doc CROSS JOIN LATERAL (VALUES
            ('program', doc ->> 'program_id'),
            ('wave', doc ->> 'wave_id'),
            ('task', doc ->> 'task_id'),
            ('builder', doc ->> 'builder_id'),
            ('builder', doc ->> 'assigned_builder'),
            (nullif(doc ->> 'entity_type', 'builder'), doc ->> 'entity_id')
        ) AS thing (kind, id) WHERE thing.id IS NOT NULL
    ), holders AS (
        SELECT 'wave' AS kind, wave_id::text AS id FROM tasks
        WHERE task_id = ANY (ARRAY(SELECT id::uuid FROM named WHERE named.kind = 'task'))
    ), owners AS (
        SELECT 'program' AS kind, program_id::text AS id FROM waves
        WHERE wave_id = ANY (ARRAY(
            SELECT id::uuid FROM (TABLE named UNION ALL TABLE holders) AS known
            WHERE known.kind = 'wave'
        ))
    ), subjects AS (  -- evidence names a builder by an id made of its name
        SELECT 'builder' AS kind, builder_id AS id FROM builders
        WHERE builder_entity_id(builder_id)::text IN (
            SELECT id FROM named WHERE named.kind IS NULL)
    )
    SELECT concat_ws(' ', kind, (
        SELECT string_agg(concat(thing.kind, ':', thing.id), ' ')
        FROM (TABLE named UNION TABLE holders UNION TABLE owners UNION TABLE subjects) AS thing
        WHERE thing.kind IS NOT NULL
    ))
$$;

CREATE FUNCTION governance_announce_rows(kind text, docs jsonb[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF cardinality(docs) > 20 THEN  -- more topics might not go into the 8000 bytes of a payload
        PERFORM pg_notify('foreman', '*');
    ELSIF docs <> '{}' THEN
        PERFORM pg_notify('foreman', governance_topics(kind, docs));
    END IF;
END $$;

-- After a statement on a table, whose rows are of the kind TG_ARGV[0]. Columns in TG_ARGV[1] say
-- nothing by themselves, or are told with the rows that they follow from.
CREATE FUNCTION governance_announce() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    untold CONSTANT text[] := TG_ARGV[1];
    docs jsonb[];
BEGIN
    IF TG_OP = 'DELETE' THEN
        docs := ARRAY(SELECT to_jsonb(old_rows) FROM old_rows LIMIT 21);
    ELSE
        docs := ARRAY(SELECT to_jsonb(new_rows) FROM new_rows LIMIT 21);
        IF TG_OP = 'UPDATE' AND cardinality(docs) <= 20 THEN
            docs := ARRAY(
                SELECT doc FROM (
                    SELECT to_jsonb(new_rows) - untold FROM new_rows
                    UNION ALL SELECT to_jsonb(old_rows) - untold FROM old_rows
                ) AS rows (doc)
                GROUP BY doc HAVING count(*) = 1  -- before and after are not the same
            );
        END IF;
    END IF;
    PERFORM governance_announce_rows(TG_ARGV[0], docs);
    RETURN NULL;
END $$;

-- A beat is heard by its builder's row, and changes nothing of the task that it speaks of: what it
-- does change is announced as that. A transaction that announces something waits for all others
-- that do, until they are on the disk; so of the beats of one builder only the first in each
-- twentieth of a second is announced, and whoever listens waits a little longer than that.
CREATE FUNCTION governance_announce_pulse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF date_bin('50 ms', NEW.updated_at, 'epoch') > date_bin('50 ms', OLD.updated_at, 'epoch') THEN
        PERFORM pg_notify('foreman',
            concat_ws(' ', 'builder:' || NEW.builder_id, 'beat:' || NEW.current_task_id));
    END IF;
    RETURN NULL;
END $$;

-- A beat that is late changes nothing of its builder, and is announced for itself.
CREATE FUNCTION governance_announce_late() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM new_rows JOIN builders USING (builder_id)
        WHERE new_rows.timestamp < builders.last_heartbeat
    ) THEN
        PERFORM governance_announce_rows('beat', ARRAY(
            SELECT jsonb_build_object('builder_id', builder_id, 'entity_type', 'beat',
                'entity_id', task_id)
            FROM new_rows LIMIT 21));
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER governance_announce_pulse AFTER UPDATE ON builders
    FOR EACH ROW EXECUTE FUNCTION governance_announce_pulse();
CREATE TRIGGER governance_announce_late AFTER INSERT ON heartbeats
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_announce_late();

CREATE TRIGGER governance_announce_inserted AFTER INSERT ON programs
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_announce('program', '{updated_at,progress_percentage}');
CREATE TRIGGER governance_announce_updated AFTER UPDATE ON programs
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_announce('program', '{updated_at,progress_percentage}');
CREATE TRIGGER governance_announce_deleted AFTER DELETE ON programs
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_announce('program', '{updated_at,progress_percentage}');

CREATE TRIGGER governance_announce_inserted AFTER INSERT ON waves
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_announce('wave', '{updated_at,progress_percentage}');
CREATE TRIGGER governance_announce_updated AFTER UPDATE ON waves
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_announce('wave', '{updated_at,progress_percentage}');
CREATE TRIGGER governance_announce_deleted AFTER DELETE ON waves
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_announce('wave', '{updated_at,progress_percentage}');

CREATE TRIGGER governance_announce_inserted AFTER INSERT ON tasks
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_announce('task', '{updated_at}');
CREATE TRIGGER governance_announce_updated AFTER UPDATE ON tasks
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_announce('task', '{updated_at}');
CREATE TRIGGER governance_announce_deleted AFTER DELETE ON tasks
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_announce('task', '{updated_at}');

CREATE TRIGGER governance_announce_inserted AFTER INSERT ON builder_pauses
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_announce('pause', '{}');
CREATE TRIGGER governance_announce_updated AFTER UPDATE ON builder_pauses
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_announce('pause', '{}');
CREATE TRIGGER governance_announce_deleted AFTER DELETE ON builder_pauses
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_announce('pause', '{}');

CREATE TRIGGER governance_announce_inserted AFTER INSERT ON builder_tokens
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_announce('token', '{last_used_at}');
CREATE TRIGGER governance_announce_updated AFTER UPDATE ON builder_tokens
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_announce('token', '{last_used_at}');
CREATE TRIGGER governance_announce_deleted AFTER DELETE ON builder_tokens
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_announce('token', '{last_used_at}');

CREATE TRIGGER governance_announce_inserted AFTER INSERT ON blockers
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_announce('blocker', '{}');
CREATE TRIGGER governance_announce_updated AFTER UPDATE ON blockers
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_announce('blocker', '{}');
CREATE TRIGGER governance_announce_deleted AFTER DELETE ON blockers
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_announce('blocker', '{}');

CREATE TRIGGER governance_announce_inserted AFTER INSERT ON governance_violations
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_announce('violation', '{}');
CREATE TRIGGER governance_announce_updated AFTER UPDATE ON governance_violations
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_announce('violation', '{}');
CREATE TRIGGER governance_announce_deleted AFTER DELETE ON governance_violations
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_announce('violation', '{}');

CREATE TRIGGER governance_announce_inserted AFTER INSERT ON architecture_validations
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_announce('validation', '{}');
CREATE TRIGGER governance_announce_updated AFTER UPDATE ON architecture_validations
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_announce('validation', '{}');
CREATE TRIGGER governance_announce_deleted AFTER DELETE ON architecture_validations
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_announce('validation', '{}');

CREATE TRIGGER governance_announce_inserted AFTER INSERT ON qa_executions
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_announce('run', '{}');
CREATE TRIGGER governance_announce_updated AFTER UPDATE ON qa_executions
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_announce('run', '{}');
CREATE TRIGGER governance_announce_deleted AFTER DELETE ON qa_executions
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_announce('run', '{}');

CREATE TRIGGER governance_announce_inserted AFTER INSERT ON completion_claims
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_announce('claim', '{}');
CREATE TRIGGER governance_announce_updated AFTER UPDATE ON completion_claims
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_announce('claim', '{}');
CREATE TRIGGER governance_announce_deleted AFTER DELETE ON completion_claims
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_announce('claim', '{}');

CREATE TRIGGER governance_announce_inserted AFTER INSERT ON evidence_trail
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_announce('evidence', '{}');
