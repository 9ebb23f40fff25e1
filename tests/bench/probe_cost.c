// SPDX-License-Identifier: GPL-2.0
/* Attaches an empty program to tcp_probe and says "attached"; at the first line of standard input
 * switches the kernel's run-time statistics on and says "ready"; at its end prints for each
 * program on the host that is called by one of its arguments, and for the empty one: name, runs,
 * ns a run, instructions after verification, bytes of machine code. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "empty.skel.h"

struct figures {
	char name[32];
	unsigned long long runs, ns;
	unsigned int instructions, bytes;
};

static int read_figures(int fd, struct figures *f)
{
	struct bpf_prog_info info = { 0 };
	unsigned int size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return -1;
	*f = (struct figures){ .runs = info.run_cnt, .ns = info.run_time_ns,
			       .instructions = info.xlated_prog_len / 8,
			       .bytes = info.jited_prog_len };
	snprintf(f->name, sizeof(f->name), "%s", info.name);
	return 0;
}

int main(int argc, char **argv)
{
	struct empty_bpf *empty = empty_bpf__open_and_load();
	struct figures before[8], now;
	int fds[8], count = 0, stats, i;
	unsigned int id = 0;
	char line[16];

	if (!empty || empty_bpf__attach(empty))
		return 1;
	puts("attached");
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return 1;
	stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (stats < 0)
		return 1;
	while (!bpf_prog_get_next_id(id, &id) && count < 8) {
		int fd = bpf_prog_get_fd_by_id(id), wanted;

		if (fd < 0 || read_figures(fd, &now))
			continue;
		wanted = !strcmp(now.name, "empty");
		for (i = 1; i < argc; i++)
			wanted |= !strcmp(now.name, argv[i]);
		if (!wanted) {
			close(fd);
			continue;
		}
		before[count] = now;
		fds[count++] = fd;
	}
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		;
	for (i = 0; i < count; i++) {
		read_figures(fds[i], &now);
		now.runs -= before[i].runs;
		now.ns -= before[i].ns;
		printf("%s %llu %.2f %u %u\n", now.name, now.runs,
		       now.runs ? (double)now.ns / now.runs : 0, now.instructions, now.bytes);
	}
	empty_bpf__destroy(empty);
	return 0;
}
