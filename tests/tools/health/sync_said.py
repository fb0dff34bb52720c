"""What a workspace says of its change feeds and synced tables, for the sync tools."""
from place import Workspace, contains, equal, holds
from planted import midnight, plant
from sync_place import copy, one, rows_of

COLUMNS = {"id": "integer", "t": "text", "updated_at": "timestamp with time zone"}
ORDERS = """CREATE TABLE orders (id int PRIMARY KEY, t text, updated_at timestamptz);
INSERT INTO orders SELECT i, 't' || i, now() - interval '3 hours' - i * interval '1 second' FROM generate_series(1, 50) AS i;
CREATE TABLE plain (LIKE orders INCLUDING ALL);
INSERT INTO plain SELECT * FROM orders;
ALTER TABLE orders REPLICA IDENTITY FULL;
"""
BRANCH = "projects/shop/branches/production"
FEED = f"{BRANCH}/databases/databricks-postgres/cdf-configs/shop_feed"
SYNCED = "synced_tables/shop_pg.public.orders"
FIVE_HOURS_AGO = "(now() - interval '5 hours')"


def begin(place):
    place.project()
    place.sql(ORDERS)
    for table in ("orders", "plain"):
        copy(place, table, columns=COLUMNS)
    return place.emulator


def feed(emulator):
    emulator.finish(emulator.postgres("POST", f"{BRANCH}/databases/databricks-postgres/cdf-configs",
                                      {"catalog": "main", "schema": "public", "postgres_schema": "public"}, cdf_config_id="shop_feed"))


def says(emulator, name, **status):
    emulator.control("POST", "sync_states", {"name": name, "status": status})


def pipeline(result, place):
    row = rows_of(place, "pipeline")[-1]
    said = result["pipelines"][0]
    equal((row["pipeline_state"], row["status"]), (said["state"], said["status"]), "the row of history")
    return said


def feeds_are_read_where_they_exist():
    with Workspace() as place:
        emulator = begin(place)
        _, result = one(place, "validate_sync_completeness")
        equal(("pipelines" in result, result.get("skipped", [])), (False, []), "there could be one, and there is none")

        feed(emulator)
        _, result = one(place, "validate_sync_completeness")
        said = pipeline(result, place)
        equal((said["state"], said["status"], said["note"], result["issues"]), ("STREAMING", "healthy", None, 0), "it streams")
        result = place.run("validate_sync_completeness", source_table="plain", target_delta_table="main.public.plain")["result"]
        said = pipeline(result, place)
        equal((said["state"], said["status"], result["issues"]), ("SKIPPED", "failed", 1), "a table that the feed leaves out")
        contains(result["findings"][0]["reason"], "the table does not have REPLICA IDENTITY FULL")
        equal(result["findings"][0]["kind"], "sync_pipeline", "the finding")

        ago = place.sql(f"SELECT to_char({FIVE_HOURS_AGO} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')")
        says(emulator, f"{FEED}/cdf-statuses/orders", last_sync_time=ago)
        _, result = one(place, "track_sync_freshness", sync_type="continuous")
        said = pipeline(result, place)
        equal(said["status"], "healthy", "behind by its own account, and nobody writes")
        contains(said["note"], "and nothing waits")
        place.sql("INSERT INTO orders VALUES (1000, 'x', now() - interval '2 hours')")
        _, result = one(place, "track_sync_freshness", sync_type="continuous")
        said = pipeline(result, place)
        equal((said["status"], [f["kind"] for f in result["findings"]]), ("stale", ["sync_freshness"]), "one finding")
        contains(said["note"], "both say that it lags")
        holds(said["detail"]["since_last_sync_seconds"] > 17000 and 7100 < said["detail"]["measured_lag_seconds"] < 9000, f"{said}")
        says(emulator, f"{FEED}/cdf-statuses/orders", last_sync_time=place.sql("SELECT to_json(now() AT TIME ZONE 'UTC') #>> '{}'") + "Z")
        contains(pipeline(one(place, "track_sync_freshness", sync_type="continuous")[1], place)["note"], "and yet a change waits for 7")

        kept = place.run("repair_synced_rows", source_table="orders", target_delta_table="main.public.orders", check=1)["error"]
        equal(kept["code"], "denied", f"what the platform writes: {kept}")
        contains(kept["message"], "its next write would undo a repair")

        says(emulator, f"{FEED}/cdf-statuses/orders", state="CDF_STATE_TERMINATED", status_detail="a column was dropped")
        document, result = one(place, "run_full_sync_validation", scope="full")
        contains(str(result["findings"]), "the platform says TERMINATED: a column was dropped")
        contains(str(document["events"]), "'check': 'pipeline'")
        _, result = one(place, "track_sync_freshness", timestamp_column="nothing")
        equal(result["pipelines"][0]["status"], "failed", "where nothing can be measured, too")
        absent = place.run("validate_sync_completeness", source_table="orders", target_delta_table="main.public.none")["result"]
        equal("pipelines" in absent, False, "a feed into another table is not this pair's")


