"""Which tools ran where, from the logs of the suites: each by name, with the places in which suites looked at the world after
it. Fails when a tool did not run on each VERSION of the server that suites were given, or one that makes things in a
workspace not in one.

    tools_seen.py --log LOG... --program PROGRAM --manifest MANIFEST VERSION...
"""

import argparse
import collections
import fileinput
import json
import re
import subprocess
import sys

HELPERS = {"branch_schemas", "branch_sessions", "branch_workload", "read_schema", "rehearsal_on_branch", "prove_index_on_branch",
           "execute_on_branch", "prove_rewrite_on_branch", "rebuild_index_on_branch", "incident_on_branch"}  # called by others
FAMILIES = {"provisioning", "performance", "health"}


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--log", action="append", required=True)
    parser.add_argument("--program", required=True)
    parser.add_argument("--manifest", required=True)
    parser.add_argument("versions", nargs="+")
    return parser.parse_args()


def seen(logs):
    places = collections.defaultdict(set)
    with fileinput.input(logs, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if found := re.fullmatch(r"  ran (\w+) on (.*)", line.rstrip("\n")):
                places[found[1]].update(found[2].split(", "))
    return places


def lacks(agent, places, versions):
    """What makes branches and files is much the same on each server; what reads catalogues is not."""
    missing = [v for v in versions if not any(re.search(rf"(?<!\d){v}$", place) for place in places)]
    if agent != "provisioning":
        return missing
    return ([] if missing != versions else ["a server"]) + ([] if "a workspace" in places else ["a workspace"])


def main():
    args = arguments()
    listed = json.loads(subprocess.run([args.program, "-m", args.manifest, "--json", "tools"], capture_output=True,
                                       check=True).stdout)
    agents = {t["name"]: t["agent"] for t in listed if t["agent"] in FAMILIES and t["name"] not in HELPERS}
    places = seen(args.log)
    width = max(map(len, agents))
    whole = 0
    for tool, agent in sorted(agents.items(), key=lambda item: item[::-1]):
        missing = lacks(agent, places[tool], args.versions)
        whole += not missing
        print(f"  {agent:12}  {tool:{width}}  {', '.join(sorted(places[tool]))}"
              + (f"   MISSING: {', '.join(missing)}" if missing else ""))
    print(f"  {whole} of {len(agents)} tools ran: on each of PostgreSQL {' and '.join(args.versions)}, or, those of provisioning,"
          " on one of them and in an emulated workspace")
    sys.exit(0 if whole == len(agents) else 1)


main()
