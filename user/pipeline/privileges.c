// SPDX-License-Identifier: GPL-2.0
/* Privileges of a live watch once everything is attached: to look, and to open its files anew. */
#include <string.h>

#include "file/private_file.h"
#include "file/reach.h"
#include "pipeline/watch.h"
#include "sys/capability.h"
#include "sys/log.h"

/*
 * Needed: to enter namespaces (CAP_SYS_ADMIN), to find those of other users' processes
 * (CAP_SYS_PTRACE), and to read maps, which some kernels before 5.15 deny to processes that may not
 * load programs (CAP_BPF). CAP_PERFMON, CAP_NET_ADMIN and all others are no longer needed.
 */
#define TO_LOOK (CAPABILITY_BIT(CAPABILITY_SYS_ADMIN) | CAPABILITY_BIT(CAPABILITY_SYS_PTRACE) | \
		 CAPABILITY_BIT(CAPABILITY_BPF))

/* Do later operations on this file (reopen, rename, remove) need more than our user's
 * permissions? */
static bool is_elsewhere(const char *path)
{
	return path && strcmp(path, "-") && private_file__descriptor(path) < 0 &&
	       !reach__file(path);
}

/* A program's log, in a directory of its own, is opened again after a rename. */
static uint64_t for_identities(const char *spec)
{
	if (!spec)
		return 0;
	if (strncmp(spec, "unix:", 5))
		return CAPABILITY_BIT(CAPABILITY_DAC_READ_SEARCH);
	return is_elsewhere(spec + 5) ? CAPABILITY_BIT(CAPABILITY_DAC_OVERRIDE) : 0;
}

void watch__drop_privileges(const struct watch_options *o)
{
	uint64_t keep = TO_LOOK | for_identities(o->identities);
	int err;

	if (is_elsewhere(o->output) || is_elsewhere(o->record))
		keep |= CAPABILITY_BIT(CAPABILITY_DAC_OVERRIDE);
	err = capability__keep_only(keep);
	if (err)
		log_warning("capabilities that are not used any more could not be dropped: %s",
			    strerror(-err));
}
