// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "file/input_file.h"
#include "source/identity_feed.h"
#include "sys/listening_socket.h"
#include "sys/log.h"
#include "sys/reason.h"
#include "value/json_mistake.h"
#include "value/rfc3339.h"

#define LINE_MAX_BYTES 4096
#define CLIENTS_MAX 16
#define DEVICE_MAX 255
/* Bad lines that are reported one by one; further ones are only counted. */
#define COMPLAINTS_MAX 10

/* One stream of lines: the file, the FIFO, or a connected program. */
struct reader {
	int fd;		/* -1: none */
	unsigned int line;
	size_t used;
	bool too_long;	/* the present line; it was reported, its rest is skipped */
	char buffer[LINE_MAX_BYTES];
};

struct identity_feed {
	const char *path;
	struct listening_socket listener;	/* of unix:PATH; its fd -1: none */
	unsigned int bad;
	struct reader readers[CLIENTS_MAX];
};

/* ---- one line ---- */

static bool parse_time(const char *text, int64_t *unix_ns)
{
	struct rfc3339_time time;

	if (!rfc3339__parse(text, &time))
		return false;
	*unix_ns = time.s * 1000000000LL + time.ns;
	return true;
}

/* The member's text; NULL, with what was expected in `wrong`, if it is missing. */
static const char *text_of(const json_t *object, const char *key, const char *expected,
			   const char **wrong)
{
	const json_t *value = json_object_get(object, key);

	if (json_is_string(value))
		return json_string_value(value);
	if (!*wrong)
		*wrong = expected;
	return NULL;
}

static bool read_port(const json_t *value, uint16_t *port)
{
	json_int_t number = json_integer_value(value);	/* 0 if it is no integer */

	*port = number;
	return number > 0 && number < 65536;
}

static const char *read_identity(const json_t *object, struct identity *identity)
{
	const json_t *local = json_object_get(object, "local");
	const char *wrong = NULL, *peer, *at = NULL;

	if (!json_is_object(object))
		return "an object {\"peer\", \"device\", \"at\"} was expected";
	peer = text_of(object, "peer", "\"peer\" was expected: an address, with or without a port",
		       &wrong);
	identity->device = text_of(object, "device", "\"device\" was expected: a name", &wrong);
	if (json_object_get(object, "at"))
		at = text_of(object, "at", "\"at\" was expected to be an RFC 3339 time", &wrong);
	if (wrong)
		return wrong;
	if (!endpoint__read(peer, &identity->peer))
		return "\"peer\" was expected to be ADDRESS, ADDRESS:PORT or [IPV6]:PORT";
	if (!*identity->device || strlen(identity->device) > DEVICE_MAX)
		return "\"device\" was expected to be a name of 1 to 255 bytes";
	if (local && !read_port(local, &identity->local))
		return "\"local\" was expected to be our port, a number from 1 to 65535";
	if (at && !parse_time(at, &identity->at_unix_ns))
		return "\"at\" was expected to be an RFC 3339 time (2026-11-21T09:42:48Z), from "
		       "1970 to 2261";
	return NULL;
}

/* Reports a bad line without quoting it, as it names peers. */
static int complain(struct identity_feed *f, const struct reader *r, int column, const char *what)
{
	if (++f->bad <= COMPLAINTS_MAX)
		log_error("%s, line %u, column %d: %s", f->path, r->line, column, what);
	if (f->bad == COMPLAINTS_MAX)
		log_error("%s: further bad lines are skipped without a word", f->path);
	return -EBADMSG;
}

static bool is_blank(const char *line, size_t length)
{
	return strspn(line, " \t\r") == length;
}

