/* Standbys that are behind, and slots that nobody reads or that the server gives up. */
#include "cause_look.h"

#include <sql/diagnose/slots.h>
#include <sql/diagnose/standbys.h>

#include <math.h>
#include <string.h>

#define MEGABYTE 1048576.0

static double noted_number(struct json_object *note, const char *name)
{
    struct json_object *value = NULL;
    return note && json_object_object_get_ex(note, name, &value) ? json_object_get_double(value) : NAN;
}

static const char *slow_step(const diagnose_standbys_row *s)
{
    if (2 * s->unreplayed > s->behind)
        return s->replay_paused && !s->replay_paused_is_null ? "replay, which is paused" : "replay";
    return 2 * s->unsent > s->behind ? "sending" : 2 * s->unflushed > s->behind ? "writing" : NULL;
}

static int add_lag(cause_look *look, const diagnose_standbys_row *s, double before, lb_error *err)
{
    double limit = look->limits.min_lag_mb * MEGABYTE, behind = (double)s->behind;
    double seconds = s->seconds_is_null ? 0 : s->seconds;
    const char *step = slow_step(s);
    if (behind < limit || (seconds < 10 && behind < 16 * limit))
        return 0;
    const cause_case c = {
        .id = CAUSE_REPLICATION_LAG,
        .object = s->name,
        .reason = lb_printf(look->ctx, "%s is %.1f MB behind%s%s", s->name, behind / MEGABYTE,
                            step ? ", and the slow step is " : "", step ? step : ""),
        .command = "SELECT pg_is_wal_replay_paused(), pg_last_wal_replay_lsn(), pg_last_wal_receive_lsn()  -- there",
        .strength = {cause_ramp(behind, limit, 64 * limit), step != NULL,
                     s->seconds_is_null ? CAUSE_UNSEEN : cause_ramp(seconds, 10, 60),
                     isnan(before) ? CAUSE_UNSEEN : behind > before},
        .evidence = LB_ARGS(lb_text("state", s->state), lb_i64("bytes_behind", s->behind),
                            s->seconds_is_null ? lb_null("seconds_behind") : lb_f64("seconds_behind", seconds),
                            lb_i64("unsent", s->unsent), lb_i64("unflushed", s->unflushed),
                            lb_i64("unreplayed", s->unreplayed), lb_text("slow_step", step),
                            isnan(before) ? lb_null("bytes_before") : lb_f64("bytes_before", before))};
    return cause_add(look, &c, err);
}

static int look_at_standbys(cause_look *look, lb_error *err)
{
    struct json_object *note = cause_note(look, "standbys"), *noted = cause_noted(look, "standbys");
    diagnose_standbys_row s;
    lb_rows *rows = NULL;
    int r = diagnose_standbys(look->ctx, &rows, err);
    while (r >= 0 && diagnose_standbys_next(look->ctx, rows, &s)) {
        r = add_lag(look, &s, noted_number(noted, s.name), err);
        if (note)
            (void)json_object_object_add(note, s.name, json_object_new_double((double)s.behind)); /* else: unseen */
    }
    return r;
}

/* ---- slots ---- */

/* Made by platforms for themselves. */
static const char *const platform_slots[] = {"wal_proposer_slot", "databricks_*", "rds_*", "azure_*", "cloudsql*"};

static bool is_platforms(const diagnose_slots_row *s)
{
    const lb_texts names = {platform_slots, sizeof platform_slots / sizeof *platform_slots};
    return health_is_listed(&names, s->name);
}

static const char *ask_platform(const cause_look *look, const diagnose_slots_row *s)
{
    return lb_printf(look->ctx,
                     "SELECT * FROM pg_replication_slots WHERE slot_name = '%s'  -- it is the platform's own: for its "
                     "support, and for nobody else to drop",
                     s->name);
}

static const char *drop_slot(const cause_look *look, const diagnose_slots_row *s)
{
    return is_platforms(s) ? ask_platform(look, s)
                           : lb_printf(look->ctx, "SELECT pg_drop_replication_slot('%s')", s->name);
}

/* One that is kept in step with the primary's slot has its reader there; one that is lost keeps nothing. */
static bool may_be_stuck(const diagnose_slots_row *s)
{
    return !s->active && !s->temporary && !s->synced && !s->lost_because;
}

