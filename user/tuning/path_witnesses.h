/* SPDX-License-Identifier: GPL-2.0 */
/* The idle timeout of a group's path, from its histories. */
#ifndef HALFOPEN_TUNING_PATH_WITNESSES_H
#define HALFOPEN_TUNING_PATH_WITNESSES_H

#include "tuning/idle_timeout.h"
#include "tuning/scopes.h"

/* Each device has one vote, shared among its connections. Where devices have no names, an address
 * has as many as were ever heard from it at once: a device that crashes and comes back all day is
 * one. Behind an address of many, each connection counts. False when memory is short. */
bool path_witnesses__estimate(const struct scope *s, struct idle_timeout *path);

#endif
