/* check_sock.h - the test cases of check_sock_net.c and check_sock_send.c, for check_sock.c. */
#pragma once

#include <check.h>

TCase *check_sock_net(void);
TCase *check_sock_send(void);
