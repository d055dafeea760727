/* check_sock.h - the test case of check_sock_net.c, for main in check_sock.c. */
#pragma once

#include <check.h>

TCase *check_sock_net(void);
