// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "disguise.h"
#include "record_fields.h"

static const char *const names[] = {
	[DISGUISE_NONE] = "full", [DISGUISE_PREFIX] = "prefix",
	[DISGUISE_PSEUDONYM] = "pseudonym",
};

bool disguise__named(const char *name, enum disguise_kind *kind)
{
	for (*kind = DISGUISE_NONE; *kind <= DISGUISE_PSEUDONYM; (*kind)++)
		if (!strcmp(name, names[*kind]))
			return true;
	return false;
}

const char *disguise__name(enum disguise_kind kind)
{
	return names[kind];
}

int disguise__read_key(struct disguise *d, int fd)
{
	ssize_t n = read(fd, d->key, sizeof(d->key));
	int err = n < 0 ? -errno : n < DISGUISE_KEY_MIN ? -EINVAL : 0;

	d->key_size = err ? 0 : n;
	return err;
}

int disguise__make_key(struct disguise *d)
{
	d->key_size = DISGUISE_KEY_MIN;
	return getrandom(d->key, d->key_size, 0) == (ssize_t)d->key_size ? 0 : -errno;
}

static void keep_bits(uint8_t address[16], unsigned int bits)
{
	memset(address + bits / 8, 0, 16 - bits / 8);
}

void disguise__address(const struct disguise *d, uint8_t family, uint8_t address[16])
{
	struct endpoint end = endpoint__of(address, 0);

	if (d->done || d->kind == DISGUISE_NONE)
		return;
	end = endpoint__mapped(&end, family);
	if (d->kind == DISGUISE_PSEUDONYM) {
		crypto_generichash(address, 16, end.address, sizeof(end.address), d->key,
				   d->key_size);
		return;
	}
	if (!endpoint__is_mapped(end.address))
		keep_bits(address, DISGUISE_PREFIX_IPV6);
	else
		keep_bits(address, family == AF_INET ? DISGUISE_PREFIX_IPV4
						     : 96 + DISGUISE_PREFIX_IPV4);
}

/* What was mapped cannot be seen in a pseudonym: the event says IPv4 by its family. */
static void unmap(struct ho_event *e)
{
	if (e->family == AF_INET || !endpoint__is_mapped(e->peer))
		return;
	e->family = AF_INET;
	memmove(e->peer, e->peer + 12, 4);
	memset(e->peer + 4, 0, 12);
	memmove(e->local, e->local + 12, 4);
	memset(e->local + 4, 0, 12);
}

/* An IPv4 peer is looked up by the first four bytes of its pseudonym, as by its address. */
static void disguise_identity(const struct disguise *d, struct record *r)
{
	struct endpoint end = { .port = 0 };
	bool ipv4 = endpoint__is_mapped(r->identity.peer);

	disguise__address(d, AF_INET6, r->identity.peer);
	if (!ipv4 || d->kind != DISGUISE_PSEUDONYM)
		return;
	memcpy(end.address, r->identity.peer, 4);
	end = endpoint__mapped(&end, AF_INET);
	memcpy(r->identity.peer, end.address, sizeof(end.address));
}

void disguise__record(const struct disguise *d, struct record *r)
{
	if (d->kind == DISGUISE_NONE || d->done)
		return;
	switch (record_form__of(r->type)->privacy) {
	case PRIVACY_EVENT:
		unmap(&r->event);
		disguise__address(d, r->event.family, r->event.peer);
		break;
	case PRIVACY_IDENTITY:
		disguise_identity(d, r);
		break;
	case PRIVACY_META:
		r->meta.peers = names[d->kind];
		break;
	case PRIVACY_NO_PEER:
	case PRIVACY_FORGOTTEN:
		break;
	}
}
