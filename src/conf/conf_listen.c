/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/num.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf_build.h"

void
conf_listen_copy(struct conf_listen *to, const struct conf_listen *from)
{
	*to = *from;
	to->name = xstrdup(from->name);
	to->address = xstrdup(from->address);
	to->path = xstrdup(from->path);
	to->host = xstrdup(from->host);
	to->nets = xcalloc(from->nnets + 1, sizeof(*to->nets));
	for (size_t i = 0; i < from->nnets; i++)
		to->nets[i] = from->nets[i];
}

void
conf_listen_clear(struct conf_listen *l)
{
	free(l->name);
	free(l->address);
	free(l->path);
	free(l->host);
	free(l->nets);
}

/* --- addresses and networks ----------------------------------------------- */

/* An address literal, without its zone, into net; IPv4 written as IPv6
 * (::ffff:1.2.3.4), as a dual-stack socket reports it, is IPv4. */
static bool
parse_addr(const char *text, struct conf_net *net)
{
	static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0xff, 0xff };
	char *bare = xstrndup(text, strcspn(text, "%"));
	bool is_good = true;

	*net = (struct conf_net) { .family = AF_INET, .prefix_bits = 32 };
	if (inet_pton(AF_INET, bare, net->addr) != 1) {
		net->family = AF_INET6;
		net->prefix_bits = 128;
		is_good = inet_pton(AF_INET6, bare, net->addr) == 1;
	}
	free(bare);
	if (is_good && net->family == AF_INET6 &&
	    memcmp(net->addr, mapped, sizeof(mapped)) == 0) {
		net->family = AF_INET;
		net->prefix_bits = 32;
		memmove(net->addr, net->addr + 12, 4);
	}
	return is_good;
}

/* "192.168.1.0/24", "fd00::/8", "10.0.0.7". */
static bool
parse_net(const char *text, struct conf_net *net)
{
	const char *slash = strchr(text, '/');
	char *addr = xstrndup(
	    text, slash ? (size_t)(slash - text) : strlen(text));
	bool is_good = strchr(addr, '%') == NULL && parse_addr(addr, net);
	uint64_t bits;

	free(addr);
	if (!is_good || slash == NULL)
		return is_good;
	if (!num_u64_max(bytes_str(slash + 1), net->prefix_bits, &bits))
		return false;
	net->prefix_bits = (unsigned)bits;
	return true;
}

static bool
net_has(const struct conf_net *net, const struct conf_net *addr)
{
	unsigned whole = net->prefix_bits / 8, rest = net->prefix_bits % 8;
	unsigned mask = 0xffu & (0xff00u >> rest);

	return net->family == addr->family &&
	       memcmp(net->addr, addr->addr, whole) == 0 &&
	       (rest == 0 ||
		   ((net->addr[whole] ^ addr->addr[whole]) & mask) == 0);
}

static bool
is_loopback_addr(const struct conf_net *addr)
{
	static const unsigned char one[16] = { [15] = 1 };

	if (addr->family == AF_INET)
		return addr->addr[0] == 127;
	return memcmp(addr->addr, one, sizeof(one)) == 0;
}

bool
conf_is_loopback(const char *host)
{
	struct conf_net addr;

	return str_eq_nocase(host, "localhost") ||
	       (parse_addr(host, &addr) && is_loopback_addr(&addr));
}

bool
conf_listen_allows(const struct conf_listen *l, const char *client)
{
	struct conf_net addr;

	if (l->path != NULL)
		return true;
	if (!parse_addr(client, &addr))
		return false;
	if (l->nnets == 0)
		return is_loopback_addr(&addr);
	for (size_t i = 0; i < l->nnets; i++)
		if (net_has(&l->nets[i], &addr))
			return true;
	return false;
}

