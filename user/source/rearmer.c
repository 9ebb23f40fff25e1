// SPDX-License-Identifier: GPL-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capability.h"
#include "log.h"
#include "rearm.skel.h"
#include "rearmer.h"
#include "reason.h"
#include "trial.h"

struct rearmer {
	struct rearm_bpf *bpf;
	struct bpf_link *link;
};

int rearmer__open(struct rearmer **out)
{
	const char *missing = capability__missing_for_bpf();
	struct rearmer *r;
	int err;

	if (missing) {
		log_error("not permitted: --rearm needs %s (run it as root)", missing);
		return -EPERM;
	}
	trial__hush_libbpf();
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->bpf = rearm_bpf__open_and_load();
	if (!r->bpf) {
		err = -errno;
		if (reason__is_limit(err))
			log_error("--rearm: cannot load its program: %s", reason__of(err));
		else
			log_error("--rearm: this kernel lets no iterator set options (%s); Linux "
				  "5.15 does", strerror(-err));
		goto fail;
	}
	r->link = bpf_program__attach_iter(r->bpf->progs.rearm, NULL);
	if (!r->link) {
		err = -errno;
		log_error("--rearm: cannot attach the iterator: %s", strerror(-err));
		goto fail;
	}
	*out = r;
	return 0;

fail:
	rearmer__close(r);
	return err;
}

int rearmer__pass(struct rearmer *r, unsigned int slice, unsigned int slices)
{
	char nothing[64];
	ssize_t n;
	int fd;

	r->bpf->data->slices = slices;
	r->bpf->bss->slice = slice;
	fd = bpf_iter_create(bpf_link__fd(r->link));
	if (fd < 0)
		return -errno;
	do {
		n = read(fd, nothing, sizeof(nothing));
	} while (n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN)));
	n = n < 0 ? -errno : 0;
	close(fd);
	return n;
}

struct rearmed rearmer__done(const struct rearmer *r)
{
	return (struct rearmed){ .sockets = r->bpf->bss->rearmed, .asking = r->bpf->bss->asking,
				 .refused = r->bpf->bss->refused };
}

void rearmer__close(struct rearmer *r)
{
	if (!r)
		return;
	bpf_link__destroy(r->link);
	rearm_bpf__destroy(r->bpf);
	free(r);
}

uint64_t rearmer__deaths(void)
{
	FILE *f = fopen("/proc/thread-self/net/netstat", "re");
	char *names = NULL, *values = NULL, *name, *value, *at_name, *at_value;
	size_t size_of_names = 0, size_of_values = 0;
	unsigned long long found = 0;

	/* Pairs of lines: the names, and below them the values. */
	while (f && getline(&names, &size_of_names, f) > 0 &&
	       getline(&values, &size_of_values, f) > 0) {
		name = strtok_r(names, " \n", &at_name);
		value = strtok_r(values, " \n", &at_value);
		while (name && value && strcmp(name, "TCPAbortOnTimeout")) {
			name = strtok_r(NULL, " \n", &at_name);
			value = strtok_r(NULL, " \n", &at_value);
		}
		if (name && value)
			found = strtoull(value, NULL, 10);
	}
	free(names);
	free(values);
	if (f)
		fclose(f);
	return found;
}
