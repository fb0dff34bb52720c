/* Whether each value of one type fits into another, as far as their names and limits say so. */
#include "judge_internal.h"

#include <limits.h>

#define NO_LIMIT      (LONG_MAX / 2)
#define SECOND_DIGITS 6 /* of a time that says nothing of them */

typedef enum family { OTHER, TEXTS, BITS, WHOLE, DECIMAL, FLOATING, DAYS, MOMENTS, CLOCKS } family;

static const struct {
    const char *name;
    family family;
    long digits; /* in each value: whole numbers have no more, floating ones keep as many */
} types[] = {
    {"text", TEXTS, 0},      {"varchar", TEXTS, 0},     {"bpchar", TEXTS, 0},        {"bit", BITS, 0},
    {"varbit", BITS, 0},     {"int2", WHOLE, 5},        {"int4", WHOLE, 10},         {"int8", WHOLE, 19},
    {"numeric", DECIMAL, 0}, {"float4", FLOATING, 6},   {"float8", FLOATING, 15},    {"date", DAYS, 0},
    {"time", CLOCKS, 0},     {"timestamp", MOMENTS, 0}, {"timestamptz", MOMENTS, 0}, {"timetz", CLOCKS, 0},
};

typedef struct shape {
    char name[32];
    family family;
    long digits, limits[2];
    size_t limit_count;
    bool is_array;
} shape;

/* "numeric(10,2)[]" */
static shape shape_of(const char *type)
{
    shape s = {.family = OTHER};
    const char *p = type + strcspn(type, "([");
    (void)snprintf(s.name, sizeof s.name, "%.*s", (int)(p - type), type); /* one that is cut is none of these */
    for (size_t i = 0; i < LB_COUNT(types); i++)
        if (strcmp(types[i].name, s.name) == 0) {
            s.family = types[i].family;
            s.digits = types[i].digits;
        }
    while ((*p == '(' || *p == ',') && s.limit_count < LB_COUNT(s.limits)) {
        char *end = NULL;
        s.limits[s.limit_count++] = strtol(p + 1, &end, 10);
        p = end;
    }
    s.is_array = strchr(p, '[') != NULL;
    return s;
}

static long limit_of(const shape *s, long otherwise)
{
    return s->limit_count ? s->limits[0] : otherwise;
}

/* ---- numbers ---- */

static bool is_number(const shape *s)
{
    return s->family == WHOLE || s->family == DECIMAL || s->family == FLOATING;
}

static long digits_before_point(const shape *s)
{
    if (s->family == WHOLE)
        return s->digits;
    return s->limit_count == 2 ? s->limits[0] - s->limits[1] : NO_LIMIT;
}

static long digits_behind_point(const shape *s)
{
    if (s->family == WHOLE)
        return 0;
    return s->limit_count == 2 ? s->limits[1] : NO_LIMIT;
}

/* Not every number of as many digits as the greatest one fits. */
static bool fits_whole(const shape *from, const shape *to)
{
    if (from->family == WHOLE)
        return from->digits <= to->digits;
    return digits_before_point(from) < to->digits && digits_behind_point(from) <= 0;
}

static bool fits_floating(const shape *from, const shape *to)
{
    return (from->family == DECIMAL ? limit_of(from, NO_LIMIT) : from->digits) <= to->digits;
}

static bool fits_number(const shape *from, const shape *to)
{
    if (to->family == WHOLE)
        return fits_whole(from, to);
    if (to->family == FLOATING)
        return fits_floating(from, to);
    return digits_before_point(from) <= digits_before_point(to) && digits_behind_point(from) <= digits_behind_point(to);
}

/* ---- the others ---- */

/* A plain bit string is as long as its type says, neither longer nor shorter. */
static bool fits_bits(const shape *from, const shape *to)
{
    bool is_exact = strcmp(to->name, "bit") == 0;
    return is_exact ? strcmp(from->name, "bit") == 0 && limit_of(from, 1) == limit_of(to, 1)
                    : limit_of(from, NO_LIMIT) <= limit_of(to, NO_LIMIT);
}

static bool is_time(const shape *s)
{
    return s->family == DAYS || s->family == MOMENTS || s->family == CLOCKS;
}

static judge_fit fit_of_times(const shape *from, const shape *to)
{
    if (from->family == DAYS && to->family != CLOCKS)
        return FIT_WHOLLY;
    if (from->family != to->family)
        return from->family == MOMENTS ? FIT_PARTLY : FIT_UNKNOWN;
    bool loses_zone = strcmp(from->name, "timetz") == 0 && strcmp(to->name, "time") == 0;
    return !loses_zone && limit_of(from, SECOND_DIGITS) <= limit_of(to, SECOND_DIGITS) ? FIT_WHOLLY : FIT_PARTLY;
}

/* Behind the point it stays as it is, or there is no limit any more. */
static bool keeps_scale(const shape *from, const shape *to)
{
    return !to->limit_count || (from->limit_count && digits_behind_point(from) == digits_behind_point(to));
}

bool judge_fits_as_stored(const char *old, const char *new)
{
    static const char *const alike[] = {"text", "varchar"};
    shape from = shape_of(old), to = shape_of(new);
    bool is_same = strcmp(from.name, to.name) == 0, was_alike = false, is_alike = false;
    for (size_t i = 0; i < LB_COUNT(alike); i++) {
        was_alike = was_alike || strcmp(from.name, alike[i]) == 0;
        is_alike = is_alike || strcmp(to.name, alike[i]) == 0;
    }
    if (from.is_array || to.is_array || judge_fit_of(old, new) != FIT_WHOLLY)
        return false;
    if (is_same && to.family == DECIMAL)
        return keeps_scale(&from, &to);
    return (was_alike && is_alike) || (is_same && (is_time(&to) || strcmp(to.name, "varbit") == 0));
}

judge_fit judge_fit_of(const char *old, const char *new)
{
    shape from = shape_of(old), to = shape_of(new);
    bool fits = false;
    if (strcmp(old, new) == 0)
        return FIT_WHOLLY;
    if (from.is_array != to.is_array)
        return FIT_UNKNOWN;
    if (is_time(&from) && is_time(&to))
        return fit_of_times(&from, &to);
    if (is_number(&from) && is_number(&to))
        fits = fits_number(&from, &to);
    else if (from.family == TEXTS && to.family == TEXTS)
        fits = limit_of(&from, NO_LIMIT) <= limit_of(&to, NO_LIMIT);
    else if (from.family == BITS && to.family == BITS)
        fits = fits_bits(&from, &to);
    else
        return FIT_UNKNOWN;
    return fits ? FIT_WHOLLY : FIT_PARTLY;
}
