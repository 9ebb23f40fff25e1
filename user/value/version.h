/* SPDX-License-Identifier: GPL-2.0 */
#ifndef HALFOPEN_VALUE_VERSION_H
#define HALFOPEN_VALUE_VERSION_H

#define HALFOPEN_VERSION "0.1.0"

#endif
