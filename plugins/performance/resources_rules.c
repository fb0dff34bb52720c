#include "resources_rules.h"

#include <math.h>

#define MB 1048576.0
#define GB 1073741824.0

/* Thresholds: files and bytes that spill in an hour, forced checkpoints of all, rows that a transaction reads. */
#define SPILL_FILES  5.0
#define SPILL_BYTES  GB
#define FORCED_RATIO 0.3
#define FORCED_LEAST 10
#define ROWS_MIXED   100.0
#define ROWS_ANALYSE 1000.0
#define NOTICEABLE   1.5 /* times off, below which nothing is changed */

const char *const resources_names[RESOURCES_WISHES] = {
    "work_mem", "maintenance_work_mem", "effective_cache_size",      "random_page_cost",
    "jit",      "max_wal_size",         "default_statistics_target", "idle_in_transaction_session_timeout",
};

/* Rows that an index led to were asked for. Those that a sequential scan has read may be a report, or a lookup that
 * lacks its index: nobody can tell them apart by how many they are. */
resources_profile resources_profile_of(const char *name, double min_hours, const resources_facts_row *facts)
{
    if (strcmp(name, "auto") != 0)
        return strcmp(name, "oltp") == 0    ? RESOURCES_OLTP
               : strcmp(name, "mixed") == 0 ? RESOURCES_MIXED
                                            : RESOURCES_ANALYTICS;
    if (facts->commits <= 0 || facts->counted_hours < min_hours)
        return RESOURCES_UNKNOWN;
    double commits = (double)facts->commits, fetched = (double)facts->rows_fetched / commits;
    if (fetched > ROWS_ANALYSE)
        return RESOURCES_ANALYTICS;
    if ((double)facts->rows_returned / commits > ROWS_ANALYSE)
        return RESOURCES_UNKNOWN;
    return fetched > ROWS_MIXED ? RESOURCES_MIXED : RESOURCES_OLTP;
}

const char *resources_profile_name(resources_profile profile)
{
    static const char *const names[] = {"unknown", "oltp", "mixed", "analytics"};
    return names[profile];
}

static resources_wish bytes_wish(lb_ctx *ctx, const char *name, double bytes, const char *reason)
{
    double mb = fmax(floor(bytes / MB), 1);
    return (resources_wish){name, mb * MB, lb_printf(ctx, "%.0fMB", mb), reason};
}

static double power_of_two(double mb)
{
    return exp2(ceil(log2(fmax(mb, 1)))) * MB;
}

double resources_hours(const char *name, const resources_past *past)
{
    return strcmp(name, "work_mem") == 0       ? past->spill_hours
           : strcmp(name, "max_wal_size") == 0 ? fmin(past->checkpoint_hours, past->wal_hours)
                                               : -1;
}

static double share_of(int64_t own, int64_t all)
{
    return all > 0 ? fmin((double)own / (double)all, 1) : 0;
}

/* Sorts and hashes that spill: as much as such a file takes, as far as a quarter of the memory serves all sessions of
 * the busiest moment. The past has the files of all databases: this one's share of them is as the server counts it. */
static resources_wish judge_work_mem(lb_ctx *ctx, double now, const resources_facts_row *f, const resources_past *past,
                                     int64_t memory)
{
    double hours = fmax(past->spill_hours, 1), sessions = fmax(fmax(past->active, (double)f->active), 4);
    double files = past->temp_files * share_of(f->temp_files, f->server_temp_files) / hours;
    double bytes = past->temp_bytes * share_of(f->temp_bytes, f->server_temp_bytes) / hours;
    double file = files > 0 ? bytes / files : 0;
    double most = memory > 0 ? (double)memory / 4 / sessions : 64 * MB;
    double wanted = fmin(power_of_two(1.2 * file / MB), most);
    if (files <= SPILL_FILES || bytes <= SPILL_BYTES || wanted < NOTICEABLE * now)
        return (resources_wish){.name = "work_mem"};
    return bytes_wish(ctx, "work_mem", wanted,
                      lb_printf(ctx, "%.0f sorts and hashes spill %.0f MB in an hour, %.0f MB each, in %.0f hours",
                                files, bytes / MB, file / MB, past->spill_hours));
}

static resources_wish judge_maintenance(lb_ctx *ctx, double now, int64_t memory)
{
    double wanted = fmin((double)memory / 16, GB);
    if (memory <= 0 || wanted < 2 * now)
        return (resources_wish){.name = "maintenance_work_mem"};
    return bytes_wish(
        ctx, "maintenance_work_mem", wanted,
        lb_printf(ctx, "index builds and vacuums may take a sixteenth of the %.0f MB of memory", (double)memory / MB));
}

static resources_wish judge_cache_size(lb_ctx *ctx, double now, int64_t memory)
{
    double wanted = 0.75 * (double)memory;
    if (memory <= 0 || (wanted < 2 * now && now < 2 * wanted))
        return (resources_wish){.name = "effective_cache_size"};
    return bytes_wish(ctx, "effective_cache_size", wanted,
                      lb_printf(ctx, "the planner takes the cache for %.0f MB, and the memory is %.0f MB", now / MB,
                                (double)memory / MB));
}

