/* SPDX-License-Identifier: GPL-2.0 */
/* BTF of the running kernel: which names it has, and its types. */
#ifndef HALFOPEN_SOURCE_KERNEL_KERNEL_BTF_H
#define HALFOPEN_SOURCE_KERNEL_KERNEL_BTF_H

#include <stdbool.h>

struct btf;
struct kernel_btf;

/* Reads the names. Returns 0, -ENOTSUP where the kernel has no BTF, or the -errno with which it could
 * not be read. */
int kernel_btf__open(struct kernel_btf **btf);
void kernel_btf__close(struct kernel_btf *btf);

/* Is there a function (static ones included) or a type of this name? */
bool kernel_btf__has(const struct kernel_btf *btf, const char *name);

/* The types, read at the first call, which takes as long as a look at ten thousand sockets; NULL if they
 * cannot be read. They are of `btf`. */
const struct btf *kernel_btf__types(struct kernel_btf *btf);

#endif