/* "host:port", "[v6]:port": *ret_host is the caller's.  False: neither. */
static bool
split_address(const char *text, char **ret_host, int *ret_port)
{
	const char *colon = strrchr(text, ':');
	struct bytes host;
	uint64_t port;

	if (colon == NULL || !num_u64_max(bytes_str(colon + 1), 65535, &port) ||
	    port == 0)
		return false;
	host = bytes_of(text, (size_t)(colon - text));
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = bytes_of(host.p + 1, host.n - 2);
	else if (memchr(host.p, ':', host.n) != NULL)
		return false; /* IPv6 without brackets: the port is ambiguous */
	if (host.n == 0)
		return false;
	*ret_host = xstrndup(host.p, host.n);
	*ret_port = (int)port;
	return true;
}

/* --- building ------------------------------------------------------------- */

/* One address as written, before it becomes one or two listeners. */
struct wanted {
	const char *name, *address, *title;
	int line;
	enum conf_mode mode;
	const struct conf_value *allow_from; /* or NULL */
	bool is_section; /* [listen NAME] beats `listen` and `socket` */
	bool is_optional;
};

static bool
is_same_place(
    const struct conf_listen *l, const char *path, const char *host, int port)
{
	if (path != NULL || l->path != NULL)
		return path != NULL && l->path != NULL &&
		       strcmp(path, l->path) == 0;
	return l->port == port && strcmp(host, l->host) == 0;
}

bool
conf_listen_is_at(const struct conf_listen *a, const struct conf_listen *b)
{
	return is_same_place(a, b->path, b->host, b->port);
}

bool
conf_listen_is_section(const struct conf_listen *l)
{
	return strcmp(l->name, "listen") != 0 && strcmp(l->name, "socket") != 0;
}

static void
add_nets(struct conf_build *b, const struct wanted *w, struct conf_listen *l)
{
	struct conf_list words = { NULL, 0 };

	if (w->allow_from == NULL)
		return;
	setting_split_list(w->allow_from->text, &words);
	l->nets = xcalloc(words.n + 1, sizeof(*l->nets));
	for (size_t i = 0; i < words.n; i++)
		if (parse_net(words.v[i], &l->nets[l->nnets]))
			l->nnets++;
		else if (!w->is_optional) /* else it is known */
			conf_problem_add(b->problems, b->raw->file,
			    w->allow_from->line, "allow_from",
			    "\"%s\" in %s is not an address or a network such "
			    "as 192.168.1.0/24",
			    words.v[i], w->title);
	conf_list_clear(&words);
}

/* R35: a listener that others can reach needs a list of clients. */
static void
check_reach(
    struct conf_build *b, const struct wanted *w, const struct conf_listen *l)
{
	if (l->is_loopback || w->is_optional ||
	    (w->allow_from != NULL && w->allow_from->text[0] != '\0'))
		return;
	conf_problem_add(b->problems, b->raw->file, w->line, w->title,
	    w->is_section && b->env->vars != NULL
		? "%s can be reached from other machines: set "
		  "RELAIS_LISTEN_ALLOW_FROM to the networks that may send, "
		  "such as 10.0.0.0/8, or RELAIS_LISTEN_ADDRESS to "
		  "localhost:2525"
	    : w->is_section
		? "%s can be reached from other machines, so allow_from must "
		  "list who may send"
		: "%s can be reached from other machines: give it a section "
		  "[listen NAME] with address and allow_from",
	    w->address);
}

static void
add_listen(struct conf_build *b, const struct wanted *w, const char *path,
    const char *host, int port)
{
	struct conf *c = b->conf;
	struct conf_listen *l;

	for (size_t i = 0; i < c->nlistens; i++)
		if (is_same_place(&c->listens[i], path, host, port)) {
			/* Sections come first, so this is an ordinary entry
			 * that a section has taken over, or a repetition. */
			if (w->is_section)
				conf_problem_add(b->problems, b->raw->file,
				    w->line, w->title,
				    "%s is already used in [listen %s]",
				    w->address, c->listens[i].name);
			return;
		}
	c->listens = xrealloc(c->listens, c->nlistens + 1, sizeof(*l));
	l = &c->listens[c->nlistens++];
	*l = (struct conf_listen) {
		.name = xstrdup(w->name),
		.address = xstrdup(w->address),
		.path = xstrdup(path),
		.host = xstrdup(host),
		.port = port,
		.is_loopback = path != NULL || conf_is_loopback(host),
		.is_optional = w->is_optional,
		.mode = w->mode,
		.line = w->line,
	};
	add_nets(b, w, l);
	check_reach(b, w, l);
}

