// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "act/net_class.h"

/* The lines of /proc/PID/cgroup with one of the two controllers, one behind the other: "4:net_cls,
 * net_prio:/web". */
struct groups {
	char lines[1024];
};

static void read_groups(uint32_t pid, struct groups *g)
{
	char path[64], line[1024];
	size_t length = 0;
	FILE *f;

	g->lines[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%u/cgroup", pid);
	f = fopen(path, "re");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		size_t size = strlen(line);

		if ((!strstr(line, "net_cls") && !strstr(line, "net_prio")) ||
		    length + size >= sizeof(g->lines))
			continue;
		memcpy(g->lines + length, line, size + 1);
		length += size;
	}
	fclose(f);
}

bool net_class__is_ours(uint32_t pid)
{
	static struct groups ours;
	static uint32_t last_pid;
	static bool have_ours, last;
	struct groups theirs;

	if (!have_ours)
		read_groups(getpid(), &ours);
	have_ours = true;
	if (!ours.lines[0])
		return true;
	if (pid != last_pid) {
		read_groups(pid, &theirs);
		last = !strcmp(ours.lines, theirs.lines);
		last_pid = pid;
	}
	return last;
}
