"""persist_pg_stat_statements and collect_pg_stat_statements_info on real servers: every column under its one name, our
own statements left out, and what is said where there is nothing to read."""

from place import Given, contains, each_version, equal, holds, suite

PERSIST, INFO = "persist_pg_stat_statements", "collect_pg_stat_statements_info"


def with_extension(place, schema="public", version=None):
    place.sql(f'CREATE EXTENSION pg_stat_statements SCHEMA "{schema}"' + (f" VERSION '{version}'" if version else ""))


def own_rows(place):
    """Of this test's database: the server's statistics are everybody's."""
    return [r for r in place.waiting("pg_stat_history") if r.get("database_name") == place.database]


def every_column_is_there(version):
    with Given(version) as place:
        place.sql('CREATE SCHEMA "Odd s"')
        with_extension(place, "Odd s")
        place.sql("CREATE TABLE t (id int, body text)")
        place.sql("INSERT INTO t SELECT g, repeat('x', 200) FROM generate_series(1, 2000) g")
        result = place.run(PERSIST)["result"]
        equal((result["status"], result["first_of_its_epoch"]), ("ok", True), "status")
        rows = own_rows(place)
        server = int(place.sql('SELECT queryid FROM "Odd s".pg_stat_statements WHERE query LIKE'
                               " 'INSERT INTO t SELECT%' AND dbid = (SELECT oid FROM pg_database"
                               " WHERE datname = current_database())"))
        row = next(r for r in rows if r["queryid"] == server)
        columns = place.sql('SELECT attname FROM pg_attribute WHERE attrelid = \'"Odd s".pg_stat_statements\'::regclass'
                            " AND attnum > 0").split()
        renamed = {"blk_read_time": "shared_blk_read_time", "blk_write_time": "shared_blk_write_time"}
        missing = [c for c in columns if c != "query" and renamed.get(c, c) not in row]
        equal(missing, [], "columns of the server that are not in history")
        equal((row["rows"], row["calls"], row["toplevel"]), (2000, 1, True), "its figures")
        holds(row["shared_blks_dirtied"] > 0 and row["wal_bytes"] > 0 and row["total_exec_time"] > 0, row)
        equal(row["user_name"], "postgres", "names")
        sysid = int(place.sql("SELECT system_identifier FROM pg_control_system()"))
        equal((row["system_identifier"], row["server_version"]), (sysid, version), "epoch")
        holds(all(r["snapshot_id"] == result["snapshot_id"] for r in rows), "one snapshot")


def an_older_extension_is_read_too(version):
    with Given(version) as place:
        with_extension(place, version="1.9")
        place.sql("SELECT count(*) FROM pg_class")
        result = place.run(PERSIST)["result"]
        equal(result["status"], "ok", "status")
        rows = own_rows(place)
        holds(rows and all("jit_functions" not in r for r in rows), "columns that 1.9 lacks")
        holds(all("shared_blk_read_time" in r for r in rows), "the one that has another name there")
        holds(place.run(INFO)["result"]["is_older_than_its_server"], "it is said")


def says_where_nothing_can_be_read(version):
    with Given(version) as place:
        for tool in (PERSIST, INFO):
            result = place.run(tool)["result"]
            equal(result["status"], "unavailable", tool)
            contains(result["reason"], "CREATE EXTENSION pg_stat_statements")
        equal(place.waiting("pg_stat_history"), [], "history")
        with_extension(place)
        role = place.database + "_r"
        place.sql(f"CREATE ROLE {role} LOGIN")
        try:
            url = place.url().replace("postgres@", f"{role}@")
            done = place.cli("--json", "run", PERSIST, "--dsn", url, check=0)
            contains(done.stdout, "grant it pg_read_all_stats", '"own_statements_left_out":true')
        finally:
            place.sql(f"DROP ROLE {role}")
        place.run(PERSIST, check=2, own="sometimes")


def info_is_kept(version):
    with Given(version) as place:
        with_extension(place)
        document = place.run(INFO)["result"]
        equal(document["dealloc"], int(place.sql("SELECT dealloc FROM pg_stat_statements_info")), "dealloc")
        equal((document["most_entries"], document["track"]), (5000, "top"), "settings")
        metrics = {r["metric_name"] for r in place.waiting("lakebase_metrics")}
        equal(metrics, {"pg_stat_statements_dealloc", "pg_stat_statements_entries"}, "metrics")
        full = place.findings(INFO, full_ratio=0.0)
        contains([f["kind"] for f in full], "statements_full")
        place.sql(f"ALTER DATABASE {place.database} SET pg_stat_statements.track = 'none'")
        contains([f["kind"] for f in place.findings(INFO)], "statements_not_tracked")


suite(*each_version(every_column_is_there, an_older_extension_is_read_too, says_where_nothing_can_be_read, info_is_kept),
      at_once=3)
