// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <time.h>

#include "value/rfc3339.h"

#define YEAR_MIN 1970
#define YEAR_MAX 2261	/* 2262 ends within April, in 63 bits of nanoseconds */

/* `count` digits at `*text`, which moves behind them, of a number within [min, max]. */
static bool digits(const char **text, unsigned int count, int min, int max, int *value)
{
	*value = 0;
	for (; count; count--, (*text)++) {
		if (!isdigit((unsigned char)**text))
			return false;
		*value = *value * 10 + (**text - '0');
	}
	return *value >= min && *value <= max;
}

static bool mark(const char **text, char expected)
{
	return *(*text)++ == expected;
}

static int days_in(int month, int year)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && year % 4 == 0 && (year % 100 || year % 400 == 0));
}

static bool date_and_time(const char **text, struct tm *tm)
{
	int year, month;

	if (!digits(text, 4, YEAR_MIN, YEAR_MAX, &year) || !mark(text, '-') ||
	    !digits(text, 2, 1, 12, &month) || !mark(text, '-') ||
	    !digits(text, 2, 1, days_in(month, year), &tm->tm_mday) || !mark(text, 'T') ||
	    !digits(text, 2, 0, 23, &tm->tm_hour) || !mark(text, ':') ||
	    !digits(text, 2, 0, 59, &tm->tm_min) || !mark(text, ':') ||
	    !digits(text, 2, 0, 60, &tm->tm_sec))	/* a leap second */
		return false;
	tm->tm_year = year - 1900;
	tm->tm_mon = month - 1;
	return true;
}

/* Digits beyond nanoseconds are cut off. */
static bool fraction(const char **text, uint32_t *ns)
{
	uint32_t unit = 100000000;

	if (**text != '.')
		return true;
	if (!isdigit((unsigned char)*++*text))
		return false;
	for (; isdigit((unsigned char)**text); (*text)++, unit /= 10)
		*ns += (**text - '0') * unit;
	return true;
}

/* East of Greenwich; the colon may be missing, as strptime(3) has it. */
static bool zone(const char **text, int *offset_s)
{
	int sign = **text == '-' ? -1 : 1, hours, minutes = 0;

	*offset_s = 0;
	if (**text == 'Z') {
		(*text)++;
		return true;
	}
	if (**text != '+' && **text != '-')
		return false;
	(*text)++;
	if (!digits(text, 2, 0, 23, &hours))
		return false;
	if (**text && (*text += **text == ':', !digits(text, 2, 0, 59, &minutes)))
		return false;
	*offset_s = sign * (hours * 3600 + minutes * 60);
	return true;
}

bool rfc3339__parse(const char *text, struct rfc3339_time *time)
{
	struct tm tm = { 0 };
	int offset_s;

	*time = (struct rfc3339_time){ 0 };
	if (!date_and_time(&text, &tm) || !fraction(&text, &time->ns) || !zone(&text, &offset_s) ||
	    *text)
		return false;
	time->s = timegm(&tm) - offset_s;
	return time->s >= 0;
}
