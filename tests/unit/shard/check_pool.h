/* check_pool.h - the test case of check_pool_misuse.c, for main in check_pool.c. */
#pragma once

#include <check.h>

TCase *check_pool_misuse(void);
