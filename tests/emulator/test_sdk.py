#!/usr/bin/env python3
"""The official databricks-sdk drives the emulator: who calls, calls that fail, statements, catalogs, jobs and the rest."""
import io
import os
import time

import harness
from sdk_case import EMULATOR, READY, Case, client

from databricks.sdk import WorkspaceClient, errors
from databricks.sdk.service import catalog, dashboards, jobs, postgres, sql


class Identity(Case):
    def test_oauth_of_a_service_principal(self):
        self.assertEqual(self.w.current_user.me().user_name, READY["client_id"])

    def test_personal_token(self):
        self.assertEqual(WorkspaceClient(host=READY["url"], token=READY["pat"]).current_user.me().user_name, READY["user"])

    def test_wrong_secret_is_refused(self):
        with self.assertRaisesRegex(Exception, "invalid_client"):
            WorkspaceClient(host=READY["url"], auth_type="oauth-m2m", client_id=READY["client_id"], client_secret="dose00").current_user.me()

    def test_expired_token_is_renewed_by_the_sdk(self):
        before = EMULATOR.set(token_s=1)
        try:
            w = client()
            w.current_user.me()
            asked = len(EMULATOR.control("GET", "requests", query={"path": "^/oidc/v1/token$"})["requests"])
            EMULATOR.control("POST", "clock", {"advance_s": 2})
            self.assertEqual(w.current_user.me().user_name, READY["client_id"])
            now = len(EMULATOR.control("GET", "requests", query={"path": "^/oidc/v1/token$"})["requests"])
            self.assertGreater(now, asked)
        finally:
            EMULATOR.set(**before)

    def test_revoked_token_is_unauthenticated(self):
        w = client()
        w.current_user.me()
        EMULATOR.control("POST", "tokens/revoke", {"kind": "workspace"})
        with self.assertRaises(errors.Unauthenticated):
            w.current_user.me()
        type(self).w = client()


class Retries(Case):
    def test_retry_after_is_honoured(self):
        EMULATOR.fault("status", "/scim/v2/Me$", status=429, retry_after="2", error_code="REQUEST_LIMIT_EXCEEDED")
        begun = time.monotonic()
        self.w.current_user.me()
        self.assertGreaterEqual(time.monotonic() - begun, 1.9)

    def test_service_unavailable_is_retried(self):
        ident = EMULATOR.fault("status", "/scim/v2/Me$", status=503, retry_after="0", count=2)
        self.w.current_user.me()
        hits = [fault["hits"] for fault in EMULATOR.control("GET", "faults")["faults"] if fault["id"] == ident]
        self.assertEqual(hits, [2])

    def test_reset_is_retried(self):
        EMULATOR.fault("reset", "/scim/v2/Me$")
        self.assertEqual(self.w.current_user.me().user_name, READY["client_id"])

    def test_fields_of_tomorrow_and_numbers_as_text_are_taken(self):
        EMULATOR.fault("mutate", "/scim/v2/Me$", unknown_fields=True, int_as_text=True)
        self.assertEqual(self.w.current_user.me().user_name, READY["client_id"])

    def test_private_link_redirect_is_recognised(self):
        EMULATOR.fault("redirect", "/scim/v2/Me$", location=f"{READY['url']}/login.html?error=private-link-validation-error", status=302)
        with self.assertRaises(Exception) as caught:
            self.w.current_user.me()
        self.assertIn("rivate", f"{type(caught.exception).__name__} {caught.exception}")


