// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "stream/old_event.h"

/* Sizes of a small one, of one with the low half of its namespace's cookie behind (formats 3 and 4), and
 * of full ones. */
#define SMALL 104
#define SMALL_3 112
#define FULL_1 184
#define FULL_2 192
#define FULL_3 232

_Static_assert(HO_EVENT_FULL - HO_EVENT_SMALL == FULL_3 - SMALL,
	       "what follows a small one is the same");

/* Format 2 has the low half where struct ho_event has `pad_full`. */
static uint32_t take_rest(struct ho_event *e, const uint8_t *rest, size_t size)
{
	uint32_t half;

	memcpy((uint8_t *)e + HO_EVENT_SMALL, rest, size);
	half = e->pad_full;
	e->window_probed = 0; /* icsk_backoff was here */
	e->pad_full = 0;
	return half;
}

bool old_event__take(struct ho_event *e, bool *small, const void *data, size_t size)
{
	const uint8_t *bytes = data;
	uint32_t half = 0;

	if (size != SMALL && size != SMALL_3 && size != FULL_1 && size != FULL_2 && size != FULL_3)
		return false;
	*small = size <= SMALL_3;
	memset(e, 0, sizeof(*e));
	memcpy(e, bytes, SMALL);
	e->peer_place = HO_PLACE_UNKNOWN; /* icsk_ca_state was here */
	e->flags &= ~HO_F_HALF_COOKIE; /* whether a program had the socket locked */
	if (size == SMALL_3)
		memcpy(&half, bytes + SMALL, sizeof(half));
	else if (!*small)
		half = take_rest(e, bytes + SMALL, size - SMALL);
	e->net_cookie = half;
	if (half)
		e->flags |= HO_F_HALF_COOKIE;
	return true;
}
