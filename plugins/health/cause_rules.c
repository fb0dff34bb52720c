#include "cause_rules.h"

#include <math.h>
#include <string.h>

const cause_rule cause_rules[CAUSES] = {
    [CAUSE_LOCK_CHAIN] = {"lock_chain",
                          "sessions wait behind one",
                          "lock_wait_time slow_query_time connection_utilization",
                          {{"one_root_is_named", 0.35},
                           {"somebody_waits_for_long", 0.35},
                           {"the_root_does_no_work", 0.15},
                           {"many_are_behind_it", 0.15}},
                          "the waits end when the root commits or is cancelled",
                          "a queued exclusive lock (DDL) makes readers wait though the root holds but a weak one",
                          "ask the owner of the root session to end its transaction, or end the session"},
    [CAUSE_IDLE_IN_TRANSACTION] = {"idle_in_transaction",
                                   "a session idles in a transaction",
                                   "dead_tuple_ratio txid_age lock_wait_time connection_utilization",
                                   {{"idle_for_long", 0.45},
                                    {"holds_locks_or_rows", 0.35},
                                    {"dead_rows_pile_up", 0.1},
                                    {"others_wait_for_it", 0.1}},
                                   "VACUUM (VERBOSE) removes the dead rows once the session is gone",
                                   "a client that waits for its user, or lost its way after an error",
                                   "mend the client that left it open, or end the session"},
    [CAUSE_LONG_TRANSACTION] = {"long_transaction",
                                "a transaction is open for long",
                                "dead_tuple_ratio txid_age",
                                {{"open_for_long", 0.45},
                                 {"keeps_old_rows", 0.35},
                                 {"dead_rows_pile_up", 0.1},
                                 {"nobody_is_connected_to_it", 0.1}},
                                "the horizon (age of backend_xmin) moves on when it ends",
                                "a report or a dump that is meant to take so long",
                                "let it end, cancel it, or resolve the prepared transaction"},
    [CAUSE_CONNECTION_STORM] = {"connection_storm",
                                "connections run out",
                                "connection_utilization",
                                {{"slots_are_taken", 0.45},
                                 {"one_client_has_most", 0.25},
                                 {"most_of_them_idle", 0.15},
                                 {"they_came_quickly", 0.15}},
                                "the client named has more sessions than its pool should hold",
                                "slow statements or lock waits make each request hold its connection for longer",
                                "lower the client's pool, put a pooler in between, or end idle sessions"},
    [CAUSE_AUTOVACUUM_OFF] = {"autovacuum_off",
                              "autovacuum is switched off",
                              "dead_tuple_ratio txid_age slow_query_time",
                              {{"it_is_off", 0.45},
                               {"tables_are_past_their_trigger", 0.3},
                               {"statistics_are_overdue", 0.2},
                               {"counting_is_off_too", 0.05}},
                              "dead rows fall within minutes once it is on",
                              "it was switched off for a load, and is to come back",
                              "switch it on again"},
    [CAUSE_DEAD_TUPLES] = {"dead_tuples",
                           "dead rows pile up",
                           "dead_tuple_ratio slow_query_time cache_hit_ratio",
                           {{"share_of_dead_rows", 0.4},
                            {"many_dead_rows", 0.25},
                            {"past_the_vacuum_trigger", 0.2},
                            {"nothing_holds_them", 0.1}},
                           "VACUUM removes them and the share falls",
                           "a transaction, a slot or a standby keeps them: then VACUUM frees nothing",
                           "vacuum the table; lower its scale factor if it comes again"},
    [CAUSE_STALE_STATISTICS] = {"stale_statistics",
                                "the planner's statistics are old",
                                "slow_query_time",
                                {{"rows_changed_since", 0.5},
                                 {"past_the_analyze_trigger", 0.2},
                                 {"never_analyzed", 0.2},
                                 {"a_large_table", 0.1}},
                                "EXPLAIN (ANALYZE) shows rows far from the estimate, and near it after ANALYZE",
                                "a skewed or correlated column that no statistics of this size describe",
                                "analyze the table"},
    [CAUSE_DROPPED_INDEX] = {"dropped_index",
                             "an index is gone",
                             "slow_query_time cache_hit_ratio",
                             {{"an_index_is_gone", 0.4},
                              {"its_table_is_read_whole", 0.35},
                              {"it_had_been_used", 0.15},
                              {"a_change_says_so", 0.1}},
                             "EXPLAIN of the slow statement uses the index once it is back",
                             "another index, or a plan that would have been chosen in any case",
                             "make the index again"},
    [CAUSE_CACHE_COLLAPSE] = {"cache_collapse",
                              "the cache no longer holds what is read",
                              "cache_hit_ratio slow_query_time",
                              {{"hits_are_few", 0.35},
                               {"they_were_more_before", 0.35},
                               {"one_table_is_read", 0.2},
                               {"more_data_than_cache", 0.1}},
                              "the hit ratio comes back when the statement that reads the table named ends",
                              "a cold cache after a start, or a dump that reads everything once",
                              "find the statement that reads so much; a larger compute if the working set has grown"},
    [CAUSE_DEADLOCKS] =
        {"deadlocks",
         "transactions lock each other out",
         "deadlocks_per_hour",
         {{"they_were_counted", 0.6}, {"so_many_an_hour", 0.2}, {"rollbacks_rose", 0.15}, {"sessions_wait_now", 0.05}},
         "the server's log names both statements",
         "one batch that is repeated after each failure",
         "lock rows in one order everywhere, and keep transactions short"},
    [CAUSE_REPLICATION_LAG] =
        {"replication_lag",
         "a standby is behind",
         "replication_lag",
         {{"bytes_behind", 0.45}, {"one_step_is_the_slow_one", 0.25}, {"seconds_behind", 0.2}, {"it_still_grows", 0.1}},
         "the step named (sending, writing, replay) catches up when its resource is free",
         "a query on the standby that replay waits for, or a burst that will pass",
         "look at the standby: its disk, its network, its longest query, whether replay is paused"},
    [CAUSE_STUCK_SLOT] =
        {"stuck_slot",
         "nobody reads a replication slot",
         "replication_lag dead_tuple_ratio txid_age",
         {{"nobody_reads_it", 0.35}, {"it_keeps_wal", 0.4}, {"it_stood_still", 0.15}, {"more_than_max_wal_size", 0.1}},
         "WAL is removed at the next checkpoint after the slot has moved on or is dropped",
         "a consumer that is being restarted",
         "bring its consumer back, or drop the slot if nobody needs it any more"},
    [CAUSE_LOST_SLOT] = {"lost_slot",
                         "the server gives a replication slot up",
                         "replication_lag",
                         {{"its_wal_is_gone_or_nearly", 0.6},
                          {"it_is_lost", 0.2},
                          {"nobody_reads_it", 0.1},
                          {"less_is_left_than_before", 0.1}},
                         "pg_replication_slots: safe_wal_size falls below zero, then wal_status says lost",
                         "a burst of writes that its reader is about to catch up with",
                         "near its end: speed its reader up or give it more room, where the disk has that; lost: drop "
                         "it, and set what reads it up anew"},
    [CAUSE_CHECKPOINT_PRESSURE] = {"checkpoint_pressure",
                                   "WAL forces checkpoints",
                                   "slow_query_time",
                                   {{"most_are_forced", 0.45},
                                    {"they_are_many", 0.25},
                                    {"wal_outgrows_max_wal_size", 0.2},
                                    {"full_pages_fill_the_wal", 0.1}},
                                   "checkpoints are timed ones again once max_wal_size holds the WAL of one timeout",
                                   "somebody runs CHECKPOINT, or takes base backups",
                                   "raise max_wal_size"},
    [CAUSE_WRAPAROUND_AGE] =
        {"wraparound_age",
         "transaction ids run out",
         "txid_age",
         {{"its_age", 0.55}, {"past_the_freeze_limit", 0.2}, {"somebody_holds_it", 0.15}, {"autovacuum_is_off", 0.1}},
         "the age falls after the oldest tables are vacuumed",
         "the aggressive vacuum is under way and the age is about to fall",
         "end what holds the horizon, then vacuum the oldest tables"},
    [CAUSE_TEMP_SPILL] = {"temp_spill",
                          "sorts and hashes spill to disk",
                          "slow_query_time",
                          {{"bytes_spilled", 0.5},
                           {"in_many_files", 0.25},
                           {"files_larger_than_work_mem", 0.15},
                           {"a_statement_is_known", 0.1}},
                          "EXPLAIN (ANALYZE, BUFFERS) of the statement shows temp written",
                          "an index build, or a report that is meant to sort so much",
                          "give the role or the statement more work_mem, or an index that brings the order"},
    [CAUSE_PLAN_CHANGED] =
        {"plan_changed",
         "a statement has another plan",
         "slow_query_time cache_hit_ratio",
         {{"more_blocks_a_call", 0.35}, {"slower_a_call", 0.25}, {"something_changed", 0.2}, {"history_agrees", 0.2}},
         "EXPLAIN (ANALYZE, BUFFERS) of it with real values, beside what it was: the change named is undone, or "
         "ANALYZE run",
         "values of its parameters for which there is more to read, or rows that an aggregate counts and does not "
         "return",
         "take back what changed, analyze its tables, or raise the statistics of the columns that it asks by"},
    [CAUSE_LIGHT_LOCKS] =
        {"light_locks",
         "most of those at work wait for the server's own short locks",
         "slow_query_time",
         {{"most_of_them_wait", 0.5}, {"look_after_look", 0.25}, {"for_one_lock", 0.15}, {"many_are_at_work", 0.1}},
         "the share falls, and no less is done, when fewer sessions are at work at a time",
         "a burst that is over in seconds, or a slow disk on which a holder of the lock waits",
         "let fewer sessions work at a time: a smaller pool, or a pooler in between"},
    [CAUSE_NEW_STATEMENTS] = {"new_statements",
                              "a release has brought statements",
                              "slow_query_time cache_hit_ratio",
                              {{"they_take_much", 0.35},
                               {"none_was_there_before", 0.3},
                               {"something_stands_near", 0.2},
                               {"they_are_several", 0.15}},
                              "the time that statements take falls to what it was when the release is taken back",
                              "a job that runs seldom, somebody who tries the load out, or statements that are written "
                              "anew for the same work",
                              "take the release back, or mend the statements named: an index, fewer rows, fewer calls"},
};

