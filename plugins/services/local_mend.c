/* What time and accidents have done: branches that nobody makes any more, removals that were cut short, what has
 * expired, what nobody has used for long, directories without a record. Every look at a project begins here. */
#include "local.h"

#include "clock.h"
#include "fs.h"

#include <dirent.h>
#include <errno.h>

#define REMOVAL_WAIT (30 * CLOCK_SECOND)

/* Directories to be seen to once the project's lock is given back. */
typedef struct work {
    char **make, **remove;
    size_t make_count, make_capacity, remove_count, remove_capacity;
    bool changed;
} work;

static void work_done(work *w)
{
    local_free_ids(w->make, w->make_count);
    local_free_ids(w->remove, w->remove_count);
}
#define WORK LB_CLEANUP(work_done) work

static void to_make(work *w, const char *directory)
{
    BASE_PUSH(w->make, w->make_count, w->make_capacity);
    w->make[w->make_count++] = base_strdup(directory);
}

static void to_remove(work *w, const char *directory)
{
    BASE_PUSH(w->remove, w->remove_count, w->remove_capacity);
    w->remove[w->remove_count++] = base_strdup(directory);
}

static bool is_inactive(const local_cluster *c, doc *entry, int64_t now)
{
    int64_t used = doc_time(local_primary(entry), "status.last_active_time");
    return c->archive_after_s > 0 && doc_is(entry, "branch.status.current_state", "READY") &&
           !doc_flag(entry, "branch.status.is_protected") && !doc_flag(entry, "branch.status.default") &&
           doc_time(entry, "branch.create_time") + c->archive_after_s * CLOCK_SECOND < now &&
           used + c->archive_after_s * CLOCK_SECOND < now;
}

static void archive(doc *entry, int64_t now, work *w)
{
    doc_set_text(entry, "branch.status.current_state", "ARCHIVED");
    doc_set_time(entry, "branch.status.state_change_time", now);
    doc_set_text(local_primary(entry), "status.current_state", "IDLE");
    w->changed = true;
}

static int finish_operation(const local_project *p, doc *entry, work *w, lb_error *err)
{
    doc *response = doc_at(entry, "source") ? doc_at(entry, "branch") : doc_at(p->d, "project");
    int r = local_end_operation(p->cluster, doc_text(entry, "operation"), response, NULL, err);
    doc_set(entry, "operation", NULL);
    w->changed = true;
    return r;
}

static int look_at_branch(const local_project *p, doc *entry, work *w, lb_error *err)
{
    int64_t now = clock_now(), expires = doc_time(entry, "branch.status.expire_time"),
            purge = doc_time(entry, "branch.status.purge_time");
    const char *directory = doc_text(entry, "directory");
    if (doc_is(entry, "branch.status.pending_state", "DELETED")) {
        to_remove(w, directory);
    } else if ((expires && expires <= now) || (purge && purge <= now)) {
        doc_set_text(entry, "branch.status.pending_state", "DELETED");
        w->changed = true;
        to_remove(w, directory);
    } else if (doc_is(entry, "branch.status.current_state", "INIT")) {
        if (!local_is_kept(p->cluster, p->id, directory))
            to_make(w, directory);
    } else if (doc_text(entry, "operation") && !local_is_kept(p->cluster, p->id, directory)) {
        return finish_operation(p, entry, w, err);
    } else if (is_inactive(p->cluster, entry, now) && !local_is_kept(p->cluster, p->id, directory)) {
        archive(entry, now, w);
    }
    return 0;
}

/* A removal ends with the record; what died after that left its directory. No record can come while we have the lock.
 */
static void collect_garbage(const local_project *p)
{
    LB_AUTO_FREE char *folder = base_printf("%s/branches/%s", p->cluster->path, p->id);
    DIR *dir = opendir(folder);
    struct dirent *item;
    while (dir && (item = readdir(dir))) {
        lb_error ignored;
        if (item->d_name[0] == '.' || local_branch_by_directory(p, item->d_name))
            continue;
        LB_AUTO_FREE char *path = base_printf("%s/%s", folder, item->d_name);
        LB_AUTO_FD int lock = local_seize(p->cluster, p->id, item->d_name, "end", 0, &ignored);
        if (lock >= 0)
            local_discard(p->cluster, path);
    }
    if (dir)
        (void)closedir(dir); /* was only read */
    if (!p->d)
        (void)rmdir(folder); /* else there is something left in it */
}

/* ---- removals ---- */

int local_finish_removal(const local_cluster *c, const char *project, const char *directory, lb_error *err)
{
    LB_AUTO_FD int lock = local_seize(c, project, directory, "end", REMOVAL_WAIT, err);
    if (lock < 0)
        return lock;
    LOCAL_PROJECT p = {.lock = -1};
    int r = local_open(c, project, &p, err);
    if (r < 0)
        return r;
    doc *entry = local_branch_by_directory(&p, directory);
    if (!entry || !doc_is(entry, "branch.status.pending_state", "DELETED"))
        return 0; /* somebody was quicker, or thought better of it */
    LB_AUTO_FREE char *operation = base_strdup(doc_text(entry, "operation"));
    local_remove_branch(&p, directory);
    r = local_save(&p, err);
    if (r >= 0 && operation)
        r = local_end_operation(c, operation, NULL, NULL, err);
    LB_AUTO_FREE char *path = local_branch_path(c, project, directory, NULL);
    local_discard(c, path);
    return r;
}

