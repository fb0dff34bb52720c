"""setup_ai_agent_branching: agents are told, and what people wrote is never lost."""

import json

from place import VERSIONS, Local, Workspace, contains, equal, holds, suite

BEGIN, END = "<!-- lakebaseops:agent-branching begin ", "<!-- lakebaseops:agent-branching end -->"


def tell(place, check=0, directory=None, **params):
    return place.run("setup_ai_agent_branching", branch="", check=check, directory=directory or place.repo, **params)


def repository(place, **files):
    place.repo = place.dir / "repo"
    place.repo.mkdir()
    for name, text in files.items():
        (place.repo / f"{name}.md").write_text(text)
    return place


def states(document):
    return [(f["file"].rsplit("/", 1)[1], f["found"], f["written"]) for f in document["result"]["files"]]


def it_tells_them_once():
    with Workspace() as place:
        repository(place).project()
        plan = tell(place, plan=True)
        equal([[c["executed"] for c in plan["changes"]], list(place.repo.iterdir())], [[False, False], []], "a plan writes nothing")
        first = tell(place)
        equal(states(first), [("CLAUDE.md", "no_file", True), ("AGENTS.md", "no_file", True)], "the first run")
        text = (place.repo / "CLAUDE.md").read_text()
        contains(text, BEGIN, END, "ai-agent-TASK", "--project_id shop", "lives 1h", "BR-012", "development")
        equal((place.repo / "AGENTS.md").read_text(), text, "both say the same")
        equal(len(first["result"]["workflow"]), 6, "steps")
        equal([(f["kind"], f["object"]) for f in first["result"]["findings"]], [("no_source_branch", "shop/development")],
              "what is to be there first")
        again = tell(place)
        equal([again["changes"], states(again)], [[], [("CLAUDE.md", "same", False), ("AGENTS.md", "same", False)]],
              "the second run")
        # And what they are told to do is what the policy makes of it.
        place.run("create_branch", branch="", branch_name="development")
        for tool, params in (("create_branch", {"branch": "", "branch_name": "feat-add-index"}),
                             ("reset_branch_from_parent", {"branch": "", "branch_id": "staging"}), ("protect_branch", {"branch": "development"})):
            error = place.run(tool, check=1, creator_type="agent", **params)["error"]
            contains(error["message"] + error["hint"], "BR-039", "ai-agent-{words}")
        there = place.emulator.postgres("GET", "projects/shop/branches").json["branches"]
        equal([b["name"] for b in there if "feat-" in b["name"]], [], "nothing was made")
        made = place.run("create_branch", branch="", branch_name="ai-agent-add-index", creator_type="agent")
        equal([made["result"]["ttl_seconds"], made["result"]["source_branch"]], [3600, "development"], "an agent's branch")
        equal(tell(place)["result"].get("findings", []), [], "nothing is missing")
        late = place.run("create_branch", branch="", check=1, branch_name="ai-agent-more", ttl="5h")
        contains(late["error"]["message"], "BR-030", "BR-012")


def what_is_there_is_named():
    with Workspace() as place:
        repository(place).project()
        place.run("create_branch", branch="", branch_name="staging")
        told = tell(place)
        equal([told["result"]["source_branch"], told["result"].get("findings", [])], ["staging", []], "the source")
        contains((place.repo / "CLAUDE.md").read_text(), "It is made from `staging`, lives 1h")
        contains(tell(place, check=1, project_id="nowhere")["error"]["message"], "there is no project nowhere")


def what_people_wrote_stays():
    with Workspace() as place:
        repository(place, CLAUDE="# Ours\n\nBe kind.", AGENTS="").project()
        asked = tell(place, check=3)
        equal((place.repo / "CLAUDE.md").read_text(), "# Ours\n\nBe kind.", "a file that is there is asked about")
        equal(states(asked), [("CLAUDE.md", "no_part", False), ("AGENTS.md", "no_part", False)], "what was found")
        for approval in place.approvals():
            place.approve(approval["id"])
        text = (place.repo / "CLAUDE.md").read_text()
        holds(text.startswith("# Ours\n\nBe kind.\n\n" + BEGIN), text[:80])
        equal(tell(place)["changes"], [], "then all is as it should be")

        edited = text.replace("lives 1h", "lives for ever").replace("# Ours", "# Still ours") + "\nThe end.\n"
        (place.repo / "CLAUDE.md").write_text(edited)
        shown = tell(place, check=3)
        equal([f["found"] for f in shown["result"]["files"]], ["edited", "same"], "a person has edited our part")
        diff = shown["result"]["files"][0]["diff"]
        contains(diff, "\n-", "\n+", "lives for ever", "lives 1h")
        holds("Still ours" not in diff, "their own text is not in it")
        equal((place.repo / "CLAUDE.md").read_text(), edited, "nothing was written")
        approval = [a for a in place.approvals() if a["status"] == "pending"][-1]
        contains(json.dumps(approval), "lives for ever")
        place.approve(approval["id"])
        after = (place.repo / "CLAUDE.md").read_text()
        equal(after, edited.replace("lives for ever", "lives 1h"), "our part again, and theirs as it is")


def what_is_not_understood_is_left():
    with Workspace() as place:
        repository(place, CLAUDE=f"x\n{END}\n").project()

        def refused(text, code, **params):
            error = tell(place, check=1, **params)["error"]
            contains(error["message"], text)
            equal(error["code"], code, text)

        refused("do not pair up", "conflict")
        (place.repo / "CLAUDE.md").write_text(f"{BEGIN}x -->\n{END}\n")
        refused("no checksum", "conflict")
        (place.repo / "CLAUDE.md").write_text(f"{BEGIN}{16 * '0'} -->\n{END}\n" * 2)
        refused("more than once", "conflict")
        (place.repo / "CLAUDE.md").write_bytes(b"a\0b")
        refused("is no text", "invalid")
        equal((place.repo / "CLAUDE.md").read_bytes(), b"a\0b", "the file")
        holds(not (place.repo / "AGENTS.md").exists(), "nothing else was written")
        refused("does not begin with /", "invalid", directory="repo")
        refused("is no name of a file", "invalid", files=["../CLAUDE.md"])
        policy = place.dir / "policy.json"
        policy.write_text('{"kinds": [{"id": "X-1", "kind": "main", "patterns": ["main"], "ttl": "never"}]}')
        refused("no branches for agents", "invalid", policy=policy)


def at_home():
    with Local(VERSIONS[-1]) as place:
        repository(place)
        equal(states(tell(place)), [("CLAUDE.md", "no_file", True), ("AGENTS.md", "no_file", True)], "the first run")
        contains((place.repo / "AGENTS.md").read_text(), BEGIN, END, "--project_id shop")
        equal(tell(place)["changes"], [], "the second run")


suite(it_tells_them_once, at_home, what_is_there_is_named, what_people_wrote_stays, what_is_not_understood_is_left, at_once=2)
