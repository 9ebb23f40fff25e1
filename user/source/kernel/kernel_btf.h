/* SPDX-License-Identifier: GPL-2.0 */
/* BTF of the running kernel. */
#ifndef HALFOPEN_SOURCE_KERNEL_KERNEL_BTF_H
#define HALFOPEN_SOURCE_KERNEL_KERNEL_BTF_H

#include <stdbool.h>

struct btf;

/* Returns 0, -ENOTSUP where the kernel has none, or the -errno with which it could not be read. */
int kernel_btf__load(struct btf **btf);

/* Is there a function of this name, static ones included? */
bool kernel_btf__has_function(const struct btf *btf, const char *name);

#endif
