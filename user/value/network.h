/* SPDX-License-Identifier: GPL-2.0 */
/* Networks of IP addresses, of both families in one form: an IPv4 network is one of
 * ::ffff:0:0/96. */
#ifndef HALFOPEN_VALUE_NETWORK_H
#define HALFOPEN_VALUE_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

#include "value/endpoint.h"

/* Additional bits of an IPv4 network in the mapped form. */
#define NETWORK_IPV4_BITS 96

#define NETWORK_TEXT_SIZE (INET6_ADDRSTRLEN + 4)

struct network {
	uint8_t address[16];
	uint8_t bits;		/* 0: any address */
};

enum network_error { NETWORK_OK, NETWORK_ADDRESS_WRONG, NETWORK_BITS_WRONG };

/* ADDRESS[/BITS]; without bits it is that address alone. With bits, as in ss(8), "10.1" stands for
 * 10.1.0.0. The address keeps its bits beyond the network's. */
enum network_error network__read(const char *text, struct network *n);

/* "ADDRESS/BITS", an IPv4 network as such. Returns `text`. */
const char *network__format(const uint8_t address[16], unsigned int bits,
			    char text[NETWORK_TEXT_SIZE]);

/* Has the address bits beyond the network's? */
bool network__has_host_bits(const struct network *n);

/* `address` in the form that both families share (endpoint__mapped()). */
bool network__holds(const struct network *n, const uint8_t address[16]);

#endif
