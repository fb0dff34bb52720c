/* Migrations, judged: what is known of a column's type before it gets another one, and what follows from that. */
#include "judge_case.h"

/* Where the file says so, or somebody has looked. Elsewhere a limit is told of with care. */
static void a_new_type_is_compared_with_the_one_before(void)
{
    static const char care[] = "is not known here", knows[] = "not every value of ";
    static const struct {
        const char *old, *new, *says; /* NULL: nothing is found */
    } all[] = {
        {NULL, "varchar(20)", care},
        {"varchar(10)", "varchar(20)", NULL},
        {"varchar(20)", "varchar(20)", NULL},
        {"varchar(30)", "varchar(20)", knows},
        {"text", "varchar(20)", knows},
        {"bpchar(3)", "varchar(3)", NULL},
        {"varchar(10)[]", "varchar(20)[]", NULL},
        {"varchar(10)", "varchar(20)[]", care},
        {"varchar(20)", "text", NULL},
        {"int8", "int4", knows},
        {"int2", "int4", NULL},
        {"int4", "smallint", knows},
        {"text", "int4", care},
        {"numeric(10,2)", "numeric(12, 2)", NULL},
        {"numeric(10,2)", "numeric(12, 4)", NULL},
        {"numeric(10,2)", "numeric(10, 4)", knows},
        {"numeric(10,2)", "numeric(12)", knows},
        {"numeric(10,-2)", "numeric(12)", NULL},
        {"numeric(10,0)", "numeric(10)", NULL},
        {"numeric", "numeric(10, 2)", knows},
        {"numeric", "bigint", knows},
        {"numeric(9,0)", "int", NULL},
        {"numeric(10,0)", "int", knows},
        {"int4", "numeric(10)", NULL},
        {"int4", "numeric(10, 2)", knows},
        {"int4", "real", knows},
        {"int2", "real", NULL},
        {"float8", "real", knows},
        {"int8", "double precision", knows},
        {"bit(3)", "bit(5)", knows},
        {"bit(3)", "varbit(3)", NULL},
        {"timestamp", "timestamp(3)", knows},
        {"timestamp(3)", "timestamptz(3)", NULL},
        {"timestamptz", "date", knows},
        {"date", "timestamp(0)", NULL},
        {"timetz", "time", knows},
        {"time", "time(2)", knows},
        {"interval(3)", "interval(3)", care},
        {"varchar(10)", "varchar(20) USING lower(a)", care},
        {"varchar(10)", "varchar(20) USING b", care},
        {"varchar(10)", "varchar(20) USING a::varchar(20)", NULL},
        {"varchar(10)", "varchar(20) USING a::varchar(5)", care},
    };
    for (size_t i = 0; i < LB_COUNT(all); i++) {
        const judge_column_type type = {"app.t.a", all[i].old};
        const judge_there there = {.types = &type, .type_count = 1};
        arena memory;
        judgement done = {0};
        lb_error err = {0};
        char text[160];
        arena_init(&memory, 0);
        (void)snprintf(text, sizeof text, "ALTER TABLE app.t ALTER COLUMN a TYPE %s", all[i].new);
        CU_ASSERT_EQUAL_FATAL(judge_file_where(text, 17, &there, &memory, &done, &err), 0);
        const judge_hazard *h = find(&done, "column-type-narrow");
        bool is_right = h && all[i].says ? strstr(h->rewrite, all[i].says) != NULL : !h && !all[i].says;
        if (!is_right)
            printf("\n    %s to %s: %s\n", all[i].old ? all[i].old : "(unknown)", all[i].new,
                   h ? h->rewrite : "nothing");
        CU_ASSERT(is_right);
        arena_done(&memory);
    }
}

