/* The way back from what a migration loses: a branch as it was before. */
#include "migration_keep.h"

#include <ctype.h>

#define KIND       "backup"
#define WORDS_MOST 40 /* of the file's name, in the branch's */
#define SUM_DIGITS 8

#define ALWAYS_HINT "with keep_before=auto it goes on without a way back, and says so"

static bool loses(const migration_file *file, uint32_t first, uint32_t last)
{
    for (size_t i = 0; i < file->judged.hazard_count; i++) {
        const judge_hazard *h = &file->judged.hazards[i];
        if (judge_rule_of(h->rule)->severity >= JUDGE_DATA_LOSS && !h->in_body && h->statement >= first &&
            h->statement <= last)
            return true;
    }
    return false;
}

/* A throwaway branch has its parent, and nothing can be made from what expires. */
static bool is_wanted(const migration_run *run, const migration_file *file, uint32_t first, uint32_t last)
{
    bool is_throwaway = lb_run_target(run->ctx)->branch_class == LB_BRANCH_THROWAWAY;
    if (!run->keep_before || strcmp(run->keep_before, "never") == 0 ||
        (strcmp(run->keep_before, "auto") == 0 && is_throwaway))
        return false;
    return loses(file, first, last);
}

/* ---- its name ---- */

/* "V2__Drop notes.sql" as "v2-drop-notes". */
static void put_words(const char *name, char into[WORDS_MOST + 1])
{
    const char *end = strstr(name, ".sql");
    size_t used = 0;
    for (const char *p = name; *p && p != end && used < WORDS_MOST; p++) {
        bool is_word = isalnum((unsigned char)*p) && (unsigned char)*p < 128;
        if (is_word)
            into[used++] = (char)tolower((unsigned char)*p);
        else if (used && into[used - 1] != '-')
            into[used++] = '-';
    }
    while (used && into[used - 1] == '-')
        used--;
    into[used] = '\0';
}

/* Without a time in it: what is asked for again is the same request, and what is run again finds its branch. Its base
 * is what was decided on, so that other rows at risk are another branch. */
static const char *name_of(migration_run *run, const migration_task *task, const char *at_risk)
{
    char words[WORDS_MOST + 1], digits[SHA256_TEXT], generation[24];
    sha256 s;
    put_words(task->file->name, words);
    (void)snprintf(generation, sizeof generation, "%lld", (long long)task->generation); /* fits */
    const char *const parts[] = {task->file->name, task->file->checksum, generation, at_risk};
    sha256_init(&s);
    for (size_t i = 0; i < LB_COUNT(parts); i++)
        sha256_add(&s, parts[i], strlen(parts[i]) + 1);
    sha256_end_text(&s, digits);
    return lb_printf(run->ctx, KIND "-%s%s%.*s", words, *words ? "-" : "", SUM_DIGITS, digits);
}

/* ---- whether it can be made ---- */

/* Not there afterwards: it went while it was waited for, as what fails in the making may. */
static int take_what_is_there(migration_run *run, const plane_branch *there, migration_keep *keep, lb_error *err)
{
    const char *project = lb_run_target(run->ctx)->project;
    const plane_endpoint *endpoint = NULL;
    bool is_over = there->expires_at != LB_TIME_NONE && there->expires_at <= lb_now(run->ctx);
    if (there->is_deleted || is_over)
        return lb_fail(err, LB_ERR_CONFLICT, "enforce_ttl_policies purges it",
                       "%s was deleted or is over its time, and holds its name until it is purged", there->id);
    int r = lb_plans(run->ctx) /* a run that died may have left it in the making */
                ? plane_check_failed(project, there, NULL, err)
                : plane_wait_ready(run->ctx, project, there->id, &there, &endpoint, err);
    if (r < 0 && !there)
        return 0;
    keep->has_failed = r < 0 && plane_has_failed(there, endpoint);
    if (r < 0)
        return r;
    keep->is_there = true;
    keep->made_at = there->created_at;
    keep->expires_at = there->expires_at;
    return 0;
}

