"""SQL alerts, version 2: made, listed, changed under a mask, trashed. Schedules do not fire: a test says when one is evaluated, and
reads who would have been told."""
import copy
import re
import uuid

from .clock import stamp
from .dashboards import folder_of
from .engine import SqlError
from .errors import ApiError, invalid, not_found, required
from .paging import page

BASE = "/api/2.0/alerts"
GIVEN = ("display_name", "query_text", "warehouse_id", "custom_summary", "custom_description", "evaluation", "schedule", "run_as",
         "run_as_user_name", "parameters")
ANSWERED = ("id", "create_time", "update_time", "lifecycle_state", "owner_user_name", "effective_run_as", "effective_parent_path")
NEEDED = ("display_name", "query_text", "warehouse_id", "evaluation", "schedule")
COMPARE = {"EQUAL": lambda a, b: a == b, "NOT_EQUAL": lambda a, b: a != b, "GREATER_THAN": lambda a, b: a > b,
           "GREATER_THAN_OR_EQUAL": lambda a, b: a >= b, "LESS_THAN": lambda a, b: a < b, "LESS_THAN_OR_EQUAL": lambda a, b: a <= b}
EMPTY = ("IS_NULL", "IS_NOT_NULL")
AGGREGATE = {"MAX": max, "MIN": min, "SUM": sum, "COUNT": len, "AVG": lambda cells: sum(cells) / len(cells),
             "COUNT_DISTINCT": lambda cells: len(set(cells))}


def check(body):
    for name in NEEDED:
        if not body.get(name):
            raise required(name)
    evaluation, schedule = body["evaluation"], body["schedule"]
    if not (evaluation.get("source") or {}).get("name"):
        raise required("evaluation.source.name")
    operator = evaluation.get("comparison_operator")
    if operator not in COMPARE and operator not in EMPTY:
        raise invalid(f"comparison_operator '{operator}' is not known")
    if operator in COMPARE and not evaluation.get("threshold"):
        raise required("evaluation.threshold")
    if evaluation["source"].get("aggregation", "MAX") not in (*AGGREGATE, "MEDIAN", "STDDEV"):
        raise invalid(f"aggregation '{evaluation['source']['aggregation']}' is not known")
    for one in (evaluation.get("notification") or {}).get("subscriptions", []):
        if len({"user_email", "destination_id"} & set(one)) != 1:
            raise invalid("a subscription is either a user_email or a destination_id")
    fields = str(schedule.get("quartz_cron_schedule", "")).split()
    if len(fields) not in (6, 7) or (fields[3] == "?") == (fields[5] == "?"):
        raise invalid(f"'{schedule.get('quartz_cron_schedule')}' is not a Quartz expression")
    if not schedule.get("timezone_id"):
        raise required("schedule.timezone_id")


