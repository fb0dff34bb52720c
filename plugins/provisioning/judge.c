#include "judge_internal.h"

#include <ctype.h>
#include <pg_query.h>

#define NAME_MOST 63 /* bytes of an identifier */

/* ---- what the rules say ---- */

const char *judging_printf(judging *j, const char *fmt, ...)
{
    char text[4096];
    va_list args;
    va_start(args, fmt);
    if (vsnprintf(text, sizeof text, fmt, args) >= (int)sizeof text)
        tree_trim(text);
    va_end(args);
    const char *copy = arena_strdup(j->memory, text);
    j->out_of_memory |= !copy;
    return copy ? copy : "";
}

static void *grown(judging *j, void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    size_t wanted = *capacity ? *capacity * 2 : 16;
    void *more = arena_alloc(j->memory, wanted * size);
    if (!more) {
        j->out_of_memory = true;
        return NULL;
    }
    if (count)
        memcpy(more, items, count * size);
    *capacity = wanted;
    return more;
}

void judging_hazard(judging *j, judge_rule_id id, const char *object, const char *rewrite)
{
    const judge_rule *r = judge_rule_of(id);
    if (j->in_body && r->severity < JUDGE_DATA_LOSS && id != JUDGE_NEEDS_NEWER)
        return; /* what a function does when it is called one day is not this migration's doing */
    for (size_t i = 0; i < j->hazard_count; i++)
        if (j->hazards[i].rule == id && j->hazards[i].statement == j->number &&
            j->hazards[i].place.line == j->place.line && strcmp(j->hazards[i].object, object) == 0)
            return;
    judge_hazard *hazards = grown(j, j->hazards, j->hazard_count, &j->hazard_capacity, sizeof *hazards);
    const char *copy = arena_strdup(j->memory, object);
    if (!hazards || !copy) {
        j->out_of_memory = true;
        return;
    }
    j->hazards = hazards;
    j->hazards[j->hazard_count++] = (judge_hazard){.rule = id,
                                                   .statement = j->number,
                                                   .place = j->place,
                                                   .in_body = j->in_body,
                                                   .object = copy,
                                                   .rewrite = rewrite ? rewrite : r->safe};
}

void judging_lock(judging *j, judge_lock lock, const char *on)
{
    if (j->in_body || lock <= j->now->lock)
        return;
    j->now->lock = lock;
    j->now->lock_on = judging_printf(j, "%s", on);
}

const char *judging_schema(judging *j, tree range)
{
    char schema[128];
    tree_text(tree_get(range, "schemaname"), schema, sizeof schema);
    return judging_printf(j, "%s", schema[0] ? schema : "public");
}

void judging_builds_on(judging *j, tree range)
{
    char name[128];
    tree_text(tree_get(range, "relname"), name, sizeof name);
    j->now->builds.on_schema = judging_schema(j, range);
    j->now->builds.on_name = judging_printf(j, "%s", name);
}

void judging_fact(judging *j, fact_kind kind, const char *name, const char *extra)
{
    fact *facts = j->in_body ? NULL : grown(j, j->facts, j->fact_count, &j->fact_capacity, sizeof *facts);
    if (!facts)
        return;
    j->facts = facts;
    const char *said = judging_printf(j, "%s", name);
    j->facts[j->fact_count++] = (fact){.kind = kind,
                                       .name = said,
                                       .said = said,
                                       .extra = extra ? judging_printf(j, "%s", extra) : NULL,
                                       .statement = j->number,
                                       .place = j->place};
}

const fact *judging_find(const judging *j, fact_kind kind, const char *name)
{
    for (size_t i = j->fact_count; i-- > 0;)
        if (j->facts[i].kind == kind && strcmp(j->facts[i].name, name) == 0)
            return &j->facts[i];
    return NULL;
}

void judging_at(judging *j, const fact *f)
{
    j->number = f->statement;
    j->place = f->place;
}

