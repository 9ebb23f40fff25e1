// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"
#include "recorder.h"
#include "recording.h"

#define BUFFER_SIZE (1 << 18)

int recorder__open(struct recorder *r, const char *path, const struct disguise *disguise)
{
	struct recording_header header;
	int err;

	*r = (struct recorder){ .disguise = disguise, .buffer = malloc(BUFFER_SIZE + RECORD_SIZE_MAX) };
	if (!r->buffer)
		return -ENOMEM;
	err = output__open(&r->output, path);
	if (err) {
		free(r->buffer);
		return err;
	}
	recording__fill_header(&header);
	memcpy(r->buffer, &header, sizeof(header));
	r->used = sizeof(header);
	return 0;
}

int recorder__add(struct recorder *r, const void *encoded, size_t size,
		  const struct record *record)
{
	if (r->disguise->kind == DISGUISE_NONE) {
		memcpy(r->buffer + r->used, encoded, size);
	} else {
		struct record shown = *record;

		disguise__record(r->disguise, &shown);
		size = record__encode(&shown, r->buffer + r->used);
	}
	r->used += size;
	return r->used >= BUFFER_SIZE ? recorder__flush(r) : 0;
}

int recorder__flush(struct recorder *r)
{
	int err = r->used ? output__write(&r->output, r->buffer, r->used) : 0;

	r->used = 0;
	return err;
}

int recorder__close(struct recorder *r)
{
	int err = output__close(&r->output);

	free(r->buffer);
	*r = (struct recorder){ 0 };
	return err;
}