static int add_slot(cause_look *look, const diagnose_slots_row *s, const char *position_before, lb_error *err)
{
    double limit = look->limits.min_slot_mb * MEGABYTE, kept = (double)s->kept;
    bool outgrew = s->wal_status && strcmp(s->wal_status, "reserved") != 0;
    bool is_given_up = outgrew && strcmp(s->wal_status, "extended") != 0;
    bool is_unread = !s->unread_seconds_is_null && s->unread_seconds >= look->limits.min_slot_idle_s;
    bool stood = is_unread || (position_before && s->position && strcmp(position_before, s->position) == 0);
    bool keeps_rows = !s->horizon_age_is_null && s->is_here;
    if (!may_be_stuck(s) || (kept < limit && !is_given_up && !is_unread))
        return 0;
    const char *since = is_unread ? lb_printf(look->ctx, ", for %.0f minutes now", s->unread_seconds / 60) : "";
    const cause_case c = {
        .id = CAUSE_STUCK_SLOT,
        .object = s->name,
        .keeps_rows = keeps_rows,
        .reason = lb_printf(look->ctx, "nobody reads the %s slot %s, which keeps %.1f MB of WAL%s%s", s->slot_type,
                            s->name, kept / MEGABYTE, keeps_rows ? " and old rows" : "", since),
        .command = drop_slot(look, s),
        .strength = {1, cause_ramp(kept, limit, 16 * limit), position_before || is_unread ? stood : CAUSE_UNSEEN,
                     outgrew},
        .evidence =
            LB_ARGS(lb_text("type", s->slot_type), lb_i64("kept_bytes", s->kept), lb_text("wal_status", s->wal_status),
                    lb_text("position", s->position), lb_text("position_before", position_before),
                    s->horizon_age_is_null ? lb_null("horizon_age") : lb_i64("horizon_age", s->horizon_age),
                    s->unread_seconds_is_null ? lb_null("unread_s") : lb_f64("unread_s", s->unread_seconds),
                    s->room_is_null ? lb_null("safe_wal_size") : lb_i64("safe_wal_size", s->room),
                    lb_i64("max_slot_wal_keep_size", look->settings.max_slot_wal))};
    return cause_add(look, &c, err);
}

/* Where the server keeps little for slots, half of that: it is not to be near its end from the first byte on. */
static double least_room(const cause_look *look)
{
    double least = look->limits.min_safe_wal_mb * MEGABYTE, half = (double)look->settings.max_slot_wal / 2;
    return look->has_settings && half >= 0 ? fmin(least, half) : least;
}

/* For one that is near its end: more room for as long as its reader needs to come nearer. */
static const char *more_room(const cause_look *look, const diagnose_slots_row *s)
{
    double most = (double)look->settings.max_slot_wal / MEGABYTE;
    if (is_platforms(s))
        return ask_platform(look, s);
    return look->has_settings ? cause_set_server(look, "max_slot_wal_keep_size",
                                                 lb_printf(look->ctx, "'%.0fMB'", fmax(64, ceil(2 * most))))
                              : "SHOW max_slot_wal_keep_size";
}

/* room_before: NAN where no look before saw how much there was. */
static int add_lost_slot(cause_look *look, const diagnose_slots_row *s, double room_before, lb_error *err)
{
    bool is_lost = s->lost_because != NULL;
    double least = least_room(look), room = (double)s->room;
    if (!is_lost && (s->room_is_null || room >= least))
        return 0;
    const char *reader = s->active ? "" : ", and nobody reads it";
    const cause_case c = {
        .id = CAUSE_LOST_SLOT,
        .object = s->name,
        .reason = is_lost ? lb_printf(look->ctx,
                                      "the server has given the %s slot %s up (%s): what reads it cannot go on from "
                                      "there, and has to begin anew",
                                      s->slot_type, s->name, s->lost_because)
                          : lb_printf(look->ctx, "%.1f MB of WAL more, and the server gives the %s slot %s up%s",
                                      fmax(room, 0) / MEGABYTE, s->slot_type, s->name, reader),
        .command = is_lost ? drop_slot(look, s) : more_room(look, s),
        .strength = {1, is_lost, !s->active,
                     is_lost              ? 0
                     : isnan(room_before) ? CAUSE_UNSEEN
                                          : room < room_before},
        .evidence =
            LB_ARGS(lb_text("type", s->slot_type), lb_bool("active", s->active), lb_text("wal_status", s->wal_status),
                    lb_text("lost_because", s->lost_because),
                    s->room_is_null ? lb_null("safe_wal_size") : lb_i64("safe_wal_size", s->room),
                    is_lost ? lb_null("limit") : lb_f64("limit", least),
                    isnan(room_before) ? lb_null("safe_wal_size_before") : lb_f64("safe_wal_size_before", room_before),
                    lb_i64("kept_bytes", s->kept),
                    s->unread_seconds_is_null ? lb_null("unread_s") : lb_f64("unread_s", s->unread_seconds),
                    lb_i64("max_slot_wal_keep_size", look->settings.max_slot_wal))};
    return cause_add(look, &c, err);
}

static int look_at_slots(cause_look *look, lb_error *err)
{
    struct json_object *note = cause_note(look, "slots"), *noted = cause_noted(look, "slots"), *before = NULL;
    struct json_object *room = cause_note(look, "slot_room"), *room_noted = cause_noted(look, "slot_room");
    diagnose_slots_row s;
    lb_rows *rows = NULL;
    int r = diagnose_slots(look->ctx, &rows, err);
    while (r >= 0 && diagnose_slots_next(look->ctx, rows, &s)) {
        bool was_seen = noted && json_object_object_get_ex(noted, s.name, &before);
        r = add_slot(look, &s, was_seen ? json_object_get_string(before) : NULL, err);
        if (r >= 0)
            r = add_lost_slot(look, &s, noted_number(room_noted, s.name), err);
        if (note && s.position)
            (void)json_object_object_add(note, s.name, json_object_new_string(s.position)); /* else: unseen */
        if (room && !s.room_is_null)
            (void)json_object_object_add(room, s.name, json_object_new_int64(s.room)); /* the same */
    }
    return r;
}

int cause_look_at_replication(cause_look *look, lb_error *err)
{
    int r = look_at_standbys(look, err);
    return r < 0 ? r : look_at_slots(look, err);
}
