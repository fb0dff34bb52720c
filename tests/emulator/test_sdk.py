#!/usr/bin/env python3
"""The official databricks-sdk drives the emulator through the life cycles that the platform has."""
import io
import os
import threading
import time
import unittest
from datetime import timedelta

import harness

EMULATOR = harness.Emulator("--set", "operation_s=0", "--set", "settle_s=0.2", "--set", "run_s=0.15", "--set", "warehouse_start_s=0.3")
os.environ["REQUESTS_CA_BUNDLE"] = EMULATOR.ca
for name in [name for name in os.environ if name.startswith("DATABRICKS_")]:
    del os.environ[name]
os.environ["DATABRICKS_CONFIG_FILE"] = os.devnull

import psycopg  # noqa: E402
from databricks.sdk import WorkspaceClient  # noqa: E402
from databricks.sdk import errors  # noqa: E402
from databricks.sdk.common.lro import LroOptions  # noqa: E402
from databricks.sdk.service import catalog, dashboards, jobs, postgres, sql  # noqa: E402
from databricks.sdk.service.postgres import Duration, FieldMask, Timestamp  # noqa: E402

READY = EMULATOR.ready


def client(**more):
    return WorkspaceClient(host=READY["url"], auth_type="oauth-m2m", client_id=READY["client_id"],
                           client_secret=READY["client_secret"], **more)


def span(seconds):
    duration = Duration()
    duration.FromSeconds(seconds)
    return duration


def mask(*paths):
    return FieldMask(list(paths))


def tearDownModule():
    EMULATOR.stop()


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.w = client()

    def tearDown(self):
        EMULATOR.control("DELETE", "faults")

    def settled(self, name):
        def look():
            endpoint = self.w.postgres.get_endpoint(name)
            return endpoint if endpoint.status.pending_state is None else None
        return harness.until(look)

    def login(self, endpoint, token, **more):
        words = {"host": endpoint.status.hosts.host, "port": READY["pg_port"], "dbname": "databricks_postgres", "user": READY["client_id"],
                 "password": token, "sslmode": "verify-full", "sslrootcert": READY["pg_ca_file"], "connect_timeout": 10, **more}
        return psycopg.connect(autocommit=True, **words)

    def credential(self, endpoint):
        return self.w.postgres.generate_database_credential(endpoint=endpoint.name)

    def project(self, ident, **spec):
        project = self.w.postgres.create_project(
            postgres.Project(spec=postgres.ProjectSpec(display_name=ident, **spec)), project_id=ident).wait()
        return project, self.settled(f"projects/{ident}/branches/production/endpoints/primary")

    def branch(self, project, ident, **spec):
        spec = spec or {"no_expiry": True}
        done = self.w.postgres.create_branch(f"projects/{project}", postgres.Branch(spec=postgres.BranchSpec(**spec)), branch_id=ident).wait()
        return done, self.settled(f"projects/{project}/branches/{ident}/endpoints/primary")


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


