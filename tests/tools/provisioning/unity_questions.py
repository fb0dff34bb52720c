"""setup_unity_catalog_integration where a warehouse answers: the questions about lineage and audit are asked.

Its name is not test_: the emulator answers SQL with packages that only the tests' own Python has."""

from place import Workspace, equal, suite

TOOL = "setup_unity_catalog_integration"
SYSTEM = ["audit", "column_lineage", "table_lineage"]


def lineage_and_audit_are_asked():
    """Where there is a warehouse: what is asked is in the result, and what it refuses is not among what can be read."""
    with Workspace(project="shop-prod") as place:
        place.project("shop-prod")
        ready = place.emulator.ready
        place.write(f'[services.delta]\nplugin = "delta_databricks"\nhost = "{ready["url"]}"\nclient_id = "{ready["client_id"]}"\n'
                    f'client_secret = {{ secret = "principal" }}\nca_file = "{ready["ca_file"]}"\npoll_ms = 10\nretry_pause_ms = 10\n'
                    f'warehouse_id = "{ready["warehouse_id"]}"\nflush_interval_s = 3600\n')
        place.run(TOOL, branch="")
        done = place.run(TOOL, branch="")["result"]
        equal([done["system_tables"], done.get("findings", [])], [[f"system.access.{t}" for t in ("audit", "table_lineage", "column_lineage")], []],
              "the warehouse has answered, whatever Unity Catalog says of rights")
        rows = {one["table"]: one["rows"] for one in done["asked"]}
        equal([rows["system.access.table_lineage"], rows["system.access.audit"] > 0], [0, True], "that it was registered is in the audit")
        for query in ("audit_query", "lineage_query"):
            answer = place.emulator.call("POST", "/api/2.0/sql/statements", {
                "warehouse_id": ready["warehouse_id"], "statement": done[query], "wait_timeout": "30s"}).json
            equal([answer["status"]["state"], "shop_prod" in done[query]], ["SUCCEEDED", True], f"{query} is whole: {answer['status']}")
        place.emulator.fault("status", "/sql/statements", "POST", status=403, count=0, error_code="PERMISSION_DENIED", message="no")
        refused = place.run(TOOL, branch="")
        equal([refused["result"]["system_tables"], sorted((f["kind"], f["object"]) for f in refused["result"]["findings"])], [[], [("system_table_denied", f"system.access.{t}") for t in SYSTEM]],
              "what is refused")


suite(lineage_and_audit_are_asked)
