"""The workspace put together: state, services, routes, and a clean end."""
import os
import shutil
import sys
import tempfile
import threading
import traceback

from .alerts import Alerts
from .auth import Auth
from .catalogs import Catalogs
from .certs import Authority
from .clock import Clock, Timers
from .compute import Host
from .computes import Computes
from .control import Control
from .dashboards import Dashboards
from .engine_duckdb import DuckEngine
from .faults import Faults
from .front import DOMAIN, Front
from .github import GitHub
from .http import Response, Router, Server
from .identity import Identity
from .jobs import Jobs
from .lakebase import Lakebase
from .lakebase_parts import LakebaseParts
from .lakebase_cdf import LakebaseFeeds
from .lakebase_uc import LakebaseCatalogs
from .operations import Operations
from .requests import RequestLog
from .serving import Serving
from .settings import Settings
from .statements import Statements
from .system_tables import SystemTables
from .volumes import Volumes

SWEEP_S = 0.1
ACCOUNT_ID, WORKSPACE_ID = "6b1e6a2c-5f0d-4e6e-9a4e-2d1f6c7b8a90", "3141592653589793"


class Workspace:
    def __init__(self, settings=None, by_name=False, plain=False, engine=None):
        self.lock, self.settings = threading.RLock(), settings or Settings()
        self.clock, self.faults, self.requests = Clock(), Faults(), RequestLog()
        self.notes, self.guests, self.workers = [], set(), []
        self.timers = Timers(self.clock, lambda error: self.note("timer", error))
        self.auth = Auth(self.clock, self.settings)
        self.folder = tempfile.mkdtemp(prefix="lbops-emul-ws.")
        os.chmod(self.folder, 0o755)
        self.stopping = threading.Event()
        self.host = Host()
        self.authority = Authority(self.folder)
        context = None if plain else self.authority.sign("workspace", ["localhost", "127.0.0.1", f"workspace.{DOMAIN}"])
        self.front = Front(self, self.authority, by_name)
        self.computes = Computes(self, self.host)
        self.operations = Operations(self.lock, self.settings, self.faults, self.note)
        self.router = Router()
        self._register((engine or DuckEngine)(self))
        self.server = Server(self, "127.0.0.1", 0, context)
        self.scheme = "http" if plain else "https"

    def _register(self, engine):
        router, guard = self.router, self.auth.require
        router.add("POST", "/oidc/v1/token", self.auth.issue)
        router.add("GET", "/oidc/.well-known/oauth-authorization-server", self._discovery)
        router.add("GET", "/.well-known/databricks-config", self._metadata)
        router.add("GET", "/login.html", lambda request: Response(200, b"<html><title>Sign in</title></html>", {}, "text/html"))
        self.control, self.identity, self.lakebase = Control(self), Identity(self), Lakebase(self)
        self.github, self.jobs, self.dashboards = GitHub(self), Jobs(self), Dashboards(self)
        self.number = WORKSPACE_ID
        self.system_tables = SystemTables(self, ACCOUNT_ID, WORKSPACE_ID)
        catalogs = LakebaseCatalogs(self.lakebase)
        services = [self.control, self.identity, self.lakebase, LakebaseParts(self.lakebase), catalogs,
                    LakebaseFeeds(self.lakebase, catalogs),
                    Statements(self, engine), Catalogs(self), Volumes(self), self.jobs, Serving(self), self.dashboards, Alerts(self),
                    self.github, self.system_tables]
        for service in services:
            service.routes(router, guard)
        self.lakebase.malformed(router, guard)
        self.catalogs.add_catalog("main")

    def _discovery(self, _request):
        return {"authorization_endpoint": f"{self.url}/oidc/v1/authorize", "token_endpoint": f"{self.url}/oidc/v1/token"}

    def _metadata(self, _request):
        return {"oidc_endpoint": f"{self.url}/oidc", "account_id": ACCOUNT_ID, "workspace_id": WORKSPACE_ID, "cloud": "AWS"}

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.server.server_address[1]}"

    def note(self, text, error=None):
        """What a person who reads the emulator's own log should know."""
        if self.stopping.is_set():
            return
        self.notes.append(text)
        print(f"emulator: {text}", file=sys.stderr, flush=True)
        if error is not None:
            traceback.print_exception(error, file=sys.stderr)

    def background(self, work):
        def run():
            try:
                work()
            except Exception as error:
                self.note("background work failed", error)
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self.workers = [one for one in self.workers if one.is_alive()] + [thread]

    def start(self):
        self.timers.start()
        threading.Thread(target=self._sweep, daemon=True).start()
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def _sweep(self):
        while not self.stopping.wait(SWEEP_S):
            try:
                self.lakebase.sweep()
            except Exception as error:
                self.note("sweep failed", error)

    def ready(self):
        """What a client needs to know."""
        client_id, secret = self.auth.client
        return {"url": self.url, "ca_file": self.authority.ca if self.scheme == "https" else None,
                "pg_ca_file": self.authority.ca, "client_id": client_id, "client_secret": secret, "pat": self.auth.pat,
                "user": self.auth.user.login, "warehouse_id": next(iter(self.warehouses)),
                "github_token": self.github.token, "pg_port": self.front.port, "pg_hostaddr": "127.0.0.1" if self.front.by_name else None,
                "pg_versions": self.host.installed.versions, "pid": os.getpid(), "folders": [self.folder, self.host.folder]}

    def stop(self):
        self.stopping.set()
        self.server.shutdown()
        self.server.server_close()
        self.front.stop()
        self.timers.stop()
        self.jobs.stop()
        self.statements.stop()
        for worker in self.workers:
            worker.join(20)
        self.host.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