def synced_tables_are_read_where_they_exist():
    with Workspace() as place:
        emulator = begin(place)
        emulator.finish(emulator.postgres("POST", "catalogs", {"spec": {"branch": BRANCH, "postgres_database": "databricks_postgres"}},
                                          catalog_id="shop_pg"))
        _, result = one(place, "validate_sync_completeness")
        equal(("pipelines" in result, result.get("skipped", [])), (False, []), "a registered database without a synced table")
        # Its rows would come through an engine for SQL, which this emulator does without.
        status = {"detailed_state": "SYNCED_TABLE_ONLINE_NO_PENDING_UPDATE", "unity_catalog_provisioning_state": "ACTIVE",
                  "last_sync_time": place.sql("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')")}

        def answers(**more):
            emulator.control("DELETE", "faults")
            emulator.fault("status", f"{SYNCED}$", "GET", status=200, count=0, body={"name": SYNCED, "status": {**status, **more}})
        answers()
        said = pipeline(one(place, "validate_sync_completeness")[1], place)
        equal((said["state"], said["status"], said["detail"]["kind"], said["detail"]["measured_lag_seconds"]),
              ("ONLINE_NO_PENDING_UPDATE", "healthy", "synced_table", 0), "online")
        place.sql("DELETE FROM orders WHERE id < 20")
        place.sql("UPDATE orders SET updated_at = updated_at - interval '2 hours'")
        said = pipeline(one(place, "track_sync_freshness", sync_type="continuous")[1], place)
        equal(said["status"], "stale", "the lakehouse has had later rows for two hours")
        contains(said["note"], "and yet a change waits for 72")
        plant(place, "alert_history", [{"alert_id": "sync/pipeline/public.orders/main.public.none@shop/production", "at": midnight(),
                                        "state": "fired", "severity": "warning", "rule": "sync.drift_detected", "title": "it is late",
                                        "metric_name": "pipeline", "object_name": "public.orders and main.public.none"}])
        document = place.run("track_sync_freshness", source_table="orders", target_delta_table="main.public.none")
        equal(document["events"] or [], [], "what was not measured is not in order")
        for state in ("SYNCED_TABLE_ONLINE_PIPELINE_FAILED", "SYNCED_TABLE_OFFLINE", "SYNCED_TABLE_OFFLINE_FAILED"):
            answers(detailed_state=state, message="the source table was dropped")
            document, result = one(place, "track_sync_freshness")
            equal(pipeline(result, place)["status"], "failed", state)
            equal([(e["type"], e["payload"]["level"]) for e in document["events"] if e["payload"]["check"] == "pipeline"],
                  [("sync.drift_detected", "critical" if "_OFFLINE" in state else "warning")], f"the alert of {state}")
            contains(str(result["findings"]), f"the platform says {state.removeprefix('SYNCED_TABLE_')}: the source table was dropped")
        plant(place, "alert_history", [{"alert_id": "sync/pipeline/public.orders/main.public.orders@shop/production", "at": midnight(),
                                        "state": "fired", "severity": "critical", "rule": "sync.drift_detected", "title": "it failed",
                                        "metric_name": "pipeline", "object_name": "public.orders and main.public.orders"}])
        emulator.control("DELETE", "faults")
        emulator.fault("status", f"{SYNCED}$", "GET", status=500, count=0, body={})
        document, _ = one(place, "track_sync_freshness")
        equal([e for e in document["events"] if e["payload"]["check"] == "pipeline"], [], "what cannot be read says nothing")
        emulator.control("DELETE", "faults")
        document, _ = one(place, "track_sync_freshness")
        equal([e["type"] for e in document["events"] if e["payload"]["check"] == "pipeline"], ["sync.drift_cleared"], "it is gone")