/* A socket is bound to an address; names other than "localhost" could change
 * their meaning before the daemon runs. */
static bool
is_bindable(const char *host)
{
	struct conf_net addr;

	if (!parse_addr(host, &addr))
		return false;
	/* A zone makes sense for IPv6 only. */
	return strchr(host, '%') == NULL || strchr(host, ':') != NULL;
}

static void
add_wanted(struct conf_build *b, const struct wanted *w)
{
	char *host = NULL;
	int port = 0;

	if (w->address[0] == '/') {
		add_listen(b, w, w->address, NULL, 0);
	} else if (!split_address(w->address, &host, &port)) {
		conf_problem_add(b->problems, b->raw->file, w->line, w->title,
		    "\"%s\" is neither host:port, such as localhost:25 or "
		    "[::1]:25, nor the path of a socket",
		    w->address);
	} else if (str_eq_nocase(host, "localhost") || strcmp(host, "*") == 0) {
		bool is_any = host[0] == '*';
		struct wanted second = *w;

		second.is_optional = true;
		add_listen(b, w, NULL, is_any ? "0.0.0.0" : "127.0.0.1", port);
		add_listen(b, &second, NULL, is_any ? "::" : "::1", port);
	} else if (is_bindable(host)) {
		add_listen(b, w, NULL, host, port);
	} else {
		conf_problem_add(b->problems, b->raw->file, w->line, w->title,
		    "\"%s\" is not an address of this machine: write "
		    "localhost, an address, or * for all",
		    host);
	}
	free(host);
}

/* Scripts use the socket and need speed; desktop programs, which show the
 * reply, and programs that send many messages use TCP. */
static enum conf_mode
mode_by_default(const char *address)
{
	return address[0] == '/' ? CONF_MODE_SAFE : CONF_MODE_AUTO;
}

static void
add_section(struct conf_build *b, const struct conf_section *s)
{
	const struct conf_value *address = conf_section_get(s, "address");
	const struct conf_value *mode = conf_section_get(s, "mode");
	struct wanted w = { .name = s->name,
		.title = s->title,
		.line = s->line,
		.is_section = true };

	if (address == NULL) {
		conf_problem_add(b->problems, b->raw->file, s->line, s->title,
		    "no address is set: add one, such as address = "
		    "192.168.1.2:25");
		return;
	}
	w.address = address->text;
	w.mode = mode_by_default(w.address);
	if (mode != NULL)
		w.mode = (enum conf_mode)setting_word_index(
		    setting_modes, mode->text);
	w.allow_from = conf_section_get(s, "allow_from");
	add_wanted(b, &w);
}

void
conf_build_listens(struct conf_build *b)
{
	const struct conf_section *relais = conf_raw_find(
	    b->raw, SETTING_RELAIS, NULL);
	const struct conf_value *listen = conf_section_get(relais, "listen");
	struct conf_list words = { NULL, 0 };
	struct wanted w = { .name = "socket",
		.title = "socket",
		.address = b->conf->socket,
		.mode = CONF_MODE_SAFE };

	for (size_t i = 0; i < b->raw->n; i++)
		if (b->raw->v[i].kind == SETTING_LISTEN)
			add_section(b, &b->raw->v[i]);
	add_wanted(b, &w);

	w = (struct wanted) { .name = "listen",
		.title = "listen",
		.line = listen != NULL ? listen->line : 0 };
	if (listen != NULL)
		setting_split_list(listen->text, &words);
	else if (b->env->is_user)
		setting_split_list(CONF_USER_LISTEN, &words);
	else
		setting_split_list(
		    setting_find(SETTING_RELAIS, "listen")->dflt, &words);
	for (size_t i = 0; i < words.n; i++) {
		w.address = words.v[i];
		w.mode = mode_by_default(w.address);
		add_wanted(b, &w);
	}
	conf_list_clear(&words);
}
