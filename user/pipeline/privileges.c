// SPDX-License-Identifier: GPL-2.0
/* What a live watch may still do once everything is attached: look, and open its files anew. */
#include <string.h>

#include "file/private_file.h"
#include "file/reach.h"
#include "pipeline/watch.h"
#include "sys/capability.h"
#include "sys/log.h"

/*
 * Namespaces are entered (CAP_SYS_ADMIN), those of other users' processes looked for
 * (CAP_SYS_PTRACE); maps are read, which some kernels before 5.15 deny to those who may not load
 * programs (CAP_BPF). CAP_PERFMON, CAP_NET_ADMIN and all others have done their work.
 */
#define TO_LOOK (CAPABILITY_BIT(CAPABILITY_SYS_ADMIN) | CAPABILITY_BIT(CAPABILITY_SYS_PTRACE) | \
		 CAPABILITY_BIT(CAPABILITY_BPF))

/* Does what is done to this file later (opened anew, renamed, removed) need more than what whoever we
 * are may? */
static bool is_elsewhere(const char *path)
{
	return path && strcmp(path, "-") && private_file__descriptor(path) < 0 &&
	       !reach__file(path);
}

/* A log of some program, in a directory of its own, is opened again when it was renamed. */
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
