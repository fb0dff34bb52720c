"""example_tables finds the tables of a server that is given, and those of a branch of a local Lakebase."""

from place import Given, Local, each_version, equal, suite


def names(place, **params):
    return [f["object"] for f in place.findings("example_tables", min_bytes=0, **params)]


def a_given_database_is_looked_at(version):
    with Given(version) as place:
        place.sql('CREATE TABLE "Odd Name" (id int); CREATE TABLE plain (id int);')
        equal(sorted(names(place)), ["public.Odd Name", "public.plain"], "tables")
        place.run("example_vacuum", table="plain")
        equal({r["phase"] for r in place.waiting("audit_log")}, {"intent", "outcome"}, "phases of the audit log")


def a_branch_has_the_tables_of_its_parent(version):
    with Local(version) as place:
        place.sql("CREATE TABLE here (id int)")
        place.cli("target", "create", "dev-1", "--ttl", "1h", check=0)
        place.sql("CREATE TABLE there (id int)", branch="dev-1")
        equal(sorted(names(place, branch="dev-1")), ["public.here", "public.there"], "tables of the branch")
        equal(names(place), ["public.here"], "tables of its parent")


suite(*each_version(a_given_database_is_looked_at, a_branch_has_the_tables_of_its_parent))
