-- Count a refusal. It runs for its owner: members of organisations may not read who else was refused.
CREATE OR REPLACE FUNCTION governance_count_refusal(refused_rule text, refused_actor text) RETURNS void
LANGUAGE sql SECURITY DEFINER
BEGIN ATOMIC
    INSERT INTO refused_acts AS before (rule, actor) VALUES (refused_rule, refused_actor)
    ON CONFLICT (rule, actor) DO UPDATE
    SET occurrences = before.occurrences + 1, last_at = now();
END;
