-- Give all that hangs on a program to another organisation, what is no more included. Evidence
-- and proof stay as they are to the byte; to whom they belong is no part of them, and changes here alone.
--
-- The tables are locked against writers meanwhile, and their triggers are off: what is written now is
-- about the new organisation, and nothing else has changed.
CREATE OR REPLACE FUNCTION governance_carry_program(program uuid, gives uuid, takes uuid) RETURNS void
LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    moving CONSTANT text[] := '{waves,tasks,plan_notes,plan_texts,import_turns,badge_keys,budgets,notices,
        task_links,task_notes,task_questions,agent_stops,heartbeats,heartbeat_minutes,usage_hours,architecture_validations,
        governance_violations,completion_claims,qa_executions,qa_paired_tests,qa_test_results,
        qa_latest_runs,qa_suite_turns,qa_thinned_runs,known_tests,blockers,entity_notes,evidence_trail}';
    named text;
    its_waves uuid[];
    its_tasks uuid[];
    its_runs uuid[];
    its_holding uuid[];
BEGIN
    FOREACH named IN ARRAY moving LOOP
        EXECUTE format('ALTER TABLE %I DISABLE TRIGGER USER', named);
    END LOOP;

    its_waves := ARRAY(
        SELECT wave_id FROM waves WHERE program_id = program
        UNION
        SELECT entity_id FROM evidence_trail
        WHERE (action = 'created' OR context -> 'changes' ? 'program_id')
            AND entity_type = 'wave' AND witnessed
            AND coalesce(context -> 'snapshot' ->> 'program_id',
                context -> 'changes' -> 'program_id' ->> 1) = program::text
            AND NOT EXISTS (SELECT FROM waves WHERE wave_id = entity_id)
    );
    its_tasks := ARRAY(
        SELECT task_id FROM tasks WHERE wave_id = ANY (its_waves)
        UNION
        SELECT entity_id FROM evidence_trail
        WHERE (action = 'created' OR context -> 'changes' ? 'wave_id')
            AND entity_type = 'task' AND witnessed
            AND coalesce(context -> 'snapshot' ->> 'wave_id',
                context -> 'changes' -> 'wave_id' ->> 1) = ANY (its_waves::text[])
            AND NOT EXISTS (SELECT FROM tasks WHERE task_id = entity_id)
    );
    its_runs := ARRAY(SELECT execution_id FROM qa_executions WHERE task_id = ANY (its_tasks));

    UPDATE waves SET organisation_id = takes WHERE program_id = program;
    FOREACH named IN ARRAY '{plan_notes,import_turns,badge_keys,budgets,notices}'::text[] LOOP
        EXECUTE format('UPDATE %I SET organisation_id = $1 WHERE program_id = $2', named)
        USING takes, program;
    END LOOP;
    FOREACH named IN ARRAY '{tasks,task_links,task_notes,task_questions,agent_stops,heartbeats,heartbeat_minutes,usage_hours,
        architecture_validations,governance_violations,completion_claims,qa_executions,qa_latest_runs,
        qa_suite_turns}'::text[]
    LOOP
        EXECUTE format('UPDATE %I SET organisation_id = $1 WHERE task_id = ANY ($2)', named)
        USING takes, its_tasks;
    END LOOP;
    FOREACH named IN ARRAY '{qa_test_results,qa_paired_tests,qa_thinned_runs}'::text[] LOOP
        EXECUTE format('UPDATE %I SET organisation_id = $1 WHERE execution_id = ANY ($2)', named)
        USING takes, its_runs;
    END LOOP;
    FOREACH named IN ARRAY '{blockers,entity_notes,plan_texts,evidence_trail}'::text[] LOOP
        EXECUTE format(
            'UPDATE %I SET organisation_id = $1 WHERE entity_type = ''program'' AND entity_id = $2'
                ' OR entity_type = ''wave'' AND entity_id = ANY ($3)'
                ' OR entity_type = ''task'' AND entity_id = ANY ($4)', named)
        USING takes, program, its_waves, its_tasks;
    END LOOP;
    -- Of a builder what it did while it held one of the tasks: since evidence last told of what it holds.
    -- Found first: how many rows belong to whom changes here, and statistics do not know it.
    its_holding := ARRAY(
        WITH told AS (
            SELECT evidence_id, entity_id, sequence, context #> '{changes,current_task_id}' AS change,
                count(*) FILTER (WHERE context -> 'changes' ? 'current_task_id')
                    OVER (PARTITION BY entity_id ORDER BY sequence) AS turn
            FROM evidence_trail WHERE entity_type = 'builder'
        ), holding AS (
            SELECT evidence_id, change,
                first_value(change ->> 1) OVER (PARTITION BY entity_id, turn ORDER BY sequence) AS task
            FROM told
        )
        SELECT evidence_id FROM holding
        WHERE change ?| its_tasks::text[] OR task = ANY (its_tasks::text[])
    );
    UPDATE evidence_trail SET organisation_id = takes
    WHERE evidence_id = ANY (its_holding) AND organisation_id = gives;

    -- Names of tests are known to an organisation by the runs that it has.
    DELETE FROM known_tests WHERE organisation_id = gives AND first_run_id = ANY (its_runs);
    INSERT INTO known_tests (digest, qa_suite_location, name, first_run_id, organisation_id)
    SELECT governance_known_test(run.organisation_id, run.qa_suite_location, result.name),
        run.qa_suite_location, result.name, run.execution_id, run.organisation_id
    FROM qa_executions AS run JOIN qa_test_results AS result USING (execution_id)
    WHERE run.qa_suite_location IN (
            SELECT qa_suite_location FROM qa_executions WHERE execution_id = ANY (its_runs))
        AND run.organisation_id IN (gives, takes)
    ORDER BY run.recorded
    ON CONFLICT (digest) DO NOTHING;

    FOREACH named IN ARRAY moving LOOP
        EXECUTE format('ALTER TABLE %I ENABLE TRIGGER USER', named);
    END LOOP;
END $$;
