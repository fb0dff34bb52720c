"""A history of three branches over a month, the same at each call, with what people and databases may call things."""
import datetime
import json
import math
import pathlib

NOW = datetime.datetime(2026, 11, 20, 12, 0, tzinfo=datetime.timezone.utc)  # when the newest run began
HOSTILE = "</script><img src=x onerror=\"alert('x')\">&'\"`"
BRANCHES = [("shop", "production"), ("shop", "staging"), ("ledger-prod", "production")]
ROW = "01M8BXESFW646BNFFY4P7HBHQG"


def ago(hours=0, minutes=0, days=0):
    return (NOW - datetime.timedelta(hours=hours, minutes=minutes, days=days)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Sample:
    """rows: for each table the records, as a tool would have written them."""

    def __init__(self):
        self.rows = {}
        for make in (self.runs, self.metrics, self.statements, self.indexes, self.vacuum, self.branches, self.sync,
                     self.archival, self.alerts, self.audit, self.approvals, self.cost):
            make()

    def add(self, table, project, branch, **values):
        row = {"project_id": project, "branch_id": branch, "run_id": ROW, **values}
        self.rows.setdefault(table, []).append({k: v for k, v in row.items() if v is not None})

    def runs(self):
        for day in range(7):
            for number in range(12):
                project, branch = BRANCHES[number % 3]
                status = ("failed" if (day + number) % 17 == 4 else "pending_approval" if number == 3 else
                          "skipped" if number == 5 else "ok")
                error = {"error_code": "timeout", "error_message": f"the branch {HOSTILE} did not answer"}
                self.add("tool_runs", project, branch, tool=f"tool_{number % 5}", mode="execute", status=status,
                         started_at=ago(hours=number * 2, days=day), duration_ms=100.0 + number, actor_kind="schedule",
                         findings=number, changes=number % 2, **(error if status == "failed" else {}))

    def metrics(self):
        for hour in range(24):
            for i, (project, branch) in enumerate(BRANCHES):
                for part in range(2):
                    wave = math.sin((hour + part / 2 + i * 5) / 4)
                    for name, value, unit in (
                            ("cache_hit_ratio", 0.985 + 0.012 * wave - 0.03 * (i == 1 and hour == 0), "ratio"),
                            ("connection_utilization", 0.4 + 0.3 * wave * (i + 1) / 3, "ratio"),
                            ("dead_tuple_ratio", 0.05 + 0.02 * i + hour * 0.001, "ratio"),
                            ("txid_age", 1.5e8 + i * 2.1e8 + hour, "xids"),
                            ("next_xid", 1000.0 + hour, "xids"),
                            ("database_size_bytes", 3.1e9 * (i + 1) - hour * 1e6, "bytes")):
                        level = ("normal" if name == "database_size_bytes" else
                                 "critical" if name == "cache_hit_ratio" and value < 0.95 else
                                 "warning" if name == "txid_age" and value > 5e8 else "normal")
                        self.add("lakebase_metrics", project, branch, metric_name=name, metric_value=value, unit=unit,
                                 kind="gauge", snapshot_timestamp=ago(hours=hour, minutes=30 * part),
                                 threshold_level=None if name == "database_size_bytes" else level,
                                 object_name=HOSTILE if name == "dead_tuple_ratio" else None)
        self.add("lakebase_metrics", "shop", "gone", metric_name="txid_age", metric_value=1.9e9, unit="xids", kind="gauge",
                 snapshot_timestamp=ago(days=3), threshold_level="critical")

    def statements(self):
        texts = ["SELECT * FROM sales.orders WHERE customer_id = $1", "UPDATE sales.orders SET status = $1 WHERE id = $2",
                 f"SELECT '{HOSTILE}' AS \"<b>\"", "INSERT INTO sales.lines (order_id, item, note) VALUES ($1, $2, $3)"]
        for number, text in enumerate(texts):
            self.add("query_texts", "shop", "production", queryid=1000 + number, dbid=5, query=text, query_bytes=len(text),
                     truncated=False, first_seen_at=ago(days=30))
        for hour in range(72):
            for i, (project, branch) in enumerate(BRANCHES):
                for number in range(len(texts)):
                    calls = 20 + 10 * number + i
                    mean = 0.8 * (number + 1) * (4 if hour < 2 and number == 1 and i == 0 else 1) * (
                        3 if number == 2 and i == 1 else 1) * (1 + 0.3 * math.sin(hour / 6))
                    self.add("pg_stat_history", project, branch, snapshot_timestamp=ago(hours=hour, minutes=5),
                             granularity="snapshot", system_identifier=7, postmaster_start=ago(days=40), userid=10, dbid=5,
                             toplevel=True, queryid=1000 + number, calls=100000 - hour, total_exec_time=1e6,
                             calls_delta=calls, total_exec_time_delta=calls * mean, rows_delta=calls * 2,
                             shared_blks_read_delta=number * 100)

    def indexes(self):
        kinds = ["drop_unused", "create_missing", "drop_duplicate", "create_fk_index"]
        for number in range(10):
            steps = [["pending_review"], ["pending_review", "approved", "executed", "kept"],
                     ["pending_review", "rejected"]][number % 3]
            for step, status in enumerate(steps):
                self.add("index_recommendations", *BRANCHES[number % 3], recommendation_id=f"rec-{number:02}",
                         created_at=ago(days=number), updated_at=ago(days=number, minutes=-step), schema_name="sales",
                         **({"database_name": f"shop_{number}"} if number else {}),  # older rows name none
                         table_name="orders" if number else HOSTILE, index_name=f"orders_{number}_idx",
                         recommendation_type=kinds[number % 4], confidence=["high", "medium", "low"][number % 3],
                         estimated_impact="12 MB less to write with each load", status=status,
                         ddl_statement=f'DROP INDEX CONCURRENTLY "sales"."orders_{number}_idx"')

    def vacuum(self):
        for day in range(6):
            for number in range(3 + day % 3):
                self.add("vacuum_history", *BRANCHES[number % 3], operation_id=f"v-{day}-{number}",
                         executed_at=ago(days=day, hours=10), schema_name="sales", table_name=["orders", "lines"][number % 2],
                         operation_type=["vacuum_analyze", "vacuum_freeze", "analyze"][number % 3],
                         dead_tuples_before=5000 * (number + 1), dead_tuples_after=100 * number,
                         bytes_before=10 ** 8, bytes_after=10 ** 8 - 10 ** 6 * number, duration_seconds=1.5 * (number + 1),
                         status="failed" if day == 2 and number == 0 else "success")

    def branches(self):
        for day in range(12):
            name = f"ci-{day}"
            self.add("branch_lifecycle", "shop", name, event_id=f"e-{day}-0", event_timestamp=ago(days=day * 2, hours=3),
                     event_type="created", source_branch="production", branch_kind="ci", creator_type="ci",
                     ttl_seconds=14400, expires_at=ago(days=day * 2 - 1))
            if day > 2:
                self.add("branch_lifecycle", "shop", name, event_id=f"e-{day}-1", event_timestamp=ago(days=day * 2, hours=1),
                         event_type="deleted", reason="expired")
        self.add("branch_lifecycle", "shop", "ci-11", event_id="e-again", event_timestamp=ago(hours=2),
                 event_type="created", source_branch="staging", branch_kind="ci", creator_type="human")
        self.add("branch_lifecycle", "shop", "production", event_id="e-prod", event_timestamp=ago(days=28),
                 event_type="protected", is_protected=True, branch_kind="production")

    def sync(self):
        for hour in range(24):
            for number, table in enumerate(["sales.orders", "sales.lines"]):
                self.add("sync_validation_history", "shop", "production", validation_id=f"s-{hour}-{number}",
                         validated_at=ago(hours=hour), source_table=table, target_table=f"main.{table}",
                         check_type="completeness", source_count=10000 - hour, target_count=10000 - hour - number * 7,
                         count_drift=number * 7, freshness_lag_seconds=300.0 + hour * 60 * number,
                         checksum_match=number == 0, status="healthy" if number == 0 else "drift_detected")
            self.add("sync_validation_history", "shop", "staging", validation_id=f"s-{hour}-staging",
                     validated_at=ago(hours=hour), source_table="sales.lines", target_table="main.sales.lines",
                     check_type="completeness", source_count=7, target_count=7, count_drift=0, freshness_lag_seconds=60.0,
                     checksum_match=True, status="healthy")
        self.add("sync_validation_history", "shop", "ci-0", validation_id="s-waits", validated_at=ago(hours=1),
                 source_table="sales.lines", target_table="main.sales.lines", check_type="integrity", status="waiting")

    def archival(self):
        for week in range(4):
            steps = [("export", "success"), ("verify", "success"), ("delete", "waiting"), ("delete", "success")]
            runs = 2 if week == 3 else 1  # it took two to copy it, and two to delete it
            for step, status in (steps if week else steps[:3]) * runs:
                self.add("data_archival_history", "shop", "production", archival_id=f"a-{week}",
                         archived_at=ago(days=7 * week, hours=5), source_table="sales.events", step=step, status=status,
                         archive_delta_table="main.archive.events", cold_threshold_days=90,
                         rows_archived=None if step == "export" else 1000 * (week + 1) // runs,
                         rows_deleted=1000 * (week + 1) // runs if (step, status) == ("delete", "success") else None,
                         bytes_reclaimed=10 ** 6 * week if (step, status) == ("delete", "success") else None)

    def alerts(self):
        for alert, severity, steps in (("al-1", "critical", ["fired", "escalated"]), ("al-2", "warning", ["fired"]),
                                       ("al-3", "critical", ["fired", "resolved"]), ("al-4", "info", ["fired"])):
            for number, state in enumerate(steps):
                self.add("alert_history", "shop", "staging", alert_id=alert, at=ago(hours=5 - number), state=state,
                         severity=severity, rule="cache_hit_ratio", title=f"cache hit ratio is low {HOSTILE}",
                         message="0.947 over 5 minutes; the limit is 0.95", fired_at=ago(hours=5), object_name="orders")
                self.delivered("shop", "staging", alert, severity, ago(hours=5 - number, minutes=-1))
        self.delivered(None, None, "digest/mail", "critical", ago(hours=1))  # several alerts in one message

    def delivered(self, project, branch, alert, severity, at):
        self.add("alert_history", project, branch, alert_id=alert, at=at, state="delivered", severity=severity,
                 rule="cache_hit_ratio", title="was told", fired_at=ago(hours=5), channels_sent='["mail"]')

    def audit(self):
        for number in range(30):
            for phase in ("intent", "outcome"):
                ended = {"outcome": "failed" if number == 7 else "applied"} if phase == "outcome" else {}
                self.add("audit_log", *BRANCHES[number % 3], audit_id=f"c-{number:02}", phase=phase, at=ago(hours=number),
                         actor_kind="person", actor="anna <anna@example.com>", tool="schedule_vacuum_analyze", kind="sql",
                         effect="additive", statement=f'VACUUM (ANALYZE) "sales"."{HOSTILE if number == 3 else "orders"}"',
                         **ended)

        self.add("audit_log", "shop", "production", audit_id="own", phase="outcome", at=ago(), actor_kind="person", kind="sql",
                 tool="schedule_vacuum_analyze", effect="read", statement="SET vacuum_cost_limit TO '200'", outcome="applied")

    def approvals(self):
        for number, steps in enumerate([["pending"], ["pending", "approved", "executed"], ["pending", "denied"],
                                        ["pending", "returned"], ["pending"]]):
            for step, status in enumerate(steps):
                self.add("approval_history", *BRANCHES[number % 3], approval_id=f"01APPROVAL{number}", status=status,
                         at=ago(hours=3 - step), tool="schedule_vacuum_full", hash="0" * 64, risk=["high", "medium"][number % 2],
                         group_title="write the table sales.orders anew", reason="48 % of its 1.2 GB are empty",
                         effect="disruptive", requested_at=ago(hours=3),
                         expires_at=ago(days=-2) if number != 4 else ago(hours=1))

    def cost(self):
        for day in range(20):
            for number, project in enumerate(["shop", "ledger-prod"]):
                for revision in range(2 if day == 1 else 1):  # a bill that was read twice
                    branch = "gone" if (day, revision) == (1, 0) else None  # and was not known any more the second time
                    self.add("cost_attribution", project, branch, usage_start=ago(days=day), captured_at=ago(hours=-revision),
                             record_id=f"r-{day}-{number}", sku_name="PREMIUM_DATABASE_SERVERLESS_COMPUTE_US_EAST",
                             usage_type="COMPUTE_TIME", resource_id="ep-1", usage_unit="DBU", currency="USD",
                             quantity=10.0 + day + number, list_price=0.5 if number == 0 else None,
                             cost=(10.0 + day + number) * 0.5 + revision if number == 0 else None, awake_seconds=60.0)

    def put(self, state):
        """Into an outbox, as a run leaves them."""
        for number, (table, rows) in enumerate(sorted(self.rows.items())):
            folder = pathlib.Path(state) / "outbox" / table
            folder.mkdir(parents=True, exist_ok=True)
            head = {"lbops_outbox": 1, "table": table, "run_id": ROW, "rows": len(rows)}
            lines = [json.dumps(line, ensure_ascii=False, separators=(",", ":")) for line in [head, *rows]]
            (folder / f"{number + 1:026}.ndjson").write_text("\n".join(lines) + "\n", encoding="utf-8")