static int take_line(struct identity_feed *f, struct reader *r, char *line, size_t length,
		     identity_fn fn, void *context)
{
	struct identity identity = { .at_unix_ns = 0 };
	const char *wrong, *quote;
	json_error_t error;
	json_t *object;

	r->line++;
	if (is_blank(line, length))
		return 0;
	object = json_loadb(line, length, JSON_REJECT_DUPLICATES, &error);
	if (!object && (quote = strstr(error.text, " near ")))
		error.text[quote - error.text] = '\0';
	if (!object)
		return complain(f, r, error.column > 0 ? error.column : 1,
				json_mistake__words(&error));
	wrong = read_identity(object, &identity);
	if (!wrong)
		fn(context, &identity);
	json_decref(object);
	return wrong ? complain(f, r, 1, wrong) : 0;
}

/* ---- streams of lines ---- */

static int take_lines(struct identity_feed *f, struct reader *r, bool strict, identity_fn fn,
		      void *context)
{
	char *line = r->buffer, *end;
	int err = 0;

	while ((end = memchr(line, '\n', r->buffer + r->used - line))) {
		*end = '\0';
		if (r->too_long)
			r->line++;
		else
			err = take_line(f, r, line, end - line, fn, context);
		r->too_long = false;
		line = end + 1;
		if (err && strict)
			return err;
	}
	r->used -= line - r->buffer;
	memmove(r->buffer, line, r->used);
	if (r->used == sizeof(r->buffer)) {
		err = r->too_long ? 0
				  : complain(f, r, LINE_MAX_BYTES, "a shorter line was expected");
		r->too_long = true;
		r->used = 0;
	}
	return strict ? err : 0;
}

/* Opens the file that has the path now, if it can be followed: the owner of the directory may have
 * put a file there that makes open(2) wait, or never ends. -1: it cannot. */
static int open_successor(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || (!fstat(fd, &st) && S_ISREG(st.st_mode)))
		return fd;
	close(fd);
	return -1;
}

/* A file that shrank or was replaced is read from its beginning (as logrotate leaves it). */
static void follow_file(struct identity_feed *f, struct reader *r)
{
	struct stat now, there;
	int fd;

	if (f->listener.fd >= 0 || fstat(r->fd, &now) || !S_ISREG(now.st_mode))
		return;
	if (!stat(f->path, &there) && S_ISREG(there.st_mode) &&
	    (there.st_ino != now.st_ino || there.st_dev != now.st_dev)) {
		fd = open_successor(f->path);
		if (fd < 0)
			return;
		close(r->fd);
		*r = (struct reader){ .fd = fd };
	} else if (lseek(r->fd, 0, SEEK_CUR) > now.st_size) {
		lseek(r->fd, 0, SEEK_SET);
		r->used = r->line = 0;
	}
}

/* Limit of one read: a writer may be faster than we are, and the ring, signals and other feeds need
 * their turn. At the start the whole file is read. */
static off_t bytes_at_once(const struct reader *r, bool strict)
{
	struct stat st;

	return strict && !fstat(r->fd, &st) && S_ISREG(st.st_mode) ? st.st_size : 1 << 18;
}

static int read_stream(struct identity_feed *f, struct reader *r, bool strict, identity_fn fn,
		       void *context)
{
	off_t left = bytes_at_once(r, strict);
	ssize_t n = 1;
	int err;

	while (left > 0 &&
	       (n = read(r->fd, r->buffer + r->used, sizeof(r->buffer) - r->used)) > 0) {
		r->used += n;
		left -= n;
		err = take_lines(f, r, strict, fn, context);
		if (err)
			return err;
	}
	if (n > 0)
		return 0;
	if (n == 0 && f->listener.fd >= 0) {	/* the connected program is gone */
		close(r->fd);
		r->fd = -1;
	} else if (n == 0) {
		follow_file(f, r);
	} else if (errno != EAGAIN && strict) {
		err = -errno;
		log_error("%s: %s", f->path, reason__of(err));
		return err;
	}
	return 0;
}

