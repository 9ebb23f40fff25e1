/* SPDX-License-Identifier: GPL-2.0 */
/* Included by every unit test; cmocka needs these headers before its own. */
#ifndef HALFOPEN_TESTS_UNIT_H
#define HALFOPEN_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MS 1000000ULL
#define S 1000000000ULL

#endif
