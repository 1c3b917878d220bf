"""The texts of the plan, kept for searches by triggers."""

from django.db import migrations, models

import kit.core.rules


class Migration(migrations.Migration):
    dependencies = [
        ("programs", "0020_note_withdrawals"),
    ]

    operations = [
        migrations.CreateModel(
            name="PlanText",
            fields=[
                ("text_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("entity_type", models.TextField()),
                ("entity_id", models.UUIDField()),
                ("text", models.TextField()),
            ],
            options={
                "db_table": "plan_texts",
                "indexes": [
                    models.Index("entity_type", "text_id", name="idx_plan_texts_newest"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=["entity_type", "entity_id"], name="plan_texts_one_each"
                    ),
                ],
            },
        ),
        kit.core.rules.ChangeRules(
            after={
                "programs_folded": r"""
                CREATE OR REPLACE FUNCTION programs_folded(said text) RETURNS text
                LANGUAGE sql IMMUTABLE PARALLEL SAFE
                BEGIN ATOMIC
                    SELECT CASE WHEN octet_length(said) = length(said) THEN lower(said)
                        ELSE translate(lower(normalize(said, NFC)),
                            'ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞ', 'àáâãäåæçèéêëìíîïðñòóôõöøùúûüýþ')
                        END;
                END;
                """,
                "programs_grams": r"""
                CREATE OR REPLACE FUNCTION programs_grams(said text) RETURNS integer[]
                LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 10000
                BEGIN ATOMIC
                    SELECT coalesce(array_agg(
                        get_byte(own.bytes, place) * 65536 + get_byte(own.bytes, place + 1) * 256
                            + get_byte(own.bytes, place + 2)), '{}')
                    FROM (
                        SELECT decode(replace(programs_folded(said), '\', '\\'), 'escape') AS bytes OFFSET 0
                    ) AS own
                    CROSS JOIN generate_series(0, length(own.bytes) - 3) AS place;
                END;
                """,
                "programs_keep_texts": r"""
                CREATE OR REPLACE FUNCTION programs_keep_texts() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
                SET search_path FROM CURRENT AS $$
                BEGIN
                    IF TG_OP = 'DELETE' THEN
                        DELETE FROM plan_texts
                        WHERE entity_type = TG_ARGV[0]
                            AND entity_id IN (SELECT (to_jsonb(old_rows) ->> TG_ARGV[1])::uuid FROM old_rows);
                    ELSIF TG_OP = 'INSERT' THEN
                        INSERT INTO plan_texts (entity_type, entity_id, text)
                        SELECT TG_ARGV[0], (made.doc ->> TG_ARGV[1])::uuid, programs_plan_text(made.doc)
                        FROM (SELECT to_jsonb(new_rows) AS doc FROM new_rows) AS made
                        ON CONFLICT (entity_type, entity_id) DO UPDATE SET text = EXCLUDED.text;
                    ELSE
                        INSERT INTO plan_texts (entity_type, entity_id, text)
                        VALUES (TG_ARGV[0], (to_jsonb(NEW) ->> TG_ARGV[1])::uuid, programs_plan_text(to_jsonb(NEW)))
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
                """,
                "programs_plan_text": r"""
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
                """,
            },
        ),
    ]
