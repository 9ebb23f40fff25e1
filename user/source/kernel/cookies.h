/* SPDX-License-Identifier: GPL-2.0 */
/* Cookies for kernels on which iterators cannot ask for them. */
#ifndef HALFOPEN_SOURCE_KERNEL_COOKIES_H
#define HALFOPEN_SOURCE_KERNEL_COOKIES_H

/*
 * Makes the kernel give every TCP connection of this thread's network namespace a cookie, as a
 * side effect of telling it: an inet_diag dump (sock_diag(7)), whose rows are not looked at.
 * Returns 0 or -errno.
 */
int cookies__make(void);

#endif
