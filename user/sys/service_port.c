// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys/service_port.h"

static bool is_called(const char *word, const char *name, size_t length)
{
	return strlen(word) == length && !memcmp(word, name, length);
}

/* "NAME PORT/tcp ALIAS..." of services(5); it is cut up. The port, 0: this is another. */
static unsigned long port_in(char *line, const char *name, size_t length)
{
	static const char blanks[] = " \t\r\n";
	char *rest, *word, *protocol;
	unsigned long port;
	bool found;

	line[strcspn(line, "#")] = '\0';
	word = strtok_r(line, blanks, &rest);
	found = word && is_called(word, name, length);
	word = word ? strtok_r(NULL, blanks, &rest) : NULL;
	port = word ? strtoul(word, &protocol, 10) : 0;
	if (!port || strcmp(protocol, "/tcp"))
		return 0;
	while (!found && (word = strtok_r(NULL, blanks, &rest)))
		found = is_called(word, name, length);
	return found ? port : 0;
}

bool service_port__find(const char *name, size_t length, uint16_t *port)
{
	FILE *f = fopen("/etc/services", "re");
	unsigned long found = 0;
	char line[512];

	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f))
		found = port_in(line, name, length);
	fclose(f);
	*port = found;
	return found && found <= UINT16_MAX;
}
