/* SPDX-License-Identifier: MIT */
/*
 * CMocka 2 deprecates assert_in_range(), the only such assertion that CMocka 1 has, for two: this is the one that
 * means the same.
 */
#ifndef TESTS_UNSIGNED_RANGE_H
#define TESTS_UNSIGNED_RANGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#ifndef assert_uint_in_range
#define assert_uint_in_range(value, minimum, maximum) assert_in_range(value, minimum, maximum)
#endif

#endif