/* Who explains whom. */
typedef enum tie { SAME_SESSION, SAME_TABLE, SAME_OBJECT, KEEPS_ROWS, HOLDS_UP_MANY, SPILLS } tie;

static const struct {
    cause_id cause, effect;
    tie tie;
} edges[] = {
    {CAUSE_LOCK_CHAIN, CAUSE_IDLE_IN_TRANSACTION, SAME_SESSION},
    {CAUSE_LOCK_CHAIN, CAUSE_LONG_TRANSACTION, SAME_SESSION},
    {CAUSE_LOCK_CHAIN, CAUSE_CONNECTION_STORM, HOLDS_UP_MANY},
    {CAUSE_IDLE_IN_TRANSACTION, CAUSE_DEAD_TUPLES, KEEPS_ROWS},
    {CAUSE_IDLE_IN_TRANSACTION, CAUSE_WRAPAROUND_AGE, KEEPS_ROWS},
    {CAUSE_LONG_TRANSACTION, CAUSE_DEAD_TUPLES, KEEPS_ROWS},
    {CAUSE_LONG_TRANSACTION, CAUSE_WRAPAROUND_AGE, KEEPS_ROWS},
    {CAUSE_STUCK_SLOT, CAUSE_DEAD_TUPLES, KEEPS_ROWS},
    {CAUSE_STUCK_SLOT, CAUSE_WRAPAROUND_AGE, KEEPS_ROWS},
    {CAUSE_STUCK_SLOT, CAUSE_LOST_SLOT, SAME_OBJECT},
    {CAUSE_AUTOVACUUM_OFF, CAUSE_DEAD_TUPLES, SAME_TABLE},
    {CAUSE_AUTOVACUUM_OFF, CAUSE_STALE_STATISTICS, SAME_TABLE},
    {CAUSE_DROPPED_INDEX, CAUSE_CACHE_COLLAPSE, SAME_TABLE},
    {CAUSE_DROPPED_INDEX, CAUSE_PLAN_CHANGED, SAME_TABLE},
    {CAUSE_STALE_STATISTICS, CAUSE_PLAN_CHANGED, SAME_TABLE},
    {CAUSE_DEAD_TUPLES, CAUSE_PLAN_CHANGED, SAME_TABLE}, /* more blocks, and the plan may be the old one */
    {CAUSE_PLAN_CHANGED, CAUSE_CACHE_COLLAPSE, SAME_TABLE},
    {CAUSE_NEW_STATEMENTS, CAUSE_CACHE_COLLAPSE, SAME_TABLE},
    {CAUSE_NEW_STATEMENTS, CAUSE_TEMP_SPILL, SPILLS},
};

