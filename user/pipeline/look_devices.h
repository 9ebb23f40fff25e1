/* SPDX-License-Identifier: GPL-2.0 */
/* Names of the devices behind peers, for one look: read once, from a file. */
#ifndef HALFOPEN_PIPELINE_LOOK_DEVICES_H
#define HALFOPEN_PIPELINE_LOOK_DEVICES_H

#include "devices/identities.h"
#include "event.h"

/* Reads the whole of `path` (lines as in source/identity_feed.h). Returns 0, or -errno after
 * reporting what is wrong with it, and where: -EBADMSG or -EINVAL for bad input. */
int look_devices__read(const char *path, struct identities *devices);

/* The device behind the socket's peer; NULL: it has no name. As long as `devices`. */
const char *look_devices__name(struct identities *devices, const struct ho_event *e);

#endif