static void accept_clients(struct identity_feed *f)
{
	unsigned int i;

	for (i = 0; i < CLIENTS_MAX; i++) {
		int fd;

		if (f->readers[i].fd >= 0)
			continue;
		fd = accept4(f->listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			return;
		f->readers[i] = (struct reader){ .fd = fd };
	}
}

int identity_feed__read(struct identity_feed *f, bool strict, identity_fn fn, void *context)
{
	unsigned int i;
	int err = 0;

	if (f->listener.fd >= 0)
		accept_clients(f);
	for (i = 0; i < CLIENTS_MAX && !err; i++)
		if (f->readers[i].fd >= 0)
			err = read_stream(f, &f->readers[i], strict, fn, context);
	return err;
}

/* What a file holds behind its last line. */
static int take_rest(struct identity_feed *f, struct reader *r, identity_fn fn, void *context)
{
	size_t length = r->used;
	json_t *object;

	if (!length || r->too_long)
		return 0;
	r->buffer[length] = '\0';	/* take_lines() leaves room */
	object = json_loadb(r->buffer, length, 0, NULL);
	if (!object && !is_blank(r->buffer, length))
		log_warning("%s, line %u: has no end yet, and is skipped", f->path, r->line + 1);
	json_decref(object);
	r->used = 0;
	return object ? take_line(f, r, r->buffer, length, fn, context) : 0;
}

int identity_feed__read_whole(struct identity_feed *f, identity_fn fn, void *context)
{
	int err = identity_feed__read(f, true, fn, context);

	return err ? err : take_rest(f, &f->readers[0], fn, context);
}

/* ---- opening ---- */

static bool is_null(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

/* The kind of a file that cannot be followed; NULL: it can. */
static const char *refused(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return NULL;	/* open(2) reports the reason */
	if (S_ISBLK(st.st_mode) || (S_ISCHR(st.st_mode) && !is_null(&st)))
		return "is a device";
	return input_file__refused(st.st_mode);
}

static int open_path(const char *path)
{
	struct stat st;
	int fd;

	/* A FIFO that we also hold open for writing never ends when its writers go. */
	if (!stat(path, &st) && S_ISFIFO(st.st_mode))
		fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	else	/* it may have been replaced by now */
		fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int identity_feed__open_file(const char *path, struct identity_feed **out)
{
	struct stat st;

	if (strncmp(path, "unix:", 5) && (stat(path, &st) || !S_ISFIFO(st.st_mode)))
		return identity_feed__open(path, out);
	log_error("%s: expected a file of identities: a FIFO or unix:PATH tells them as time goes "
		  "by ('halfopen watch' takes those), and this looks once", path);
	return -EINVAL;
}

int identity_feed__open(const char *spec, struct identity_feed **out)
{
	struct identity_feed *f = calloc(1, sizeof(*f));
	bool is_socket = !strncmp(spec, "unix:", 5);
	const char *wrong;
	unsigned int i;
	int fd;

	if (!f)
		return -ENOMEM;
	f->path = is_socket ? spec + 5 : spec;
	f->listener.fd = -1;
	for (i = 0; i < CLIENTS_MAX; i++)
		f->readers[i].fd = -1;
	wrong = is_socket ? NULL : refused(f->path);
	if (is_socket)
		fd = listening_socket__open(&f->listener, f->path, CLIENTS_MAX, &wrong);
	else
		fd = wrong ? -EINVAL : open_path(f->path);
	if (fd < 0) {
		log_error("%s: %s: expected identities: a file, a FIFO, or unix:PATH to listen at",
			  f->path, wrong ? wrong : reason__of(fd));
		free(f);
		return fd;
	}
	if (!is_socket)
		f->readers[0].fd = fd;
	*out = f;
	return 0;
}

void identity_feed__close(struct identity_feed *f)
{
	unsigned int i;

	if (!f)
		return;
	for (i = 0; i < CLIENTS_MAX; i++)
		if (f->readers[i].fd >= 0)
			close(f->readers[i].fd);
	listening_socket__close(&f->listener);
	free(f);
}