class Statements(Case):
    def setUp(self):
        self.warehouse = READY["warehouse_id"]

    def run_sql(self, text, **more):
        return self.w.statement_execution.execute_statement(text, self.warehouse, wait_timeout="30s", **more)

    def test_query_with_parameters(self):
        done = self.run_sql("SELECT :n + 1 AS n, :t AS t, :x AS x", parameters=[
            sql.StatementParameterListItem(name="n", value="41", type="INT"), sql.StatementParameterListItem(name="t", value="a'b"),
            sql.StatementParameterListItem(name="x", type="DATE")])
        self.assertEqual(done.status.state, sql.StatementState.SUCCEEDED)
        self.assertEqual(done.result.data_array, [["42", "a'b", None]])
        self.assertEqual([column.type_name.value for column in done.manifest.schema.columns], ["INT", "STRING", "DATE"])

    def test_parameters_have_a_limit(self):
        many = [sql.StatementParameterListItem(name=f"p{i}", value="x") for i in range(257)]
        self.assertEqual(self.run_sql("SELECT :p255 AS x", parameters=many[:256]).result.data_array, [["x"]])
        with self.assertRaisesRegex(errors.BadRequest, "257 parameters were given but the limit is 256"):
            self.run_sql("SELECT :p256 AS x", parameters=many)

    def test_chunks(self):
        done = self.run_sql("SELECT * FROM range(2500) t(i) ORDER BY i")
        self.assertEqual((done.manifest.total_row_count, done.manifest.total_chunk_count), (2500, 3))
        rows, part = list(done.result.data_array), done.result
        while part.next_chunk_index is not None:
            part = self.w.statement_execution.get_statement_result_chunk_n(done.statement_id, part.next_chunk_index)
            rows += part.data_array
        self.assertEqual([int(row[0]) for row in rows], list(range(2500)))

    def test_external_links(self):
        done = self.run_sql("SELECT 7 AS n", disposition=sql.Disposition.EXTERNAL_LINKS, format=sql.Format.CSV)
        link = done.result.external_links[0]
        path = link.external_link[len(READY["url"]):]
        self.assertEqual(EMULATOR.call("GET", path, token=None, headers=link.http_headers).body, b"n\n7\n")
        self.assertEqual(EMULATOR.call("GET", path, headers=link.http_headers).status, 400)
        EMULATOR.control("POST", "clock", {"advance_s": 901})
        self.assertEqual(EMULATOR.call("GET", path, token=None, headers=link.http_headers).status, 403)

    def test_failure_is_an_answer(self):
        done = self.run_sql("SELECT * FROM main.default.nothing")
        self.assertEqual(done.status.state, sql.StatementState.FAILED)
        self.assertIn("TABLE_OR_VIEW_NOT_FOUND", done.status.error.message)

    def test_cancel(self):
        before = EMULATOR.set(statement_s=30)
        try:
            begun = self.w.statement_execution.execute_statement("SELECT 1", self.warehouse, wait_timeout="0s")
            self.assertEqual(begun.status.state, sql.StatementState.PENDING)
            self.w.statement_execution.cancel_execution(begun.statement_id)
            look = lambda: self.w.statement_execution.get_statement(begun.statement_id).status.state
            harness.until(lambda: look() == sql.StatementState.CANCELED)
        finally:
            EMULATOR.set(**before)

    def test_cancel_of_a_query_at_work(self):
        begun = self.w.statement_execution.execute_statement(
            "SELECT count(*) FROM range(2000000) a CROSS JOIN range(2000000) b WHERE a.range * b.range % 7 = 3", self.warehouse, wait_timeout="0s")
        look = lambda: self.w.statement_execution.get_statement(begun.statement_id).status.state
        harness.until(lambda: look() == sql.StatementState.RUNNING)
        self.w.statement_execution.cancel_execution(begun.statement_id)
        harness.until(lambda: look() == sql.StatementState.CANCELED)

    def test_warehouse_that_starts(self):
        self.w.warehouses.stop(self.warehouse)
        begun = self.w.statement_execution.execute_statement("SELECT 1", self.warehouse, wait_timeout="0s")
        self.assertEqual(self.w.warehouses.get(self.warehouse).state, sql.State.STARTING)
        self.assertEqual(self.w.statement_execution.get_statement(begun.statement_id).status.state, sql.StatementState.PENDING)
        look = lambda: self.w.statement_execution.get_statement(begun.statement_id).status.state
        harness.until(lambda: look() == sql.StatementState.SUCCEEDED)

    def test_unknown_statement(self):
        with self.assertRaises(errors.NotFound):
            self.w.statement_execution.get_statement("01ef-nothing")

    def test_unknown_warehouse(self):
        with self.assertRaises(errors.InvalidParameterValue):
            self.w.statement_execution.execute_statement("SELECT 1", "nothing")


