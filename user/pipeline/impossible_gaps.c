// SPDX-License-Identifier: GPL-2.0
#include "pipeline/impossible_gaps.h"
#include "sys/log.h"

void impossible_gaps__warn(const struct lives *l)
{
	const struct impossible_gaps *gaps = &l->impossible;

	if (gaps->connections)
		log_warning("gaps that cannot have been are left out, or cut, of %zu connection%s: "
			    "of the first (%s, cookie %llu) %.0f s is told, or a shortest above the "
			    "longest, or more often than fits, and it lived for %.0f s",
			    gaps->connections, gaps->connections == 1 ? "" : "s",
			    texts__at(&l->texts, gaps->gateway), (unsigned long long)gaps->cookie,
			    gaps->gap_s, gaps->lived_s);
}
