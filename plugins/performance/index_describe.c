/* Written and read in one place, so that both mean the same. */
#include "index_describe.h"

parsed *index_describe(const index_candidate *c)
{
    parsed *one = json_object_new_object(), *columns = json_object_new_array();
    for (int i = 0; i < c->count && columns; i++) {
        parsed *column = json_object_new_object();
        (void)json_object_object_add(column, "name", json_object_new_string(c->columns[i]->r.name));
        (void)json_object_object_add(column, "descending", json_object_new_boolean(c->descending[i]));
        (void)json_object_array_add(columns, column);
    }
    (void)json_object_object_add(one, "schema", json_object_new_string(c->table->r.schema));
    (void)json_object_object_add(one, "table", json_object_new_string(c->table->r.name));
    (void)json_object_object_add(one, "columns", columns);
    (void)json_object_object_add(one, "equal", json_object_new_int(c->equal_count));
    (void)json_object_object_add(one, "range", json_object_new_boolean(c->is_range));
    (void)json_object_object_add(one, "ordered", json_object_new_boolean(c->is_ordered));
    (void)json_object_object_add(one, "kind", json_object_new_int(c->kind));
    (void)json_object_object_add(one, "use", json_object_new_int((int)c->use));
    (void)json_object_object_add(one, "sort", json_object_new_string(c->columns[0]->r.sort));
    if (c->trigram_schema)
        (void)json_object_object_add(one, "trigram_schema", json_object_new_string(c->trigram_schema));
    parsed *beside = json_object_new_array();
    for (int i = 0; i < c->beside_count && beside; i++)
        (void)json_object_array_add(beside, json_object_new_string(c->beside[i]->r.name));
    (void)json_object_object_add(one, "beside", beside);
    if (!c->part)
        return one;
    (void)json_object_object_add(one, "part", json_object_new_int(c->part));
    (void)json_object_object_add(one, "part_column", json_object_new_string(c->part_column->r.name));
    (void)json_object_object_add(one, "part_is_said", json_object_new_boolean(c->part_is_said));
    return one;
}

static const char *text_of(parsed *from, const char *name)
{
    parsed *found = parsed_member(from, name);
    return json_object_is_type(found, json_type_string) ? json_object_get_string(found) : NULL;
}

/* Of its kind, beyond the keys. */
static bool read_kind(parsed *from, index_described *t)
{
    index_candidate *c = &t->candidate;
    parsed *beside = parsed_member(from, "beside");
    size_t count = parsed_length(beside);
    int64_t kind = parsed_number(from, "kind"), part = parsed_number(from, "part");
    const char *sort = text_of(from, "sort");
    if (kind < INDEX_BTREE || kind > INDEX_BRIN || part < INDEX_PART_ALL || part > INDEX_PART_FALSE ||
        count > INDEX_BESIDE)
        return false;
    c->kind = (index_kind)kind;
    c->use = (index_use_kind)parsed_number(from, "use");
    c->trigram_schema = text_of(from, "trigram_schema");
    c->part = (index_part)part;
    c->part_is_said = parsed_is(from, "part_is_said");
    c->part_column = &t->part;
    t->part.r.name = text_of(from, "part_column");
    t->columns[0].r.sort = sort ? sort : "";
    c->beside_count = (int)count;
    for (size_t i = 0; i < count; i++) {
        t->beside[i].r.name = json_object_get_string(parsed_item(beside, i));
        c->beside[i] = &t->beside[i];
    }
    return (!part || t->part.r.name) && (c->use != INDEX_USE_PATTERN || c->trigram_schema);
}

int index_read_described(parsed *from, index_described *t, lb_error *err)
{
    parsed *columns = parsed_member(from, "columns");
    size_t count = parsed_length(columns);
    t->table.r = (index_tables_row){.schema = text_of(from, "schema"), .name = text_of(from, "table"), .kind = "p"};
    t->candidate = (index_candidate){.table = &t->table,
                                     .count = (int)count,
                                     .equal_count = (int)parsed_number(from, "equal"),
                                     .is_range = parsed_is(from, "range"),
                                     .is_ordered = parsed_is(from, "ordered")};
    bool is_whole = t->table.r.schema && t->table.r.name && count >= 1 && count <= INDEX_CANDIDATE_KEYS &&
                    t->candidate.equal_count >= 0 && t->candidate.equal_count <= (int)count;
    for (size_t i = 0; i < count && is_whole; i++) {
        parsed *column = parsed_item(columns, i);
        t->columns[i].r.name = text_of(column, "name");
        t->candidate.columns[i] = &t->columns[i];
        t->candidate.descending[i] = parsed_is(column, "descending");
        is_whole = t->columns[i].r.name != NULL;
    }
    is_whole = is_whole && read_kind(from, t);
    return is_whole ? 0
                    : lb_fail(err, LB_ERR_INVALID, "see `lbops tools prove_index_on_branch`",
                              "a candidate has no schema, table or columns (1 to %d)", INDEX_CANDIDATE_KEYS);
}