class History(Case):
    """What a history of metrics needs: catalog, schema, volume, upload, COPY INTO."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.w.catalogs.create("ops")
        cls.w.schemas.create("lake", "ops")
        cls.w.volumes.create("ops", "lake", "staging", catalog.VolumeType.MANAGED)

    def run_sql(self, text):
        done = self.w.statement_execution.execute_statement(text, READY["warehouse_id"], wait_timeout="30s")
        self.assertEqual(done.status.state, sql.StatementState.SUCCEEDED, done.status.error)
        return done.result.data_array if done.result else None

    def test_files(self):
        path = "/Volumes/ops/lake/staging/a/b c.bin"
        content = bytes(range(256)) * 1000
        self.w.files.create_directory("/Volumes/ops/lake/staging/a")
        self.w.files.upload(path, io.BytesIO(content), overwrite=False)
        self.assertEqual(self.w.files.download(path).contents.read(), content)
        self.assertEqual(self.w.files.get_metadata(path).content_length, len(content))
        with self.assertRaises(errors.AlreadyExists):
            self.w.files.upload(path, io.BytesIO(b"x"), overwrite=False)
        self.assertEqual([(one.name, one.file_size) for one in self.w.files.list_directory_contents("/Volumes/ops/lake/staging/a")],
                         [("b c.bin", len(content))])
        with self.assertRaises(errors.BadRequest):
            self.w.files.delete_directory("/Volumes/ops/lake/staging/a")
        self.w.files.delete(path)
        with self.assertRaises(errors.NotFound):
            self.w.files.download(path)
        self.w.files.delete_directory("/Volumes/ops/lake/staging/a")

    def test_upload_that_is_cut_leaves_nothing(self):
        path = "/Volumes/ops/lake/staging/cut.bin"
        EMULATOR.fault("reset", "cut.bin$", method="PUT", when="before", count=0)
        with self.assertRaises(Exception):
            EMULATOR.call("PUT", f"/api/2.0/fs/files{path}", b"x" * 100000, {"overwrite": "true"})
        EMULATOR.control("DELETE", "faults")
        with self.assertRaises(errors.NotFound):
            self.w.files.get_metadata(path)

    def test_copy_into_loads_each_path_once(self):
        import duckdb
        self.run_sql("CREATE TABLE ops.lake.metrics (name STRING, value DOUBLE)")
        for number, rows in (("1", 3), ("2", 5)):
            place = os.path.join(READY["folders"][0], f"part-{number}.parquet")
            duckdb.sql(f"SELECT 'm' || range AS name, CAST(range AS DOUBLE) AS value FROM range({rows})").write_parquet(place)
            with open(place, "rb") as file:
                self.w.files.upload(f"/Volumes/ops/lake/staging/metrics/b-{number}.parquet", file, overwrite=True)
        copy = "COPY INTO ops.lake.metrics FROM '/Volumes/ops/lake/staging/metrics/' FILEFORMAT = PARQUET"
        self.assertEqual(self.run_sql(f"{copy} FILES = ('b-1.parquet')"), [["3", "3", "0"]])
        self.assertEqual(self.run_sql(copy), [["5", "5", "0"]])
        self.assertEqual(self.run_sql(copy), [["0", "0", "0"]])
        self.assertEqual(self.run_sql(f"{copy} COPY_OPTIONS ('force' = 'true')"), [["8", "8", "0"]])
        self.assertEqual(self.run_sql("SELECT count(*) FROM ops.lake.metrics"), [["16"]])
        self.run_sql("CREATE OR REPLACE TABLE ops.lake.metrics (name STRING, value DOUBLE)")
        self.assertEqual(self.run_sql(copy), [["8", "8", "0"]])

    def test_tables_are_listed(self):
        self.run_sql("CREATE TABLE IF NOT EXISTS ops.lake.listed (id BIGINT, at TIMESTAMP)")
        table = self.w.tables.get("ops.lake.listed")
        self.assertEqual([(one.name, one.type_name.value) for one in table.columns], [("id", "LONG"), ("at", "TIMESTAMP")])
        self.assertIn("listed", [one.name for one in self.w.tables.list("ops", "lake")])
        self.assertTrue(self.w.tables.exists("ops.lake.listed").table_exists)
        self.assertFalse(self.w.tables.exists("ops.lake.not_there").table_exists)

    def test_grants(self):
        change = catalog.PermissionsChange(principal="data-team", add=[catalog.Privilege.USE_SCHEMA, catalog.Privilege.SELECT])
        self.w.grants.update("schema", "ops.lake", changes=[change])
        held = self.w.grants.get("schema", "ops.lake").privilege_assignments[0]
        self.assertEqual((held.principal, sorted(one.value for one in held.privileges)), ("data-team", ["SELECT", "USE_SCHEMA"]))
        effective = self.w.grants.get_effective("volume", "ops.lake.staging").privilege_assignments
        inherited = [one.inherited_from_name for group in effective if group.principal == "data-team" for one in group.privileges]
        self.assertEqual(inherited, ["ops.lake", "ops.lake"])
        with self.assertRaises(errors.NotFound):
            self.w.grants.update("schema", "ops.lake", changes=[catalog.PermissionsChange(principal="nobody", add=[catalog.Privilege.SELECT])])

    def test_a_guest_needs_leave(self):
        guest = EMULATOR.control("POST", "clients", {"display_name": "guest"})
        w = WorkspaceClient(host=READY["url"], auth_type="oauth-m2m", client_id=guest["client_id"], client_secret=guest["client_secret"])
        with self.assertRaises(errors.PermissionDenied):
            w.files.upload("/Volumes/ops/lake/staging/x", io.BytesIO(b"x"), overwrite=True)
        done = w.statement_execution.execute_statement("SELECT count(*) FROM system.billing.usage", READY["warehouse_id"], wait_timeout="30s")
        self.assertIn("INSUFFICIENT_PERMISSIONS", done.status.error.message)
        self.w.grants.update("volume", "ops.lake.staging", changes=[
            catalog.PermissionsChange(principal=guest["client_id"], add=[catalog.Privilege.WRITE_VOLUME])])
        w.files.upload("/Volumes/ops/lake/staging/x", io.BytesIO(b"x"), overwrite=True)

    def test_cost_of_a_project(self):
        project, _ = self.project("costly")
        rows = self.run_sql("SELECT sku_name, sum(usage_quantity) FROM system.billing.usage WHERE usage_metadata.project_id = "
                            f"'{project.uid}' AND billing_origin_product = 'LAKEBASE' GROUP BY ALL")
        self.assertEqual(len(rows), 2)
        again = self.run_sql("SELECT sku_name, sum(usage_quantity) FROM system.billing.usage WHERE usage_metadata.project_id = "
                             f"'{project.uid}' AND billing_origin_product = 'LAKEBASE' GROUP BY ALL")
        self.assertEqual(sorted(rows), sorted(again))
        seen = self.run_sql("SELECT action_name FROM system.access.audit WHERE event_date >= date_sub(current_date(), 1) AND "
                            "request_params['project_id'] = 'costly' OR request_params['name'] = 'projects'")
        self.assertIn(["createProject"], seen)

    def test_registered_catalog(self):
        self.project("books")
        spec = postgres.CatalogCatalogSpec(branch="projects/books/branches/production", postgres_database="databricks_postgres")
        made = self.w.postgres.create_catalog(postgres.Catalog(spec=spec), catalog_id="books_pg").wait()
        self.assertEqual(made.status.project, "projects/books")
        self.assertIn("books_pg", [one.name for one in self.w.catalogs.list()])
        self.w.postgres.delete_catalog("catalogs/books_pg").wait()
        with self.assertRaises(errors.NotFound):
            self.w.postgres.get_catalog("catalogs/books_pg")


    def test_change_feed_of_a_schema(self):
        _, main = self.project("fed")
        with self.login(main, self.credential(main).token) as session:
            session.execute("CREATE TABLE plain (id int PRIMARY KEY)")
            session.execute("CREATE TABLE orders (id int PRIMARY KEY)")
            session.execute("ALTER TABLE orders REPLICA IDENTITY FULL")
        parent = "projects/fed/branches/production/databases/databricks-postgres"
        wish = postgres.CdfConfig(catalog="main", schema="fed", postgres_schema="public")
        made = self.w.postgres.create_cdf_config(parent, wish, cdf_config_id="my_feed").wait()
        self.assertEqual([one.name for one in self.w.postgres.list_cdf_configs(parent)], [made.name])
        seen = {one.postgres_table: one for one in self.w.postgres.list_cdf_statuses(made.name)}
        self.assertEqual({name: one.state.value for name, one in seen.items()},
                         {"orders": "CDF_STATE_STREAMING", "plain": "CDF_STATE_SKIPPED"})
        self.assertEqual(seen["orders"].uc_table, "main.fed.orders")
        self.assertIn("REPLICA IDENTITY FULL", self.w.postgres.get_cdf_status(seen["plain"].name).status_detail)
        self.w.postgres.delete_cdf_config(made.name).wait()
        self.assertEqual(list(self.w.postgres.list_cdf_configs(parent)), [])

    def test_synced_table_brings_the_rows(self):
        _, main = self.project("gold")
        self.run_sql("CREATE TABLE ops.lake.users (id BIGINT, name STRING, at TIMESTAMP)")
        self.run_sql("INSERT INTO ops.lake.users VALUES (1, 'O\\'Hara', '2026-08-19T10:00:00Z'), (2, NULL, NULL)")
        spec = postgres.SyncedTableSyncedTableSpec(
            source_table_full_name="ops.lake.users", primary_key_columns=["id"], branch="projects/gold/branches/production",
            postgres_database="databricks_postgres", create_database_objects_if_missing=True,
            scheduling_policy=postgres.SyncedTableSyncedTableSpecSyncedTableSchedulingPolicy.SNAPSHOT)
        made = self.w.postgres.create_synced_table(postgres.SyncedTable(spec=spec), synced_table_id="gold_pg.public.users").wait()
        self.assertEqual(made.status.detailed_state.value, "SYNCED_TABLE_ONLINE_NO_PENDING_UPDATE")
        with self.login(main, self.credential(main).token) as session:
            self.assertEqual(session.execute("SELECT id, name FROM users ORDER BY id").fetchall(), [(1, "O'Hara"), (2, None)])
        self.w.postgres.delete_synced_table(made.name).wait()

    def test_data_api_settings(self):
        self.project("api")
        parent = "projects/api/branches/production/databases/databricks-postgres"
        made = EMULATOR.finish(EMULATOR.postgres("POST", f"{parent}/data-api", {"spec": {"db_schemas": ["api"]}}))
        self.assertEqual(made["response"]["status"]["db_schemas"], ["api"])
        self.assertEqual(self.w.postgres.get_data_api(f"{parent}/data-api").status.db_schemas, ["api"])
        self.assertEqual(EMULATOR.postgres("POST", f"{parent}/data-api", {"spec": {}}).status, 400)


class Jobs(Case):
    def settings(self, name, **task):
        task = task or {"notebook_task": jobs.NotebookTask(notebook_path="/Shared/x")}
        return {"name": name, "tasks": [jobs.Task(task_key="run", **task)]}

    def wait(self, run_id):
        return harness.until(lambda: (lambda run: run if run.state.life_cycle_state.value == "TERMINATED" else None)(self.w.jobs.get_run(run_id)))

    def test_life_of_a_job(self):
        made = self.w.jobs.create(**self.settings("nightly"), schedule=jobs.CronSchedule("0 0/30 * * * ?", "UTC"))
        self.assertEqual([job.job_id for job in self.w.jobs.list(name="NIGHTLY")], [made.job_id])
        first = self.w.jobs.run_now(made.job_id, idempotency_token="once")
        self.assertEqual(self.w.jobs.run_now(made.job_id, idempotency_token="once").run_id, first.run_id)
        run = self.wait(first.run_id)
        self.assertEqual(run.state.result_state, jobs.RunResultState.SUCCESS)
        self.assertEqual(run.status.termination_details.code.value, "SUCCESS")
        self.w.jobs.reset(made.job_id, jobs.JobSettings(name="hourly", tasks=[]))
        self.assertEqual(self.w.jobs.get(made.job_id).settings.name, "hourly")
        self.w.jobs.delete(made.job_id)
        with self.assertRaises(errors.ResourceDoesNotExist):
            self.w.jobs.get(made.job_id)

    def test_missing_job_answers_400_which_the_sdk_remaps(self):
        answer = EMULATOR.call("GET", "/api/2.2/jobs/get", query={"job_id": "1"})
        self.assertEqual((answer.status, answer.code, answer.message), (400, "INVALID_PARAMETER_VALUE", "Job 1 does not exist."))

    def test_task_that_fails(self):
        EMULATOR.control("POST", "jobs/outcomes", {"job": "^sad$", "result": "FAILED", "message": "it broke"})
        made = self.w.jobs.create(**self.settings("sad"))
        run = self.wait(self.w.jobs.run_now(made.job_id).run_id)
        self.assertEqual(run.state.result_state, jobs.RunResultState.FAILED)
        self.assertEqual(self.w.jobs.get_run_output(run.tasks[0].run_id).error, "it broke")

    def test_python_task_of_a_volume_really_runs(self):
        self.w.volumes.create("main", "default", "bin", catalog.VolumeType.MANAGED)
        self.w.files.upload("/Volumes/main/default/bin/launch.py", io.BytesIO(
            b"import sys\nprint('I got', open(sys.argv[1]).read(), sys.argv[2])\nsys.exit(int(sys.argv[2]))\n"), overwrite=True)
        self.w.files.upload("/Volumes/main/default/bin/data", io.BytesIO(b"milk"), overwrite=True)
        task = jobs.SparkPythonTask(python_file="/Volumes/main/default/bin/launch.py",
                                    parameters=["/Volumes/main/default/bin/data", "{{job.parameters.rc}}"])
        made = self.w.jobs.create(**self.settings("real", spark_python_task=task), parameters=[jobs.JobParameterDefinition("rc", "0")])
        run = self.wait(self.w.jobs.run_now(made.job_id).run_id)
        self.assertEqual(run.state.result_state, jobs.RunResultState.SUCCESS)
        self.assertEqual(self.w.jobs.get_run_output(run.tasks[0].run_id).logs, "I got milk 0\n")
        run = self.wait(self.w.jobs.run_now(made.job_id, job_parameters={"rc": "3"}).run_id)
        self.assertEqual(run.state.result_state, jobs.RunResultState.FAILED)

    def test_one_run_at_a_time_and_cancel(self):
        before = EMULATOR.set(run_s=20)
        try:
            made = self.w.jobs.create(**self.settings("slow"))
            first = self.w.jobs.run_now(made.job_id).run_id
            second = self.w.jobs.get_run(self.w.jobs.run_now(made.job_id).run_id)
            self.assertEqual(second.state.life_cycle_state.value, "SKIPPED")
            self.w.jobs.cancel_run(first)
            self.assertEqual(self.wait(first).state.result_state, jobs.RunResultState.CANCELED)
        finally:
            EMULATOR.set(**before)


class Others(Case):
    def test_chat_answers_by_rule(self):
        from databricks.sdk.service.serving import ChatMessage, ChatMessageRole
        EMULATOR.control("POST", "serving/rules", {"match": r"index on (\w+)", "answer": "CREATE INDEX ON {0}"})
        done = self.w.serving_endpoints.query("databricks-meta-llama-3-3-70b-instruct", messages=[
            ChatMessage(role=ChatMessageRole.USER, content="I need an index on orders")])
        self.assertEqual(done.choices[0].message.content, "CREATE INDEX ON orders")
        with self.assertRaises(errors.NotFound):
            self.w.serving_endpoints.query("databricks-meta-llama-3-1-405b-instruct", messages=[ChatMessage(role=ChatMessageRole.USER, content="x")])
        self.assertIn("databricks-llama-4-maverick", [one.name for one in self.w.serving_endpoints.list()])

    def test_sql_alert(self):
        wanted = sql.AlertV2(
            display_name="Slow", query_text="SELECT 4 AS v UNION ALL SELECT 7 AS v", warehouse_id=READY["warehouse_id"],
            schedule=sql.CronSchedule("0 0/5 * * * ?", "UTC"),
            evaluation=sql.AlertV2Evaluation(
                source=sql.AlertV2OperandColumn("v", sql.Aggregation.MAX), comparison_operator=sql.ComparisonOperator.GREATER_THAN,
                threshold=sql.AlertV2Operand(value=sql.AlertV2OperandValue(double_value=5)),
                notification=sql.AlertV2Notification(subscriptions=[sql.AlertV2Subscription(user_email="anna@example.org")])))
        made = self.w.alerts_v2.create_alert(wanted)
        self.assertEqual((made.lifecycle_state, made.evaluation.state), (sql.AlertLifecycleState.ACTIVE, sql.AlertEvaluationState.UNKNOWN))
        self.assertEqual(EMULATOR.control("POST", f"alerts/{made.id}/evaluate")["state"], "TRIGGERED")
        self.assertEqual([(t["alert"], t["user_email"]) for t in EMULATOR.control("GET", "alerts/told")["told"]], [("Slow", "anna@example.org")])
        wanted.query_text = "SELECT 1 AS v"
        self.assertEqual(self.w.alerts_v2.update_alert(made.id, wanted, "query_text").evaluation.state, sql.AlertEvaluationState.TRIGGERED)
        self.assertEqual(EMULATOR.control("POST", f"alerts/{made.id}/evaluate")["state"], "OK")
        for change in ({"warehouse_id": "nowhere"}, {"schedule": sql.CronSchedule("*/5 * * * *", "UTC")}):
            with self.assertRaises(errors.BadRequest):
                self.w.alerts_v2.create_alert(sql.AlertV2(**{**vars(wanted), **change}))
        with self.assertRaises(errors.BadRequest):
            self.w.alerts_v2.update_alert(made.id, wanted, "parent_path")
        self.assertEqual([a.id for a in self.w.alerts_v2.list_alerts()], [made.id])
        self.w.alerts_v2.trash_alert(made.id)
        self.assertEqual(list(self.w.alerts_v2.list_alerts()), [])
        self.assertEqual(self.w.alerts_v2.get_alert(made.id).lifecycle_state, sql.AlertLifecycleState.DELETED)

    def test_dashboard(self):
        text = '{"datasets":[{"name":"d","queryLines":["SELECT 1 AS n "]}],"pages":[]}'
        made = self.w.lakeview.create(dashboards.Dashboard(display_name="Ops", parent_path="/Workspace/Shared", serialized_dashboard=text))
        self.assertEqual(made.path, "/Shared/Ops.lvdash.json")
        self.assertEqual(made.serialized_dashboard, text + "\n")
        self.w.lakeview.publish(made.dashboard_id, warehouse_id=READY["warehouse_id"])
        self.assertEqual(self.w.lakeview.get_published(made.dashboard_id).warehouse_id, READY["warehouse_id"])
        with self.assertRaises(errors.NotFound):
            self.w.lakeview.create(dashboards.Dashboard(display_name="Ops", parent_path="/Workspace/Nowhere"))
        with self.assertRaises(errors.ResourceConflict):
            self.w.lakeview.create(dashboards.Dashboard(display_name="Ops", parent_path="/Workspace/Shared"))
        self.w.lakeview.trash(made.dashboard_id)


if __name__ == "__main__":
    harness.main()
