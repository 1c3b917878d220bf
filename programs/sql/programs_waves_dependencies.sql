-- waves.dependencies is a JSON array of keys without a foreign key: this is its integrity.
--
-- Deferred, so that a plan may arrive in any order within one transaction. The program is locked
-- before the check, so that of two transactions that would close a cycle together, or of one that
-- deletes a wave and one that begins to depend on it, the second sees what the first did. It looks past
-- row level security, so that no circle passes if the organisation changes before the end.
CREATE OR REPLACE FUNCTION programs_waves_dependencies() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
DECLARE
    wave waves;
    wrong text;
BEGIN
    PERFORM programs_fresh_snapshots();
    IF TG_OP <> 'INSERT' THEN
        PERFORM 1 FROM programs WHERE program_id = OLD.program_id FOR NO KEY UPDATE;
        SELECT waves.name INTO wrong FROM waves
        WHERE waves.program_id = OLD.program_id
            AND waves.dependencies ? OLD.wave_id::text
            AND NOT EXISTS (
                SELECT FROM waves AS still
                WHERE still.wave_id = OLD.wave_id AND still.program_id = OLD.program_id
            )
        LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION
                'Wave "%" cannot be removed from the program: wave "%" depends on it.',
                OLD.name, wrong
                USING ERRCODE = 'check_violation', CONSTRAINT = 'programs_waves_dependencies',
                    TABLE = 'waves', COLUMN = 'dependencies';
        END IF;
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN NULL;
    END IF;

    -- Deferred: the row may have changed again, or gone, since the event.
    PERFORM 1 FROM programs WHERE program_id = NEW.program_id FOR NO KEY UPDATE;
    SELECT * INTO wave FROM waves WHERE wave_id = NEW.wave_id;
    IF NOT FOUND OR wave.dependencies = '[]' THEN
        RETURN NULL;
    END IF;

    wrong := CASE
        WHEN jsonb_typeof(wave.dependencies) <> 'array' THEN 'must be an array of wave ids'
        WHEN EXISTS (
            SELECT FROM jsonb_array_elements(wave.dependencies) AS item
            WHERE jsonb_typeof(item) <> 'string'
        ) THEN 'must be an array of wave ids'
        WHEN EXISTS (
            SELECT FROM jsonb_array_elements_text(wave.dependencies) AS item (id)
            GROUP BY item.id HAVING count(*) > 1
        ) THEN 'name a wave twice'
        WHEN wave.dependencies ? wave.wave_id::text THEN 'name the wave itself'
        WHEN EXISTS (
            SELECT FROM jsonb_array_elements_text(wave.dependencies) AS item (id)
            WHERE NOT EXISTS (
                SELECT FROM waves AS other
                WHERE other.wave_id::text = item.id AND other.program_id = wave.program_id
            )
        ) THEN 'name something that is not a wave of the program'
    END;
    IF wrong IS NULL THEN
        WITH RECURSIVE earlier (id) AS (
            SELECT jsonb_array_elements_text(wave.dependencies)
            UNION
            SELECT jsonb_array_elements_text(waves.dependencies)
            FROM earlier JOIN waves ON waves.wave_id::text = earlier.id
            WHERE waves.program_id = wave.program_id
                AND jsonb_typeof(waves.dependencies) = 'array'
        )
        SELECT 'form a cycle' INTO wrong
        FROM earlier WHERE earlier.id = wave.wave_id::text;
    END IF;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'The dependencies of wave "%" %.', wave.name, wrong
            USING ERRCODE = 'check_violation', CONSTRAINT = 'programs_waves_dependencies',
                TABLE = 'waves', COLUMN = 'dependencies';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER programs_waves_dependencies
    AFTER INSERT OR DELETE OR UPDATE OF wave_id, program_id, dependencies ON waves
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION programs_waves_dependencies();
