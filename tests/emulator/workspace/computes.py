"""From what the control plane says about a branch to what its server holds: waking, suspending, roles, databases."""
import os
import threading

from . import pgwire
from .pgwire import ident, literal

SUPERUSER, NATIVE = "databricks_superuser", "lakebase_native"
GRANTED = {15: ("pg_monitor", "pg_signal_backend", "pg_read_all_data", "pg_write_all_data", "pg_checkpoint"),
           17: ("pg_maintain",)}
ACTIVE_COMPUTES = 20


class Refused(Exception):
    """A session that the platform does not let in: SQLSTATE and message."""

    def __init__(self, sqlstate, text):
        super().__init__(text)
        self.sqlstate = sqlstate


class Computes:
    def __init__(self, workspace, host):
        self.workspace, self.host, self.lock = workspace, host, workspace.lock

    def cluster_of(self, branch):
        """The branch's own server; made on first use, without data."""
        with self.lock:
            if branch.cluster is None:
                branch.cluster = self.host.cluster(branch.uid, branch.parent.spec["pg_version"],
                                                   lambda: self._settings(branch))
            return branch.cluster

    def _settings(self, branch):
        with self.lock:
            endpoint = next((e for e in branch.endpoints.values() if e.writes), None)
            return endpoint.pg_settings() if endpoint else {}

    def _replica_settings(self, endpoint):
        """A replica takes at least as many connections as its source, or it refuses to follow."""
        settings = endpoint.pg_settings()
        source = self._settings(endpoint.parent)
        settings["max_connections"] = str(max(int(one["max_connections"]) for one in (settings, source)))
        return settings

    # ---- a branch's data

    def copy(self, child, parent, target=None):
        """The parent's data, present or past. A parent that nobody has used yet has none, and neither has the child."""
        source = parent.cluster
        if source is None or not source.exists:
            return
        cluster = self.cluster_of(child)
        if target:
            cluster.past_of(source, target)
        else:
            cluster.copy_of(source)

    def position(self, branch):
        """Where the branch's log stands."""
        cluster = branch.cluster
        if cluster and cluster.running:
            with pgwire.Client(cluster.socket) as client:
                return client.query("SELECT pg_current_wal_lsn()")[0][0]
        version = branch.parent.spec["pg_version"]
        data = cluster.data if cluster and cluster.exists else self.host.installed.template(version)
        return self.host.checkpoint_of(data, version)

    def remove(self, branch):
        for cluster in [branch.cluster] + [endpoint.cluster for endpoint in branch.endpoints.values()]:
            if cluster:
                self.host.forget(cluster)
        branch.cluster = None

    # ---- waking and suspending

    def wake(self, endpoint):
        """The server behind an endpoint, running and up to date with the control plane."""
        branch = endpoint.parent
        cluster = self.cluster_of(branch)
        if endpoint.writes:
            with cluster.lock:
                if not cluster.running:
                    if not cluster.exists:
                        cluster.make_empty()
                    cluster.start()
                    self.reconcile(branch)
            return cluster
        return self._wake_replica(endpoint, branch)

    def _wake_replica(self, endpoint, branch):
        with self.lock:
            if endpoint.cluster is None:
                endpoint.cluster = self.host.cluster(endpoint.uid, branch.parent.spec["pg_version"],
                                                     lambda: self._replica_settings(endpoint))
            replica = endpoint.cluster
        with replica.lock:
            if not replica.exists:
                source = next(e for e in branch.endpoints.values() if e.writes)
                replica.replica_of(self.wake(source))
            replica.start()
        return replica

    def admit(self, endpoint):
        """Counts a session in, if the platform would; wakes the compute."""
        workspace, branch = self.workspace, endpoint.parent
        with self.lock:
            if branch.deleted or branch.parent.deleted or branch.endpoints.get(endpoint.ident) is not endpoint:
                raise Refused("08004", "the endpoint does not exist")
            if endpoint.spec.get("disabled"):
                raise Refused("57P03", "the endpoint is disabled")
            if endpoint.state == "INIT" or branch.state == "INIT":
                raise Refused("57P03", "the endpoint is not ready yet")
            awake = sum(1 for b in branch.parent.branches.values() for e in b.endpoints.values() if e.state == "ACTIVE")
            if endpoint.state != "ACTIVE" and awake >= ACTIVE_COMPUTES:
                raise Refused("53400", "the limit of concurrently active computes is reached")
            endpoint.sessions += 1
        try:
            cluster = self.wake(endpoint)
        except Exception:
            self.leave(endpoint)
            raise
        with self.lock:
            endpoint.state = "ACTIVE"
            now = workspace.clock.now()
            if branch.state == "ARCHIVED":
                branch.enter("READY", now)
            self.active(endpoint)
        return cluster

    def active(self, endpoint):
        now = self.workspace.clock.now()
        endpoint.last_active = endpoint.parent.last_active = endpoint.parent.parent.last_active = now

    def leave(self, endpoint):
        with self.lock:
            endpoint.sessions -= 1
            self.active(endpoint)

    def suspend(self, endpoint, anyway=False):
        """Stops a compute that nobody uses; an open session keeps it awake. The caller does not hold the lock."""
        branch = endpoint.parent
        cluster = branch.cluster if endpoint.writes else endpoint.cluster
        if cluster is None:
            with self.lock:
                endpoint.state = "IDLE"
            return
        with cluster.lock:
            with self.lock:
                if endpoint.sessions > 0 and not anyway:
                    return
                endpoint.state = "IDLE"
            if cluster.running and endpoint.writes:
                self._measure(branch, cluster)
            cluster.stop()

    def suspend_later(self, endpoint, anyway=False):
        threading.Thread(target=self.suspend, args=(endpoint, anyway), daemon=True).start()

    def _measure(self, branch, cluster):
        with pgwire.Client(cluster.socket) as client:
            branch.size = int(client.query("SELECT sum(pg_database_size(oid)) FROM pg_database WHERE NOT datistemplate")[0][0])

    # ---- roles and databases

    def reconcile(self, branch):
        """Makes the running server hold the roles and databases that the control plane knows."""
        cluster = branch.cluster
        with self.lock:
            waiting, branch.waiting = branch.waiting, []
            roles, databases = list(branch.roles.values()), list(branch.databases.values())
        with pgwire.Client(cluster.socket) as client:
            have = {row[0] for row in client.query("SELECT rolname FROM pg_roles")}
            self._base_roles(client, have, cluster.version)
            for database, sql in waiting:
                self._run(cluster, database, sql)
            for role in roles:
                self._role(client, role, have)
            have = {row[0] for row in client.query("SELECT datname FROM pg_database")}
            for database in databases:
                self._database(client, cluster, database, have)
        self._measure(branch, cluster)

    def changed(self, branch):
        """The control plane has changed; a server that sleeps learns it when it wakes."""
        cluster = branch.cluster
        if cluster is None or not cluster.exists:
            return
        with cluster.lock:
            if cluster.running:
                self.reconcile(branch)

    def _run(self, cluster, database, sql):
        with pgwire.Client(cluster.socket, database or "postgres") as client:
            client.query(sql)

    def _base_roles(self, client, have, version):
        if SUPERUSER not in have:
            client.query(f"CREATE ROLE {SUPERUSER} NOLOGIN CREATEDB CREATEROLE BYPASSRLS")
            for since, names in GRANTED.items():
                if version >= since:
                    client.query(f"GRANT {', '.join(names)} TO {SUPERUSER} WITH ADMIN OPTION")
        if NATIVE not in have:
            client.query(f"CREATE ROLE {NATIVE} NOLOGIN")

    def _role(self, client, role, have):
        name, wanted = ident(role.login), role.attributes()
        words = ["LOGIN" if role.auth != "NO_LOGIN" else "NOLOGIN"]
        words += [word.upper() if wanted[word] else f"NO{word.upper()}" for word in ("bypassrls", "createdb", "createrole")]
        words.append(f"PASSWORD {literal(role.password)}" if role.password else "PASSWORD NULL")
        verb = "ALTER" if role.login in have else "CREATE"
        client.query(f"{verb} ROLE {name} {' '.join(words)}")
        for group, is_in in ((SUPERUSER, "DATABRICKS_SUPERUSER" in role.spec.get("membership_roles", [])),
                             (NATIVE, role.password is not None)):
            client.query(f"GRANT {group} TO {name}" if is_in else f"REVOKE {group} FROM {name}")

    def _database(self, client, cluster, database, have):
        name = ident(database.database)
        owner = database.parent.roles.get(database.owner_id)
        if database.database not in have:
            client.query(f"CREATE DATABASE {name}")
            self._run(cluster, database.database, "CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        if owner:
            client.query(f"ALTER DATABASE {name} OWNER TO {ident(owner.login)}")

    def drop_role(self, role, heir):
        """Needs the server, because what the role owns is only known there."""
        branch = role.parent
        if branch.cluster is None or not branch.cluster.exists:
            return
        endpoint = next(e for e in branch.endpoints.values() if e.writes)
        cluster = self.wake(endpoint)
        name = ident(role.login)
        with pgwire.Client(cluster.socket) as client:
            names = [row[0] for row in client.query("SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate")]
        for database in names:
            if heir:
                self._run(cluster, database, f"REASSIGN OWNED BY {name} TO {ident(heir.login)}")
            self._run(cluster, database, f"DROP OWNED BY {name}")
        self._run(cluster, None, f"DROP ROLE {name}")

    def terminate(self, endpoint):
        """Ends the sessions of people on an endpoint, as an administrator would."""
        cluster = endpoint.parent.cluster if endpoint.writes else endpoint.cluster
        if cluster is None or not cluster.running:
            return 0
        with pgwire.Client(cluster.socket) as client:
            rows = client.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                                "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()")
        return len(rows)

    def log_of(self, branch):
        if branch.cluster is None or not os.path.exists(branch.cluster.log):
            return ""
        with open(branch.cluster.log, encoding="utf-8", errors="replace") as file:
            return file.read()
