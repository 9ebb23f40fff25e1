/* SPDX-License-Identifier: GPL-2.0 */
/* How addresses are shown: an IPv4 address inside an IPv6 socket is an IPv4 address. */
#ifndef HALFOPEN_SINK_ADDRESS_H
#define HALFOPEN_SINK_ADDRESS_H

#include "connection.h"

#define ADDRESS_TEXT_SIZE 64

/* "ipv4" or "ipv6", as the traffic is. */
const char *address__family(const struct connection *c);

/* Writes the address of `e`, an end of `c`, into `text` of ADDRESS_TEXT_SIZE; returns `text`. */
const char *address__format(const struct connection *c, const struct endpoint *e, char *text);

/* The same with the port: 192.0.2.1:80, [2001:db8::1]:80. */
const char *address__format_with_port(const struct connection *c, const struct endpoint *e,
				      char *text);

#endif
