/* SPDX-License-Identifier: GPL-2.0 */
/* Cookies for kernels on which iterators cannot create them. */
#ifndef HALFOPEN_SOURCE_KERNEL_COOKIES_H
#define HALFOPEN_SOURCE_KERNEL_COOKIES_H

/*
 * Makes the kernel give every TCP connection of this thread's network namespace a cookie, as a side
 * effect of an inet_diag dump (sock_diag(7)), whose rows are ignored. Returns 0 or -errno.
 */
int cookies__make(void);

#endif
