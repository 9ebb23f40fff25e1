// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "value/address.h"
#include "value/endpoint.h"
#include "value/number.h"

/* As inet_ntop(3) does by printf(3): there may be a million. */
static const char *format_ipv4(const uint8_t *address, char *text)
{
	char *at = text;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		if (i)
			*at++ = '.';
		at = number__put(at, address[i]);
	}
	*at = '\0';
	return text;
}

const char *address__format(uint8_t family, uint32_t bound_if, const uint8_t address[16],
			    char *text)
{
	if (family == AF_INET)
		return format_ipv4(address, text);
	if (endpoint__is_mapped(address))
		return format_ipv4(address + 12, text);
	inet_ntop(AF_INET6, address, text, ADDRESS_TEXT_SIZE);
	if (endpoint__is_link_local(address) && bound_if)
		sprintf(text + strlen(text), "%%%u", bound_if);
	return text;
}

const char *address__with_port(const char *address, uint16_t port, char *text)
{
	bool is_ipv6 = strchr(address, ':');
	size_t length = strnlen(address, is_ipv6 ? 55 : 57);
	char *at = text;

	if (is_ipv6)
		*at++ = '[';
	at = mempcpy(at, address, length);
	if (is_ipv6)
		*at++ = ']';
	*at++ = ':';
	*number__put(at, port) = '\0';
	return text;
}
