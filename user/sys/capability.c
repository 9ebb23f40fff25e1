// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "capability.h"

static uint64_t effective(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	uint64_t set = 0;
	char line[256];

	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "CapEff: %" SCNx64, &set) == 1)
			break;
	fclose(f);
	return set;
}

/* The initial user namespace has this inode (PROC_USER_INIT_INO of linux/proc_ns.h). */
#define HOST_USER_NAMESPACE 0xEFFFFFFDU

static bool is_in_host_user_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/user", &st) || st.st_ino == HOST_USER_NAMESPACE;
}

bool capability__has(enum capability c)
{
	uint64_t set = effective();
	bool admin = set & (1ULL << CAPABILITY_SYS_ADMIN);

	return (set & (1ULL << c)) || (admin && (c == CAPABILITY_BPF || c == CAPABILITY_PERFMON));
}

const char *capability__missing_for_bpf(void)
{
	bool bpf = capability__has(CAPABILITY_BPF), perfmon = capability__has(CAPABILITY_PERFMON);

	if (!is_in_host_user_namespace())
		return "CAP_BPF and CAP_PERFMON in the host's user namespace";
	if (bpf && perfmon)
		return NULL;
	if (bpf)
		return "CAP_PERFMON";
	return perfmon ? "CAP_BPF" : "CAP_BPF and CAP_PERFMON";
}
