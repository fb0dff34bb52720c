/* A round up and back with nobody at work, before the one that is measured beside a workload that may write: only there
 * can it be told what tables hold. It comes first, as what the first round loses is not there to be lost in a second.
 */
#include "parsed.h"
#include "rehearsal.h"

#define LACKS_UNDO "there is no undo script"

bool rehearsal_lacks_undo(const lb_error *err)
{
    return strstr(err->message, LACKS_UNDO) != NULL;
}

bool rehearsal_compares_rows(const rehearsal *s)
{
    return s->args->rows_mb > 0 && strcmp(s->args->rollback, "skip") != 0;
}

/* What was seen of it is told where no other round follows. */
static int go_and_come_back(rehearsal *s, lb_error *err)
{
    int r = rehearsal_read_rows(s, &s->rows_before, err);
    if (r >= 0)
        r = rehearsal_apply(s, REHEARSAL_UP_IF_BACK, err);
    if (r >= 0 && !s->is_one_way)
        r = rehearsal_look_after(s, err);
    return r < 0 || !rehearsal_is_up(s) ? r : rehearsal_come_back(s, err);
}

/* The measured round begins where this one has begun. */
static int begin_anew(rehearsal *s, lb_error *err)
{
    s->quiet = (rehearsal_quiet){.ran = s->versioned > 0, .rollback = s->rollback, .says = s->rollback_says};
    s->rollback = ROLLBACK_SKIPPED;
    s->rollback_says = NULL;
    s->migrated = NULL;
    s->applied = s->versioned = s->gone = 0;
    s->statement_count = s->notice_count = 0;
    return rehearsal_read_files(s, &s->files_before, err);
}

int rehearsal_go_quietly(rehearsal *s, bool *ret_goes_on, lb_error *err)
{
    *ret_goes_on = true;
    if (!rehearsal_compares_rows(s) || !rehearsal_work_writes(s))
        return 0;
    int r = go_and_come_back(s, err);
    if (r < 0 || s->is_one_way)
        return r < 0 ? r : rehearsal_leave_rows(s, "nothing takes the migration back, and others were at work\n", err);
    bool is_back = s->rollback != ROLLBACK_IMPOSSIBLE && s->rollback != ROLLBACK_DIFFERS;
    *ret_goes_on = !s->failed && !s->waits && (!s->versioned || is_back);
    return *ret_goes_on ? begin_anew(s, err) : 0;
}