/* The file's last word on a name, as far as the statements up to that one. NULL: it has none. */
static const fact *last_word(const judging *j, const char *table, uint32_t statement)
{
    for (size_t i = j->fact_count; i-- > 0;) {
        const fact *f = &j->facts[i];
        bool is_about = f->kind == FACT_CREATED || f->kind == FACT_RENAMED || f->kind == FACT_TAKEN;
        if (is_about && f->statement <= statement && strcmp(f->name, table) == 0)
            return f;
    }
    return NULL;
}

static bool is_new_by(const judging *j, const char *table, uint32_t statement)
{
    const fact *last = last_word(j, table, statement);
    return last && last->kind == FACT_CREATED;
}

bool judging_is_new(const judging *j, const char *table)
{
    return is_new_by(j, table, UINT32_MAX);
}

bool judging_was_new(const judging *j, const char *table, uint32_t statement)
{
    return is_new_by(j, table, statement - 1) || is_new_by(j, table, statement);
}

bool judging_is_free(judging *j, const char *what, const char *name)
{
    const fact *last = last_word(j, name, UINT32_MAX),
               *dropped = judging_find(j, FACT_DROPPED, judging_printf(j, "%s %s", what, name));
    if (last && dropped)
        return last->kind == FACT_RENAMED || dropped->statement >= last->statement;
    return dropped || (last && last->kind == FACT_RENAMED);
}

/* Who used it goes on using it, under whatever name. */
void judging_rename(judging *j, const char *from, const char *to)
{
    bool is_new = judging_is_new(j, from);
    judging_fact(j, FACT_RENAMED, from, NULL);
    judging_fact(j, is_new ? FACT_CREATED : FACT_TAKEN, to, NULL);
    judge_rename_types(j, from, to);
    judge_move_facts(j, from, to);
}

void judging_not_idempotent(judging *j, const char *object, const char *rewrite)
{
    if (j->in_body || j->is_guarded)
        return;
    j->now->is_idempotent = false;
    judging_hazard(j, JUDGE_NOT_IDEMPOTENT, object, rewrite);
}

/* What is dropped asks for an approval and is executed once, in the transaction that writes the ledger; without IF
 * EXISTS it fails loudly where it finds nothing. Outside of a transaction nothing keeps it from being met again. */
void judging_bare_drop(judging *j, const char *object, const char *rewrite)
{
    if (!j->now->verdict.in_transaction) {
        judging_not_idempotent(j, object, rewrite);
    } else if (!j->in_body && !j->is_guarded) {
        j->now->is_idempotent = false;
        judging_hazard(j, JUDGE_DROP_BARE, object, rewrite);
    }
}

void judging_needs(judging *j, int server, const char *what)
{
    if (j->server < server)
        judging_hazard(j, JUDGE_NEEDS_NEWER, what, judging_printf(j, "a server of version %d", server));
}

/* ---- rewrites ---- */

/* The word by itself, outside of quotes; NULL where it is not there. */
static const char *find_word(const char *text, const char *word)
{
    size_t length = strlen(word);
    char quote = '\0';
    for (const char *p = text; *p; p++) {
        bool starts = p == text || !(isalnum((unsigned char)p[-1]) || p[-1] == '_');
        if (quote)
            quote = *p == quote ? '\0' : quote;
        else if (*p == '\'' || *p == '"')
            quote = *p;
        else if (starts && strncasecmp(p, word, length) == 0 && !isalnum((unsigned char)p[length]) && p[length] != '_')
            return p + length;
    }
    return NULL;
}

const char *judging_insert(judging *j, const char *after, const char *words)
{
    const char *at = find_word(j->source, after);
    return at ? judging_printf(j, "%.*s %s%s", (int)(at - j->source), j->source, words, at) : NULL;
}

const char *judging_catch(judging *j, const char *condition)
{
    return judging_printf(j, "DO $$ BEGIN %s; EXCEPTION WHEN %s THEN NULL; END $$", j->source, condition);
}

