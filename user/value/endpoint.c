// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "value/endpoint.h"

bool endpoint__read(const char *text, struct endpoint *e)
{
	char copy[64], *address = copy, *bracket, *colon, *end;
	unsigned long port = 0;
	uint8_t family;

	if (strlen(text) >= sizeof(copy))
		return false;
	strcpy(copy, text);
	bracket = *copy == '[' ? strchr(copy, ']') : NULL;
	colon = bracket ? bracket + 1 : strchr(copy, ':');
	if (bracket) {
		address++;
		*bracket = '\0';
		if (*colon && *colon != ':')
			return false;
	} else if (colon && strchr(colon + 1, ':')) {
		colon = NULL;	/* an IPv6 address */
	}
	if (colon && *colon) {
		port = strtoul(colon + 1, &end, 10);
		if (colon[1] < '0' || colon[1] > '9' || *end || !port || port > 65535)
			return false;
		*colon = '\0';
	}
	*e = (struct endpoint){ .port = port };
	if (!endpoint__read_address(address, e->address, &family))
		return false;
	*e = endpoint__mapped(e, family);
	return true;
}

bool endpoint__read_with_link(const char *text, struct endpoint *e, char link[ENDPOINT_LINK_SIZE])
{
	const char *percent = strchr(text, '%'), *end;
	char rest[64];
	int length;

	*link = '\0';
	if (!percent)
		return endpoint__read(text, e);
	length = strcspn(percent + 1, "]:");	/* no name of a link has them */
	end = percent + 1 + length;
	if (length < 1 || length >= ENDPOINT_LINK_SIZE || strlen(text) >= sizeof(rest))
		return false;
	if (*text != '[' && *end)
		return false;	/* a port behind it: [IPV6%LINK]:PORT */
	snprintf(link, ENDPOINT_LINK_SIZE, "%.*s", length, percent + 1);
	snprintf(rest, sizeof(rest), "%.*s%s", (int)(percent - text), text, end);
	return endpoint__read(rest, e) && endpoint__is_link_local(e->address);
}
