"""Rows for system.billing and system.access: what the projects of this workspace would have cost, and who did what.

The quantities follow from a project's name and the day, so that two runs of a test see the same.
"""
import datetime
import hashlib
import re

DAYS = 35
COMPUTE, STORAGE = "PREMIUM_DATABASE_SERVERLESS_COMPUTE_US_WEST_OREGON", "PREMIUM_DATABRICKS_STORAGE_US_WEST_OREGON"
PRICES = {COMPUTE: ("DBU", 0.52, 0.40), STORAGE: ("DSU", 0.023, 0.023)}
USAGE = {"record_id": "VARCHAR", "account_id": "VARCHAR", "workspace_id": "VARCHAR", "sku_name": "VARCHAR", "cloud": "VARCHAR",
         "usage_start_time": "TIMESTAMPTZ", "usage_end_time": "TIMESTAMPTZ", "usage_date": "DATE",
         "custom_tags": "MAP(VARCHAR, VARCHAR)", "usage_unit": "VARCHAR", "usage_quantity": "DECIMAL(38,18)",
         "usage_metadata": "STRUCT(project_id VARCHAR, endpoint_id VARCHAR, branch_id VARCHAR, database_instance_id VARCHAR, "
                           "dlt_pipeline_id VARCHAR, job_id VARCHAR, job_run_id VARCHAR, warehouse_id VARCHAR, cluster_id VARCHAR)",
         "identity_metadata": "STRUCT(run_as VARCHAR, created_by VARCHAR, owned_by VARCHAR)", "record_type": "VARCHAR",
         "ingestion_date": "DATE", "billing_origin_product": "VARCHAR",
         "product_features": "STRUCT(lakebase STRUCT(storage_type VARCHAR, compute_type VARCHAR))", "usage_type": "VARCHAR"}
LIST_PRICES = {"price_start_time": "TIMESTAMPTZ", "price_end_time": "TIMESTAMPTZ", "account_id": "VARCHAR", "sku_name": "VARCHAR",
               "cloud": "VARCHAR", "currency_code": "VARCHAR", "usage_unit": "VARCHAR",
               "pricing": "STRUCT(\"default\" DECIMAL(38,18), promotional STRUCT(\"default\" DECIMAL(38,18)), "
                          "effective_list STRUCT(\"default\" DECIMAL(38,18)))"}
AUDIT = {"account_id": "VARCHAR", "workspace_id": "VARCHAR", "version": "VARCHAR", "event_id": "VARCHAR", "event_time": "TIMESTAMPTZ",
         "event_date": "DATE", "source_ip_address": "VARCHAR", "user_agent": "VARCHAR", "session_id": "VARCHAR",
         "user_identity": "STRUCT(email VARCHAR, subject_name VARCHAR)", "service_name": "VARCHAR", "action_name": "VARCHAR",
         "request_id": "VARCHAR", "request_params": "MAP(VARCHAR, VARCHAR)",
         "response": "STRUCT(status_code INTEGER, error_message VARCHAR, result VARCHAR)", "audit_level": "VARCHAR",
         "identity_metadata": "STRUCT(run_by VARCHAR, run_as VARCHAR, acting_resource VARCHAR)"}
LINEAGE = {"account_id": "VARCHAR", "metastore_id": "VARCHAR", "workspace_id": "VARCHAR", "entity_type": "VARCHAR", "entity_id": "VARCHAR",
           "entity_run_id": "VARCHAR", "source_table_full_name": "VARCHAR", "source_table_catalog": "VARCHAR",
           "source_table_schema": "VARCHAR", "source_table_name": "VARCHAR", "source_type": "VARCHAR",
           "target_table_full_name": "VARCHAR", "target_table_catalog": "VARCHAR", "target_table_schema": "VARCHAR",
           "target_table_name": "VARCHAR", "target_type": "VARCHAR", "created_by": "VARCHAR", "event_time": "TIMESTAMPTZ",
           "event_date": "DATE", "event_id": "VARCHAR"}
COLUMN_LINEAGE = {**LINEAGE, "source_column_name": "VARCHAR", "target_column_name": "VARCHAR"}
TABLES = {("billing", "usage"): USAGE, ("billing", "list_prices"): LIST_PRICES, ("access", "audit"): AUDIT,
          ("access", "table_lineage"): LINEAGE, ("access", "column_lineage"): COLUMN_LINEAGE}
VERBS = {"POST": "create", "PATCH": "update", "DELETE": "delete"}


def share(*words):
    """A number between 0 and 1 that the words decide."""
    return int(hashlib.sha256("/".join(map(str, words)).encode()).hexdigest()[:8], 16) / 0xFFFFFFFF


