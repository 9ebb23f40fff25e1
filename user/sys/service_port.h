/* SPDX-License-Identifier: GPL-2.0 */
/* Names of services (/etc/services), as ss(8) takes them for ports. */
#ifndef HALFOPEN_SYS_SERVICE_PORT_H
#define HALFOPEN_SYS_SERVICE_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The port of a TCP service, by its name or an alias; `length` characters. False: there is none of
 * that name. (getservbyname(3) would do, but for a static program, which cannot load what it needs.) */
bool service_port__find(const char *name, size_t length, uint16_t *port);

#endif
