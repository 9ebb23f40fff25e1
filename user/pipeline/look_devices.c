// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <sys/random.h>

#include "pipeline/look_devices.h"
#include "source/identity_feed.h"
#include "sys/log.h"
#include "sys/reason.h"

struct reading {
	struct identities *devices;
	bool failed;	/* memory was short */
};

static void on_identity(void *context, const struct identity *i)
{
	struct reading *r = context;

	if (!identities__learn(r->devices, &i->peer, i->local, i->device, i->at_unix_ns))
		r->failed = true;
}

int look_devices__read(const char *path, struct identities *devices)
{
	struct reading r = { .devices = devices };
	struct identity_feed *feed;
	int err = 0;

	*devices = (struct identities){ 0 };
	if (getrandom(devices->hash.key, sizeof(devices->hash.key), 0) !=
	    sizeof(devices->hash.key))
		err = -errno;
	if (err) {
		log_error("no random numbers: %s", reason__of(err));
		return err;
	}
	err = identity_feed__open_file(path, &feed);
	if (err)
		return err;
	err = identity_feed__read_whole(feed, on_identity, &r);
	identity_feed__close(feed);
	if (!err && r.failed) {
		err = -ENOMEM;
		log_error("%s: %s", path, reason__of(err));
	}
	return err;
}

const char *look_devices__name(struct identities *devices, const struct ho_event *e)
{
	struct endpoint peer = endpoint__of(e->peer, e->peer_port);
	struct known_peer *known;

	/* When the connection was made is not known: the latest word counts. */
	peer = endpoint__mapped(&peer, e->family);
	known = identities__find(devices, &peer, e->local_port, 0, true);
	return known ? identities__name(devices, known->device) : NULL;
}