cause_id cause_named(const char *kind)
{
    for (cause_id id = 0; id < CAUSES; id++)
        if (strcmp(cause_rules[id].kind, kind) == 0)
            return id;
    return CAUSES;
}

bool cause_needs_interval(cause_id id)
{
    return id == CAUSE_DROPPED_INDEX || id == CAUSE_CACHE_COLLAPSE || id == CAUSE_DEADLOCKS || id == CAUSE_TEMP_SPILL ||
           id == CAUSE_CHECKPOINT_PRESSURE || id == CAUSE_PLAN_CHANGED || id == CAUSE_NEW_STATEMENTS;
}

bool cause_has_word(const char *list, const char *word)
{
    size_t length = word ? strlen(word) : 0;
    const char *at = list;
    while (length && at && (at = strstr(at, word))) {
        bool is_whole = (at == list || at[-1] == ' ') && (at[length] == ' ' || !at[length]);
        if (is_whole)
            return true;
        at += length;
    }
    return false;
}

bool cause_drives(cause_id id, const char *metric)
{
    return cause_has_word(cause_rules[id].metrics, metric);
}

double cause_ramp(double value, double lower, double upper)
{
    if (!(value >= lower))
        return 0;
    if (value >= upper || upper <= lower)
        return 1;
    return 0.6 + 0.4 * (value - lower) / (upper - lower);
}

