-- A new row belongs to the organisation of what it is about, whatever its writer says; a row about
-- nothing in particular to the organisation for which the transaction works, or, where that is the
-- whole office, to the one that its writer says: else to the office itself.
-- It looks past row level security. Who works for an organisation is told the same of what belongs to
-- another and of what does not exist.
--
-- Arguments: the kind of what a row is about, which `entity` names in the row, and the column of its id.
CREATE OR REPLACE FUNCTION governance_organisation_filled() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
DECLARE
    works_for CONSTANT uuid := nullif(current_setting('foreman.organisation', true), '')::uuid;
    about uuid;
    found_there uuid;
BEGIN
    IF TG_TABLE_NAME = 'programs' THEN
        IF NEW.organisation_id IS NULL THEN
            NEW.organisation_id := nullif(works_for, programs_office_itself());
        END IF;
        RETURN NEW;
    END IF;
    CASE TG_ARGV[0]
        WHEN 'program' THEN
            about := NEW.program_id;
            found_there := governance_organisation_of('program', about);
        WHEN 'wave' THEN
            about := NEW.wave_id;
            SELECT organisation_id INTO found_there FROM waves WHERE wave_id = about;
        WHEN 'task' THEN
            about := NEW.task_id;
            SELECT organisation_id INTO found_there FROM tasks WHERE task_id = about;
        WHEN 'run' THEN
            about := NEW.execution_id;
            SELECT organisation_id INTO found_there FROM qa_executions WHERE execution_id = about;
        WHEN 'entity' THEN
            about := NEW.entity_id;
            found_there := governance_organisation_of(NEW.entity_type, about);
            IF NEW.entity_type = 'builder' THEN  -- shared: what is said of it is its writer's
                found_there := works_for;
            END IF;
        ELSE
            NULL;  -- about nothing in particular
    END CASE;
    IF about IS NOT NULL AND works_for IS NOT NULL AND found_there IS DISTINCT FROM works_for
        -- The turn of an import is taken before there is a program.
        AND NOT (TG_TABLE_NAME = 'import_turns' AND found_there IS NULL)
    THEN
        RAISE EXCEPTION 'There is no % with the id %.', TG_ARGV[0], about
            USING ERRCODE = 'foreign_key_violation', TABLE = TG_TABLE_NAME,
                CONSTRAINT = 'governance_organisation_filled';
    END IF;
    NEW.organisation_id := coalesce(
        found_there, works_for, NEW.organisation_id, programs_office_itself());
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER governance_organisation_filled BEFORE INSERT ON programs
    FOR EACH ROW EXECUTE FUNCTION governance_organisation_filled();

-- The tests of a run are very many, and who writes them says to whom they belong.
CREATE OR REPLACE TRIGGER governance_organisation_filled BEFORE INSERT ON qa_test_results
    FOR EACH ROW WHEN (NEW.organisation_id IS NULL)
    EXECUTE FUNCTION governance_organisation_filled('run', 'execution_id');
