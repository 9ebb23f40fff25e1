// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"
#include "recorder.h"
#include "recording.h"

#define BUFFER_SIZE (1 << 18)

static int begin_file(struct recorder *r)
{
	int err = output__open(&r->output, r->config.path);
	struct recording_header header;

	if (err)
		return err;
	recording__fill_header(&header);
	memcpy(r->buffer, &header, sizeof(header));
	r->used = sizeof(header);
	r->begun_ns = 0;
	return 0;
}

int recorder__open(struct recorder *r, const struct recorder_config *config)
{
	int err;

	*r = (struct recorder){ .config = *config,
				.buffer = malloc(BUFFER_SIZE + RECORD_SIZE_MAX) };
	if (!r->buffer)
		return -ENOMEM;
	err = begin_file(r);
	if (err) {
		free(r->buffer);
		r->buffer = NULL;
	}
	return err;
}

bool recorder__is_due(const struct recorder *r, uint64_t now_ns)
{
	const struct recorder_config *c = &r->config;

	if (!r->output.is_file || !r->begun_ns)
		return false;
	return (c->max_bytes && r->output.written + r->used >= c->max_bytes / 2) ||
	       (c->max_age_ns && now_ns - r->begun_ns >= c->max_age_ns / 2);
}

/* today.ho.zst -> today.old.ho.zst */
static char *name_of_old(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	const char *dot = strchr(*name ? name + 1 : name, '.');
	char *old;

	if (!dot)
		dot = path + strlen(path);
	return asprintf(&old, "%.*s.old%s", (int)(dot - path), path, dot) < 0 ? NULL : old;
}

static int change_files(struct recorder *r)
{
	char *old = name_of_old(r->config.path);
	int err = old ? recorder__flush(r) : -ENOMEM;

	if (!err)
		err = output__close(&r->output);
	if (!err && rename(r->config.path, old))
		err = -errno;
	free(old);
	if (!err)
		err = begin_file(r);
	if (err && !r->output.error)
		r->output.error = -err;
	return err;
}

int recorder__add(struct recorder *r, const struct record *record)
{
	struct record shown = *record;

	if (record->type == RECORD_META && recorder__is_due(r, record->mono_ns)) {
		int err = change_files(r);

		if (err)
			return err;
	}
	if (!r->begun_ns)
		r->begun_ns = record->mono_ns;
	disguise__record(r->config.disguise, &shown);
	r->used += record__encode(&shown, r->buffer + r->used);
	return r->used >= BUFFER_SIZE ? recorder__flush(r) : 0;
}

int recorder__flush(struct recorder *r)
{
	int err = r->used ? output__write(&r->output, r->buffer, r->used) : 0;

	r->used = 0;
	return err ? err : output__settle(&r->output);
}

int recorder__close(struct recorder *r)
{
	int err = output__close(&r->output);

	free(r->buffer);
	*r = (struct recorder){ 0 };
	return err;
}