double cause_times(double now, double now_calls, double before, double before_calls)
{
    double was = before_calls > 0 ? before / before_calls : 0;
    return now_calls > 0 && was > 0 ? now / now_calls / was : 0;
}

bool cause_plan_jumped(const cause_load *before, const cause_load *now)
{
    const double least_blocks = 50,
                 most_rows = 1.5; /* of a call: below that many blocks a plan is hardly worth a word */
    if (before->calls < CAUSE_MIN_CALLS || now->calls < CAUSE_MIN_CALLS)
        return false;
    double rows_were = before->rows / before->calls, rows_are = now->rows / now->calls;
    double blocks_were = before->blocks / before->calls, blocks_are = now->blocks / now->calls;
    return blocks_are >= blocks_were + least_blocks && blocks_are >= CAUSE_MORE_BLOCKS * blocks_were &&
           cause_times(now->ms, now->calls, before->ms, before->calls) >= CAUSE_SLOWER &&
           rows_are <= most_rows * rows_were + 1;
}

bool cause_is_release(const cause_arrival *arrival, double min_load)
{
    return arrival->count >= CAUSE_ARRIVALS && arrival->together >= 0.5 && arrival->share >= CAUSE_NEW_SHARE &&
           arrival->load >= min_load;
}

double cause_score(const cause_case *c)
{
    double sum = 0;
    for (size_t i = 0; i < CAUSE_SYMPTOMS; i++)
        sum += c->strength[i] > 0 ? c->strength[i] * cause_rules[c->id].symptoms[i].points : 0;
    return sum < 1 ? sum : 1;
}

