/* SPDX-License-Identifier: GPL-2.0 */
/* What the running kernel tells of its types. */
#ifndef HALFOPEN_SOURCE_KERNEL_BTF_H
#define HALFOPEN_SOURCE_KERNEL_BTF_H

struct btf;

/* Returns 0, -ENOTSUP where the kernel has none, or the -errno with which it could not be read. */
int kernel_btf__load(struct btf **btf);

#endif
