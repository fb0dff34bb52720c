"""The emulator's own calls, for tests: faults, settings, time, the log of requests, revocation.

They need no token: they are reachable on loopback only, and are no part of what is emulated.
"""
from .errors import ApiError, invalid, not_found

BASE = "/_emulator"


class Control:
    def __init__(self, workspace):
        self.workspace = workspace

    def routes(self, router, _guard):
        add = router.add
        add("GET", f"{BASE}/ready", lambda request: self.workspace.ready())
        add("GET", f"{BASE}/faults", lambda request: {"faults": self.workspace.faults.list()})
        add("POST", f"{BASE}/faults", self.add_fault)
        add("DELETE", f"{BASE}/faults", lambda request: self.workspace.faults.remove())
        add("DELETE", rf"{BASE}/faults/(?P<ident>\d+)", lambda request, ident: self.workspace.faults.remove(int(ident)))
        add("GET", f"{BASE}/requests", self.read_requests)
        add("DELETE", f"{BASE}/requests", lambda request: self.workspace.requests.clear())
        add("GET", f"{BASE}/settings", lambda request: self.workspace.settings.as_dict())
        add("PATCH", f"{BASE}/settings", self.change_settings)
        add("POST", f"{BASE}/clock", self.move_clock)
        add("POST", f"{BASE}/tokens/revoke", self.revoke)
        add("POST", f"{BASE}/clients", self.add_client)
        add("POST", f"{BASE}/operations/release", lambda request: self.workspace.operations.release())
        add("GET", f"{BASE}/computes", self.computes)
        add("POST", f"{BASE}/computes/(?P<verb>suspend|terminate|crash)", self.act_on_compute)
        add("GET", f"{BASE}/notes", lambda request: {"notes": list(self.workspace.notes)})

    def add_fault(self, request):
        return self.workspace.faults.add(request.json()).as_dict()

    def read_requests(self, request):
        """?after=ID&method=M&path=REGEX"""
        after = request.number("after", 0, 0, 10 ** 9)
        entries = self.workspace.requests.read(after, request.query.get("method"), request.query.get("path"))
        return {"requests": entries, "last": entries[-1]["id"] if entries else after}

    def change_settings(self, request):
        self.workspace.settings.change(request.json())
        return self.workspace.settings.as_dict()

    def move_clock(self, request):
        seconds = request.json().get("advance_s")
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or seconds < 0:
            raise invalid("advance_s must be a number that is not negative")
        workspace = self.workspace
        workspace.clock.advance(seconds)
        workspace.timers.moved()
        workspace.lakebase.sweep()
        return {"offset_s": workspace.clock.offset}

    def revoke(self, request):
        return {"revoked": self.workspace.auth.revoke(request.json().get("kind"))}

    def add_client(self, request):
        """A further service principal; a guest has only the rights that it is given."""
        body = request.json()
        client_id, secret = self.workspace.auth.add_client(body.get("display_name", "guest"))
        if body.get("guest", True):
            self.workspace.guests.add(client_id)
        return {"client_id": client_id, "client_secret": secret}

    # ---- computes

    def _endpoint(self, name):
        with self.workspace.lock:
            for project in self.workspace.lakebase.projects.values():
                for branch in project.branches.values():
                    for endpoint in branch.endpoints.values():
                        if endpoint.name == name:
                            return endpoint
        raise not_found("endpoint")

    def computes(self, _request):
        """Which servers really run, and how many sessions each endpoint has."""
        found = []
        with self.workspace.lock:
            for project in self.workspace.lakebase.projects.values():
                for branch in project.branches.values():
                    for endpoint in branch.endpoints.values():
                        cluster = branch.cluster if endpoint.writes else endpoint.cluster
                        found.append({"endpoint": endpoint.name, "state": endpoint.state, "sessions": endpoint.sessions,
                                      "running": bool(cluster and cluster.running),
                                      "pid": cluster.child.pid if cluster and cluster.running else None})
        return {"computes": found}

    def act_on_compute(self, request, verb):
        endpoint = self._endpoint(request.json().get("endpoint", ""))
        if verb == "suspend":
            self.workspace.computes.suspend(endpoint, request.json().get("force", False) is True)
            return {"state": endpoint.state}
        if verb == "terminate":
            return {"terminated": self.workspace.computes.terminate(endpoint)}
        cluster = endpoint.parent.cluster if endpoint.writes else endpoint.cluster
        if not cluster or not cluster.running:
            raise ApiError(400, "INVALID_STATE", "the compute does not run")
        cluster.child.kill()
        cluster.child.wait()
        return {}