/* How often a limit is told of, by what the file has done to the column before. */
static void what_the_file_makes_of_a_type_counts(void)
{
#define NARROWED "ALTER TABLE app.t ALTER COLUMN a TYPE varchar(20)"
    static const struct {
        const char *before;
        bool is_told, is_known;
    } all[] = {
        {"SELECT 1", false, false}, /* varchar(10) */
        {"ALTER TABLE app.t ALTER COLUMN a TYPE varchar(30)", true, true},
        {"ALTER TABLE app.t ALTER COLUMN b TYPE varchar(30)", false, false},
        {"ALTER TABLE app.t DROP COLUMN IF EXISTS a, ADD COLUMN a text", true, true},
        {"ALTER TABLE app.t DROP COLUMN IF EXISTS a; ALTER TABLE app.t ADD COLUMN IF NOT EXISTS a varchar(5)", true,
         false},
        {"ALTER TABLE app.t ADD COLUMN IF NOT EXISTS a text", false, false}, /* it is there */
        {"ALTER TABLE app.t RENAME COLUMN a TO x; ALTER TABLE app.t RENAME COLUMN b TO a", true, true},
        {"ALTER TABLE app.t RENAME TO t_old; ALTER TABLE app.u RENAME TO t", true, true},
        {"ALTER TABLE app.t RENAME TO t_old; ALTER TABLE app.v RENAME TO t", true, false},
        {"DO $$ BEGIN IF EXISTS (SELECT FROM app.t) THEN ALTER TABLE app.t ALTER COLUMN a TYPE varchar(15); END IF; "
         "END $$",
         true, false},
        {"DROP TABLE IF EXISTS app.t; ALTER TABLE app.v RENAME TO t", true, false},
        {"DROP TABLE IF EXISTS app.t", true, false},
        {"DROP SCHEMA IF EXISTS app CASCADE", true, false},
        {"DROP TABLE IF EXISTS app.tt; DROP SCHEMA IF EXISTS ap CASCADE", false, false},
        {"DO $$ BEGIN EXECUTE (SELECT x FROM app.texts); END $$", true, false},
    };
    static const judge_column_type types[] = {
        {"app.t.a", "varchar(10)"}, {"app.t.b", "varchar(25)"}, {"app.u.a", "varchar(30)"}};
    const judge_there there = {.types = types, .type_count = LB_COUNT(types)};
    for (size_t i = 0; i < LB_COUNT(all); i++) {
        arena memory;
        judgement done = {0};
        lb_error err = {0};
        char text[400];
        const judge_hazard *last = NULL;
        arena_init(&memory, 0);
        (void)snprintf(text, sizeof text, "%s; " NARROWED, all[i].before);
        CU_ASSERT_EQUAL_FATAL(judge_file_where(text, 17, &there, &memory, &done, &err), 0);
        for (size_t k = 0; k < done.hazard_count; k++)
            if (done.hazards[k].rule == JUDGE_COLUMN_TYPE_NARROW && done.hazards[k].statement == done.count)
                last = &done.hazards[k];
        bool is_known = last && strncmp(last->rewrite, "not every value of ", 19) == 0;
        if ((last != NULL) != all[i].is_told || is_known != all[i].is_known)
            printf("\n    %s: %s\n", text, last ? last->rewrite : "nothing");
        CU_ASSERT_EQUAL((last != NULL), all[i].is_told);
        CU_ASSERT_EQUAL(is_known, all[i].is_known);
        arena_done(&memory);
    }
}

/* The runner looks in public; elsewhere nobody knows which one is meant. */
static void a_table_without_a_schema_is_publics(void)
{
    static const judge_column_type types[] = {{"public.t.a", "varchar(10)"}};
    const judge_there there = {.types = types, .type_count = 1};
    static const struct {
        const char *text, *name;
        bool is_told;
    } all[] = {
        {"ALTER TABLE t ALTER COLUMN a TYPE varchar(20)", "public.t.a", false},
        {"ALTER TABLE public.t ALTER COLUMN a TYPE varchar(20)", "public.t.a", false},
        {"SET search_path TO app; ALTER TABLE t ALTER COLUMN a TYPE varchar(20)", "?.t.a", true},
    };
    for (size_t i = 0; i < LB_COUNT(all); i++) {
        arena memory;
        judgement done = {0};
        lb_error err = {0};
        arena_init(&memory, 0);
        CU_ASSERT_EQUAL_FATAL(judge_file_where(all[i].text, 17, &there, &memory, &done, &err), 0);
        CU_ASSERT_EQUAL((find(&done, "column-type-narrow") != NULL), all[i].is_told);
        CU_ASSERT_FATAL(done.type_count > 0);
        ASSERT_TEXT(done.types[done.type_count - 1].name, all[i].name);
        ASSERT_TEXT(done.types[done.type_count - 1].type, "varchar(20)");
        arena_done(&memory);
    }
}

