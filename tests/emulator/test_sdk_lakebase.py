#!/usr/bin/env python3
"""The official databricks-sdk drives the emulator: projects, branches, computes and the databases in them."""
import threading
from datetime import timedelta

import harness
from sdk_case import EMULATOR, READY, Case, span, mask

import psycopg
from databricks.sdk import WorkspaceClient, errors
from databricks.sdk.common.lro import LroOptions
from databricks.sdk.service import postgres
from databricks.sdk.service.postgres import Timestamp


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

        def sleeps():  # not while the session that was closed is being let go
            EMULATOR.control("POST", "computes/suspend", {"endpoint": self.main.name})
            return self.w.postgres.get_endpoint(self.main.name).status.current_state == postgres.EndpointStatusState.IDLE
        harness.until(sleeps)
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


if __name__ == "__main__":
    harness.main()
