// SPDX-License-Identifier: GPL-2.0
#include <sys/resource.h>

#include "kernel/kernel_btf.h"
#include "kernel/memlock.h"
#include "sys/capability.h"

/* Detected, as libbpf does, by a helper of the release that charges the cgroup instead. */
bool memlock__counts(const struct kernel_btf *btf)
{
	return !kernel_btf__has(btf, "bpf_ktime_get_coarse_ns");
}

bool memlock__is_limit(const struct kernel_btf *btf, unsigned long long *kib)
{
	struct rlimit limit = { 0 };

	getrlimit(RLIMIT_MEMLOCK, &limit);
	*kib = limit.rlim_max / 1024;
	return memlock__counts(btf) && limit.rlim_max != RLIM_INFINITY &&
	       !capability__has(CAPABILITY_SYS_RESOURCE);
}
