/* SPDX-License-Identifier: GPL-2.0 */
/* Addresses as text: an IPv4 address inside an IPv6 socket is an IPv4 address, a link-local one has
 * its link behind it. */
#ifndef HALFOPEN_VALUE_ADDRESS_H
#define HALFOPEN_VALUE_ADDRESS_H

#include <stdint.h>

#define ADDRESS_TEXT_SIZE 64

/* Writes an address into `text` of ADDRESS_TEXT_SIZE; returns `text`. `bound_if` is the interface
 * that the socket is bound to, or 0. */
const char *address__format(uint8_t family, uint32_t bound_if, const uint8_t address[16],
			    char *text);

/* The same with the port: 192.0.2.1:80, [2001:db8::1]:80. */
const char *address__with_port(const char *address, uint16_t port, char *text);

#endif
