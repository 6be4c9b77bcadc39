/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relaisd/line.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* What is always sent of an answer. */
#define HEAD offsetof(struct line_answer, data)

const char *const line_flows[LINE_FLOWS] = { NULL, "browser", "device" };

/* From Linux 6.16 on; headers are older than the kernels they run on. */
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

/* A descriptor that came along with an ask would be closed here, and to close a
 * socket of the sender's choice can take as long as he likes. */
int
line_new(int ret_ends[2])
{
	const int no = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_ends) !=
	    0)
		return -1;
	IGNORE(setsockopt(ret_ends[0], SOL_SOCKET, SO_PASSRIGHTS, &no,
		   sizeof(no)) != 0);
	return 0;
}

static bool
send_all(int fd, const struct msghdr *m, int flags)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	while (sendmsg(fd, m, MSG_NOSIGNAL | flags) < 0) {
		if (errno == EAGAIN && flags == 0 && poll(&p, 1, -1) >= 0)
			continue;
		if (errno != EINTR)
			return false;
	}
	return true;
}

bool
line_send_ask(int fd, const struct line_ask *a)
{
	struct iovec io = { (void *)(uintptr_t)a, sizeof(*a) };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1 };

	return send_all(fd, &m, 0);
}

static bool
send_answer(int fd, const struct line_answer *a, int pass, int flags)
{
	struct iovec io = { (void *)(uintptr_t)a, HEAD + a->data_n };
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} u = { 0 };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1 };

	if (pass >= 0) {
		struct cmsghdr *c;

		m.msg_control = u.room;
		m.msg_controllen = sizeof(u.room);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(pass));
		memcpy(CMSG_DATA(c), &pass, sizeof(pass));
	}
	return send_all(fd, &m, flags);
}

bool
line_send_answer(int fd, const struct line_answer *a, int pass)
{
	return send_answer(fd, a, pass, 0);
}

bool
line_send_answer_now(int fd, const struct line_answer *a, int pass)
{
	return send_answer(fd, a, pass, MSG_DONTWAIT);
}

static enum line_got
nothing(ssize_t n)
{
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return LINE_GOT_NOTHING;
	return LINE_GOT_END;
}

enum line_got
line_take_ask(int fd, struct line_ask *ret)
{
	/* MSG_TRUNC: the size it had, also if it was too long. */
	ssize_t n = recv(fd, ret, sizeof(*ret), MSG_DONTWAIT | MSG_TRUNC);

	if (n <= 0)
		return nothing(n);
	return n == (ssize_t)sizeof(*ret) ? LINE_GOT_ONE : LINE_GOT_BAD;
}

enum line_got
line_take_answer(int fd, struct line_answer *ret, int *ret_pass)
{
	struct iovec io = { ret, sizeof(*ret) };
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} u;
	struct msghdr m = { .msg_iov = &io,
		.msg_iovlen = 1,
		.msg_control = u.room,
		.msg_controllen = sizeof(u.room) };
	ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	const struct cmsghdr *c;

	if (n <= 0)
		return nothing(n);
	*ret_pass = -1;
	c = CMSG_FIRSTHDR(&m);
	if (c != NULL && c->cmsg_type == SCM_RIGHTS)
		memcpy(ret_pass, CMSG_DATA(c), sizeof(*ret_pass));
	if ((size_t)n < HEAD || ret->data_n > sizeof(ret->data) ||
	    (size_t)n != HEAD + ret->data_n)
		return LINE_GOT_BAD;
	ret->text[sizeof(ret->text) - 1] = '\0';
	return LINE_GOT_ONE;
}

bool
line_is_text(const char *text, size_t room)
{
	size_t n = strnlen(text, room);

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return false;
	return n < room;
}