class ControlPlane(Case):
    """One project from its making to its end; the tests build on each other in their order."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Here every operation is first seen undone; elsewhere that would only cost the SDK's seconds.
        cls.before = EMULATOR.set(operation_s=0.05)

    @classmethod
    def tearDownClass(cls):
        EMULATOR.set(**cls.before)

    def test_a_project_is_made(self):
        project, endpoint = self.project("shop", pg_version=17, default_endpoint_settings=postgres.ProjectDefaultEndpointSettings(
            autoscaling_limit_min_cu=0.5, autoscaling_limit_max_cu=2, suspend_timeout_duration=span(300)))
        self.assertEqual(project.status.pg_version, 17)
        self.assertEqual(project.status.default_branch, "projects/shop/branches/production")
        self.assertEqual(endpoint.status.current_state, postgres.EndpointStatusState.ACTIVE)
        self.assertEqual([one.name for one in self.w.postgres.list_projects()], ["projects/shop"])

    def test_b_same_id_again(self):
        with self.assertRaises(errors.AlreadyExists):
            self.w.postgres.create_project(postgres.Project(), project_id="shop")

    def test_c_missing_project(self):
        with self.assertRaisesRegex(errors.NotFound, "project id not found"):
            self.w.postgres.get_project("projects/nothing")

    def test_d_project_is_changed_by_mask(self):
        done = self.w.postgres.update_project("projects/shop", postgres.Project(spec=postgres.ProjectSpec(display_name="Store")),
                                              mask("spec.display_name")).wait()
        self.assertEqual(done.status.display_name, "Store")

    def test_e_branch_with_an_end(self):
        branch, _ = self.branch("shop", "ci-1", source_branch="projects/shop/branches/production", ttl=span(3600))
        self.assertEqual(branch.status.current_state, postgres.BranchStatusState.READY)
        left = branch.status.expire_time.ToSeconds() - branch.create_time.ToSeconds()
        self.assertAlmostEqual(left, 3600, delta=1)

    def test_f_branch_without_saying_when_it_ends(self):
        with self.assertRaises(errors.BadRequest):
            self.w.postgres.create_branch("projects/shop", postgres.Branch(spec=postgres.BranchSpec()), branch_id="ci-2")

    def test_g_expiry_is_taken_away(self):
        done = self.w.postgres.update_branch("projects/shop/branches/ci-1", postgres.Branch(spec=postgres.BranchSpec(no_expiry=True)),
                                             mask("spec.expiration")).wait()
        self.assertIsNone(done.status.expire_time)

    def test_h_replica_endpoint(self):
        spec = postgres.EndpointSpec(endpoint_type=postgres.EndpointType.ENDPOINT_TYPE_READ_ONLY, autoscaling_limit_min_cu=0.5,
                                     autoscaling_limit_max_cu=1)
        self.w.postgres.create_endpoint("projects/shop/branches/production", postgres.Endpoint(spec=spec), endpoint_id="ro-1").wait()
        replica = self.settled("projects/shop/branches/production/endpoints/ro-1")
        main = self.settled("projects/shop/branches/production/endpoints/primary")
        with self.login(main, self.credential(main).token) as session:
            session.execute("CREATE TABLE seen (n int)")
            session.execute("INSERT INTO seen VALUES (42)")
        with self.login(replica, self.credential(replica).token) as session:
            self.assertEqual(session.execute("SELECT pg_is_in_recovery()").fetchone(), (True,))
            harness.until(lambda: session.execute("SELECT to_regclass('seen') IS NOT NULL").fetchone()[0])
            self.assertEqual(harness.until(lambda: session.execute("SELECT n FROM seen").fetchone()), (42,))
            with self.assertRaises(psycopg.errors.ReadOnlySqlTransaction):
                session.execute("INSERT INTO seen VALUES (1)")
        self.w.postgres.delete_endpoint(replica.name).wait()
        with self.assertRaises(errors.NotFound):
            self.w.postgres.get_endpoint(replica.name)

    def test_i_roles_and_databases(self):
        spec = postgres.RoleRoleSpec(postgres_role="jane@example.com", identity_type=postgres.RoleIdentityType.USER)
        parent = "projects/shop/branches/production"
        role = self.w.postgres.create_role(parent, postgres.Role(spec=spec), role_id="jane").wait()
        self.assertEqual(role.status.auth_method, postgres.RoleAuthMethod.LAKEBASE_OAUTH_V1)
        with self.assertRaisesRegex(errors.BadRequest, "already exists"):
            self.w.postgres.create_role(parent, postgres.Role(spec=spec), role_id="jane")
        made = self.w.postgres.create_database(parent, postgres.Database(spec=postgres.DatabaseDatabaseSpec(
            postgres_database="app", role=role.name)), database_id="app-db").wait()
        self.assertEqual(made.status.postgres_database, "app")
        main = self.settled(f"{parent}/endpoints/primary")
        token = WorkspaceClient(host=READY["url"], token=READY["pat"]).postgres.generate_database_credential(endpoint=main.name).token
        with self.login(main, token, user="jane@example.com", dbname="app") as session:
            session.execute("CREATE TABLE hers (n int)")
        self.w.postgres.delete_database(made.name).wait()
        self.assertEqual([one.database_id for one in self.w.postgres.list_databases(parent)], ["databricks-postgres"])
        self.w.postgres.delete_role(role.name).wait()
        with self.assertRaisesRegex(psycopg.OperationalError, "password authentication failed"):
            self.login(main, token, user="jane@example.com")

    def test_j_reset_is_no_call_but_a_recipe(self):
        self.assertFalse([name for name in dir(self.w.postgres) if "reset" in name or "restore" in name])
        before = self.w.postgres.get_branch("projects/shop/branches/ci-1")
        host = self.settled("projects/shop/branches/ci-1/endpoints/primary").status.hosts.host
        self.w.postgres.delete_branch(before.name, purge=True).wait()
        after, endpoint = self.branch("shop", "ci-1")
        self.assertNotEqual(after.uid, before.uid)
        self.assertNotEqual(endpoint.status.hosts.host, host)

    def test_k_operation_that_fails(self):
        EMULATOR.fault("operation_fail", "branches/bad$", method="CREATE", message="no room on the host")
        operation = self.w.postgres.create_branch("projects/shop", postgres.Branch(spec=postgres.BranchSpec(no_expiry=True)), branch_id="bad")
        with self.assertRaisesRegex(Exception, "no room on the host"):
            operation.wait()
        with self.assertRaises(errors.NotFound):
            self.w.postgres.get_branch("projects/shop/branches/bad")

    def test_l_operation_that_hangs(self):
        EMULATOR.fault("operation_hang", "branches/slow$", method="CREATE")
        operation = self.w.postgres.create_branch("projects/shop", postgres.Branch(spec=postgres.BranchSpec(no_expiry=True)), branch_id="slow")
        with self.assertRaises(TimeoutError):
            operation.wait(opts=lro_options(0.5))
        with self.assertRaisesRegex(errors.ResourceConflict, "another operation"):
            self.w.postgres.delete_branch("projects/shop/branches/ci-1", purge=True)
        EMULATOR.control("POST", "operations/release")

    def test_m_project_ends(self):
        self.w.postgres.delete_project("projects/shop").wait()
        self.assertIsNotNone(self.w.postgres.get_project("projects/shop").purge_time)
        self.assertEqual(list(self.w.postgres.list_projects()), [])
        self.w.postgres.undelete_project("projects/shop").wait()
        self.assertEqual(len(list(self.w.postgres.list_projects())), 1)
        self.w.postgres.delete_project("projects/shop", purge=True).wait()
        with self.assertRaises(errors.NotFound):
            self.w.postgres.get_project("projects/shop")


def lro_options(seconds):
    return LroOptions(timeout=timedelta(seconds=seconds))


class Databases(Case):
    """Credentials log in to real servers, and truly expire; branches are truly apart."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        _, cls.main = cls.project(cls("test_credential_logs_in_over_tls"), "data")

    def test_credential_logs_in_over_tls(self):
        with self.login(self.main, self.credential(self.main).token) as session:
            self.assertTrue(session.execute("SELECT version()").fetchone()[0].startswith("PostgreSQL 17"))
            self.assertEqual(session.execute("SELECT current_user").fetchone()[0], READY["client_id"])
            self.assertTrue(session.pgconn.ssl_in_use)

    def test_credential_expires_at_login_only(self):
        before = EMULATOR.set(credential_s=1.5)
        try:
            credential = self.credential(self.main)
            with self.login(self.main, credential.token) as session:
                def refused():
                    try:
                        self.login(self.main, credential.token).close()
                    except psycopg.OperationalError as error:
                        return str(error)
                    return None
                self.assertIn("password authentication failed", harness.until(refused))
                self.assertEqual(session.execute("SELECT 1").fetchone(), (1,))
        finally:
            EMULATOR.set(**before)
        self.login(self.main, self.credential(self.main).token).close()

    def test_credentials_do_not_replace_each_other(self):
        first, second = self.credential(self.main).token, self.credential(self.main).token
        for token in (first, second, first):
            self.login(self.main, token).close()

    def test_revoked_credential(self):
        token = self.credential(self.main).token
        EMULATOR.control("POST", "tokens/revoke", {"kind": "database"})
        with self.assertRaisesRegex(psycopg.OperationalError, "password authentication failed"):
            self.login(self.main, token)

    def test_what_is_not_a_credential(self):
        workspace_token = self.w.config.oauth_token().access_token
        for password in ("", "secret", READY["client_secret"], READY["pat"], workspace_token):
            with self.assertRaises(psycopg.OperationalError):
                self.login(self.main, password)
        with self.assertRaisesRegex(psycopg.OperationalError, "password authentication failed"):
            self.login(self.main, self.credential(self.main).token, user="postgres")

    def test_older_version(self):
        _, main = self.project("older", pg_version=15)
        with self.login(main, self.credential(main).token) as session:
            self.assertTrue(session.execute("SELECT version()").fetchone()[0].startswith("PostgreSQL 15"))
            session.execute("CREATE TABLE t (n int)")
            _, child = self.branch("older", "child")
        with self.login(child, self.credential(child).token) as session:
            self.assertEqual(session.execute("SELECT count(*) FROM t").fetchone(), (0,))

    def test_without_tls(self):
        with self.assertRaisesRegex(psycopg.OperationalError, "insecure"):
            self.login(self.main, self.credential(self.main).token, sslmode="disable")

    def test_certificate_of_the_wrong_host(self):
        EMULATOR.fault("pg_wrong_host", self.main.name)
        with self.assertRaisesRegex(psycopg.OperationalError, "does not match"):
            self.login(self.main, self.credential(self.main).token)

    def test_certificate_that_has_expired(self):
        EMULATOR.fault("pg_expired_certificate", self.main.name)
        with self.assertRaisesRegex(psycopg.OperationalError, "certificate verify failed"):
            self.login(self.main, self.credential(self.main).token)

    def test_pooled_host_does_not_take_tokens(self):
        with self.assertRaisesRegex(psycopg.OperationalError, "SASL authentication failed"):
            self.login(self.main, self.credential(self.main).token, host=self.main.status.hosts.read_write_pooled_host)

    def test_result_that_ends_in_the_middle(self):
        EMULATOR.fault("pg_cut", self.main.name, bytes=20000)
        with self.assertRaises(psycopg.OperationalError):
            with self.login(self.main, self.credential(self.main).token) as session:
                session.execute("SELECT repeat('x', 100) FROM generate_series(1, 10000)").fetchall()

    def test_terminated_session(self):
        with self.login(self.main, self.credential(self.main).token) as session:
            ended = EMULATOR.control("POST", "computes/terminate", {"endpoint": self.main.name})["terminated"]
            self.assertGreaterEqual(ended, 1)
            with self.assertRaises(psycopg.errors.AdminShutdown):
                session.execute("SELECT 1")

    def test_cancel_reaches_the_server(self):
        with self.login(self.main, self.credential(self.main).token) as session:
            timer = threading.Timer(0.3, session.cancel)
            timer.start()
            with self.assertRaises(psycopg.errors.QueryCanceled):
                session.execute("SELECT pg_sleep(20)")
            timer.join()

    def test_copy_in_both_directions(self):
        with self.login(self.main, self.credential(self.main).token) as session:
            session.execute("CREATE TEMP TABLE big (t text)")
            with session.cursor().copy("COPY big FROM STDIN") as copy:
                for _ in range(200):
                    copy.write("y" * 30000 + "\n")
            self.assertEqual(session.execute("SELECT sum(length(t)) FROM big").fetchone(), (6000000,))

    def test_branches_are_apart_and_begin_as_their_parent(self):
        with self.login(self.main, self.credential(self.main).token) as session:
            session.execute("CREATE TABLE stock (n int)")
            session.execute("INSERT INTO stock VALUES (1)")
            # While somebody works on the parent.
            _, child = self.branch("data", "child")
            token = self.credential(child).token
            with self.login(child, token) as other:
                self.assertEqual(other.execute("SELECT n FROM stock").fetchall(), [(1,)])
                other.execute("INSERT INTO stock VALUES (2)")
                other.execute("CREATE ROLE only_here")
            self.assertEqual(session.execute("SELECT n FROM stock").fetchall(), [(1,)])
            self.assertEqual(session.execute("SELECT count(*) FROM pg_roles WHERE rolname = 'only_here'").fetchone(), (0,))
        with self.assertRaisesRegex(psycopg.OperationalError, "password authentication failed"):
            self.login(self.main, token)
        self.w.postgres.delete_branch("projects/data/branches/child", purge=True).wait()

    def test_branch_from_a_point_in_time(self):
        with self.login(self.main, self.credential(self.main).token) as session:
            session.execute("CREATE TABLE history (n int)")
            session.execute("INSERT INTO history VALUES (1)")
            moment = session.execute("SELECT clock_timestamp()").fetchone()[0]
            session.execute("DELETE FROM history")
        stamp = Timestamp()
        stamp.FromDatetime(moment)
        _, past = self.branch("data", "past", no_expiry=True, source_branch_time=stamp)
        with self.login(past, self.credential(past).token) as session:
            self.assertEqual(session.execute("SELECT n FROM history").fetchall(), [(1,)])
            session.execute("INSERT INTO history VALUES (2)")
        self.w.postgres.delete_branch("projects/data/branches/past", purge=True).wait()

    def test_compute_sleeps_and_wakes(self):
        with self.login(self.main, self.credential(self.main).token) as session:
            session.execute("CREATE TABLE kept (n int)")
        EMULATOR.control("POST", "computes/suspend", {"endpoint": self.main.name})
        self.assertEqual(self.w.postgres.get_endpoint(self.main.name).status.current_state, postgres.EndpointStatusState.IDLE)
        running = {one["endpoint"]: one["running"] for one in EMULATOR.control("GET", "computes")["computes"]}
        self.assertFalse(running[self.main.name])
        with self.login(self.main, self.credential(self.main).token) as session:
            session.execute("SELECT n FROM kept")
        self.assertEqual(self.w.postgres.get_endpoint(self.main.name).status.current_state, postgres.EndpointStatusState.ACTIVE)

    def test_unused_compute_falls_asleep_by_itself(self):
        spec = postgres.EndpointSpec(endpoint_type=postgres.EndpointType.ENDPOINT_TYPE_READ_WRITE, suspend_timeout_duration=span(60))
        self.w.postgres.update_endpoint(self.main.name, postgres.Endpoint(spec=spec), mask("spec.suspension")).wait()
        self.login(self.main, self.credential(self.main).token).close()
        before = EMULATOR.set(suspend_scale=0.005)
        try:
            harness.until(lambda: self.w.postgres.get_endpoint(self.main.name).status.current_state == postgres.EndpointStatusState.IDLE)
        finally:
            EMULATOR.set(**before)

    def test_native_password(self):
        self.w.postgres.update_project("projects/data", postgres.Project(spec=postgres.ProjectSpec(enable_pg_native_login=True)),
                                       mask("spec.enable_pg_native_login")).wait()
        parent = "projects/data/branches/production"
        role = self.w.postgres.create_role(parent, postgres.Role(spec=postgres.RoleRoleSpec(postgres_role="reporter")), role_id="reporter").wait()
        self.assertEqual(role.status.auth_method, postgres.RoleAuthMethod.PG_PASSWORD_SCRAM_SHA_256)
        password = self.w.postgres.reveal_role_password(role.name).password
        for host in (self.main.status.hosts.host, self.main.status.hosts.read_write_pooled_host):
            self.login(self.main, password, user="reporter", host=host).close()
        with self.assertRaisesRegex(psycopg.OperationalError, "password authentication failed"):
            self.login(self.main, password + "x", user="reporter")


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
