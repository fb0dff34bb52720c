/* What the judge foretold, held against what was seen: by the transaction itself, or from outside. */
#include "rehearsal.h"

#include <ctype.h>

static const char *text_of(struct json_object *object, const char *name)
{
    struct json_object *found = NULL;
    return json_object_object_get_ex(object, name, &found) && json_object_is_type(found, json_type_string)
               ? json_object_get_string(found)
               : NULL;
}

/* "ACCESS EXCLUSIVE" as SQL has it is AccessExclusiveLock in the server's views. */
static bool is_mode(const char *sql, const char *mode)
{
    for (; *sql; sql++) {
        if (*sql == ' ')
            continue;
        if (tolower((unsigned char)*sql) != tolower((unsigned char)*mode++))
            return false;
    }
    return strcmp(mode, "Lock") == 0;
}

/* A statement need not name the schema. */
static bool is_relation(const char *written, const char *name)
{
    size_t length = strlen(name), tail = strlen(written);
    return strcmp(written, name) == 0 ||
           (tail < length && name[length - tail - 1] == '.' && strcmp(name + length - tail, written) == 0);
}

static bool was_held(struct json_object *transactions, const char *relation, const char *lock)
{
    for (size_t i = 0; transactions && i < json_object_array_length(transactions); i++) {
        struct json_object *held = NULL;
        if (!json_object_object_get_ex(json_object_array_get_idx(transactions, i), "held", &held))
            continue;
        for (size_t k = 0; k < json_object_array_length(held); k++) {
            struct json_object *one = json_object_array_get_idx(held, k);
            const char *name = text_of(one, "relation"), *mode = text_of(one, "mode");
            if (name && mode && is_relation(relation, name) && is_mode(lock, mode))
                return true;
        }
    }
    return false;
}

static bool was_seen(const rehearsal_watched *w, const char *relation, const char *lock)
{
    for (size_t i = 0; i < w->lock_count; i++)
        if (is_relation(relation, w->locks[i].relation) && is_mode(lock, w->locks[i].mode))
            return true;
    return false;
}

int rehearsal_tell_predictions(rehearsal *s, lb_error *err)
{
    struct json_object *findings = NULL, *transactions = NULL, *evidence = NULL;
    int r = 0;
    if (!s->migrated || !json_object_object_get_ex(s->migrated, "findings", &findings))
        return 0;
    (void)json_object_object_get_ex(s->migrated, "locks", &transactions); /* none: nothing was in a transaction */
    for (size_t i = 0; r >= 0 && i < json_object_array_length(findings); i++) {
        if (!json_object_object_get_ex(json_object_array_get_idx(findings, i), "evidence", &evidence))
            continue;
        const char *relation = text_of(evidence, "lock_on"), *lock = text_of(evidence, "lock");
        if (!relation || !*relation || !lock || !*lock)
            continue;
        bool is_seen = was_held(transactions, relation, lock) || was_seen(&s->watched, relation, lock);
        r = lb_append(s->ctx, "predictions",
                      LB_ARGS(lb_text("rule", text_of(evidence, "rule")), lb_text("file", text_of(evidence, "file")),
                              lb_text("relation", relation), lb_text("lock", lock),
                              lb_text("outcome", is_seen ? "confirmed" : "not seen")),
                      err);
    }
    return r;
}