/* What is at work everywhere is tied to every table. */
static bool same_table(const cause_case *a, const cause_case *b)
{
    const char *table = b->about ? b->about : b->object;
    return strcmp(a->object, "server") == 0 || strcmp(a->object, table) == 0 ||
           (a->about && strcmp(a->about, table) == 0);
}

static bool is_tied(const cause_case *cause, const cause_case *effect, tie how)
{
    switch (how) {
    case SAME_SESSION:
        return cause->pid && cause->pid == effect->pid;
    case SAME_TABLE:
        return same_table(cause, effect);
    case SAME_OBJECT:
        return strcmp(cause->object, effect->object) == 0;
    case KEEPS_ROWS:
        return cause->keeps_rows;
    case HOLDS_UP_MANY:
        return cause->holds_up_many;
    case SPILLS:
        return cause->spills;
    }
    return false;
}

/* The strongest of those that explain it. The edges hold no ring, so neither does what comes out. */
static size_t explained_by(const cause_case *cases, size_t count, size_t effect)
{
    size_t best = CAUSE_NONE;
    for (size_t i = 0; i < count; i++)
        for (size_t e = 0; e < sizeof edges / sizeof *edges; e++)
            if (i != effect && edges[e].cause == cases[i].id && edges[e].effect == cases[effect].id &&
                is_tied(&cases[i], &cases[effect], edges[e].tie) &&
                (best == CAUSE_NONE || cases[i].score > cases[best].score))
                best = i;
    return best;
}

/* Ties each effect to its cause, and lets a cause fit what its effects fit. */
static void tie_together(cause_case *cases, size_t count, const char *metric)
{
    for (size_t i = 0; i < count; i++)
        cases[i].fits = cause_drives(cases[i].id, metric);
    for (size_t i = 0; i < count; i++) {
        cases[i].because_of = explained_by(cases, count, i);
        if (cases[i].because_of != CAUSE_NONE && cases[i].fits)
            cases[cases[i].because_of].fits = true;
    }
}

static bool is_waited_for(const cause_case *c)
{
    return c->id == CAUSE_LOCK_CHAIN || (c->id == CAUSE_IDLE_IN_TRANSACTION && c->strength[3] > 0);
}

/* People who wait cannot; a setting that has stood for long can stand for as long as that takes. */
static void weigh(cause_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cases[i].weight = cases[i].score;
        for (size_t j = 0; j < count && cases[i].id == CAUSE_AUTOVACUUM_OFF; j++)
            if (is_waited_for(&cases[j]) && cases[j].because_of == CAUSE_NONE && cases[j].fits == cases[i].fits)
                cases[i].weight = fmin(cases[i].weight, cases[j].score - 1e-6);
    }
}

static int order(const cause_case *a, const cause_case *b)
{
    bool a_follows = a->because_of != CAUSE_NONE, b_follows = b->because_of != CAUSE_NONE;
    if (a->fits != b->fits)
        return a->fits ? -1 : 1;
    if (a_follows != b_follows)
        return a_follows ? 1 : -1;
    if (a->weight > b->weight || a->weight < b->weight)
        return a->weight > b->weight ? -1 : 1;
    return a->id != b->id ? (int)a->id - (int)b->id : strcmp(a->object, b->object);
}

static void sort(cause_case *cases, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        const cause_case moving = cases[i];
        size_t at = i;
        for (; at && order(&moving, &cases[at - 1]) < 0; at--)
            cases[at] = cases[at - 1];
        cases[at] = moving;
    }
}

size_t cause_rank(cause_case *cases, size_t count, const char *metric)
{
    size_t left = 0;
    int rank = 0;
    for (size_t i = 0; i < count; i++) {
        cases[i].score = cause_score(&cases[i]);
        if (cases[i].score >= CAUSE_ENOUGH - 1e-9)
            cases[left++] = cases[i];
    }
    tie_together(cases, left, metric);
    weigh(cases, left);
    sort(cases, left);
    for (size_t i = 0; i < left; i++)
        cases[i].because_of = explained_by(cases, left, i); /* where that stands now */
    for (size_t i = 0; i < left; i++)
        cases[i].rank = cases[i].because_of == CAUSE_NONE ? ++rank : 0;
    return left;
}