static resources_wish judge_random_page(lb_ctx *ctx, double now, const resources_facts_row *f)
{
    double all = (double)(f->blocks_hit + f->blocks_read), hit = all > 0 ? (double)f->blocks_hit / all : 0;
    if (now < 3 || all < 10000 || hit < 0.95)
        return (resources_wish){.name = "random_page_cost"};
    return (resources_wish){"random_page_cost", 1.1, "1.1",
                            lb_printf(ctx,
                                      "%.1f %% of the blocks come from the cache: a page that is looked up costs "
                                      "hardly more than the next one",
                                      100 * hit)};
}

/* Compiling costs more than short statements take. */
static resources_wish judge_jit(double now, resources_profile profile)
{
    if (now < 1 || profile != RESOURCES_OLTP)
        return (resources_wish){.name = "jit"};
    return (resources_wish){"jit", 0, "off", "statements are short: compiling them costs more than it saves"};
}

/* The server counts a checkpoint that somebody asked for, by CHECKPOINT or for a base backup, with those that WAL
 * forces. WAL does so each time that half of max_wal_size or more was written, so that what was written says how many.
 */
static double most_forced(double max_wal_size, const resources_past *past)
{
    return max_wal_size > 0 ? fmin(past->checkpoints_requested, floor(2 * past->wal_bytes / max_wal_size)) : 0;
}

static resources_wish judge_wal(lb_ctx *ctx, double now, const resources_past *past)
{
    double forced = most_forced(now, past), all = past->checkpoints_timed + past->checkpoints_requested;
    if (forced < FORCED_LEAST || forced < FORCED_RATIO * all)
        return (resources_wish){.name = "max_wal_size"};
    return bytes_wish(ctx, "max_wal_size", 2 * now,
                      lb_printf(ctx,
                                "%.0f of %.0f checkpoints in %.0f hours of its present value were forced by the "
                                "amount of WAL, as far as %.0f MB of it tell",
                                forced, all, past->checkpoint_hours, past->wal_bytes / MB));
}

static resources_wish judge_statistics(double now, resources_profile profile)
{
    if (profile != RESOURCES_ANALYTICS || now >= 500)
        return (resources_wish){.name = "default_statistics_target"};
    return (resources_wish){"default_statistics_target", 500, "500",
                            "large reports are planned from samples: larger ones make better plans"};
}

static resources_wish judge_idle(double now)
{
    if (now > 0)
        return (resources_wish){.name = "idle_in_transaction_session_timeout"};
    return (resources_wish){"idle_in_transaction_session_timeout", 60000, "60s",
                            "sessions may idle in a transaction for ever, which holds back every vacuum"};
}

resources_wish resources_judge(lb_ctx *ctx, const char *name, double amount, const resources_facts_row *facts,
                               const resources_past *past, resources_profile profile, int64_t memory)
{
    if (strcmp(name, "work_mem") == 0)
        return judge_work_mem(ctx, amount, facts, past, memory);
    if (strcmp(name, "maintenance_work_mem") == 0)
        return judge_maintenance(ctx, amount, memory);
    if (strcmp(name, "effective_cache_size") == 0)
        return judge_cache_size(ctx, amount, memory);
    if (strcmp(name, "random_page_cost") == 0)
        return judge_random_page(ctx, amount, facts);
    if (strcmp(name, "jit") == 0)
        return judge_jit(amount, profile);
    if (strcmp(name, "max_wal_size") == 0)
        return judge_wal(ctx, amount, past);
    if (strcmp(name, "default_statistics_target") == 0)
        return judge_statistics(amount, profile);
    return judge_idle(amount);
}

const char *const resources_timeouts[RESOURCES_TIMEOUTS] = {"statement_timeout", "lock_timeout", "transaction_timeout"};

static resources_wish advise_statement(resources_profile profile)
{
    if (profile == RESOURCES_OLTP)
        return (resources_wish){"statement_timeout", 60000, "60s",
                                "a statement may run for ever, and here they are short: set it for the application's "
                                "role, not for the one that migrates or reports"};
    if (profile == RESOURCES_MIXED)
        return (resources_wish){"statement_timeout", 600000, "10min",
                                "a statement may run for ever: set it for the application's role, as long as its "
                                "longest report takes"};
    if (profile == RESOURCES_UNKNOWN)
        return (resources_wish){.name = "statement_timeout"};
    return (resources_wish){"statement_timeout", 7200000, "2h",
                            "a report that was forgotten runs for ever, and holds its snapshot for as long"};
}

static resources_wish advise_transaction(resources_profile profile)
{
    bool is_short = profile == RESOURCES_OLTP;
    if (profile == RESOURCES_ANALYTICS || profile == RESOURCES_UNKNOWN)
        return (resources_wish){.name = "transaction_timeout"}; /* a load may take as long as it takes */
    return (resources_wish){
        "transaction_timeout", is_short ? 300000 : 3600000, is_short ? "5min" : "1h",
        "a transaction may stay open for ever, statement by statement, and holds every vacuum back: "
        "set it for the application's role"};
}

resources_wish resources_advise(const char *name, double amount, resources_profile profile)
{
    if (amount <= 0 && strcmp(name, "statement_timeout") == 0)
        return advise_statement(profile);
    if (amount <= 0 && strcmp(name, "transaction_timeout") == 0)
        return advise_transaction(profile);
    if (amount <= 0 && strcmp(name, "lock_timeout") == 0)
        return (resources_wish){"lock_timeout", 5000, "5s",
                                "who waits for a lock makes all others wait that come after: set it for the roles that "
                                "alter tables, which then try again"};
    return (resources_wish){.name = name};
}
