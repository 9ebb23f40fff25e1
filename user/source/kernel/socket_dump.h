/* SPDX-License-Identifier: GPL-2.0 */
/* TCP sockets of the network namespace that this thread is in, by inet_diag (sock_diag(7)). */
#ifndef HALFOPEN_SOURCE_KERNEL_SOCKET_DUMP_H
#define HALFOPEN_SOURCE_KERNEL_SOCKET_DUMP_H

#include <linux/inet_diag.h>
#include <stdint.h>

typedef void (*socket_dump_fn)(void *context, const struct inet_diag_msg *socket);

/* Those in one of `states` (bits), of both families; each is given a cookie. `fn` NULL: that is
 * all. Returns 0 or -errno. */
int socket_dump__tcp(uint32_t states, socket_dump_fn fn, void *context);

#endif
