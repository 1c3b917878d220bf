-- The texts of the plan are kept beside it for searches. A heartbeat updates tasks, waves and
-- programs, and would write every index on their texts anew; what it changes is none of these
-- columns, and so it writes nothing here.
--
-- Arguments: the noun and its key column.
CREATE OR REPLACE FUNCTION programs_keep_texts() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM plan_texts
        WHERE entity_type = TG_ARGV[0]
            AND entity_id IN (SELECT (to_jsonb(old_rows) ->> TG_ARGV[1])::uuid FROM old_rows);
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO plan_texts (entity_type, entity_id, text, organisation_id)
        SELECT TG_ARGV[0], (made.doc ->> TG_ARGV[1])::uuid, programs_plan_text(made.doc),
            coalesce((made.doc ->> 'organisation_id')::uuid, programs_office_itself())
        FROM (SELECT to_jsonb(new_rows) AS doc FROM new_rows) AS made
        ON CONFLICT (entity_type, entity_id) DO UPDATE SET text = EXCLUDED.text;
    ELSE
        INSERT INTO plan_texts (entity_type, entity_id, text, organisation_id)
        VALUES (TG_ARGV[0], (to_jsonb(NEW) ->> TG_ARGV[1])::uuid, programs_plan_text(to_jsonb(NEW)),
            coalesce(NEW.organisation_id, programs_office_itself()))
        ON CONFLICT (entity_type, entity_id) DO UPDATE SET text = EXCLUDED.text;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER programs_keep_texts_inserted AFTER INSERT ON programs
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION programs_keep_texts('program', 'program_id');

CREATE OR REPLACE TRIGGER programs_keep_texts_updated
    AFTER UPDATE OF name, description, objectives, evidence_location ON programs
    FOR EACH ROW WHEN ((OLD.name, OLD.description, OLD.objectives, OLD.evidence_location)
        IS DISTINCT FROM (NEW.name, NEW.description, NEW.objectives, NEW.evidence_location))
    EXECUTE FUNCTION programs_keep_texts('program', 'program_id');

CREATE OR REPLACE TRIGGER programs_keep_texts_deleted AFTER DELETE ON programs
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION programs_keep_texts('program', 'program_id');

CREATE OR REPLACE TRIGGER programs_keep_texts_inserted AFTER INSERT ON waves
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION programs_keep_texts('wave', 'wave_id');

CREATE OR REPLACE TRIGGER programs_keep_texts_updated AFTER UPDATE OF name ON waves
    FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name)
    EXECUTE FUNCTION programs_keep_texts('wave', 'wave_id');

CREATE OR REPLACE TRIGGER programs_keep_texts_deleted AFTER DELETE ON waves
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION programs_keep_texts('wave', 'wave_id');

CREATE OR REPLACE TRIGGER programs_keep_texts_inserted AFTER INSERT ON tasks
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION programs_keep_texts('task', 'task_id');

CREATE OR REPLACE TRIGGER programs_keep_texts_updated
    AFTER UPDATE OF name, architecture_reference, qa_suite_location, acceptance_criteria,
        evidence_location ON tasks
    FOR EACH ROW WHEN ((OLD.name, OLD.architecture_reference, OLD.qa_suite_location,
            OLD.acceptance_criteria, OLD.evidence_location)
        IS DISTINCT FROM (NEW.name, NEW.architecture_reference, NEW.qa_suite_location,
            NEW.acceptance_criteria, NEW.evidence_location))
    EXECUTE FUNCTION programs_keep_texts('task', 'task_id');

CREATE OR REPLACE TRIGGER programs_keep_texts_deleted AFTER DELETE ON tasks
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION programs_keep_texts('task', 'task_id');