static int judge_place(const branch_policy *policy, const branch_order *order, const plane_branches *branches,
                       const branch_verdict *v, lb_error *err)
{
    int r = branch_check_parent(order, branches, v, err);
    return r < 0 ? r : branch_policy_judge_count(policy, plane_unarchived(branches), branches->count, 1, err);
}

static int look(migration_run *run, const char *branch, migration_keep *keep, lb_error *err)
{
    const lb_target *target = lb_run_target(run->ctx);
    const branch_order order = {.project = target->project,
                                .wish = {.name = branch, .kind = KIND, .parent = target->branch}};
    branch_verdict v = {.kind = NULL};
    plane_branches branches = {0};
    const branch_policy *policy = branch_policy_of_run(run->ctx, run->policy, err);
    int r = policy ? branch_policy_judge(policy, &order.wish, &v, err) : err->code;
    if (r >= 0)
        r = plane_list_branches(run->ctx, order.project, &branches, err);
    if (r < 0)
        return r;
    const plane_branch *there = plane_find(&branches, branch);
    if (there)
        r = take_what_is_there(run, there, keep, err);
    if (r >= 0 && there && !keep->is_there)
        r = plane_list_branches(run->ctx, order.project, &branches, err);
    if (r >= 0 && !keep->is_there)
        r = judge_place(policy, &order, &branches, &v, err);
    if (r < 0)
        return r;
    keep->branch = branch;
    keep->kind = v.kind;
    keep->ttl_s = v.ttl_s;
    keep->request = (lb_request){.method = "POST",
                                 .path = lb_printf(run->ctx, "projects/%s/branches", order.project),
                                 .query = lb_printf(run->ctx, "branch_id=%s", branch),
                                 .body = branch_make_body(run->ctx, &order, &v)};
    return keep->request.path && keep->request.query && keep->request.body ? 0 : lb_out_of_memory(err);
}

static const char *text_of(migration_run *run, const migration_keep *keep)
{
    char ttl[24];
    const char *parent = lb_run_target(run->ctx)->branch;
    if (!keep->branch)
        return lb_printf(run->ctx, "no branch is kept before it: %s; create_branch with --at may have what is lost",
                         keep->why_not);
    branch_ttl_format(keep->ttl_s, ttl);
    if (keep->is_there)
        return lb_printf(run->ctx, "branch %s has what is lost as it was at %s, and no row of later; it lives until %s",
                         keep->branch, plane_time_text(run->ctx, keep->made_at),
                         keep->expires_at == LB_TIME_NONE ? "somebody deletes it"
                                                          : plane_time_text(run->ctx, keep->expires_at));
    return lb_printf(run->ctx,
                     "branch %s of %s, made right before it, has what is lost; it lives %s. Where it cannot be made, "
                     "nothing is done: keep_before=never goes without it",
                     keep->branch, parent, keep->ttl_s ? ttl : "until somebody deletes it");
}

int migrate_keep_look(migration_run *run, const migration_task *task, uint32_t first, uint32_t last,
                      const migration_keep **ret_keep, lb_error *err)
{
    const char *at_risk = "";
    *ret_keep = NULL;
    if (!is_wanted(run, task->file, first, last))
        return 0;
    migration_keep *keep = lb_alloc(run->ctx, sizeof *keep);
    if (!keep)
        return lb_out_of_memory(err);
    *keep = (migration_keep){.made_at = LB_TIME_NONE, .expires_at = LB_TIME_NONE};
    int r = migrate_risk_text(run, task->file, &at_risk, err);
    if (r < 0)
        return r;
    const char *branch = name_of(run, task, at_risk);
    r = branch ? look(run, branch, keep, err) : lb_out_of_memory(err);
    if (r == LB_ERR_NO_MEMORY || r == LB_ERR_CANCELLED || r == LB_ERR_TIMEOUT)
        return r;
    if (keep->has_failed)
        return lb_wrap(err, "the branch that was to have what is lost");
    if (r < 0 && strcmp(run->keep_before, "always") == 0) {
        (void)snprintf(err->hint, sizeof err->hint, "%s", ALWAYS_HINT);
        return lb_wrap(err, "no branch can be kept before what loses data");
    }
    if (r < 0) {
        keep->why_not = lb_printf(run->ctx, "%s", err->message);
        lb_log(run->ctx, LB_LOG_WARN, "%s loses data, and no branch is kept before it: %s", task->file->name,
               err->message);
    }
    keep->text = text_of(run, keep);
    *ret_keep = keep;
    return keep->text ? 0 : lb_out_of_memory(err);
}

