// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recording.h"

#define BYTE_ORDER_MARK 0x01020304U
#define READ_SIZE (1 << 20)

void recording__fill_header(struct recording_header *h)
{
	*h = (struct recording_header){ .version = RECORDING_VERSION,
					.byte_order = BYTE_ORDER_MARK };
	memcpy(h->magic, "HALFOPEN", sizeof(h->magic));
}

static ssize_t read_fully(int fd, uint8_t *buf, size_t size)
{
	size_t got = 0;

	while (got < size) {
		ssize_t n = read(fd, buf + got, size - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		got += n;
	}
	return got;
}

static int check_header(const struct recording_header *h, size_t size,
			struct recording_problem *problem)
{
	const char *wrong = NULL;

	if (size < sizeof(*h) || memcmp(h->magic, "HALFOPEN", sizeof(h->magic)))
		wrong = "not a recording: it does not begin with HALFOPEN";
	else if (h->byte_order != BYTE_ORDER_MARK)
		wrong = "recorded on a machine of another byte order";
	else if (h->version == 0 || h->version > RECORDING_VERSION)
		wrong = "recorded in a newer format than this version reads";
	if (!wrong)
		return 0;
	snprintf(problem->text, sizeof(problem->text), "%s", wrong);
	return -EBADMSG;
}

/* Passes on the whole records in `buf`; returns the bytes they took, or a negative errno. */
static ssize_t pass_on(const uint8_t *buf, size_t size, uint64_t offset, stream_fn fn,
		       void *context, struct recording_problem *problem)
{
	size_t used = 0;

	for (;;) {
		long length = record__size(buf + used, size - used);
		int err;

		if (length < 0) {
			snprintf(problem->text, sizeof(problem->text),
				 "byte %llu: no record begins here",
				 (unsigned long long)(offset + used));
			return length;
		}
		if (!length || (size_t)length > size - used)
			return used;
		err = fn(context, buf + used, length);
		if (err)
			return err;
		used += length;
	}
}

int recording__read(int fd, stream_fn fn, void *context, struct recording_problem *problem)
{
	uint8_t *buf = malloc(READ_SIZE + RECORD_SIZE_MAX);
	struct recording_header header;
	uint64_t offset = sizeof(header);
	size_t rest = 0;
	ssize_t n;
	int err;

	*problem = (struct recording_problem){ "", false };
	if (!buf)
		return -ENOMEM;
	n = read_fully(fd, (uint8_t *)&header, sizeof(header));
	err = n < 0 ? (int)n : check_header(&header, n, problem);
	while (!err) {
		ssize_t used;

		n = read_fully(fd, buf + rest, READ_SIZE);
		if (n <= 0) {
			err = n;
			break;
		}
		used = pass_on(buf, rest + n, offset, fn, context, problem);
		if (used < 0) {
			err = used;
			break;
		}
		rest = rest + n - used;
		offset += used;
		memmove(buf, buf + used, rest);
	}
	if (!err && rest) {
		problem->is_cut = true;
		snprintf(problem->text, sizeof(problem->text),
			 "cut off in the record at byte %llu; read up to there",
			 (unsigned long long)offset);
	}
	free(buf);
	return err;
}
