// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "value/address.h"
#include "value/endpoint.h"

/* fe80::/10 (RFC 4291): the same address may live on each link, so its link belongs to it. */
static bool is_link_local(const uint8_t *address)
{
	return address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
}

const char *address__format(uint8_t family, uint32_t bound_if, const uint8_t address[16],
			    char *text)
{
	if (family == AF_INET)
		return inet_ntop(AF_INET, address, text, ADDRESS_TEXT_SIZE);
	if (endpoint__is_mapped(address))
		return inet_ntop(AF_INET, address + 12, text, ADDRESS_TEXT_SIZE);
	inet_ntop(AF_INET6, address, text, ADDRESS_TEXT_SIZE);
	if (is_link_local(address) && bound_if)
		sprintf(text + strlen(text), "%%%u", bound_if);
	return text;
}

const char *address__with_port(const char *address, uint16_t port, char *text)
{
	snprintf(text, ADDRESS_TEXT_SIZE, strchr(address, ':') ? "[%.55s]:%u" : "%.57s:%u", address,
		 port);
	return text;
}