class Alerts:
    def __init__(self, workspace):
        self.workspace, self.lock = workspace, workspace.lock
        self.alerts, self.told = {}, []

    def routes(self, router, guard):
        for methods, path, call in (("POST", BASE, self.create), ("GET", BASE, self.list),
                                    ("GET", f"{BASE}/(?P<ident>[^/]+)", self.get), ("PATCH", f"{BASE}/(?P<ident>[^/]+)", self.update),
                                    ("DELETE", f"{BASE}/(?P<ident>[^/]+)", self.trash)):
            router.add(methods, path, self._locked(call), guard)
        router.add("POST", "/_emulator/alerts/(?P<ident>[^/]+)/evaluate", self.evaluate)
        router.add("GET", "/_emulator/alerts/told", lambda request: {"told": self.told})

    def _locked(self, call):
        def run(request, **names):
            with self.lock:
                return call(request, **names)
        return run

    def find(self, ident):
        if ident not in self.alerts:
            raise not_found(f"alert {ident}")
        return self.alerts[ident]

    def _take(self, body):
        for name in body:
            if name not in (*GIVEN, *ANSWERED, "parent_path"):
                raise invalid(f"Unknown field: {name}")
        if body.get("warehouse_id") and not self.workspace.warehouses.get(body["warehouse_id"]):
            raise invalid(f"{body['warehouse_id']} is not a valid endpoint id.")
        return {name: copy.deepcopy(body[name]) for name in GIVEN if name in body}

    def _render(self, one):
        answer = copy.deepcopy(one)
        answer["schedule"]["effective_pause_status"] = answer["schedule"].get("pause_status", "UNPAUSED")
        return answer

    def create(self, request):
        body = request.json()
        given = self._take(body)
        check(given)
        folder = folder_of(body.get("parent_path") or f"/Users/{request.principal.login}")
        if folder not in self.workspace.dashboards.folders and folder != f"/Users/{request.principal.login}":
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Path ({folder}) doesn't exist.")
        now, ident = stamp(self.workspace.clock.now()), str(uuid.uuid4())
        given["evaluation"]["state"] = "UNKNOWN"
        self.alerts[ident] = {**given, "id": ident, "create_time": now, "update_time": now, "lifecycle_state": "ACTIVE",
                              "owner_user_name": request.principal.login, "parent_path": folder, "effective_parent_path": folder}
        return self._render(self.alerts[ident])

    def list(self, request):
        shown = [one for one in self.alerts.values() if one["lifecycle_state"] == "ACTIVE"]
        return page(request, "alerts", shown, self._render, self.workspace.settings, high=100)

    def get(self, _request, ident):
        return self._render(self.find(ident))

    def update(self, request, ident):
        one, body, mask = self.find(ident), request.json(), request.query.get("update_mask", "")
        given = self._take(body)
        names = [name for name in mask.split(",") if name]
        if not names:
            raise required("update_mask")
        for name in names:
            if name.split(".")[0] not in GIVEN:
                raise invalid(f"'{name}' in update_mask cannot be updated")
            if name not in given:
                raise invalid(f"'{name}' in update_mask is not in the body")
        state = {name: one["evaluation"][name] for name in ("state", "last_evaluated_at") if name in one["evaluation"]}
        changed = {**one, **{name: given[name] for name in names}}
        check(changed)
        changed["evaluation"].update(state)
        changed["update_time"] = stamp(self.workspace.clock.now())
        self.alerts[ident] = changed
        return self._render(changed)

    def trash(self, request, ident):
        self.find(ident)["lifecycle_state"] = "DELETED"
        if request.flag("purge"):
            del self.alerts[ident]

    # ---- what the platform does on a schedule

    def evaluate(self, _request, ident):
        one = self.find(ident)
        evaluation, before = one["evaluation"], one["evaluation"]["state"]
        try:
            columns, rows = self.workspace.statements.ask(one["query_text"], self.workspace.auth.user)
            state = self._judge(evaluation, [name for name, _ in columns], rows)
        except SqlError:
            state, rows = "ERROR", []
        with self.lock:
            evaluation.update(state=state, last_evaluated_at=stamp(self.workspace.clock.now()))
            notice = evaluation.get("notification") or {}
            if state != before and (state == "TRIGGERED" or state == "OK" and before == "TRIGGERED" and notice.get("notify_on_ok")):
                self.told += [{"alert": one["display_name"], "state": state, "rows": rows, **to} for to in notice.get("subscriptions", [])]
        return {"state": state, "rows": rows}

    @staticmethod
    def _judge(evaluation, columns, rows):
        source, operator = evaluation["source"], evaluation["comparison_operator"]
        if source["name"] not in columns:
            raise invalid(f"the query has no column '{source['name']}'")
        if not rows:
            return evaluation.get("empty_result_state", "UNKNOWN")
        cells = [row[columns.index(source["name"])] for row in rows]
        if operator in EMPTY:
            return "TRIGGERED" if (cells[0] is None) == (operator == "IS_NULL") else "OK"
        numbers = [float(cell) if re.fullmatch(r"-?[0-9.eE+-]+", str(cell)) else cell for cell in cells if cell is not None]
        value = AGGREGATE[source["aggregation"]](numbers) if source.get("aggregation") else numbers[0]
        limit = evaluation["threshold"]["value"]
        return "TRIGGERED" if COMPARE[operator](value, next(iter(limit.values()))) else "OK"