static int remove_project(const local_cluster *c, const char *project, lb_error *err)
{
    LOCAL_PROJECT p = {.lock = -1};
    int r = local_look(c, project, &p, err);
    if (r < 0 || !p.d)
        return r;
    doc *list = doc_at(p.d, "branches");
    for (size_t i = 0; r >= 0 && i < doc_length(list); i++) {
        const char *directory = doc_text(doc_item(list, i), "directory");
        LB_AUTO_FD int lock = local_seize(c, project, directory, "end", REMOVAL_WAIT, err);
        LB_AUTO_FREE char *path = local_branch_path(c, project, directory, NULL);
        r = lock;
        if (r >= 0)
            local_discard(c, path);
    }
    if (r < 0)
        return r;
    local_close(&p);
    r = local_open(c, project, &p, err);
    if (r < 0 || !p.d || !doc_text(p.d, "removal"))
        return r;
    LB_AUTO_FREE char *operation = base_strdup(doc_text(p.d, "removal"));
    (void)json_object_put(p.d); /* says only whether it was the last reference */
    p.d = NULL;
    r = local_save(&p, err);
    if (r >= 0)
        collect_garbage(&p);
    return r < 0 ? r : local_end_operation(c, operation, NULL, NULL, err);
}

/* ---- a project ---- */

static int look_at_project(const local_project *p, work *w, lb_error *err)
{
    doc *list = doc_at(p->d, "branches");
    int r = 0;
    collect_garbage(p);
    for (size_t i = 0; r >= 0 && i < doc_length(list); i++)
        r = look_at_branch(p, doc_item(list, i), w, err);
    return r >= 0 && w->changed ? local_save(p, err) : r;
}

/* Is there anything that needs the lock? Mostly there is not. */
static bool needs_work(const local_project *p)
{
    int64_t now = clock_now(), purge = doc_time(p->d, "project.purge_time");
    doc *list = doc_at(p->d, "branches");
    if (doc_text(p->d, "removal") || (purge && purge <= now))
        return true;
    for (size_t i = 0; i < doc_length(list); i++) {
        doc *entry = doc_item(list, i);
        int64_t expires = doc_time(entry, "branch.status.expire_time"),
                purges = doc_time(entry, "branch.status.purge_time");
        if (doc_text(entry, "operation") || doc_text(entry, "branch.status.pending_state") ||
            doc_is(entry, "branch.status.current_state", "INIT") || (expires && expires <= now) ||
            (purges && purges <= now) || is_inactive(p->cluster, entry, now))
            return true;
    }
    return false;
}

static bool has_garbage(const local_project *p)
{
    LB_AUTO_FREE char *folder = base_printf("%s/branches/%s", p->cluster->path, p->id);
    DIR *dir = opendir(folder);
    struct dirent *item;
    bool found = false;
    while (dir && !found && (item = readdir(dir)))
        found = item->d_name[0] != '.' && !(p->d && local_branch_by_directory(p, item->d_name));
    if (dir)
        (void)closedir(dir); /* was only read */
    return found;
}

static int mark_purged(local_project *p, lb_error *err)
{
    int64_t purge = doc_time(p->d, "project.purge_time");
    char id[37];
    if (doc_text(p->d, "removal") || !purge || purge > clock_now())
        return 0;
    LB_AUTO_FREE char *name = base_printf("projects/%s", p->id);
    int r = local_new_operation(p->cluster, name, "Project", id, err);
    doc_set_text(p->d, "removal", id);
    return r < 0 ? r : local_save(p, err);
}

int local_mend(const local_cluster *c, const char *project, lb_error *err)
{
    WORK w = {0};
    LOCAL_PROJECT p = {.lock = -1};
    int r = local_look(c, project, &p, err);
    if (r < 0 || (p.d && !needs_work(&p) && !has_garbage(&p)) || (!p.d && !has_garbage(&p)))
        return r;
    local_close(&p);
    r = local_open(c, project, &p, err);
    if (r >= 0 && !p.d)
        collect_garbage(&p);
    if (r >= 0 && p.d)
        r = mark_purged(&p, err);
    bool goes = p.d && doc_text(p.d, "removal");
    if (r >= 0 && p.d && !goes)
        r = look_at_project(&p, &w, err);
    local_close(&p);
    if (r >= 0 && goes)
        r = remove_project(c, project, err);
    for (size_t i = 0; r >= 0 && i < w.make_count; i++)
        r = local_start_keeper(c, project, w.make[i], err);
    for (size_t i = 0; r >= 0 && i < w.remove_count; i++)
        r = local_finish_removal(c, project, w.remove[i], err);
    return r < 0 ? r : 0;
}

int local_ensure_projects(const local_cluster *c, lb_error *err)
{
    for (char **name = c->projects; name && *name; name++) {
        char operation[37];
        char *directory = NULL;
        LOCAL_PROJECT p = {.lock = -1};
        int r = local_look(c, *name, &p, err);
        if (r < 0)
            return r;
        if (p.d)
            continue;
        r = local_add_project(c, *name, NULL, operation, &directory, err);
        if (r == LB_ERR_CONFLICT)
            continue; /* somebody was quicker */
        if (r >= 0)
            r = local_start_keeper(c, *name, directory, err);
        free(directory);
        if (r < 0)
            return lb_wrap(err, *name);
    }
    return 0;
}
