/* SPDX-License-Identifier: GPL-2.0 */
/* What every unit test includes; cmocka wants these before its own header. */
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