/* Then the lock is all that is told of: neither a rewrite, nor its room, nor a loss. */
static void what_stays_as_it_is_stored_is_no_rewrite(void)
{
    static const struct {
        const char *old, *new;
        bool stays;
    } all[] = {
        {"varchar(10)", "varchar(20)", true},
        {"varchar(10)", "text", true},
        {"text", "varchar", true},
        {"text", "varchar(20)", false},
        {"varchar(20)", "varchar(10)", false},
        {"bpchar(3)", "char(5)", false},
        {"numeric(8,2)", "numeric(10,2)", true},
        {"numeric(8,2)", "numeric", true},
        {"numeric(8,2)", "numeric(12,4)", false},
        {"int4", "bigint", false},
        {"int4", "numeric", false},
        {"timestamp(3)", "timestamp", true},
        {"timestamp", "timestamptz", false},
        {"varbit(3)", "varbit(5)", true},
        {"bit(3)", "bit(3)", false},
        {"varchar(10)[]", "varchar(20)[]", false},
        {NULL, "text", false},
        {"varchar(10)", "varchar(20) COLLATE \"C\"", false},
        {"varchar(10)", "text USING lower(a)", false},
    };
    static const char *const alone[] = {"app.t.a"};
    for (size_t i = 0; i < LB_COUNT(all); i++) {
        const judge_column_type type = {"app.t.a", all[i].old};
        const judge_there there = {.types = &type, .type_count = 1, .alone = alone, .alone_count = 1};
        arena memory;
        judgement done = {0};
        lb_error err = {0};
        char text[160];
        arena_init(&memory, 0);
        (void)snprintf(text, sizeof text, "ALTER TABLE app.t ALTER COLUMN a TYPE %s", all[i].new);
        CU_ASSERT_EQUAL_FATAL(judge_file_where(text, 17, &there, &memory, &done, &err), 0);
        bool stays = find(&done, "column-type-stays") != NULL;
        if (stays != all[i].stays)
            printf("\n    %s to %s\n", all[i].old ? all[i].old : "(unknown)", all[i].new);
        CU_ASSERT_EQUAL(stays, all[i].stays);
        CU_ASSERT_EQUAL((find(&done, "column-type") == NULL), all[i].stays);
        CU_ASSERT_EQUAL((find(&done, "rewrite-needs-room") == NULL), all[i].stays);
        CU_ASSERT(done.items[0].rewrites == !all[i].stays && done.items[0].scans == !all[i].stays);
        arena_done(&memory);
    }
}

/* What rests on a column is known as it was before the file, and of columns that somebody has looked at. */
static void what_the_file_has_done_before_is_not_looked_into(void)
{
#define WIDENED "ALTER TABLE app.t ALTER COLUMN a TYPE varchar(20)"
    static const char *const others[] = {"ALTER TABLE app.t ADD CONSTRAINT k CHECK (a <> ''); " WIDENED,
                                         "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON app.t (lower(a)); " WIDENED,
                                         "DO $$ BEGIN " WIDENED "; END $$"};
    static const judge_column_type type = {"app.t.a", "varchar(10)"};
    static const char *const alone[] = {"app.t.b", "app.t.a"};
    judge_there there = {.types = &type, .type_count = 1, .alone = alone, .alone_count = 2};
    arena memory;
    judgement done = {0};
    lb_error err = {0};
    arena_init(&memory, 0);
    for (size_t i = 0; i < LB_COUNT(others); i++) {
        CU_ASSERT_EQUAL_FATAL(judge_file_where(others[i], 17, &there, &memory, &done, &err), 0);
        CU_ASSERT(find(&done, "column-type") && !find(&done, "column-type-stays"));
    }
    CU_ASSERT_EQUAL_FATAL(judge_file_where(WIDENED, 17, &there, &memory, &done, &err), 0);
    CU_ASSERT(find(&done, "column-type-stays") && !find(&done, "column-type"));
    there.alone_count = 1;
    CU_ASSERT_EQUAL_FATAL(judge_file_where(WIDENED, 17, &there, &memory, &done, &err), 0);
    CU_ASSERT(find(&done, "column-type") && !find(&done, "column-type-stays"));
    arena_done(&memory);
}

static void a_proof_of_the_catalogue_spares_the_reading(void)
{
    static const struct {
        const char *text;
        bool scans;
    } all[] = {
        {"ALTER TABLE app.t ALTER COLUMN a SET NOT NULL", false},
        {"ALTER TABLE app.t ALTER COLUMN a SET NOT NULL, DROP CONSTRAINT IF EXISTS a_there", false},
        {"ALTER TABLE app.t ALTER COLUMN b SET NOT NULL", true},
        {"ALTER TABLE app.t DROP CONSTRAINT IF EXISTS a_there; ALTER TABLE app.t ALTER COLUMN a SET NOT NULL", true},
        {"ALTER TABLE app.t RENAME TO u; ALTER TABLE app.v RENAME TO t; ALTER TABLE app.t ALTER COLUMN a SET NOT NULL",
         true},
    };
    static const judge_proof proof = {"app.t.a", "app.t.a_there"};
    const judge_there there = {.proofs = &proof, .proof_count = 1};
    for (size_t i = 0; i < LB_COUNT(all); i++) {
        arena memory;
        judgement done = {0};
        lb_error err = {0};
        arena_init(&memory, 0);
        CU_ASSERT_EQUAL_FATAL(judge_file_where(all[i].text, 17, &there, &memory, &done, &err), 0);
        CU_ASSERT_EQUAL((find(&done, "set-not-null") != NULL), all[i].scans);
        CU_ASSERT_EQUAL(done.items[done.count - 1].scans, all[i].scans);
        arena_done(&memory);
    }
}

SUITE(judge_types, TEST(what_stays_as_it_is_stored_is_no_rewrite),
      TEST(what_the_file_has_done_before_is_not_looked_into), TEST(a_proof_of_the_catalogue_spares_the_reading),
      TEST(a_new_type_is_compared_with_the_one_before), TEST(what_the_file_makes_of_a_type_counts),
      TEST(a_table_without_a_schema_is_publics))
