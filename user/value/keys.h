/* SPDX-License-Identifier: GPL-2.0 */
/* Keys of a terminal as numbers. */
#ifndef HALFOPEN_VALUE_KEYS_H
#define HALFOPEN_VALUE_KEYS_H

/* Characters are themselves (32 and above, in Unicode). */
enum keys {
	KEYS_NONE = -1, /* none was pressed */
	KEYS_GONE = -2, /* there is no terminal any more */
	KEYS_BACKSPACE = 8,
	KEYS_ENTER = 10,
	KEYS_REDRAW = 12 /* ^L */,
	KEYS_CLEAR = 21 /* ^U */,
	KEYS_ESCAPE = 27,
	KEYS_UP = 0x110000,
	KEYS_DOWN,
	KEYS_PAGE_UP,
	KEYS_PAGE_DOWN,
	KEYS_HOME,
	KEYS_END,
	KEYS_LEFT,
	KEYS_RIGHT,
};

#endif
