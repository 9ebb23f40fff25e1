// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file/foreign.h"
#include "file/input.h"
#include "stream/recording.h"

#define MAGIC "HALFOPEN"
#define BYTE_ORDER_MARK 0x01020304U
#define READ_SIZE (1 << 20)

void recording__fill_header(struct recording_header *h)
{
	*h = (struct recording_header){ .version = RECORDING_VERSION,
					.byte_order = BYTE_ORDER_MARK };
	memcpy(h->magic, MAGIC, sizeof(h->magic));
}

static ssize_t read_fully(struct input *in, uint8_t *buf, size_t size)
{
	size_t got = 0;

	while (got < size) {
		ssize_t n = input__read(in, buf + got, size - got);

		if (n < 0)
			return n;
		if (n == 0)
			break;
		got += n;
	}
	return got;
}

/* `size` bytes of it are known. */
static int say_what_it_is(struct input *in, const void *begun, size_t size,
			  struct recording_problem *problem)
{
	uint8_t head[FOREIGN_HEAD_SIZE];
	const char *words;
	ssize_t n;

	memcpy(head, begun, size);
	n = read_fully(in, head + size, sizeof(head) - size);
	if (n < 0)
		return n;
	words = foreign__words(head, size + n);
	snprintf(problem->text, sizeof(problem->text), "not a recording: %s%s%s",
		 size + n ? "it does not begin with HALFOPEN" : "", words && size + n ? ": " : "",
		 words ? words : "");
	return -EBADMSG;
}

static int check_header(struct input *in, const struct recording_header *h, size_t size,
			struct recording_problem *problem)
{
	const char *wrong = NULL;

	if (size < sizeof(*h) || memcmp(h->magic, MAGIC, sizeof(h->magic)))
		return say_what_it_is(in, h, size, problem);
	if (h->byte_order != BYTE_ORDER_MARK)
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

/* All records behind the header. `*offset` is where the last whole one ended. */
static int read_records(struct input *in, uint8_t *buf, uint64_t *offset, size_t *rest,
			stream_fn fn, void *context, struct recording_problem *problem)
{
	for (;;) {
		ssize_t n = read_fully(in, buf + *rest, READ_SIZE), used;

		if (n <= 0)
			return n;
		used = pass_on(buf, *rest + n, *offset, fn, context, problem);
		if (used < 0)
			return used;
		*rest += n - used;
		*offset += used;
		memmove(buf, buf + used, *rest);
	}
}

static void say_where_it_was_cut(const struct input *in, uint64_t offset,
				 struct recording_problem *problem)
{
	problem->is_cut = true;
	snprintf(problem->text, sizeof(problem->text),
		 "%s in the record at byte %llu%s; read up to there",
		 in->damaged ? "damaged" : "cut off", (unsigned long long)offset,
		 in->zstd ? " (decompressed)" : "");
}

/* Is it only the beginning of one, cut off within its header? */
static bool is_beginning(const struct input *in, const struct recording_header *h, size_t size)
{
	size_t magic = size < sizeof(h->magic) ? size : sizeof(h->magic);

	return size < sizeof(*h) && (size || in->within_frame || in->damaged) &&
	       !memcmp(h->magic, MAGIC, magic);
}

int recording__read(int fd, int ending, stream_fn fn, void *context,
		    struct recording_problem *problem)
{
	uint8_t *buf = malloc(READ_SIZE + RECORD_SIZE_MAX);
	struct recording_header header;
	uint64_t offset = sizeof(header);
	struct input in;
	size_t rest = 0;
	ssize_t n;
	int err;

	*problem = (struct recording_problem){ "", false };
	err = input__open(&in, fd);
	if (!buf || err) {
		err = -ENOMEM;
		goto out;
	}
	in.ending = ending;
	n = read_fully(&in, (uint8_t *)&header, sizeof(header));
	if (n >= 0 && is_beginning(&in, &header, n)) {
		say_where_it_was_cut(&in, 0, problem);
		goto out;
	}
	err = n < 0 ? (int)n : check_header(&in, &header, n, problem);
	if (!err)
		err = read_records(&in, buf, &offset, &rest, fn, context, problem);
	/* Blocks of compressed data end anywhere: their writer may have been killed there. */
	if (!err && (in.within_piece || in.damaged || (rest && !in.zstd)))
		say_where_it_was_cut(&in, offset, problem);
out:
	input__close(&in);
	free(buf);
	return err;
}
