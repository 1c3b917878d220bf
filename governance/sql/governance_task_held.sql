-- The task that a builder had at a moment, by the evidence of its assignments; the one that it gave
-- up last, if that was not before `since`: what is reported at the end of a task is of that task.
CREATE OR REPLACE FUNCTION governance_task_held(
    builder text, since timestamptz, moment timestamptz
)
RETURNS uuid LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(
        (
            SELECT current_task_id FROM builders
            WHERE builder_id = builder AND assigned_at <= moment
        ),
        (
            SELECT coalesce(
                context #>> '{changes,current_task_id,1}',
                CASE WHEN timestamp >= since THEN context #>> '{changes,current_task_id,0}' END
            )::uuid
            FROM evidence_trail
            WHERE entity_type = 'builder' AND entity_id = builder_entity_id(builder)
                AND timestamp <= moment AND action IN ('assigned', 'released')
            ORDER BY timestamp DESC, sequence DESC LIMIT 1
        )
    );
END;
