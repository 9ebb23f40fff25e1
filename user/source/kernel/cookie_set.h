/* SPDX-License-Identifier: GPL-2.0 */
/* A set of socket cookies, for a walk that meets one socket in several processes. */
#ifndef HALFOPEN_SOURCE_KERNEL_COOKIE_SET_H
#define HALFOPEN_SOURCE_KERNEL_COOKIE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cookie_set {
	uint64_t *places;	/* 0: free */
	size_t size, used;
};

/* Adds a cookie, which is not 0. False if it was there, or memory is short. */
bool cookie_set__add(struct cookie_set *s, uint64_t cookie);

void cookie_set__free(struct cookie_set *s);

#endif
