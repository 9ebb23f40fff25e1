// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/capability.h"

/* Both words of version 3 of linux/capability.h, as one number. */
struct sets {
	uint64_t effective, permitted;
};

static int read_sets(struct sets *sets)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data))
		return -errno;
	sets->effective = data[0].effective | (uint64_t)data[1].effective << 32;
	sets->permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	return 0;
}

/* Nothing is inherited. */
static int write_sets(const struct sets *sets)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
		{ .effective = sets->effective, .permitted = sets->permitted },
		{ .effective = sets->effective >> 32, .permitted = sets->permitted >> 32 },
	};

	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

/* Needs CAP_SETPCAP; without it, no_new_privs alone keeps an executed program from gaining any. */
static void bound(uint64_t bits)
{
	int c;

	for (c = 0; prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++)
		if (c >= 64 || !(bits & CAPABILITY_BIT(c)))
			prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
}

int capability__keep_only(uint64_t bits)
{
	struct sets sets = { 0 };
	int err = read_sets(&sets);

	if (err)
		return err;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	bound(bits);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	sets.permitted &= bits;
	sets.effective &= bits;
	return write_sets(&sets);
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
	struct sets sets = { 0 };
	bool admin;

	read_sets(&sets);
	admin = sets.effective & CAPABILITY_BIT(CAPABILITY_SYS_ADMIN);
	return (sets.effective & CAPABILITY_BIT(c)) ||
	       (admin && (c == CAPABILITY_BPF || c == CAPABILITY_PERFMON));
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
