/* SPDX-License-Identifier: GPL-2.0 */
/* Capabilities of this process. */
#ifndef HALFOPEN_SYS_CAPABILITY_H
#define HALFOPEN_SYS_CAPABILITY_H

#include <stdbool.h>
#include <stdint.h>

/* Numbers of linux/capability.h, some younger than the headers around. */
enum capability {
	CAPABILITY_DAC_OVERRIDE = 1,
	CAPABILITY_DAC_READ_SEARCH = 2,
	CAPABILITY_NET_ADMIN = 12,
	CAPABILITY_SYS_PTRACE = 19,
	CAPABILITY_SYS_ADMIN = 21,
	CAPABILITY_SYS_RESOURCE = 24,
	CAPABILITY_PERFMON = 38,
	CAPABILITY_BPF = 39,
};

/* In the effective set of this process; CAP_SYS_ADMIN includes CAP_BPF and CAP_PERFMON. */
bool capability__has(enum capability c);

/* The missing capabilities to load tracing programs ("CAP_BPF and CAP_PERFMON"); NULL if none.
 * Those that count within a user namespace alone do not suffice. */
const char *capability__missing_for_bpf(void);

#define CAPABILITY_BIT(capability) (1ULL << (capability))

/* For good, for this thread and its children: keeps only these capabilities, of those that it has,
 * and no program that is executed gains any. Returns 0 or -errno. */
int capability__keep_only(uint64_t bits);

#endif