class SystemTables:
    def __init__(self, workspace, account_id, workspace_id):
        self.workspace, self.account, self.number = workspace, account_id, workspace_id
        self.planted = {}  # (project, branch, day): quantity of compute, where a test says it

    def routes(self, router, guard):
        router.add("POST", "/_emulator/usage", self.plant)

    def plant(self, request):
        """What a branch's compute took on days, in place of what the words would decide; null: it is not billed yet."""
        for day, quantity in request.json()["compute"].items():
            self.planted[request.json()["project"], request.json()["branch"], day] = quantity

    def rows(self, schema, table):
        """Nothing here flows from table to table, so that there is no lineage."""
        return {"usage": self._usage, "list_prices": self._prices, "audit": self._audit}.get(table, list)()

    def _usage(self):
        today = datetime.datetime.fromtimestamp(self.workspace.clock.now(), datetime.timezone.utc).date()
        found = []
        with self.workspace.lock:
            for project in self.workspace.lakebase.projects.values():
                for age in range(DAYS):
                    found += self._day(project, today - datetime.timedelta(days=age))
        return found

    def _day(self, project, day):
        for branch in project.branches.values():
            kind = "BRANCH_DATA_STORAGE" if branch.expire_at is None else "BRANCH_CHANGE_STORAGE"
            quantity = 10 + 5 * share(project.ident, branch.ident, day, "storage")
            yield self._record(project, day, STORAGE, quantity, branch=branch, storage=kind)
            for endpoint in branch.endpoints.values():
                quantity = 4 + 20 * share(project.ident, branch.ident, day, "compute")
                quantity = self.planted.get((project.ident, branch.ident, str(day)), quantity)
                if quantity is None:
                    continue
                yield self._record(project, day, COMPUTE, quantity, branch=branch, endpoint=endpoint)
                # Once a week a record is taken back and stated anew, lower.
                if day.toordinal() % 7 == 0:
                    yield self._record(project, day, COMPUTE, -quantity, branch=branch, endpoint=endpoint, kind="RETRACTION")
                    yield self._record(project, day, COMPUTE, quantity * 0.9, branch=branch, endpoint=endpoint, kind="RESTATEMENT")

    def _record(self, project, day, sku, quantity, *, branch, endpoint=None, storage=None, kind="ORIGINAL"):
        start = f"{day}T00:00:00Z"
        metadata = {"project_id": project.uid, "branch_id": branch.uid, "endpoint_id": endpoint.uid if endpoint else None}
        features = {"storage_type": storage, "compute_type": None if storage else "COMPUTE_NODE_SERVERLESS"}
        return {"record_id": hashlib.sha256(f"{branch.uid}{day}{sku}{kind}".encode()).hexdigest()[:32], "account_id": self.account,
                "workspace_id": self.number, "sku_name": sku, "cloud": "AWS", "usage_start_time": start,
                "usage_end_time": f"{day}T23:59:59Z", "usage_date": str(day), "custom_tags": {
                    tag["key"]: tag.get("value", "") for tag in project.spec.get("custom_tags", ())},
                "usage_unit": PRICES[sku][0], "usage_quantity": f"{quantity:.6f}", "usage_metadata": metadata,
                "identity_metadata": {"created_by": project.owner.login, "owned_by": project.owner.login}, "record_type": kind,
                "ingestion_date": str(day), "billing_origin_product": "LAKEBASE", "product_features": {"lakebase": features},
                "usage_type": "STORAGE_SPACE" if storage else "COMPUTE_TIME"}

    def _prices(self):
        return [{"price_start_time": "2025-01-01T00:00:00Z", "price_end_time": None, "account_id": self.account, "sku_name": sku,
                 "cloud": "AWS", "currency_code": "USD", "usage_unit": unit,
                 "pricing": {"default": str(price), "promotional": {"default": None}, "effective_list": {"default": str(effective)}}}
                for sku, (unit, price, effective) in PRICES.items()]

    def _audit(self):
        """The calls that really came and changed something, and one of the older product."""
        found = [self._event(entry) for entry in self.workspace.requests.read(0, None, "^/api/2.0/postgres/")
                 if entry["method"] in VERBS and entry["status"] is not None]
        old = datetime.datetime.fromtimestamp(self.workspace.clock.now() - 86400, datetime.timezone.utc)
        found.append(self._row(old, "databaseInstances", "createDatabaseInstance", {"name": "older"}, 200, None, "event-of-old",
                               self.workspace.auth.user.login, "emulator"))
        return found

    def _event(self, entry):
        parts = entry["path"].split("/")[4:]
        kind = (parts[-1] if entry["method"] == "POST" else parts[-2] if len(parts) > 1 else parts[-1]).rstrip("s").replace("-", "_")
        kind = {"branche": "branch"}.get(kind, kind)
        when = datetime.datetime.fromtimestamp(entry["time"] + self.workspace.clock.offset, datetime.timezone.utc)
        params = {"name": "/".join(parts), **{name: str(value) for name, value in entry["query"].items()}}
        match = re.match(r"projects/([^/]+)", "/".join(parts))
        if match:
            params["project_id"] = match.group(1)
        failed = entry["answer"].get("message") if entry["status"] >= 400 and isinstance(entry["answer"], dict) else None
        return self._row(when, "postgres", f"{VERBS[entry['method']]}{kind.capitalize()}", params, entry["status"], failed,
                         entry["request_id"], entry["principal"], entry["headers"].get("user-agent", ""))

    def _row(self, when, service, action, params, status, failed, request_id, who, agent):
        return {"account_id": self.account, "workspace_id": self.number, "version": "2.0", "event_id": request_id,
                "event_time": when.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "event_date": str(when.date()), "source_ip_address": "127.0.0.1",
                "user_agent": agent, "session_id": None, "user_identity": {"email": who, "subject_name": who}, "service_name": service,
                "action_name": action, "request_id": request_id, "request_params": params,
                "response": {"status_code": status, "error_message": failed, "result": None}, "audit_level": "WORKSPACE_LEVEL",
                "identity_metadata": {"run_by": who, "run_as": who, "acting_resource": None}}
