"""The floor of a heartbeat: the least that Django can do with one.

The same server, the same middleware, a body of JSON, one round trip that inserts a row into a plain
table and updates a row of another. No token, no checks, no rules, no evidence.
"""

import json

from django.db import connection
from django.http import JsonResponse
from django.views.decorators.csrf import csrf_exempt

TABLES = """
CREATE TABLE bench_beats (
    beat_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    sender text NOT NULL,
    task_id uuid,
    sent_at timestamptz NOT NULL DEFAULT now(),
    status text NOT NULL,
    message text,
    progress integer
);
CREATE TABLE bench_senders (sender text PRIMARY KEY, status text, last_beat timestamptz);
INSERT INTO bench_senders SELECT builder_id FROM builders;
GRANT SELECT, INSERT, UPDATE ON bench_beats, bench_senders TO PUBLIC;

CREATE FUNCTION bench_beat(
    by text, task_id uuid, now_status text, message text, progress integer,
    OUT stored_id uuid, OUT stored_at timestamptz
) LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO bench_beats (sender, task_id, status, message, progress)
    VALUES (by, task_id, now_status, message, progress)
    RETURNING beat_id, sent_at INTO stored_id, stored_at;
    UPDATE bench_senders SET status = now_status, last_beat = now() WHERE sender = by;
END $$;
"""


@csrf_exempt
def bare_heartbeat(request):
    beat = json.loads(request.body)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT * FROM bench_beat(%s, %s, %s, %s, %s)",
            [
                *(beat["builder_id"], beat["task_id"], beat["status"], beat["message"]),
                beat.get("progress_percentage"),
            ],
        )
        stored_id, stored_at = cursor.fetchone()
    return JsonResponse({"heartbeat_id": stored_id, "timestamp": stored_at}, status=201)
