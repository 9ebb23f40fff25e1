/* SPDX-License-Identifier: GPL-2.0 */
/* Before 5.11 BPF memory counts for RLIMIT_MEMLOCK, which libbpf raises where it may. */
#ifndef HALFOPEN_SOURCE_KERNEL_MEMLOCK_H
#define HALFOPEN_SOURCE_KERNEL_MEMLOCK_H

#include <stdbool.h>

struct kernel_btf;

#define MEMLOCK_ADVICE "ulimit -l unlimited, or LimitMEMLOCK=infinity, or CAP_SYS_RESOURCE"

/* Does it count on the kernel of this BTF? */
bool memlock__counts(const struct kernel_btf *btf);

/* It counts, and can be raised to `*kib` at most. */
bool memlock__is_limit(const struct kernel_btf *btf, unsigned long long *kib);

#endif
