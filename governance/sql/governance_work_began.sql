-- When the present attempt at a task began: the last time that it was assigned (or, without a
-- builder, started), by the evidence. NULL where the evidence does not say.
CREATE OR REPLACE FUNCTION governance_work_began(id uuid) RETURNS timestamptz
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT timestamp FROM evidence_trail
    WHERE entity_type = 'task' AND entity_id = id AND witnessed
        AND context ->> 'from' = 'planned' AND context ->> 'to' IN ('assigned', 'in-progress')
    ORDER BY sequence DESC LIMIT 1;
END;
