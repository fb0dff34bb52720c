#include "clock.h"

#include <ctype.h>
#include <sys/random.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec t;
    (void)clock_gettime(id, &t); /* cannot fail for these clocks */
    return (int64_t)t.tv_sec * CLOCK_SECOND + t.tv_nsec / 1000;
}

int64_t clock_now(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t clock_monotonic(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_cpu(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Days since 1970-01-01 of a proleptic Gregorian date, and back (Hinnant's civil calendar). */
static int64_t days_from_date(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = floor_div(year, 400);
    unsigned year_of_era = (unsigned)(year - era * 400);
    unsigned day_of_year = (153 * (month + (month > 2 ? -3U : 9U)) + 2) / 5 + day - 1;
    unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + (int64_t)day_of_era - 719468;
}

static void date_from_days(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
    days += 719468;
    int64_t era = floor_div(days, 146097);
    unsigned day_of_era = (unsigned)(days - era * 146097);
    unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned shifted = (5 * day_of_year + 2) / 153;
    *day = day_of_year - (153 * shifted + 2) / 5 + 1;
    *month = shifted < 10 ? shifted + 3 : shifted - 9;
    *year = (int64_t)year_of_era + era * 400 + (*month <= 2);
}

/* The number's last digits, and what ends them. */
static char *put_digits(char *at, unsigned number, int digits, char end)
{
    for (int i = digits; i-- > 0; number /= 10)
        at[i] = (char)('0' + number % 10);
    at[digits] = end;
    return at + digits + 1;
}

void clock_format(int64_t microseconds, char text[CLOCK_TEXT])
{
    static const int64_t earliest = INT64_C(-62135596800000000),
                         latest = INT64_C(253402300799999999); /* years 1 to 9999 */
    int64_t held = microseconds < earliest ? earliest : microseconds > latest ? latest : microseconds;
    int64_t seconds = floor_div(held, CLOCK_SECOND), days = floor_div(seconds, 86400), year;
    unsigned month, day, rest = (unsigned)(seconds - days * 86400);
    date_from_days(days, &year, &month, &day);
    char *at = put_digits(text, (unsigned)year, 4, '-');
    at = put_digits(at, month, 2, '-');
    at = put_digits(at, day, 2, 'T');
    at = put_digits(at, rest / 3600, 2, ':');
    at = put_digits(at, rest / 60 % 60, 2, ':');
    at = put_digits(at, rest % 60, 2, '.');
    at = put_digits(at, (unsigned)(held - seconds * CLOCK_SECOND), 6, 'Z');
    *at = '\0';
}

static bool take_number(const char **p, int digits, unsigned *ret)
{
    unsigned n = 0;
    for (int i = 0; i < digits; i++, (*p)++) {
        if (!isdigit((unsigned char)**p))
            return false;
        n = n * 10 + (unsigned)(**p - '0');
    }
    *ret = n;
    return true;
}

static bool take_char(const char **p, char c)
{
    if (**p != c)
        return false;
    (*p)++;
    return true;
}

static bool take_fraction(const char **p, int64_t *ret_microseconds)
{
    int64_t value = 0, unit = 100000;
    if (!take_char(p, '.')) {
        *ret_microseconds = 0;
        return true;
    }
    if (!isdigit((unsigned char)**p))
        return false;
    for (; isdigit((unsigned char)**p); (*p)++, unit /= 10)
        value += (**p - '0') * unit; /* digits past the sixth count nothing */
    *ret_microseconds = value;
    return true;
}

static bool take_zone(const char **p, int64_t *ret_seconds)
{
    unsigned hours, minutes = 0, seconds = 0;
    *ret_seconds = 0;
    if (**p == '\0')
        return true;
    if (take_char(p, 'Z') || take_char(p, 'z'))
        return true;
    bool minus = **p == '-';
    if (!take_char(p, '+') && !take_char(p, '-'))
        return false;
    if (!take_number(p, 2, &hours))
        return false;
    bool colon = take_char(p, ':');
    if ((colon || isdigit((unsigned char)**p)) && !take_number(p, 2, &minutes))
        return false;
    if (take_char(p, ':') && !take_number(p, 2, &seconds))
        return false;
    *ret_seconds = (int64_t)hours * 3600 + (int64_t)minutes * 60 + seconds;
    if (minus)
        *ret_seconds = -*ret_seconds;
    return hours <= 15 && minutes < 60 && seconds < 60;
}

static unsigned days_in_month(unsigned year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap ? 1U : 0U);
}

bool clock_parse(const char *text, int64_t *ret_microseconds)
{
    unsigned year, month, day, hour = 0, minute = 0, second = 0;
    int64_t fraction = 0, zone = 0;
    if (strcmp(text, "infinity") == 0 || strcmp(text, "-infinity") == 0) {
        *ret_microseconds = *text == '-' ? INT64_MIN + 1 : INT64_MAX;
        return true;
    }
    const char *p = text;
    if (!take_number(&p, 4, &year) || !take_char(&p, '-') || !take_number(&p, 2, &month) || !take_char(&p, '-') ||
        !take_number(&p, 2, &day) || year < 1 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
        return false;
    if (*p) {
        if (!take_char(&p, 'T') && !take_char(&p, 't') && !take_char(&p, ' '))
            return false;
        if (!take_number(&p, 2, &hour) || !take_char(&p, ':') || !take_number(&p, 2, &minute))
            return false;
        if (take_char(&p, ':') && (!take_number(&p, 2, &second) || !take_fraction(&p, &fraction)))
            return false;
        if (hour > 23 || minute > 59 || second > 60 || !take_zone(&p, &zone) || *p)
            return false;
    }
    int64_t seconds =
        days_from_date(year, month, day) * 86400 + (int64_t)hour * 3600 + (int64_t)minute * 60 + second - zone;
    *ret_microseconds = seconds * CLOCK_SECOND + fraction;
    return true;
}

static void encode_base32(unsigned __int128 number, char id[ID_TEXT])
{
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    for (int i = ID_TEXT - 2; i >= 0; i--, number >>= 5)
        id[i] = digits[(unsigned)(number & 31)];
    id[ID_TEXT - 1] = '\0';
}

void id_new(char id[ID_TEXT])
{
    static uint64_t last_ms;
    static unsigned __int128 last;
    static pid_t owner;
    uint64_t ms = (uint64_t)(clock_now() / 1000);
    if (owner != getpid()) { /* after a fork both would count on from the same number */
        owner = getpid();
        last_ms = 0;
    }
    if (ms <= last_ms) {
        last++; /* the clock stood still or went back: stay in order */
    } else {
        unsigned char random[10];
        unsigned __int128 low = 0;
        if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
            abort(); /* small reads of an initialised pool are never short */
        for (size_t i = 0; i < sizeof random; i++)
            low = low << 8 | random[i];
        last = (unsigned __int128)ms << 80 | low >> 1; /* room to count upwards */
        last_ms = ms;
    }
    encode_base32(last, id);
}
