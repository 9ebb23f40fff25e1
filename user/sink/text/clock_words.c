// SPDX-License-Identifier: GPL-2.0
#include <time.h>

#include "text/clock_words.h"

#define NS_PER_S 1000000000LL

static struct tm local(int64_t unix_ns)
{
	time_t s = unix_ns / NS_PER_S;
	struct tm tm;

	localtime_r(&s, &tm);
	return tm;
}

void clock_words__add(struct words *w, int64_t unix_ns, bool fine)
{
	struct tm tm = local(unix_ns);

	words__add(w, "%02d:%02d:%02d", tm.tm_hour, tm.tm_min, tm.tm_sec);
	if (fine)
		words__add(w, ".%03d", (int)(unix_ns / 1000000 % 1000));
}

void clock_words__add_dated(struct words *w, int64_t unix_ns, int64_t now_ns, bool fine)
{
	struct tm then = local(unix_ns), now = local(now_ns);

	if (then.tm_yday != now.tm_yday || then.tm_year != now.tm_year)
		words__add(w, "%04d-%02d-%02d ", then.tm_year + 1900, then.tm_mon + 1,
			   then.tm_mday);
	clock_words__add(w, unix_ns, fine);
}
