/* IF NOT EXISTS takes what is there for what is wanted, whatever it looks like, and the ledger has it as done. Only the
 * server says so. An index that is built outside of transactions is looked at before (migration_index.c), as far as its
 * shape says all of it. */
#include "migration_run.h"

#include "json.h"

/* A relation, or a column; a schema or an extension that is there is what was wanted. */
static bool is_skipped(struct json_object *notice)
{
    const char *severity = json_get_text(notice, "severity"), *state = json_get_text(notice, "sqlstate");
    return severity && state && strcmp(severity, "NOTICE") == 0 &&
           (strcmp(state, "42P07") == 0 || strcmp(state, "42701") == 0);
}

static int report(migration_run *run, const migration_file *file, int64_t statement, const char *says, lb_error *err)
{
    const judged *s = &file->judged.items[statement - 1];
    return lb_report(run->ctx,
                     LB_FINDING(.object = *s->lock_on ? s->lock_on : file->name, .kind = "was-there-already",
                                .reason =
                                    "the statement did nothing, as there is one of that name, which may be another: "
                                    "compare the two by capture_schema_diff",
                                .evidence = LB_ARGS(lb_text("file", file->name), lb_i64("statement", statement),
                                                    lb_text("sql", s->source->text), lb_text("says", says)),
                                .terms = LB_TERMS({"said_by_the_server", 0.9})),
                     err);
}

int migrate_tell_there(migration_run *run, const migration_file *file, const lb_group *group, lb_error *err)
{
    const char *heard = NULL;
    int r = lb_group_heard(run->ctx, group, &heard, err);
    if (r < 0 || !heard)
        return r;
    JSON_AUTO *document = json_parse(heard, strlen(heard), err);
    if (!document)
        return err->code;
    struct json_object *list = json_get_list(document, "notices");
    for (size_t i = 0; r >= 0 && list && i < json_object_array_length(list); i++) {
        struct json_object *notice = json_object_array_get_idx(list, i);
        int64_t statement = json_get_i64(notice, "statement", 0); /* 0: the ledger's */
        if (statement > 0 && (size_t)statement <= file->judged.count && is_skipped(notice) &&
            !file->judged.items[statement - 1].builds.shape_says_all)
            r = report(run, file, statement, json_get_text(notice, "text"), err);
    }
    return r;
}
