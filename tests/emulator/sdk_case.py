"""What the suites with the official databricks-sdk share: an emulator of their own, and short words."""
import atexit
import os
import unittest

import harness

EMULATOR = harness.Emulator("--set", "operation_s=0", "--set", "settle_s=0.2", "--set", "run_s=0.15", "--set", "warehouse_start_s=0.3")
os.environ["REQUESTS_CA_BUNDLE"] = EMULATOR.ca
for name in [name for name in os.environ if name.startswith("DATABRICKS_")]:
    del os.environ[name]
os.environ["DATABRICKS_CONFIG_FILE"] = os.devnull

import psycopg  # noqa: E402
from databricks.sdk import WorkspaceClient  # noqa: E402
from databricks.sdk.service import postgres  # noqa: E402
from databricks.sdk.service.postgres import Duration, FieldMask  # noqa: E402

READY = EMULATOR.ready
atexit.register(EMULATOR.stop)


def client(**more):
    return WorkspaceClient(host=READY["url"], auth_type="oauth-m2m", client_id=READY["client_id"],
                           client_secret=READY["client_secret"], **more)


def span(seconds):
    duration = Duration()
    duration.FromSeconds(seconds)
    return duration


def mask(*paths):
    return FieldMask(list(paths))


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
