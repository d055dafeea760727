/* sandbox_rows.c - see sandbox_rows.h.
 *
 * What each kind does once it is at work, and what its end takes: a shard closes its ring and its
 * sockets, control writes the exit report. Nobody may execute a program, make a thread, or map
 * memory that can be executed, and so none of these stands here. Arguments are looked at where that
 * costs little: never for what a shard does in each turn, since a kernel from 5.11 on remembers
 * which calls pass whatever their arguments are, and then runs no filter for them.
 */
#include "src/run/sandbox_rows.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/prctl.h>
#include <linux/sockios.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define CONTROL  SANDBOX_KIND(CONFINE_CONTROL)
#define URING    SANDBOX_KIND(CONFINE_SHARD_URING)
#define MMSG     SANDBOX_KIND(CONFINE_SHARD_MMSG)
#define SHARDS   (URING | MMSG)
#define LOG      SANDBOX_KIND(CONFINE_LOG)
#define HTTP     SANDBOX_KIND(CONFINE_HTTP)
#define FINISHER SANDBOX_KIND(CONFINE_FINISHER)
#define ALL      (CONTROL | SHARDS | LOG | HTTP | FINISHER)

#define CALL(name, of)                                \
	{                                             \
		.call = SCMP_SYS(name), .kinds = (of) \
	}
#define CALL_IF(name, of, how, which, is)                  \
	{                                                  \
		SCMP_SYS(name), (of), (how), (which), (is) \
	}
#define SOCKET(of, family) CALL_IF(socket, of, SANDBOX_IS, 0, family)
#define IOCTL(of, request) CALL_IF(ioctl, of, SANDBOX_IS, 1, request)
#define BPF(command)       CALL_IF(bpf, SANDBOX_FASTPATH, SANDBOX_IS, 0, command)

/* Not in the C library's headers of each system that this is built on. */
#define EPOLL_SET_PARAMS 0x40088a01U /* EPIOCSPARAMS */