/* ---- making it, and what is told ---- */

static branch_event event_of(migration_run *run, const migration_task *task, const migration_keep *keep)
{
    const lb_target *target = lb_run_target(run->ctx);
    return (branch_event){.project = target->project,
                          .branch = keep->branch,
                          .type = "created",
                          .source = target->branch,
                          .kind = keep->kind->kind,
                          .creator_type = "human",
                          .reason = lb_printf(run->ctx, "what %s loses", task->file->name),
                          .ttl_s = keep->ttl_s,
                          .expires_at = keep->expires_at};
}

int migrate_keep_add(migration_run *run, lb_group *group, const migration_task *task, const migration_keep *keep,
                     lb_error *err)
{
    if (!keep || !keep->branch || keep->is_there)
        return 0;
    const branch_event event = event_of(run, task, keep);
    int r = lb_change_control(run->ctx, group, &keep->request, err);
    return r < 0 ? r : branch_note(run->ctx, group, &event, err);
}

/* It may be there although what stood behind it failed. */
static int see_it(migration_run *run, const migration_task *task, migration_keep *seen, lb_error *err)
{
    const plane_branch *b = NULL;
    int r = plane_read_branch(run->ctx, lb_run_target(run->ctx)->project, seen->branch, &b, err);
    if (r < 0 || !b || plane_has_failed(b, NULL))
        return r;
    seen->was_made = seen->is_there = true;
    seen->made_at = b->created_at;
    seen->expires_at = b->expires_at;
    branch_event event = event_of(run, task, seen);
    event.uid = b->uid;
    return branch_write_down(run->ctx, &event, err);
}

static lb_value time_or_null(const char *name, int64_t at)
{
    return at == LB_TIME_NONE ? lb_null(name) : lb_time(name, at);
}

int migrate_keep_tell(migration_run *run, const migration_task *task, const migration_keep *keep, lb_outcome outcome,
                      bool failed, lb_error *err)
{
    if (!keep || (keep->is_there && run->kept_told && strcmp(run->kept_told, keep->branch) == 0))
        return 0;
    migration_keep seen = *keep;
    bool may_be_made = keep->branch && !keep->is_there && (failed || outcome == LB_APPLIED);
    int r = may_be_made ? see_it(run, task, &seen, err) : 0;
    const char *became = !seen.branch            ? "not possible"
                         : seen.was_made         ? "made"
                         : seen.is_there         ? "there already"
                         : outcome == LB_PLANNED ? "planned"
                         : outcome == LB_WAITING ? "waiting"
                                                 : "not made";
    if (seen.is_there)
        run->kept_told = seen.branch;
    return r < 0
               ? r
               : lb_append(run->ctx, "kept",
                           LB_ARGS(lb_text("file", task->file->name), lb_text("branch", seen.branch),
                                   lb_text("outcome", became), lb_text("why_not", seen.why_not),
                                   seen.branch ? lb_i64("ttl_seconds", seen.ttl_s) : lb_null("ttl_seconds"),
                                   time_or_null("made_at", seen.made_at), time_or_null("expires_at", seen.expires_at)),
                           err);
}
