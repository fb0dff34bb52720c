/* pattern.h: the patterns of the manifest: * stands for any text, ? for one byte, nothing else is special. */
#ifndef LBOPS_HOST_PATTERN_H
#define LBOPS_HOST_PATTERN_H

#include <stdbool.h>

bool pattern_matches(const char *pattern, const char *text);

#endif