const char *judging_if(judging *j, const char *condition)
{
    return judging_printf(j, "DO $$ BEGIN IF %s THEN %s; END IF; END $$", condition, j->source);
}

/* ---- one statement ---- */

/* The parser has cut the name already, so that only the source tells. */
static bool was_cut(const char *source, const char *name)
{
    size_t length = strlen(name);
    for (const char *p = source; (p = strcasestr(p, name)); p++)
        if (isalnum((unsigned char)p[length]) || p[length] == '_' || (unsigned char)p[length] >= 0x80)
            return true;
    return false;
}

static void check_names(judging *j, tree node)
{
    const char *end = tree_end(node);
    char key[64], name[128];
    tree value;
    for (const char *p = node.at; tree_next_key(p, end, key, sizeof key, &value); p = value.at) {
        if (*value.at != '"' || tree_end(value) - value.at != NAME_MOST + 2)
            continue;
        tree_text(value, name, sizeof name);
        if (was_cut(j->source, name))
            judging_hazard(j, JUDGE_NAME_TOO_LONG, name, NULL);
    }
}

/* Whatever the gate calls destructive has at least one hazard that says so. */
static void cover_destruction(judging *j, size_t hazards_before)
{
    const effect_verdict *v = &j->now->verdict;
    if (v->effect != EFFECT_DESTRUCTIVE)
        return;
    for (size_t i = hazards_before; i < j->hazard_count; i++)
        if (judge_rule_of(j->hazards[i].rule)->severity >= JUDGE_BREAKING && !j->hazards[i].in_body)
            return;
    bool is_opaque = strstr(v->why, "seen") != NULL || strstr(v->why, "not understood") != NULL;
    judging_hazard(j, is_opaque ? JUDGE_OPAQUE_CODE : JUDGE_DESTRUCTIVE, v->why, NULL);
}

void judging_statement(judging *j, tree node)
{
    char kind[64];
    tree s;
    if (!node.at || !tree_next_key(node.at, tree_end(node), kind, sizeof kind, &s))
        return;
    check_names(j, node);
    judge_lock_of(j, kind, s);
    if (judge_data_statement(j, kind, s))
        return;
    if (!j->in_body && strcmp(kind, "SelectStmt") != 0)
        j->now->is_ddl = true;
    if (strcmp(kind, "DoStmt") == 0 || strcmp(kind, "CreateFunctionStmt") == 0)
        judge_code(j, s, strcmp(kind, "DoStmt") == 0);
    if (!judge_table_statement(j, kind, s) && !judge_create_statement(j, kind, s))
        (void)judge_object_statement(j, kind, s); /* what nobody knows, the gate's verdict covers */
}

/* BEGIN and COMMIT are no change to the host at all. */
static int verdict_of(judging *j, const script_statement *s, effect_verdict *ret_verdict)
{
    lb_error why;
    int r = effect_of_statement(s->node, s->text, s->range.length, ret_verdict, &why);
    if (r < 0) {
        *ret_verdict = (effect_verdict){.effect = EFFECT_READ, .in_transaction = true, .statements = 1};
        judging_hazard(j, JUDGE_TRANSACTION_CONTROL, s->text, NULL);
    }
    return r;
}

/* By the statement's kind; how much it is the text does not show. */
static void weigh(judging *j)
{
    const judged *s = j->now;
    bool builds = s->builds.on_name && !judging_is_new(j, s->lock_on);
    if (s->rewrites)
        judging_hazard(j, JUDGE_REWRITE_ROOM, s->lock_on, NULL);
    if (s->rewrites || builds)
        judging_hazard(j, JUDGE_REPLICAS_LAG, s->lock_on, NULL);
}

/* Code that nobody can look into may have changed any of them. */
static void doubt_types(judging *j, size_t hazards_before)
{
    for (size_t i = hazards_before; i < j->hazard_count; i++)
        if (j->hazards[i].rule == JUDGE_OPAQUE_CODE && !j->hazards[i].in_body) {
            judge_forget_types(j, "");
            return;
        }
}

