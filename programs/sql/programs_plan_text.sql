-- What a program, wave or task says, a line each: what a search finds it by.
CREATE OR REPLACE FUNCTION programs_plan_text(of_row jsonb) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT concat_ws(E'\n',
        of_row ->> 'name',
        of_row ->> 'description',
        (SELECT string_agg(objective #>> '{}', E'\n')
            FROM jsonb_path_query(of_row -> 'objectives', '$[*]') AS objective),
        of_row ->> 'architecture_reference',
        of_row ->> 'qa_suite_location',
        of_row ->> 'acceptance_criteria',
        of_row ->> 'evidence_location');
END;
