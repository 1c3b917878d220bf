-- A condition of assigning a task, where its program chose so: the budget is not spent, as it was
-- measured last.
CREATE OR REPLACE FUNCTION governance_within_budget(id uuid)
RETURNS TABLE (rule text, met boolean, detail text) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'within_budget', spent < amount,
        format('%s of %s US dollars are spent.', round(spent, 2), amount)
    FROM tasks JOIN waves USING (wave_id) JOIN budgets USING (program_id)
    WHERE task_id = id AND is_gate AND amount IS NOT NULL;
END;