static void judge_one(judging *j, judged *into, const script_statement *s, uint32_t number)
{
    size_t before = j->hazard_count;
    *into = (judged){.source = s, .lock_on = "", .is_idempotent = true, .batch_rows = into->batch_rows};
    j->now = into;
    j->number = number;
    j->place = s->place;
    j->source = s->text;
    if (verdict_of(j, s, &into->verdict) < 0)
        return;
    judging_statement(j, s->node);
    weigh(j);
    cover_destruction(j, before);
    doubt_types(j, before);
}

/* ---- the file ---- */

/* The tree without the places where things stand. */
static void hash_meaning(const script *s, judged *items, char meaning[SHA256_TEXT])
{
    sha256 h, so_far;
    sha256_init(&h);
    for (size_t i = 0; i < s->count; i++) {
        const char *p = s->items[i].node.at, *end = p ? tree_end(s->items[i].node) : NULL;
        while (p && p < end) {
            const char *place = strstr(p, "\"location\":");
            size_t length = place && place < end ? (size_t)(place - p) : (size_t)(end - p);
            sha256_add(&h, p, length);
            p += length;
            if (p < end)
                p += strcspn(p, ",}");
        }
        sha256_add(&h, ";", 1);
        so_far = h;
        sha256_end_text(&so_far, items[i].meaning);
    }
    sha256_end_text(&h, meaning);
}

/* The finding says the place itself. */
static const char *without_place(const char *message, script_place place)
{
    char said[64];
    int length = snprintf(said, sizeof said, "line %u, column %u: ", place.line, place.column);
    return length > 0 && strncmp(message, said, (size_t)length) == 0 ? message + length : message;
}

static int take_syntax_error(judging *j, judgement *into, script_place place, lb_error *err)
{
    if (err->code != LB_ERR_INVALID && err->code != LB_ERR_LIMIT)
        return err->code;
    j->place = place.line ? place : (script_place){1, 1};
    judging_hazard(j, JUDGE_SYNTAX, without_place(err->message, place), NULL);
    *into = (judgement){.hazards = j->hazards, .hazard_count = j->hazard_count};
    return j->out_of_memory ? lb_out_of_memory(err) : 0;
}

int judge_file(const char *text, int server_major, arena *memory, judgement *ret_judgement, lb_error *err)
{
    return judge_file_where(text, server_major, NULL, memory, ret_judgement, err);
}

int judge_file_where(const char *text, int server_major, const judge_there *there, arena *memory,
                     judgement *ret_judgement, lb_error *err)
{
    judging j = {.memory = memory, .server = server_major, .there = there};
    script_place place;
    judge_placeholders(&j, text); /* the parser takes none of them for what it is */
    int r = script_parse(text, memory, &j.text, &place, err);
    if (r < 0)
        return take_syntax_error(&j, ret_judgement, place, err);
    judged *items = arena_alloc(memory, (j.text.count + 1) * sizeof *items);
    if (!items)
        return lb_out_of_memory(err);
    bool destroys = false;
    judge_batch_marks(&j, items);
    judge_know_types(&j);
    judge_know_parts(&j);
    for (size_t i = 0; i < j.text.count; i++) {
        judge_one(&j, &items[i], &j.text.items[i], (uint32_t)i + 1);
        destroys = destroys || items[i].verdict.effect == EFFECT_DESTRUCTIVE;
    }
    judgement done = {.items = items, .count = j.text.count, .destroys = destroys};
    judge_whole(&j, items, done.count);
    hash_meaning(&j.text, items, done.meaning);
    judge_validated(&j, &done);
    judge_types(&j, &done);
    done.hazards = j.hazards;
    done.hazard_count = j.hazard_count;
    *ret_judgement = done;
    return j.out_of_memory ? lb_out_of_memory(err) : 0;
}
