/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "net/peer.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/must.h"
#include "sys/userns.h"

static uint32_t
unix_uid(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0 ||
	    cred.uid == (uid_t)-1)
		return UID_HIDDEN;
	return cred.uid;
}

/* An IPv4 connection on an IPv6 socket is found under its IPv4 addresses. */
static void
unmap(struct sockaddr_storage *ss)
{
	struct sockaddr_in6 v6;
	struct sockaddr_in v4 = { .sin_family = AF_INET };

	if (ss->ss_family != AF_INET6)
		return;
	memcpy(&v6, ss, sizeof(v6));
	if (!IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
		return;
	v4.sin_port = v6.sin6_port;
	memcpy(&v4.sin_addr, &v6.sin6_addr.s6_addr[12], sizeof(v4.sin_addr));
	memcpy(ss, &v4, sizeof(v4));
}

static bool
is_loopback(const struct sockaddr_storage *ss)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (ss->ss_family == AF_INET) {
		memcpy(&v4, ss, sizeof(v4));
		return ntohl(v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	}
	memcpy(&v6, ss, sizeof(v6));
	return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
}

static bool
is_same_address(const struct sockaddr_storage *ss, const struct sockaddr *sa)
{
	struct sockaddr_in v4, w4;
	struct sockaddr_in6 v6, w6;

	if (sa == NULL || sa->sa_family != ss->ss_family)
		return false;
	if (ss->ss_family == AF_INET) {
		memcpy(&v4, ss, sizeof(v4));
		memcpy(&w4, sa, sizeof(w4));
		return v4.sin_addr.s_addr == w4.sin_addr.s_addr;
	}
	memcpy(&v6, ss, sizeof(v6));
	memcpy(&w6, sa, sizeof(w6));
	return IN6_ARE_ADDR_EQUAL(&v6.sin6_addr, &w6.sin6_addr);
}

/* Can the other end be on this machine? In doubt, yes. */
static bool
is_of_this_machine(
    const struct sockaddr_storage *peer, const struct sockaddr_storage *own)
{
	struct ifaddrs *all = NULL;
	bool is_found = false;

	if (is_loopback(peer) || is_loopback(own))
		return true;
	if (getifaddrs(&all) != 0)
		return true;
	for (struct ifaddrs *it = all; it != NULL && !is_found;
	     it = it->ifa_next)
		is_found = is_same_address(peer, it->ifa_addr);
	freeifaddrs(all);
	return is_found;
}

static void
put_address(const struct sockaddr_storage *ss, __be16 *port, __be32 addr[4])
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (ss->ss_family == AF_INET) {
		memcpy(&v4, ss, sizeof(v4));
		*port = v4.sin_port;
		memcpy(addr, &v4.sin_addr, sizeof(v4.sin_addr));
	} else {
		memcpy(&v6, ss, sizeof(v6));
		*port = v6.sin6_port;
		memcpy(addr, &v6.sin6_addr, sizeof(v6.sin6_addr));
	}
}

struct diag_request {
	struct nlmsghdr head;
	struct inet_diag_req_v2 body;
};

/* The connection as its client sees it: from there to us. */
static void
make_request(struct diag_request *r, uint32_t seq,
    const struct sockaddr_storage *from, const struct sockaddr_storage *to)
{
	*r = (struct diag_request) {
		.head = { .nlmsg_len = sizeof(*r),
		    .nlmsg_type = SOCK_DIAG_BY_FAMILY,
		    .nlmsg_flags = NLM_F_REQUEST,
		    .nlmsg_seq = seq },
		.body = { .sdiag_family = (__u8)from->ss_family,
		    .sdiag_protocol = IPPROTO_TCP,
		    .idiag_states = ~0U },
	};
	put_address(from, &r->body.id.idiag_sport, r->body.id.idiag_src);
	put_address(to, &r->body.id.idiag_dport, r->body.id.idiag_dst);
	r->body.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
	r->body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
}

/* Without such a connection the kernel reports a listening socket on the
 * client's port, whichever user owns it: a client that connects from port 22
 * would count as root.  A listening socket has no port at its other end. */
static bool
is_the_one(const struct inet_diag_msg *msg, const struct diag_request *r)
{
	const struct inet_diag_sockid *want = &r->body.id, *got = &msg->id;

	return got->idiag_sport == want->idiag_sport &&
	       got->idiag_dport == want->idiag_dport;
}

static uint32_t
read_answer(int diag_fd, const struct diag_request *r)
{
	union {
		struct nlmsghdr head;
		char bytes[1024];
	} u;
	struct inet_diag_msg msg;
	ssize_t n;

	/* Remains of an earlier request are not the answer to this one. */
	do
		n = recv(diag_fd, &u, sizeof(u), MSG_DONTWAIT);
	while (n >= (ssize_t)sizeof(u.head) &&
	       u.head.nlmsg_seq != r->head.nlmsg_seq);
	if (n < (ssize_t)NLMSG_LENGTH(sizeof(msg)) ||
	    u.head.nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return UID_UNKNOWN;
	memcpy(&msg, NLMSG_DATA(&u.head), sizeof(msg));
	/* A socket that its process has closed already has no inode, and the
	 * kernel reports user 0 for it.  Believing that would make anybody root
	 * who hangs up early. */
	return is_the_one(&msg, r) && msg.idiag_inode != 0 ? msg.idiag_uid
							   : UID_UNKNOWN;
}

static uint32_t
tcp_uid(struct peer_diag *d, const struct sockaddr_storage *peer,
    const struct sockaddr_storage *own)
{
	struct diag_request req;

	if (d->fd < 0)
		d->fd = socket(AF_NETLINK,
		    SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
	if (d->fd < 0)
		return UID_UNKNOWN;
	make_request(&req, ++d->seq, peer, own);
	if (send(d->fd, &req, sizeof(req), 0) == (ssize_t)sizeof(req))
		return read_answer(d->fd, &req);
	(void)close(d->fd); /* a new one next time */
	d->fd = -1;
	return UID_UNKNOWN;
}

static uint32_t
uid_here(struct peer_diag *d, int fd, struct sockaddr_storage peer)
{
	uint32_t uid;
	struct sockaddr_storage own = { 0 };
	socklen_t own_len = sizeof(own);

	if (getsockname(fd, (struct sockaddr *)&own, &own_len) != 0)
		return UID_UNKNOWN;
	if (own.ss_family == AF_UNIX)
		return unix_uid(fd);
	if (own.ss_family != AF_INET && own.ss_family != AF_INET6)
		return UID_UNKNOWN;
	/* It has reset the connection. */
	if (peer.ss_family == AF_UNSPEC)
		return UID_HIDDEN;
	unmap(&peer);
	unmap(&own);
	if (peer.ss_family != own.ss_family)
		return UID_HIDDEN;
	uid = tcp_uid(d, &peer, &own);
	return uid == UID_UNKNOWN && is_of_this_machine(&peer, &own)
		   ? UID_HIDDEN
		   : uid;
}

uint32_t
peer_uid(struct peer_diag *d, int fd, const struct sockaddr_storage *peer)
{
	struct sockaddr_storage asked = { 0 };
	socklen_t len = sizeof(asked);
	uint32_t uid;

	if (peer == NULL)
		IGNORE(getpeername(fd, (struct sockaddr *)&asked, &len));
	uid = uid_here(d, fd, peer != NULL ? *peer : asked);

	return uid == userns_here()->hidden && uid != UID_UNKNOWN ? UID_HIDDEN
								  : uid;
}
