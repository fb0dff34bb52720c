/* vacuum_need.h: when autovacuum would come to a table, and how far that is. Arithmetic only: the figures are those of
 * vacuum/relations and vacuum/settings, the rules those of the server's own autovacuum.c. */
#ifndef LBOPS_VACUUM_NEED_H
#define LBOPS_VACUUM_NEED_H

#include <lbops/lbops.h>
#include <sql/vacuum/relations.h>
#include <sql/vacuum/settings.h>

typedef struct vacuum_need {
    bool enabled;           /* autovacuum looks after the table; it comes against a wraparound all the same */
    double rows;            /* as known; 0 where nobody has counted */
    double dead_ratio;      /* dead rows of all rows, 0 to 1 */
    double vacuum_trigger;  /* dead rows above which autovacuum comes */
    double insert_trigger;  /* inserted rows above which it comes; negative: never for inserts */
    double analyze_trigger; /* changed rows above which it analyzes; negative: never */
    double analyze_scale;   /* the part of that which grows with the table, as it is in force */
    double freeze_max_age;  /* transaction ids above which it comes in any case */
    double mxid_freeze_max_age;
    int64_t last_vacuum;  /* by hand or by itself; LB_TIME_NONE: none is on record */
    int64_t last_analyze; /* likewise */
} vacuum_need;

void vacuum_need_of(const vacuum_settings_row *server, const vacuum_relations_row *table, vacuum_need *ret_need);

/* Part of the way to a trigger that has been gone: 1 and above is due. 0 where there is no trigger. */
double vacuum_share(double count, double trigger);

/* Hours between two moments; negative where the first is LB_TIME_NONE. */
double vacuum_hours(int64_t since, int64_t now);

/* Seconds that a vacuum under this budget takes to read so many pages from disk and dirty that part of them; 0 where it
 * does not rest (delay or limit 0). */
double vacuum_eta_s(double pages, double dirtied, double delay_ms, double limit);

#endif
