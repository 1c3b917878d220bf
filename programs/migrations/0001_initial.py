import django.contrib.postgres.functions
import django.db.models.deletion
import django.db.models.functions.text
from django.db import migrations, models

import kit.core.rules
import kit.core.sql


def foreign_key(table, column, parent, key, action=""):
    """Return the foreign key that the contract states, under the name that PostgreSQL gives it."""
    name = f"{table}_{column}_fkey"
    return migrations.RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name}"
        f" FOREIGN KEY ({column}) REFERENCES {parent} ({key}) {action}",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Program",
            fields=[
                (
                    "program_id",
                    models.UUIDField(
                        db_default=django.contrib.postgres.functions.RandomUUID(),
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("name", models.TextField()),
                ("description", models.TextField()),
                ("objectives", models.JSONField(blank=True, db_default=[])),
                (
                    "state",
                    models.TextField(
                        choices=[
                            ("planned", "Planned"),
                            ("in-progress", "In progress"),
                            ("blocked", "Blocked"),
                            ("completed", "Completed"),
                            ("failed", "Failed"),
                        ],
                        default="planned",
                    ),
                ),
                ("progress_percentage", models.IntegerField(db_default=0)),
                ("evidence_location", models.TextField(blank=True, null=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=kit.core.sql.ContractNow(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=kit.core.sql.ContractNow(), editable=False),
                ),
                ("created_by", models.UUIDField(blank=True, null=True)),
                ("organisation_id", models.UUIDField(blank=True, null=True)),
            ],
            options={
                "db_table": "programs",
                "ordering": ["name"],
                "indexes": [
                    models.Index(models.F("state"), name="idx_programs_state"),
                    models.Index(models.F("organisation_id"), name="idx_programs_org"),
                    kit.core.sql.WordsIndex(kit.core.sql.Words("name"), name="idx_programs_words"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("name",),
                        name="programs_name_key",
                        violation_error_message="A program of this name exists.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                ["planned", "in-progress", "blocked", "completed", "failed"],
                            )
                        ),
                        name="programs_state_check",
                        violation_error_message="state must be one of planned, in-progress, blocked, completed, failed.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("progress_percentage__range", (0, 100))),
                        name="programs_progress_percentage_check",
                        violation_error_message="progress_percentage must be between 0 and 100.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Wave",
            fields=[
                (
                    "wave_id",
                    models.UUIDField(
                        db_default=django.contrib.postgres.functions.RandomUUID(),
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "program",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="waves",
                        to="programs.program",
                    ),
                ),
                ("name", models.TextField()),
                ("sequence_number", models.IntegerField()),
                ("dependencies", models.JSONField(blank=True, db_default=[])),
                (
                    "state",
                    models.TextField(
                        choices=[
                            ("planned", "Planned"),
                            ("in-progress", "In progress"),
                            ("blocked", "Blocked"),
                            ("completed", "Completed"),
                            ("failed", "Failed"),
                        ],
                        default="planned",
                    ),
                ),
                ("progress_percentage", models.IntegerField(db_default=0)),
                (
                    "created_at",
                    models.DateTimeField(db_default=kit.core.sql.ContractNow(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=kit.core.sql.ContractNow(), editable=False),
                ),
            ],
            options={
                "db_table": "waves",
                "ordering": ["program", "sequence_number"],
                "indexes": [
                    models.Index(models.F("program"), name="idx_waves_program"),
                    models.Index(models.F("state"), name="idx_waves_state"),
                    kit.core.sql.WordsIndex(kit.core.sql.Words("name"), name="idx_waves_words"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("program", "sequence_number"),
                        name="waves_program_id_sequence_number_key",
                        violation_error_message="The program has a wave with this sequence number.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                ["planned", "in-progress", "blocked", "completed", "failed"],
                            )
                        ),
                        name="waves_state_check",
                        violation_error_message="state must be one of planned, in-progress, blocked, completed, failed.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("progress_percentage__range", (0, 100))),
                        name="waves_progress_percentage_check",
                        violation_error_message="progress_percentage must be between 0 and 100.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Task",
            fields=[
                (
                    "task_id",
                    models.UUIDField(
                        db_default=django.contrib.postgres.functions.RandomUUID(),
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "wave",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tasks",
                        to="programs.wave",
                    ),
                ),
                ("name", models.TextField()),
                ("architecture_reference", models.TextField(blank=True)),
                ("qa_suite_location", models.TextField(blank=True)),
                ("acceptance_criteria", models.TextField(blank=True)),
                (
                    "assigned_builder",
                    models.TextField(
                        blank=True,
                        choices=[
                            ("ui-builder", "ui-builder"),
                            ("api-builder", "api-builder"),
                            ("schema-builder", "schema-builder"),
                            ("integration-builder", "integration-builder"),
                            ("qa-builder", "qa-builder"),
                        ],
                        null=True,
                    ),
                ),
                (
                    "state",
                    models.TextField(
                        choices=[
                            ("planned", "Planned"),
                            ("assigned", "Assigned"),
                            ("in-progress", "In progress"),
                            ("blocked", "Blocked"),
                            ("completed", "Completed"),
                            ("failed", "Failed"),
                        ],
                        default="planned",
                    ),
                ),
                ("progress_percentage", models.IntegerField(db_default=0)),
                ("evidence_location", models.TextField(blank=True, null=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=kit.core.sql.ContractNow(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=kit.core.sql.ContractNow(), editable=False),
                ),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("completed_at", models.DateTimeField(blank=True, null=True)),
                ("worked_at", models.DateTimeField(blank=True, editable=False, null=True)),
            ],
            options={
                "db_table": "tasks",
                "indexes": [
                    models.Index(models.F("wave"), name="idx_tasks_wave"),
                    models.Index(models.F("state"), name="idx_tasks_state"),
                    models.Index(models.F("assigned_builder"), name="idx_tasks_builder"),
                    models.Index(models.F("wave"), models.F("state"), name="idx_tasks_wave_state"),
                    models.Index(
                        models.F("updated_at"), models.F("task_id"), name="idx_tasks_updated"
                    ),
                    models.Index(
                        django.db.models.functions.text.Left("name", 200),
                        models.F("task_id"),
                        name="idx_tasks_name",
                    ),
                    models.Index(
                        models.F("progress_percentage"),
                        models.F("task_id"),
                        name="idx_tasks_progress",
                    ),
                    models.Index(
                        models.F("created_at"), models.F("task_id"), name="idx_tasks_created"
                    ),
                    models.Index(
                        models.F("wave"),
                        models.F("created_at"),
                        condition=models.Q(("state", "planned")),
                        name="idx_tasks_planned",
                    ),
                    models.Index(
                        models.F("completed_at"),
                        models.F("task_id"),
                        condition=models.Q(("completed_at__isnull", False)),
                        name="idx_tasks_completed",
                    ),
                    kit.core.sql.WordsIndex(kit.core.sql.Words("name"), name="idx_tasks_words"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "assigned_builder__in",
                                [
                                    "ui-builder",
                                    "api-builder",
                                    "schema-builder",
                                    "integration-builder",
                                    "qa-builder",
                                ],
                            )
                        ),
                        name="tasks_assigned_builder_check",
                        violation_error_message="assigned_builder must be one of ui-builder, api-builder, schema-builder, integration-builder, qa-builder.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                [
                                    "planned",
                                    "assigned",
                                    "in-progress",
                                    "blocked",
                                    "completed",
                                    "failed",
                                ],
                            )
                        ),
                        name="tasks_state_check",
                        violation_error_message="state must be one of planned, assigned, in-progress, blocked, completed, failed.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("progress_percentage__range", (0, 100))),
                        name="tasks_progress_percentage_check",
                        violation_error_message="progress_percentage must be between 0 and 100.",
                    ),
                ],
            },
        ),
        # Contract 4.3: the foreign keys of the plan, with the delete actions that it states.
        foreign_key("waves", "program_id", "programs", "program_id", "ON DELETE CASCADE"),
        foreign_key("tasks", "wave_id", "waves", "wave_id", "ON DELETE CASCADE"),
        kit.core.rules.ChangeRules(
            after={
                "calculate_program_progress": r"""
                CREATE OR REPLACE FUNCTION calculate_program_progress() RETURNS trigger LANGUAGE plpgsql AS $$
                DECLARE
                    affected uuid[];
                BEGIN
                    IF TG_OP = 'INSERT' THEN
                        SELECT array_agg(DISTINCT program_id) INTO affected FROM new_rows;
                    ELSIF TG_OP = 'DELETE' THEN
                        SELECT array_agg(DISTINCT program_id) INTO affected FROM old_rows;
                    ELSE
                        SELECT array_agg(program_id) INTO affected
                        FROM (
                            SELECT program_id
                            FROM (
                                SELECT program_id, progress_percentage AS progress, 1 AS number FROM new_rows
                                UNION ALL
                                SELECT program_id, -progress_percentage, -1 FROM old_rows
                            ) AS changes
                            GROUP BY program_id
                            HAVING sum(progress) <> 0 OR sum(number) <> 0
                        ) AS changed;
                    END IF;
                    IF affected IS NULL THEN
                        RETURN NULL;
                    END IF;

                    PERFORM programs_fresh_snapshots();
                    PERFORM 1 FROM programs WHERE program_id = ANY (affected)
                    ORDER BY program_id FOR NO KEY UPDATE;

                    UPDATE programs SET progress_percentage = mean.progress
                    FROM (
                        SELECT program.id, coalesce(avg(waves.progress_percentage), 0)::integer AS progress
                        FROM unnest(affected) AS program (id)
                        LEFT JOIN waves ON waves.program_id = program.id
                        GROUP BY program.id
                    ) AS mean
                    WHERE programs.program_id = mean.id AND programs.progress_percentage <> mean.progress;
                    RETURN NULL;
                END $$;

                CREATE OR REPLACE TRIGGER wave_progress_inserted AFTER INSERT ON waves
                    REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION calculate_program_progress();

                CREATE OR REPLACE TRIGGER wave_progress_updated AFTER UPDATE ON waves
                    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION calculate_program_progress();

                CREATE OR REPLACE TRIGGER wave_progress_deleted AFTER DELETE ON waves
                    REFERENCING OLD TABLE AS old_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION calculate_program_progress();
                """,
                "calculate_wave_progress": r"""
                CREATE OR REPLACE FUNCTION calculate_wave_progress() RETURNS trigger LANGUAGE plpgsql AS $$
                DECLARE
                    affected uuid[];
                BEGIN
                    IF TG_OP = 'INSERT' THEN
                        SELECT array_agg(DISTINCT wave_id) INTO affected FROM new_rows;
                    ELSIF TG_OP = 'DELETE' THEN
                        SELECT array_agg(DISTINCT wave_id) INTO affected FROM old_rows;
                    ELSE
                        -- The sum of the changes says it: without a join, however many rows.
                        SELECT array_agg(wave_id) INTO affected
                        FROM (
                            SELECT wave_id
                            FROM (
                                SELECT wave_id, progress_percentage AS progress, 1 AS number FROM new_rows
                                UNION ALL
                                SELECT wave_id, -progress_percentage, -1 FROM old_rows
                            ) AS changes
                            GROUP BY wave_id
                            HAVING sum(progress) <> 0 OR sum(number) <> 0
                        ) AS changed;
                    END IF;
                    IF affected IS NULL THEN
                        RETURN NULL;
                    END IF;

                    PERFORM programs_fresh_snapshots();
                    PERFORM 1 FROM waves WHERE wave_id = ANY (affected) ORDER BY wave_id FOR NO KEY UPDATE;

                    UPDATE waves SET progress_percentage = mean.progress
                    FROM (
                        SELECT wave.id, coalesce(avg(tasks.progress_percentage), 0)::integer AS progress
                        FROM unnest(affected) AS wave (id)
                        LEFT JOIN tasks ON tasks.wave_id = wave.id
                        GROUP BY wave.id
                    ) AS mean
                    WHERE waves.wave_id = mean.id AND waves.progress_percentage <> mean.progress;
                    RETURN NULL;
                END $$;

                CREATE OR REPLACE TRIGGER task_progress_inserted AFTER INSERT ON tasks
                    REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION calculate_wave_progress();

                CREATE OR REPLACE TRIGGER task_progress_updated AFTER UPDATE ON tasks
                    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION calculate_wave_progress();

                CREATE OR REPLACE TRIGGER task_progress_deleted AFTER DELETE ON tasks
                    REFERENCING OLD TABLE AS old_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION calculate_wave_progress();
                """,
                "programs_fresh_snapshots": r"""
                CREATE OR REPLACE FUNCTION programs_fresh_snapshots() RETURNS void LANGUAGE plpgsql AS $$
                BEGIN
                    IF current_setting('transaction_isolation') = 'repeatable read' THEN
                        RAISE EXCEPTION 'The plan cannot be changed under REPEATABLE READ.'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'programs_fresh_snapshots',
                                HINT = 'Use READ COMMITTED or SERIALIZABLE.';
                    END IF;
                END $$;
                """,
                "programs_is_forced": r"""
                CREATE OR REPLACE FUNCTION programs_is_forced() RETURNS boolean LANGUAGE sql STABLE AS $$
                    SELECT coalesce(current_setting('foreman.override', true), '') <> '' OR programs_is_history()
                $$;
                """,
                "programs_is_history": r"""
                CREATE OR REPLACE FUNCTION programs_is_history() RETURNS boolean LANGUAGE sql STABLE AS $$
                    SELECT coalesce(nullif(current_setting('foreman.context', true), ''), '{}')::jsonb ? 'import'
                $$;
                """,
                "programs_programs_moves": r"""
                CREATE OR REPLACE FUNCTION programs_programs_moves() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    IF (OLD.state, NEW.state) NOT IN (
                        ('planned', 'in-progress'),     ('planned', 'blocked'),
                        ('in-progress', 'blocked'),     ('in-progress', 'completed'),  ('in-progress', 'failed'),
                        ('blocked', 'planned'),         ('blocked', 'in-progress'),    ('blocked', 'failed'),
                        ('failed', 'in-progress')
                    ) AND NOT programs_is_forced() THEN
                        RAISE EXCEPTION 'This program is %: it cannot become %.', OLD.state, NEW.state
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'programs_programs_moves',
                                TABLE = 'programs', COLUMN = 'state';
                    END IF;
                    RETURN NEW;
                END $$;

                CREATE OR REPLACE TRIGGER programs_programs_moves BEFORE UPDATE ON programs
                    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state)
                    EXECUTE FUNCTION programs_programs_moves();
                """,
                "programs_tasks_moves": r"""
                CREATE OR REPLACE FUNCTION programs_tasks_moves() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    IF (OLD.state, NEW.state) NOT IN (
                        ('planned', 'assigned'),        ('planned', 'blocked'),
                        ('assigned', 'in-progress'),    ('assigned', 'planned'),       ('assigned', 'blocked'),
                        ('in-progress', 'completed'),   ('in-progress', 'blocked'),    ('in-progress', 'failed'),
                        ('blocked', 'planned'),         ('blocked', 'assigned'),       ('blocked', 'in-progress'),
                        ('blocked', 'failed'),          ('failed', 'planned')
                    ) AND NOT (
                        NEW.assigned_builder IS NULL AND (OLD.state, NEW.state) = ('planned', 'in-progress')
                    ) AND NOT programs_is_forced() THEN
                        RAISE EXCEPTION 'This task is %: it cannot become %.', OLD.state, NEW.state
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'programs_tasks_moves',
                                TABLE = 'tasks', COLUMN = 'state';
                    END IF;
                    IF NEW.state = 'assigned' AND NEW.assigned_builder IS NULL AND NOT programs_is_forced() THEN
                        RAISE EXCEPTION 'A task without a builder cannot be assigned.'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'programs_tasks_moves',
                                TABLE = 'tasks', COLUMN = 'assigned_builder';
                    END IF;
                    RETURN NEW;
                END $$;

                CREATE OR REPLACE TRIGGER programs_tasks_moves BEFORE UPDATE ON tasks
                    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state)
                    EXECUTE FUNCTION programs_tasks_moves();
                """,
                "programs_tasks_times": r"""
                CREATE OR REPLACE FUNCTION programs_tasks_times() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    IF NEW.state = 'in-progress' THEN
                        NEW.started_at := coalesce(NEW.started_at, now());
                        NEW.completed_at := NULL;
                    ELSIF NEW.state = 'completed' THEN
                        NEW.started_at := coalesce(NEW.started_at, now());
                        NEW.completed_at := coalesce(NEW.completed_at, now());
                        NEW.progress_percentage := 100;
                    END IF;
                    RETURN NEW;
                END $$;

                CREATE OR REPLACE TRIGGER programs_tasks_times BEFORE UPDATE ON tasks
                    FOR EACH ROW
                    WHEN (OLD.state IS DISTINCT FROM NEW.state AND NOT programs_is_history())
                    EXECUTE FUNCTION programs_tasks_times();
                """,
                "programs_waves_dependencies": r"""
                CREATE OR REPLACE FUNCTION programs_waves_dependencies() RETURNS trigger LANGUAGE plpgsql AS $$
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
                            RAISE EXCEPTION 'Wave "%" depends on wave "%", which would be gone from the program.',
                                wrong, OLD.name
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
                        SELECT 'lead back to the wave itself' INTO wrong
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
                """,
                "programs_waves_moves": r"""
                CREATE OR REPLACE FUNCTION programs_waves_moves() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    IF (OLD.state, NEW.state) NOT IN (
                        ('planned', 'in-progress'),     ('planned', 'blocked'),
                        ('in-progress', 'blocked'),     ('in-progress', 'completed'),  ('in-progress', 'failed'),
                        ('blocked', 'planned'),         ('blocked', 'in-progress'),    ('blocked', 'failed'),
                        ('failed', 'in-progress')
                    ) AND NOT programs_is_forced() THEN
                        RAISE EXCEPTION 'This wave is %: it cannot become %.', OLD.state, NEW.state
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'programs_waves_moves',
                                TABLE = 'waves', COLUMN = 'state';
                    END IF;
                    RETURN NEW;
                END $$;

                CREATE OR REPLACE TRIGGER programs_waves_moves BEFORE UPDATE ON waves
                    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state)
                    EXECUTE FUNCTION programs_waves_moves();
                """,
                "update_updated_at": r"""
                CREATE OR REPLACE FUNCTION update_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    NEW.updated_at = NOW();
                    RETURN NEW;
                END $$;

                CREATE OR REPLACE TRIGGER programs_updated_at BEFORE UPDATE ON programs
                    FOR EACH ROW EXECUTE FUNCTION update_updated_at();

                CREATE OR REPLACE TRIGGER waves_updated_at BEFORE UPDATE ON waves
                    FOR EACH ROW EXECUTE FUNCTION update_updated_at();

                CREATE OR REPLACE TRIGGER tasks_updated_at BEFORE UPDATE ON tasks
                    FOR EACH ROW EXECUTE FUNCTION update_updated_at();
                """,
            },
        ),
    ]