const struct sandbox_row sandbox_rows[] = {
	/* Memory, locks, clocks and the end, a must() that fails included. */
	CALL(exit, ALL),
	CALL(exit_group, ALL),
	CALL(restart_syscall, ALL),
	CALL(rt_sigreturn, ALL),
	CALL(rt_sigprocmask, ALL),
	CALL_IF(rt_sigaction, ALL, SANDBOX_IS, 0, SIGABRT),
	CALL_IF(tgkill, ALL, SANDBOX_IS, 2, SIGABRT),
	CALL(getpid, ALL),
	CALL(gettid, ALL),
	CALL(futex, ALL),
	CALL(sched_yield, ALL),
	CALL(sched_getaffinity, ALL), /* by malloc, of how many CPUs there are */
	CALL(getcpu, ALL),
	CALL(clock_gettime, ALL),
	CALL(gettimeofday, ALL),
	CALL(time, ALL),
	CALL(clock_nanosleep, ALL),
	CALL(nanosleep, ALL),
	CALL_IF(mmap, ALL, SANDBOX_LACKS, 2, PROT_EXEC),
	CALL_IF(mprotect, ALL, SANDBOX_LACKS, 2, PROT_EXEC),
	CALL(munmap, ALL),
	CALL(mremap, ALL),
	CALL(madvise, ALL),
	CALL(brk, ALL),
	CALL(getrandom, ALL),
	CALL(rseq, ALL),
	CALL(write, ALL),
	CALL(writev, ALL), /* by the C library: what it ends the process for */
	CALL(poll, ALL),
	CALL(ppoll, ALL),
	CALL(sendmsg, CONTROL | SHARDS | HTTP | FINISHER),

	/* Files that are open. */
	CALL(read, CONTROL | SHARDS | HTTP),
	CALL(close, CONTROL | SHARDS | HTTP),
	CALL(fcntl, CONTROL | SHARDS | HTTP),

	/* Sockets. */
	CALL(recvmsg, CONTROL | SHARDS | HTTP),
	CALL(setsockopt, CONTROL | SHARDS | HTTP),
	CALL(getsockopt, CONTROL | SHARDS | HTTP),
	CALL(getsockname, CONTROL | SHARDS | HTTP),
	CALL(getpeername, CONTROL | SHARDS | HTTP),
	CALL(connect, CONTROL | SHARDS),
	CALL(recvfrom, CONTROL | HTTP),
	CALL(sendto, CONTROL | SHARDS | HTTP),
	CALL(shutdown, CONTROL | HTTP),
	CALL(accept4, CONTROL | HTTP),
	CALL(bind, CONTROL | SHARDS),
	CALL(listen, CONTROL),
	SOCKET(CONTROL | SHARDS, AF_INET), /* shards ask which source address a route gives */
	SOCKET(CONTROL | SHARDS, AF_INET6),
	SOCKET(CONTROL, AF_UNIX),
	SOCKET(CONTROL, AF_NETLINK),

	/* A shard's turn. */
	CALL(io_uring_enter, URING),
	CALL(io_uring_register, URING),
	CALL(recvmmsg, MMSG),
	CALL(sendmmsg, CONTROL | MMSG),
	CALL(epoll_ctl, CONTROL | MMSG | HTTP),
	CALL(epoll_wait, CONTROL | MMSG | HTTP),
	CALL(epoll_pwait, CONTROL | MMSG | HTTP),
	CALL(epoll_pwait2, MMSG),

	/* What is asked of interfaces, and of what a descriptor is. */
	IOCTL(CONTROL | SHARDS, SIOCGIFNAME),
	IOCTL(CONTROL | SHARDS, SIOCGIFFLAGS),
	IOCTL(CONTROL | SHARDS, SIOCGIFMTU),
	IOCTL(CONTROL, SIOCGIFINDEX),
	IOCTL(CONTROL, SIOCGIFADDR),
	IOCTL(CONTROL, SIOCGIFHWADDR),
	IOCTL(CONTROL, SIOCETHTOOL),
	IOCTL(CONTROL | HTTP, FIONREAD),
	IOCTL(CONTROL | HTTP, FIONBIO),
	IOCTL(CONTROL, TCGETS),
	IOCTL(MMSG, EPOLL_SET_PARAMS),

	/* Long answers of HTTP. */
	CALL(sendfile, HTTP),
	CALL(accept, HTTP),

	/* A thread's name; waits that are set anew. */
	CALL_IF(prctl, ALL, SANDBOX_IS, 0, PR_GET_NAME),
	CALL_IF(prctl, SHARDS, SANDBOX_IS, 0, PR_SET_TIMERSLACK),
	CALL_IF(prctl, FINISHER, SANDBOX_IS, 0, PR_SET_NAME),
	CALL(prctl, CONTROL),

	/* Which limit it was, when a shard could not do something. */
	CALL_IF(openat, SHARDS, SANDBOX_IS, 2, O_RDONLY | O_CLOEXEC),
	CALL_IF(prlimit64, SHARDS, SANDBOX_IS, 2, 0),
	CALL(getrlimit, SHARDS),

	/* Control: a reload reads files, changes open sockets near their shards, a report is
	 * written, an interface comes back, an end that was asked for. */
	CALL(open, CONTROL),
	CALL(openat, CONTROL),
	CALL(pread64, CONTROL),
	CALL(readv, CONTROL),
	CALL(lseek, CONTROL),
	CALL(stat, CONTROL),
	CALL(lstat, CONTROL),
	CALL(fstat, CONTROL),
	CALL(newfstatat, CONTROL),
	CALL(statx, CONTROL),
	CALL(fstatfs, CONTROL),
	CALL(access, CONTROL),
	CALL(faccessat, CONTROL),
	CALL(faccessat2, CONTROL),
	CALL(readlink, CONTROL),
	CALL(readlinkat, CONTROL),
	CALL(getdents64, CONTROL),
	CALL(ftruncate, CONTROL),
	CALL(fsync, CONTROL),
	CALL(rename, CONTROL),
	CALL(renameat, CONTROL),
	CALL(renameat2, CONTROL),
	CALL(unlink, CONTROL),
	CALL(unlinkat, CONTROL),
	CALL(mkdir, CONTROL),
	CALL(mkdirat, CONTROL),
	CALL(fchmod, CONTROL),
	CALL(fchownat, CONTROL),
	CALL(lchown, CONTROL),
	CALL(umask, CONTROL),
	CALL(pipe2, CONTROL),
	CALL(eventfd2, CONTROL),
	CALL(epoll_create1, CONTROL),
	CALL(inotify_init1, CONTROL),
	CALL(inotify_add_watch, CONTROL),
	CALL(inotify_rm_watch, CONTROL),
	CALL(sched_setaffinity, CONTROL),
	CALL(sched_getparam, CONTROL),
	CALL(sched_getscheduler, CONTROL),
	CALL(getpriority, CONTROL),
	CALL(get_mempolicy, CONTROL),
	CALL(set_mempolicy, CONTROL),
	CALL(mbind, CONTROL),
	CALL(move_pages, CONTROL),
	CALL(prlimit64, CONTROL),
	CALL(getrlimit, CONTROL),
	CALL(getuid, CONTROL),
	CALL(geteuid, CONTROL),
	CALL(getgid, CONTROL),
	CALL(getegid, CONTROL),
	CALL(capget, CONTROL),
	CALL(uname, CONTROL),
	CALL(sysinfo, CONTROL),
	CALL(getrusage, CONTROL),
	CALL(wait4, CONTROL),
	CALL_IF(kill, CONTROL, SANDBOX_IS, 1, SIGKILL), /* the finisher */

	/* The program is loaded before; here it is put where interfaces are, and its maps are kept.
	 */
	BPF(BPF_MAP_LOOKUP_ELEM),
	BPF(BPF_MAP_UPDATE_ELEM),
	BPF(BPF_MAP_DELETE_ELEM),
	BPF(BPF_MAP_GET_NEXT_KEY),
	BPF(BPF_OBJ_GET_INFO_BY_FD),
	BPF(BPF_LINK_CREATE),

#if NC_SANITIZED
	/* Sanitizers look for the stacks of threads and for leaks at the end, from a process that
	 * traces this one, and read what they report about. */
	CALL(sigaltstack, ALL),
	CALL(prctl, ALL),
	CALL(rt_sigaction, ALL),
	CALL(tgkill, ALL),
	CALL(mmap, ALL),
	CALL(mprotect, ALL),
	CALL(open, ALL),
	CALL(openat, ALL),
	CALL(read, ALL),
	CALL(close, ALL),
	CALL(lseek, ALL),
	CALL(stat, ALL),
	CALL(fstat, ALL),
	CALL(newfstatat, ALL),
	CALL(readlink, ALL),
	CALL(readlinkat, ALL),
	CALL(access, ALL),
	CALL(getdents, ALL),
	CALL(getdents64, ALL),
	CALL(getrlimit, ALL),
	CALL(prlimit64, ALL),
	CALL(getrusage, ALL),
	CALL(ioctl, ALL),
	CALL(pipe, ALL),
	CALL(pipe2, ALL),
	CALL(dup2, CONTROL),
	CALL(clone, CONTROL),
	CALL(ptrace, CONTROL),
	CALL(kill, CONTROL),
	CALL(wait4, ALL),
	CALL(process_vm_readv, ALL),
	CALL(getppid, ALL),
	CALL(set_robust_list, ALL),
#endif
};

const size_t sandbox_row_count = sizeof(sandbox_rows) / sizeof(sandbox_rows[0]);
