import django.contrib.postgres.functions
import django.db.models.deletion
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


def make_no_index_for_like(apps, schema_editor):
    """Take back the second index that Django is about to make for the key of builders.

    Every text key gets one, for LIKE. Nobody searches five names so, and each heartbeat would have
    to write it.
    """
    schema_editor.deferred_sql = [
        sql for sql in schema_editor.deferred_sql if "text_pattern_ops" not in str(sql)
    ]


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("programs", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Builder",
            fields=[
                (
                    "builder_id",
                    models.TextField(
                        choices=[
                            ("ui-builder", "ui-builder"),
                            ("api-builder", "api-builder"),
                            ("schema-builder", "schema-builder"),
                            ("integration-builder", "integration-builder"),
                            ("qa-builder", "qa-builder"),
                        ],
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "backend_type",
                    models.TextField(
                        choices=[("local", "Local"), ("hosted", "Hosted"), ("burst", "Burst")]
                    ),
                ),
                (
                    "current_task",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="holders",
                        to="programs.task",
                    ),
                ),
                (
                    "state",
                    models.TextField(
                        choices=[
                            ("idle", "Idle"),
                            ("active", "Active"),
                            ("blocked", "Blocked"),
                            ("failed", "Failed"),
                        ]
                    ),
                ),
                (
                    "last_heartbeat",
                    models.DateTimeField(db_default=kit.core.sql.ContractNow(), editable=False),
                ),
                ("provenance", models.JSONField(blank=True, db_default={})),
                (
                    "created_at",
                    models.DateTimeField(db_default=kit.core.sql.ContractNow(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=kit.core.sql.ContractNow(), editable=False),
                ),
                (
                    "state_since",
                    models.DateTimeField(db_default=kit.core.sql.ContractNow(), editable=False),
                ),
                ("assigned_at", models.DateTimeField(blank=True, editable=False, null=True)),
            ],
            options={
                "db_table": "builders",
                "ordering": ["builder_id"],
                "indexes": [
                    models.Index(models.F("state"), name="idx_builders_state"),
                    models.Index(models.F("last_heartbeat"), name="idx_builders_heartbeat"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "builder_id__in",
                                [
                                    "ui-builder",
                                    "api-builder",
                                    "schema-builder",
                                    "integration-builder",
                                    "qa-builder",
                                ],
                            )
                        ),
                        name="builders_builder_id_check",
                        violation_error_message="builder_id must be one of ui-builder, api-builder, schema-builder, integration-builder, qa-builder.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("backend_type__in", ["local", "hosted", "burst"])),
                        name="builders_backend_type_check",
                        violation_error_message="backend_type must be one of local, hosted, burst.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["idle", "active", "blocked", "failed"])),
                        name="builders_state_check",
                        violation_error_message="state must be one of idle, active, blocked, failed.",
                    ),
                    models.UniqueConstraint(
                        fields=("current_task",),
                        name="idx_builders_current_task",
                        violation_error_message="Another builder holds this task.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BuilderToken",
            fields=[
                (
                    "token_id",
                    models.UUIDField(
                        db_default=django.contrib.postgres.functions.RandomUUID(),
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "builder",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tokens",
                        to="builders.builder",
                    ),
                ),
                ("prefix", models.TextField(editable=False)),
                ("digest", models.BinaryField(max_length=32)),
                (
                    "created_at",
                    models.DateTimeField(db_default=kit.core.sql.ContractNow(), editable=False),
                ),
                ("last_used_at", models.DateTimeField(editable=False, null=True)),
                ("revoked_at", models.DateTimeField(editable=False, null=True)),
            ],
            options={
                "db_table": "builder_tokens",
                "indexes": [models.Index(models.F("builder"), name="idx_builder_tokens_builder")],
                "constraints": [
                    models.UniqueConstraint(fields=("digest",), name="builder_tokens_digest_key")
                ],
            },
        ),
        migrations.CreateModel(
            name="Heartbeat",
            fields=[
                (
                    "heartbeat_id",
                    models.UUIDField(
                        db_default=django.contrib.postgres.functions.RandomUUID(),
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "builder",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="heartbeats",
                        to="builders.builder",
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="heartbeats",
                        to="programs.task",
                    ),
                ),
                (
                    "timestamp",
                    models.DateTimeField(db_default=kit.core.sql.ContractNow()),
                ),
                (
                    "status",
                    models.TextField(
                        choices=[("active", "Active"), ("idle", "Idle"), ("blocked", "Blocked")]
                    ),
                ),
                ("message", models.TextField(blank=True, null=True)),
                ("progress_percentage", models.IntegerField(blank=True, null=True)),
            ],
            options={
                "db_table": "heartbeats",
                "indexes": [
                    models.Index(
                        models.F("builder"),
                        models.OrderBy(models.F("timestamp"), descending=True),
                        name="idx_heartbeats_builder",
                    ),
                    models.Index(models.F("task"), name="idx_heartbeats_task"),
                    models.Index(
                        models.OrderBy(models.F("timestamp"), descending=True),
                        name="idx_heartbeats_newest",
                    ),
                    models.Index(
                        models.F("task"),
                        models.OrderBy(models.F("timestamp"), descending=True),
                        name="idx_heartbeats_task_newest",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["active", "idle", "blocked"])),
                        name="heartbeats_status_check",
                        violation_error_message="status must be one of active, idle, blocked.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("progress_percentage__range", (0, 100))),
                        name="heartbeats_progress_percentage_check",
                        violation_error_message="progress_percentage must be between 0 and 100.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BuilderPause",
            fields=[
                (
                    "pause_id",
                    models.UUIDField(
                        db_default=django.contrib.postgres.functions.RandomUUID(),
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "builder",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pauses",
                        to="builders.builder",
                    ),
                ),
                ("reason", models.TextField()),
                (
                    "started_at",
                    models.DateTimeField(db_default=kit.core.sql.ContractNow()),
                ),
                ("ends_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "db_table": "builder_pauses",
                "indexes": [
                    models.Index(
                        models.F("builder"), models.F("ends_at"), name="idx_builder_pauses_builder"
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("reason__regex", "\\S")),
                        name="builder_pauses_reason_check",
                        violation_error_message="A pause needs a reason.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("started_at"))),
                        name="builder_pauses_ends_at_check",
                        violation_error_message="A pause ends after it begins.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ended_at", None),
                            ("ended_at__range", (models.F("started_at"), models.F("ends_at"))),
                            _connector="OR",
                        ),
                        name="builder_pauses_ended_at_check",
                        violation_error_message="A pause is over within its own time.",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at", None)),
                        fields=("builder",),
                        name="builder_pauses_one_per_builder",
                        violation_error_message="The builder is paused already.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="IdempotencyKey",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "builder",
                        "key",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("key", models.TextField()),
                ("request_digest", models.BinaryField(max_length=32)),
                ("status", models.IntegerField(null=True)),
                ("body", models.TextField(null=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=kit.core.sql.ContractNow()),
                ),
                (
                    "builder",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="idempotency_keys",
                        to="builders.builder",
                    ),
                ),
            ],
            options={
                "db_table": "idempotency_keys",
                "indexes": [
                    models.Index(models.F("created_at"), name="idx_idempotency_keys_created")
                ],
            },
        ),
        migrations.RunPython(make_no_index_for_like, migrations.RunPython.noop),
        # Contract 1.4, 1.6 and 4.3: the foreign keys of the work, with the delete actions that it
        # states.
        foreign_key("builders", "current_task_id", "tasks", "task_id", "ON DELETE RESTRICT"),
        foreign_key("heartbeats", "builder_id", "builders", "builder_id"),
        foreign_key("heartbeats", "task_id", "tasks", "task_id"),
        # The five builders exist from the start. Where they run is told when the first plan is
        # imported or by an admin; until then they are taken to be local.
        migrations.RunSQL(
            """
            INSERT INTO builders (builder_id, backend_type, state)
            SELECT name || '-builder', 'local', 'idle'
            FROM unnest(ARRAY['ui', 'api', 'schema', 'integration', 'qa']) AS name
            ON CONFLICT DO NOTHING
            """,
            migrations.RunSQL.noop,  # they go with their table
        ),
        kit.core.rules.ChangeRules(
            after={
                "builders_authenticate": r"""
                CREATE OR REPLACE FUNCTION builders_authenticate(token_digest bytea) RETURNS text
                LANGUAGE plpgsql AS $$
                DECLARE
                    token builder_tokens;
                BEGIN
                    SELECT * INTO token FROM builder_tokens WHERE digest = token_digest AND revoked_at IS NULL;
                    IF coalesce(token.last_used_at, '-infinity') < now() - interval '1 minute' THEN
                        UPDATE builder_tokens SET last_used_at = now()
                        WHERE token_id = token.token_id
                            AND coalesce(last_used_at, '-infinity') < now() - interval '1 minute';
                    END IF;
                    RETURN token.builder_id;
                END $$;
                """,
                "builders_builder_pauses_elapsed": r"""
                CREATE OR REPLACE FUNCTION builders_builder_pauses_elapsed() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    PERFORM builders_end_pauses(NEW.builder_id);
                    RETURN NEW;
                END $$;

                CREATE OR REPLACE TRIGGER builders_builder_pauses_elapsed BEFORE INSERT ON builder_pauses
                    FOR EACH ROW EXECUTE FUNCTION builders_builder_pauses_elapsed();
                """,
                "builders_builder_tokens_two_valid": r"""
                CREATE OR REPLACE FUNCTION builders_builder_tokens_two_valid() RETURNS trigger
                LANGUAGE plpgsql AS $$
                BEGIN
                    -- Locked before counting, so that the second of two at once sees the first.
                    PERFORM FROM builders WHERE builder_id = NEW.builder_id FOR NO KEY UPDATE;
                    IF (
                        SELECT count(*) FROM builder_tokens
                        WHERE builder_id = NEW.builder_id AND revoked_at IS NULL AND token_id <> NEW.token_id
                    ) >= 2 THEN
                        RAISE EXCEPTION 'The builder % has two valid tokens: revoke one first.', NEW.builder_id
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'builders_builder_tokens_two_valid',
                                TABLE = 'builder_tokens';
                    END IF;
                    RETURN NEW;
                END $$;

                CREATE OR REPLACE TRIGGER builders_builder_tokens_two_valid
                    BEFORE INSERT OR UPDATE OF builder_id, revoked_at ON builder_tokens
                    FOR EACH ROW WHEN (NEW.revoked_at IS NULL)
                    EXECUTE FUNCTION builders_builder_tokens_two_valid();
                """,
                "builders_builders_times": r"""
                CREATE OR REPLACE FUNCTION builders_builders_times() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    IF NEW.state <> OLD.state AND NEW.state_since = OLD.state_since THEN
                        NEW.state_since := CASE
                            WHEN NEW.last_heartbeat > OLD.last_heartbeat THEN NEW.last_heartbeat ELSE now()
                        END;
                    END IF;
                    IF NEW.current_task_id IS DISTINCT FROM OLD.current_task_id
                        AND NEW.assigned_at IS NOT DISTINCT FROM OLD.assigned_at
                    THEN
                        NEW.assigned_at := CASE WHEN NEW.current_task_id IS NOT NULL THEN now() END;
                    END IF;
                    RETURN NEW;
                END $$;

                CREATE OR REPLACE TRIGGER builders_builders_times
                    BEFORE UPDATE OF state, current_task_id ON builders
                    FOR EACH ROW EXECUTE FUNCTION builders_builders_times();
                """,
                "builders_end_pauses": r"""
                CREATE OR REPLACE FUNCTION builders_end_pauses(builder text DEFAULT NULL) RETURNS void
                LANGUAGE sql AS $$
                    UPDATE builder_pauses SET ended_at = ends_at
                    WHERE ended_at IS NULL AND ends_at <= now() AND builder_id = coalesce(builder, builder_id)
                $$;
                """,
                "builders_heartbeats_apply": r"""
                CREATE OR REPLACE FUNCTION builders_heartbeats_apply() RETURNS trigger LANGUAGE plpgsql AS $$
                DECLARE
                    actor_before CONSTANT text := coalesce(current_setting('foreman.actor', true), '');
                    actor text := set_config('foreman.actor', NEW.builder_id, true);
                    holds boolean;
                    begins boolean;
                BEGIN
                    UPDATE builders SET last_heartbeat = NEW.timestamp
                    WHERE builder_id = NEW.builder_id AND last_heartbeat <= NEW.timestamp AND state = NEW.status
                    RETURNING current_task_id = NEW.task_id, NEW.status = 'active' AND EXISTS (
                        SELECT FROM tasks WHERE task_id = NEW.task_id AND tasks.state = 'assigned'
                    ) INTO holds, begins;
                    IF NOT FOUND THEN
                        UPDATE builders SET last_heartbeat = NEW.timestamp, state = NEW.status
                        WHERE builder_id = NEW.builder_id AND last_heartbeat <= NEW.timestamp
                        RETURNING current_task_id = NEW.task_id, NEW.status = 'active' INTO holds, begins;
                    END IF;

                    -- Asked when the builder is ours, and the last word of another beat about it has been said.
                    IF holds AND NEW.progress_percentage IS NOT NULL AND EXISTS (
                        SELECT FROM tasks
                        WHERE task_id = NEW.task_id
                            AND state IN ('assigned', 'in-progress', 'blocked')
                            AND progress_percentage <> NEW.progress_percentage
                    ) THEN
                        UPDATE tasks
                        SET progress_percentage = NEW.progress_percentage, worked_at = NEW.timestamp
                        WHERE task_id = NEW.task_id AND state IN ('assigned', 'in-progress', 'blocked');
                    END IF;
                    IF holds AND begins AND EXISTS (
                        SELECT FROM tasks WHERE task_id = NEW.task_id AND state = 'assigned'
                    ) THEN
                        BEGIN
                            UPDATE tasks
                            SET state = 'in-progress', started_at = coalesce(started_at, NEW.timestamp)
                            WHERE task_id = NEW.task_id AND state = 'assigned';
                        EXCEPTION WHEN check_violation THEN
                            NULL;  -- its wave or program does not let it begin yet; the next beat asks again
                        END;
                    END IF;

                    actor := set_config('foreman.actor', actor_before, true);
                    RETURN NULL;
                END $$;

                CREATE OR REPLACE TRIGGER builders_heartbeats_apply AFTER INSERT ON heartbeats
                    FOR EACH ROW EXECUTE FUNCTION builders_heartbeats_apply();
                """,
                "builders_heartbeats_lock": r"""
                CREATE OR REPLACE FUNCTION builders_heartbeats_lock() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    PERFORM 1 FROM builders JOIN tasks ON task_id = current_task_id
                    WHERE builder_id = NEW.builder_id
                        AND (
                            progress_percentage <> NEW.progress_percentage
                            OR (tasks.state = 'assigned' AND NEW.status = 'active')
                            OR tasks.state = 'blocked'
                            OR builders.state = 'failed'
                        )
                    FOR NO KEY UPDATE OF tasks;
                    RETURN NEW;
                END $$;

                CREATE OR REPLACE TRIGGER builders_heartbeats_lock BEFORE INSERT ON heartbeats
                    FOR EACH ROW EXECUTE FUNCTION builders_heartbeats_lock();
                """,
                "builders_heartbeats_not_ahead": r"""
                CREATE OR REPLACE FUNCTION builders_heartbeats_not_ahead() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    IF NEW.timestamp > now() + interval '1 minute' THEN
                        RAISE EXCEPTION 'A heartbeat cannot be more than a minute ahead of the office''s clock.'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'builders_heartbeats_not_ahead',
                                TABLE = 'heartbeats', COLUMN = 'timestamp';
                    END IF;
                    RETURN NEW;
                END $$;

                CREATE OR REPLACE TRIGGER builders_heartbeats_not_ahead
                    BEFORE INSERT OR UPDATE OF timestamp ON heartbeats
                    FOR EACH ROW EXECUTE FUNCTION builders_heartbeats_not_ahead();
                """,
                "builders_progressed_at": r"""
                CREATE OR REPLACE FUNCTION builders_progressed_at(builder text) RETURNS timestamptz
                LANGUAGE sql STABLE AS $$
                    SELECT greatest(assigned_at, worked_at, (
                        SELECT max(executed_at) FROM (
                            SELECT executed_at, passing_tests, max(passing_tests) OVER (
                                ORDER BY executed_at, execution_id ROWS UNBOUNDED PRECEDING EXCLUDE CURRENT ROW
                            ) AS best_before
                            FROM qa_executions AS run
                            WHERE run.task_id = tasks.task_id AND run.qa_suite_location = tasks.qa_suite_location
                        ) AS run
                        WHERE passing_tests > best_before
                    ))
                    FROM builders JOIN tasks ON task_id = current_task_id WHERE builder_id = builder
                $$;
                """,
                "builders_pulse": r"""
                CREATE OR REPLACE FUNCTION builders_pulse(builder text) RETURNS timestamptz
                LANGUAGE sql STABLE AS $$
                    SELECT timestamp FROM heartbeats WHERE builder_id = builder ORDER BY timestamp DESC LIMIT 1
                $$;
                """,
                "builders_quiet_since": r"""
                CREATE OR REPLACE FUNCTION builders_quiet_since(builder builders, at timestamptz)
                RETURNS timestamptz
                LANGUAGE sql STABLE AS $$
                    SELECT greatest(builder.last_heartbeat, builder.assigned_at, (
                        SELECT max(coalesce(ended_at, ends_at)) FROM builder_pauses AS pause
                        WHERE pause.builder_id = builder.builder_id AND coalesce(ended_at, ends_at) <= at
                    ))
                $$;
                """,
                "builders_record_heartbeat": r"""
                CREATE OR REPLACE FUNCTION builders_record_heartbeat(
                    token_digest bytea,
                    sent_builder text,
                    sent_task uuid,
                    sent_status text,
                    sent_message text,
                    sent_progress integer,
                    sent_id uuid,
                    sent_at timestamptz,
                    OUT broken_rule text,
                    OUT stored_id uuid,
                    OUT stored_at timestamptz
                ) LANGUAGE plpgsql AS $$
                BEGIN
                    SELECT recorded.broken_rule, recorded.stored_id, recorded.stored_at
                    INTO broken_rule, stored_id, stored_at
                    FROM builders_record_heartbeats(json_build_array(json_build_object(
                        'token_digest', token_digest, 'sent_builder', sent_builder, 'sent_task', sent_task,
                        'sent_status', sent_status, 'sent_message', sent_message, 'sent_progress', sent_progress,
                        'sent_id', sent_id, 'sent_at', sent_at
                    )), true) AS recorded;
                END $$;
                """,
                "builders_record_heartbeats": r"""
                CREATE OR REPLACE FUNCTION builders_record_heartbeats(beats json, is_patient boolean)
                RETURNS TABLE (number bigint, broken_rule text, stored_id uuid, stored_at timestamptz)
                LANGUAGE plpgsql AS $$
                DECLARE
                    limited text;
                    beat record;
                    speaker text;
                BEGIN
                    IF NOT is_patient THEN
                        limited := set_config('lock_timeout', '250ms', true);
                    END IF;
                    IF json_array_length(beats) > 1 THEN
                        PERFORM 1
                        FROM json_to_recordset(beats)
                            AS sent (sent_builder text, sent_status text, sent_progress integer)
                        JOIN builders ON builder_id = sent_builder
                        JOIN tasks ON task_id = current_task_id
                        WHERE progress_percentage <> sent_progress
                            OR (tasks.state = 'assigned' AND sent_status = 'active')
                            OR tasks.state = 'blocked'
                            OR builders.state = 'failed'
                        ORDER BY task_id
                        FOR NO KEY UPDATE OF tasks;
                    END IF;

                    FOR beat IN
                        SELECT *
                        FROM ROWS FROM (json_to_recordset(beats) AS (
                            token_digest bytea, sent_builder text, sent_task uuid, sent_status text,
                            sent_message text, sent_progress integer, sent_id uuid, sent_at timestamptz
                        )) WITH ORDINALITY
                        ORDER BY sent_builder, ordinality
                    LOOP
                        number := beat.ordinality;
                        broken_rule := NULL;
                        stored_id := NULL;
                        stored_at := NULL;
                        speaker := builders_authenticate(beat.token_digest);
                        IF speaker IS NULL THEN
                            broken_rule := 'valid_token';
                        ELSIF speaker <> beat.sent_builder THEN
                            broken_rule := 'own_builder';
                        ELSIF beat.sent_task IS NOT NULL THEN
                            -- The lock of the foreign key, early: the task cannot go before the beat is in.
                            PERFORM FROM tasks WHERE task_id = beat.sent_task FOR KEY SHARE;
                            IF NOT FOUND THEN
                                broken_rule := 'known_task';
                            END IF;
                        END IF;
                        IF broken_rule IS NULL THEN
                            INSERT INTO heartbeats (
                                heartbeat_id, builder_id, task_id, timestamp, status, message, progress_percentage
                            )
                            VALUES (
                                coalesce(beat.sent_id, gen_random_uuid()), beat.sent_builder, beat.sent_task,
                                coalesce(beat.sent_at, now()), beat.sent_status, beat.sent_message,
                                beat.sent_progress
                            )
                            ON CONFLICT (heartbeat_id) DO NOTHING
                            RETURNING heartbeat_id, timestamp INTO stored_id, stored_at;
                            IF NOT FOUND THEN
                                -- Sent before, perhaps a moment ago by another connection: the INSERT has waited
                                -- for it. A time that was left out then or now is no difference.
                                SELECT heartbeat_id, timestamp INTO stored_id, stored_at
                                FROM heartbeats
                                WHERE heartbeat_id = beat.sent_id
                                    AND builder_id = beat.sent_builder
                                    AND task_id IS NOT DISTINCT FROM beat.sent_task
                                    AND timestamp = coalesce(beat.sent_at, timestamp)
                                    AND status = beat.sent_status
                                    AND message IS NOT DISTINCT FROM beat.sent_message
                                    AND progress_percentage IS NOT DISTINCT FROM beat.sent_progress;
                                IF NOT FOUND THEN
                                    broken_rule := 'heartbeat_id_used_once';
                                END IF;
                            END IF;
                        END IF;
                        RETURN NEXT;
                    END LOOP;
                END $$;
                """,
                "builders_updated_at": r"""
                CREATE OR REPLACE TRIGGER builders_updated_at BEFORE UPDATE ON builders
                    FOR EACH ROW EXECUTE FUNCTION update_updated_at();
                """,
                "builders_verdict": r"""
                CREATE OR REPLACE FUNCTION builders_verdict(builder text, threshold interval, at timestamptz)
                RETURNS text LANGUAGE plpgsql STABLE AS $$
                DECLARE
                    row builders;
                    quiet boolean;
                BEGIN
                    SELECT * INTO row FROM builders WHERE builder_id = builder;
                    quiet := builders_quiet_since(row, at) < at - threshold;
                    RETURN CASE
                        WHEN EXISTS (
                            SELECT FROM builder_pauses
                            WHERE builder_id = builder
                                AND started_at <= at AND at < coalesce(ended_at, ends_at)
                        ) THEN 'paused'
                        WHEN row.state = 'failed' OR (quiet AND row.current_task_id IS NOT NULL) THEN 'silent'
                        WHEN builders_pulse(builder) IS NULL THEN 'never-heard'
                        WHEN quiet OR row.state = 'idle' THEN 'idle'
                        WHEN row.state = 'blocked' THEN 'waiting'
                        WHEN (
                            SELECT count(*) = 10 AND count(DISTINCT (status, progress_percentage, message)) = 1
                                AND bool_and(task_id IS NOT DISTINCT FROM row.current_task_id)
                                AND min(timestamp) >= builders_progressed_at(builder)
                            FROM (
                                SELECT * FROM heartbeats
                                WHERE builder_id = builder ORDER BY timestamp DESC LIMIT 10
                            ) AS last
                        ) THEN 'spinning'
                        ELSE 'working'
                    END;
                END $$;
                """,
                "builders_verdict_since": r"""
                CREATE OR REPLACE FUNCTION builders_verdict_since(builder text, verdict text, at timestamptz)
                RETURNS timestamptz LANGUAGE sql STABLE AS $$
                    SELECT CASE verdict
                        WHEN 'paused' THEN (
                            SELECT max(started_at) FROM builder_pauses AS pause
                            WHERE pause.builder_id = builders.builder_id AND started_at <= at
                        )
                        WHEN 'silent' THEN builders_quiet_since(builders, at)
                        WHEN 'never-heard' THEN coalesce(assigned_at, created_at)
                        WHEN 'spinning' THEN builders_progressed_at(builder)
                        ELSE state_since
                    END
                    FROM builders WHERE builder_id = builder
                $$;
                """,
            },
        ),
    ]
