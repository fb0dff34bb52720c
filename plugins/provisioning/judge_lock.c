/* Locks of statements that are no hazard by themselves. All were measured: tests/integration/test_judge_locks.c. */
#include "judge_internal.h"

static const char *without_last_name(judging *j, const char *full)
{
    const char *dot = strrchr(full, '.');
    return dot ? judging_printf(j, "%.*s", (int)(dot - full), full) : full;
}

/* What belongs to a table is looked up without a lock to speak of, but for its columns. */
static void comment(judging *j, tree s)
{
    static const char *const relations[] = {"OBJECT_TABLE",    "OBJECT_VIEW",  "OBJECT_MATVIEW",
                                            "OBJECT_SEQUENCE", "OBJECT_INDEX", "OBJECT_FOREIGN_TABLE"};
    tree type = tree_get(s, "objtype");
    label about = label_of(tree_get(s, "object"));
    if (tree_is(type, "OBJECT_COLUMN"))
        judging_lock(j, LOCK_SHARE_UPDATE_EXCLUSIVE, without_last_name(j, about.text));
    for (size_t i = 0; i < LB_COUNT(relations); i++)
        if (tree_is(type, relations[i]))
            judging_lock(j, LOCK_SHARE_UPDATE_EXCLUSIVE, about.text);
}

static void create_statistics(judging *j, tree s)
{
    judging_lock(j, LOCK_SHARE_UPDATE_EXCLUSIVE, label_of_first(tree_get(s, "relations")).text);
}

static void create_view(judging *j, tree s)
{
    tree view = tree_get(s, "view");
    if (tree_true(tree_get(s, "replace")) && !tree_is(tree_get(view, "relpersistence"), "t"))
        judging_lock(j, LOCK_ACCESS_EXCLUSIVE, label_of_range(view).text);
}

/* A partition's parent has a rule of its own. */
static void inherit(judging *j, tree s)
{
    tree parents = tree_get(s, "inhRelations");
    if (tree_has(parents) && !tree_has(tree_get(s, "partbound")))
        judging_lock(j, LOCK_SHARE_UPDATE_EXCLUSIVE, label_of_first(parents).text);
}

static void publish(judging *j, tree s)
{
    label table = label_of_first(tree_get(s, "pubobjects"));
    if (table.text[0])
        judging_lock(j, LOCK_SHARE_UPDATE_EXCLUSIVE, table.text);
}

static void alter_sequence(judging *j, tree s)
{
    judging_lock(j, LOCK_SHARE_ROW_EXCLUSIVE, label_of_range(tree_get(s, "sequence")).text); /* nextval waits */
}

static void copy_in(judging *j, tree s)
{
    if (tree_true(tree_get(s, "is_from")))
        judging_lock(j, LOCK_ROW_EXCLUSIVE, label_of_range(tree_get(s, "relation")).text);
}

void judge_lock_of(judging *j, const char *kind, tree s)
{
    static const struct {
        const char *kind;
        void (*judge)(judging *j, tree s);
    } known[] = {
        {"CommentStmt", comment},           {"CreateStatsStmt", create_statistics},
        {"ViewStmt", create_view},          {"CreateStmt", inherit},
        {"CreatePublicationStmt", publish}, {"AlterPublicationStmt", publish},
        {"AlterSeqStmt", alter_sequence},   {"CopyStmt", copy_in},
    };
    for (size_t i = 0; i < LB_COUNT(known); i++)
        if (strcmp(known[i].kind, kind) == 0)
            known[i].judge(j, s);
}
