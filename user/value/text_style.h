/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Styles of lines on a full screen: a byte within the text switches to another one, until the line
 * ends. Plain text (plain_text.h) never has these bytes. Each is seen without colours, too, or its
 * text says the same.
 */
#ifndef HALFOPEN_VALUE_TEXT_STYLE_H
#define HALFOPEN_VALUE_TEXT_STYLE_H

#define STYLE_PLAIN "\001"
#define STYLE_HEAD "\002"    /* of columns: reversed */
#define STYLE_ALARM "\003"   /* red */
#define STYLE_WARNING "\004" /* yellow */
#define STYLE_GOOD "\005"    /* green */
#define STYLE_STRONG "\006"  /* bold */

#define STYLE_FIRST '\001'
#define STYLE_LAST '\006'

#endif
