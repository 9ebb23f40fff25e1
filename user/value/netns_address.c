// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "value/netns_address.h"

#define NAME_BYTES_MAX 63

bool netns_address__is_name(const char *text)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-";
	size_t length = strlen(text);

	return length && length <= NAME_BYTES_MAX && *text != '-' && *text != '.' &&
	       strspn(text, allowed) == length && strspn(text, "0123456789") != length;
}

const char *netns_address__of_cookie(uint32_t inode, uint64_t cookie,
				     char address[NETNS_ADDRESS_OF_COOKIE_SIZE])
{
	snprintf(address, NETNS_ADDRESS_OF_COOKIE_SIZE, "inode:%" PRIu32 ",cookie:%" PRIu64, inode,
		 cookie);
	return address;
}

bool netns_address__read_cookie(const char *text, uint32_t *inode, uint64_t *cookie)
{
	char again[NETNS_ADDRESS_OF_COOKIE_SIZE];

	return sscanf(text, "inode:%" SCNu32 ",cookie:%" SCNu64, inode, cookie) == 2 && *cookie &&
	       !strcmp(netns_address__of_cookie(*inode, *cookie, again), text);
}
