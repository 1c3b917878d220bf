-- A condition: the latest validation of the architecture that is the task's own reference is READY.
CREATE OR REPLACE FUNCTION governance_architecture_ready(id uuid)
RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'architecture_ready', coalesce(latest.build_readiness = 'READY', false),
        CASE
            WHEN tasks.architecture_reference = '' THEN 'The task has no architecture reference.'
            WHEN latest.build_readiness IS NULL
                THEN format('%s has not been validated.', tasks.architecture_reference)
            ELSE format('%s: %s at %s %%.', tasks.architecture_reference,
                replace(latest.build_readiness, '_', ' '), latest.pass_rate)
        END
    FROM tasks
    LEFT JOIN LATERAL (
        SELECT build_readiness, pass_rate FROM architecture_validations AS validation
        WHERE validation.task_id = tasks.task_id
            AND validation.architecture_reference = tasks.architecture_reference
        ORDER BY validated_at DESC, recorded DESC LIMIT 1
    ) AS latest ON tasks.architecture_reference <> ''
    WHERE tasks.task_id = id;
END;
