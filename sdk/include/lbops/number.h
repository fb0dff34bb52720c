/* lbops/number.h: numbers as text, as JSON has them. */
#ifndef LBOPS_NUMBER_H
#define LBOPS_NUMBER_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LB_NUMBER_TEXT 40 /* holds any integer and any double */

/* Both are made from their end; what stands at the returned place is not terminated. */
static inline char *lb_number_digits(uint64_t number, char *end)
{
    do
        *--end = (char)('0' + number % 10);
    while (number /= 10);
    return end;
}

static inline size_t lb_number_taken(char text[LB_NUMBER_TEXT], const char *from, const char *end)
{
    size_t length = (size_t)(end - from);
    memmove(text, from, length);
    text[length] = '\0';
    return length;
}

/* Returns the length. */
static inline size_t lb_i64_text(int64_t number, char text[LB_NUMBER_TEXT])
{
    char digits[LB_NUMBER_TEXT], *end = digits + sizeof digits;
    if (number >= 0 && number < 10) { /* as most counters are */
        text[0] = (char)('0' + number);
        text[1] = '\0';
        return 1;
    }
    char *p = lb_number_digits(number < 0 ? 0 - (uint64_t)number : (uint64_t)number, end);
    if (number < 0)
        *--p = '-';
    return lb_number_taken(text, p, end);
}

/* Most figures have few decimals. Up to 15 digits a decimal and the nearest double stand for each other, so when the
 * division gives the number back, its digits are the shortest. 0: ask printf. */
static inline size_t lb_short_double_text(double number, char text[LB_NUMBER_TEXT])
{
    static const double units = 1e6;
    double scaled = fabs(number) * units;
    if (!(scaled < 1e15) || number == 0)
        return 0;
    int64_t count = (int64_t)(scaled + 0.5);
    if ((double)count / units != fabs(number))
        return 0;
    char digits[LB_NUMBER_TEXT], *end = digits + sizeof digits, *p = end;
    int64_t fraction = count % 1000000;
    for (int i = 0; i < 6; i++, fraction /= 10)
        if (fraction % 10 || p < end)
            *--p = (char)('0' + fraction % 10);
    if (p < end)
        *--p = '.';
    p = lb_number_digits((uint64_t)(count / 1000000), p);
    if (number < 0)
        *--p = '-';
    return lb_number_taken(text, p, end);
}

/* The shortest decimal that reads back as the same double, which has to be finite. Returns the length. */
static inline size_t lb_double_text(double number, char text[LB_NUMBER_TEXT])
{
    if (fabs(number) < 1e15 && (double)(int64_t)number == number && !(number == 0 && signbit(number)))
        return lb_i64_text((int64_t)number, text);
    size_t length = lb_short_double_text(number, text);
    for (int precision = 15; !length && precision <= 17; precision++) {
        (void)snprintf(text, LB_NUMBER_TEXT, "%.*g", precision, number); /* fits */
        if (precision == 17 || strtod(text, NULL) == number)             /* 17 digits always read back */
            length = strlen(text);
    }
    return length;
}

#endif
