/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relais-setup/discover.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>

#include <arpa/nameser.h>
#define CARES_NO_DEPRECATED
#include <ares.h>
#include <curl/curl.h>

#include "base/intl.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "relais-setup/autoconfig.h"
#include "sys/clock_sys.h"

#define MOZILLA "https://autoconfig.thunderbird.net/v1.1/"

/* Whom we ask, best first. */
enum slot_id {
	SLOT_AUTOCONFIG, /* https://autoconfig.DOMAIN/ */
	SLOT_WELL_KNOWN, /* https://DOMAIN/.well-known/ */
	SLOT_SRV_TLS, /* _submissions: implicit TLS */
	SLOT_SRV, /* _submission: STARTTLS */
	SLOT_MX,
	SLOT_MOZILLA,
	SLOT_MOZILLA_MX3, /* what hosts the domain: three labels of its name */
	SLOT_MOZILLA_MX2,
	SLOT_GUESS_SMTP, /* smtp.DOMAIN exists */
	SLOT_GUESS_MAIL,
	SLOT_GUESS_MX, /* the domain's mail server, if it is of the domain */
	SLOTS
};

enum slot_state { SLOT_UNUSED = 0, SLOT_PENDING, SLOT_NONE, SLOT_FOUND };

struct search;

struct slot {
	struct search *of;
	enum slot_state state;
	struct discovery found;
	/* Of a file: */
	CURL *curl;
	char *url;
	struct buf body;
	/* Of a guess: */
	char *host;
};

struct search {
	const struct discover_opts *opts;
	const char *domain;
	CURLM *multi;
	ares_channel dns;
	bool has_dns; /* a name server has answered, whatever */
	struct slot slots[SLOTS];
};

static const struct conf_port guessed_ports[] = {
	{ 465, CONF_TLS_IMPLICIT },
	{ 587, CONF_TLS_STARTTLS },
};

const char *
discover_source_name(enum discover_source s)
{
	static const char *const names[] = { "preset", "autoconfig", "srv",
		"mx", "mozilla", "guess" };

	return names[s];
}

void
discovery_clear(struct discovery *d)
{
	free(d->from);
	free(d->host);
	free(d->user);
	free(d->name);
	free(d->page);
	*d = (struct discovery) { .nports = 0 };
}

static const char *
domain_of(const char *address)
{
	return strrchr(address, '@') + 1;
}

static bool
is_below(const char *host, const char *domain)
{
	size_t n = strlen(host), k = strlen(domain);

	return n >= k && str_eq_nocase(host + n - k, domain) &&
	       (n == k || host[n - k - 1] == '.');
}

bool
discovery_is_own_host(const char *host, const char *address)
{
	return is_below(host, domain_of(address));
}

/* --- what was found ------------------------------------------------------- */

static void
give_up(struct slot *s)
{
	if (s->state == SLOT_PENDING)
		s->state = SLOT_NONE;
}

static void
note_answer(struct search *se, int status)
{
	if (status == ARES_SUCCESS || status == ARES_ENODATA ||
	    status == ARES_ENOTFOUND)
		se->has_dns = true;
}

static void
found(struct slot *s, enum discover_source source, char *from)
{
	s->state = SLOT_FOUND;
	s->found.source = source;
	s->found.from = from;
}

/* A row of the converted database is not known to relaisd, so what it says is
 * written down instead of its key. */
static void
found_row(struct discovery *d, const struct provider *p, const char *address)
{
	d->source = DISCOVER_MOZILLA;
	d->host = xstrdup(p->host);
	memcpy(d->ports, p->ports, sizeof(p->ports));
	d->nports = p->nports;
	d->is_oauth = strncmp(p->secret, "oauth", 5) == 0;
	d->name = xstrdup(p->name);
	d->page = p->page != NULL ? xstrdup(p->page) : NULL;
	if (p->login == PROVIDER_LOGIN_LOCAL)
		d->user = xstrndup(
		    address, (size_t)(strrchr(address, '@') - address));
}

static void
add_port(struct discovery *d, int port, enum conf_tls tls)
{
	if (d->nports < CONF_PORTS_MAX)
		d->ports[d->nports++] = (struct conf_port) { port, tls };
}

static void
take_file(struct slot *s, enum discover_source source)
{
	struct search *se = s->of;
	struct autoconfig a;

	if (autoconfig_parse(buf_bytes(&s->body), &a, NULL) != 0) {
		give_up(s);
		return;
	}
	found(s, source,
	    source == DISCOVER_MOZILLA
		? xasprintf("Mozilla's database, %s", s->url)
		: xasprintf(N_("autoconfig of the domain, %s"), s->url));
	s->found.host = xstrdup(a.host);
	memcpy(s->found.ports, a.ports, sizeof(a.ports));
	s->found.nports = a.nports;
	s->found.user = autoconfig_user(&a, se->opts->address);
	s->found.is_oauth = !a.takes_password;
	s->found.name = a.name;
	s->found.page = a.page;
	a.name = a.page = NULL;
	autoconfig_clear(&a);
}

/* --- files ---------------------------------------------------------------- */

static size_t
on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct slot *s = ctx;

	return buf_add(&s->body, p, size * n) ? size * n : 0;
}

/* QUICK_EXIT: libcurl resolves names in threads, and would wait at its end
 * until a silent name server has been given up by the resolver of the system,
 * half a minute perhaps.
 *
 * curl takes its values as variable arguments, so it cannot be told apart which
 * of these options an old library lacks: then nothing is fetched at all. */
static bool
prepare(struct slot *s)
{
	CURL *c = s->curl;

	return curl_easy_setopt(c, CURLOPT_URL, s->url) == CURLE_OK &&
	       /* Also of a redirection. */
	       curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https") == 0 &&
	       curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L) == 0 &&
	       curl_easy_setopt(c, CURLOPT_MAXREDIRS, 3L) == 0 &&
	       curl_easy_setopt(
		   c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == 0 &&
	       curl_easy_setopt(c, CURLOPT_FAILONERROR, 1L) == 0 &&
	       curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == 0 &&
	       curl_easy_setopt(c, CURLOPT_QUICK_EXIT, 1L) == 0 &&
	       curl_easy_setopt(c, CURLOPT_PROXY, "") == 0 &&
	       curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) ==
		   0 &&
	       curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)DISCOVER_MS) ==
		   0 &&
	       curl_easy_setopt(c, CURLOPT_USERAGENT, "relais-setup") == 0 &&
	       curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body) == 0 &&
	       curl_easy_setopt(c, CURLOPT_WRITEDATA, s) == 0 &&
	       curl_easy_setopt(c, CURLOPT_PRIVATE, s) == 0 &&
	       curl_multi_add_handle(s->of->multi, c) == CURLM_OK;
}

static void
ask_file(struct search *se, enum slot_id id, char *url)
{
	struct slot *s = &se->slots[id];

	s->url = url;
	s->curl = curl_easy_init();
	s->state = SLOT_PENDING;
	if (s->curl == NULL || !prepare(s))
		give_up(s);
}

static void
take_files(struct search *se)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(se->multi, &left)) != NULL) {
		struct slot *s = NULL;

		if (m->msg != CURLMSG_DONE ||
		    curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE,
			(char **)&s) != CURLE_OK ||
		    s == NULL)
			continue;
		if (m->data.result != CURLE_OK)
			give_up(s);
		else
			take_file(s, s < &se->slots[SLOT_MOZILLA]
					 ? DISCOVER_AUTOCONFIG
					 : DISCOVER_MOZILLA);
	}
}

/* --- names ---------------------------------------------------------------- */

static void
ask_name(struct search *se, enum slot_id id, char *name, int type,
    ares_callback told)
{
	struct slot *s = &se->slots[id];

	s->host = name;
	s->state = SLOT_PENDING;
	ares_query(se->dns, name, ns_c_in, type, told, s);
}

/* The target that is to be tried first (RFC 2782); "." is none. */
static void
on_srv(void *ctx, int status, int timeouts, unsigned char *p, int n)
{
	struct slot *s = ctx;
	bool is_tls = s == &s->of->slots[SLOT_SRV_TLS];
	struct ares_srv_reply *all = NULL, *best = NULL, *at;

	(void)timeouts;
	note_answer(s->of, status);
	if (status == ARES_SUCCESS &&
	    ares_parse_srv_reply(p, n, &all) == ARES_SUCCESS)
		for (at = all; at != NULL; at = at->next)
			if (autoconfig_is_host(at->host) && at->port != 0 &&
			    (best == NULL || at->priority < best->priority ||
				(at->priority == best->priority &&
				    at->weight > best->weight)))
				best = at;
	if (best != NULL) {
		found(s, DISCOVER_SRV, xasprintf(N_("SRV record %s"), s->host));
		s->found.host = xstrdup(best->host);
		add_port(&s->found, best->port,
		    is_tls ? CONF_TLS_IMPLICIT : CONF_TLS_STARTTLS);
	} else {
		give_up(s);
	}
	if (all != NULL)
		ares_free_data(all);
}

/* The last labels of a host's name, or NULL if it has no more. */
static const char *
last_labels(const char *host, int n)
{
	const char *at = host + strlen(host);

	while (at > host) {
		if (*--at == '.' && --n == 0)
			return at + 1;
	}
	return NULL;
}

/* The host of the domain's mail may be in Mozilla's database. */
static void
ask_about_hoster(struct search *se, const char *mx)
{
	const char *three = last_labels(mx, 3), *two = last_labels(mx, 2);

	if (is_below(mx, se->domain))
		return;
	if (three != NULL)
		ask_file(se, SLOT_MOZILLA_MX3, xasprintf(MOZILLA "%s", three));
	if (two != NULL)
		ask_file(se, SLOT_MOZILLA_MX2, xasprintf(MOZILLA "%s", two));
}

static void
take_mx(struct search *se, const char *mx)
{
	struct slot *s = &se->slots[SLOT_MX];
	struct slot *guess = &se->slots[SLOT_GUESS_MX];
	const struct provider *p = providers_by_mx(se->opts->presets, mx);

	if (p != NULL) {
		found(s, DISCOVER_MX, xasprintf(N_("its MX is %s"), mx));
		s->found.preset = p;
		return;
	}
	if (se->opts->mozilla != NULL &&
	    (p = providers_by_mx(se->opts->mozilla, mx)) != NULL) {
		found(s, DISCOVER_MOZILLA,
		    xasprintf(N_("Mozilla's database; its MX is %s"), mx));
		found_row(&s->found, p, se->opts->address);
		return;
	}
	give_up(s);
	ask_about_hoster(se, mx);
	if (is_below(mx, se->domain)) {
		found(guess, DISCOVER_GUESS,
		    xasprintf(N_("a guess: %s receives its mail"), mx));
		guess->found.host = xstrdup(mx);
	}
}

static void
on_mx(void *ctx, int status, int timeouts, unsigned char *p, int n)
{
	struct slot *s = ctx;
	struct ares_mx_reply *all = NULL, *best = NULL, *at;

	(void)timeouts;
	note_answer(s->of, status);
	if (status == ARES_SUCCESS &&
	    ares_parse_mx_reply(p, n, &all) == ARES_SUCCESS)
		for (at = all; at != NULL; at = at->next)
			if (autoconfig_is_host(at->host) &&
			    (best == NULL || at->priority < best->priority))
				best = at;
	if (best != NULL)
		take_mx(s->of, best->host);
	else
		give_up(s);
	if (all != NULL)
		ares_free_data(all);
}

static void
on_address(void *ctx, int status, int timeouts, struct hostent *h)
{
	struct slot *s = ctx;

	(void)timeouts;
	(void)h;
	if (status != ARES_SUCCESS) {
		give_up(s);
		return;
	}
	found(s, DISCOVER_GUESS, xasprintf("a guess: %s exists", s->host));
	s->found.host = xstrdup(s->host);
}

static void
ask_address(struct search *se, enum slot_id id, char *host)
{
	struct slot *s = &se->slots[id];

	s->host = host;
	s->state = SLOT_PENDING;
	ares_gethostbyname(se->dns, host, AF_UNSPEC, on_address, s);
}

/* --- waiting -------------------------------------------------------------- */

static int64_t
now_ms(void)
{
	return clock_boot_ms(clock_sys());
}

/* The best one, once nothing better can come; NULL: wait. */
static struct slot *
winner(struct search *se, bool is_late)
{
	for (int i = 0; i < SLOTS; i++) {
		if (se->slots[i].state == SLOT_FOUND)
			return &se->slots[i];
		if (se->slots[i].state == SLOT_PENDING && !is_late)
			return NULL;
	}
	return NULL;
}

static bool
is_pending(const struct search *se)
{
	for (int i = 0; i < SLOTS; i++)
		if (se->slots[i].state == SLOT_PENDING)
			return true;
	return false;
}

static void
wait_a_little(struct search *se, int64_t left_ms)
{
	ares_socket_t socks[ARES_GETSOCK_MAXNUM];
	struct curl_waitfd fds[ARES_GETSOCK_MAXNUM];
	int bits = ares_getsock(se->dns, socks, ARES_GETSOCK_MAXNUM);
	unsigned n = 0;

	for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
		short events = 0;

		if (ARES_GETSOCK_READABLE(bits, i))
			events |= CURL_WAIT_POLLIN;
		if (ARES_GETSOCK_WRITABLE(bits, i))
			events |= CURL_WAIT_POLLOUT;
		if (events != 0)
			fds[n++] = (struct curl_waitfd) { socks[i], events, 0 };
	}
	/* c-ares has timers of its own. */
	if (left_ms > 100)
		left_ms = 100;
	if (curl_multi_poll(se->multi, fds, n, (int)left_ms, NULL) != CURLM_OK)
		return;
	for (unsigned i = 0; i < n; i++) {
		bool in = (fds[i].revents & CURL_WAIT_POLLIN) != 0;
		bool out = (fds[i].revents & CURL_WAIT_POLLOUT) != 0;

		if (in || out)
			ares_process_fd(se->dns,
			    in ? fds[i].fd : ARES_SOCKET_BAD,
			    out ? fds[i].fd : ARES_SOCKET_BAD);
	}
	ares_process_fd(se->dns, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static struct slot *
wait_for_answers(struct search *se)
{
	int64_t end_ms = now_ms() + DISCOVER_MS;
	struct slot *best = NULL;
	int running;

	while (best == NULL && is_pending(se)) {
		int64_t left_ms = end_ms - now_ms();

		if (left_ms <= 0)
			break;
		if (curl_multi_perform(se->multi, &running) != CURLM_OK)
			break;
		take_files(se);
		if ((best = winner(se, false)) == NULL)
			wait_a_little(se, left_ms);
	}
	return best != NULL ? best : winner(se, true);
}

/* --- asking --------------------------------------------------------------- */

static bool
ask_all(struct search *se)
{
	struct ares_options opts = { .timeout = 1500, .tries = 2 };
	const char *d = se->domain;

	se->multi = curl_multi_init();
	if (se->multi == NULL ||
	    ares_init_options(&se->dns, &opts,
		ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES) != ARES_SUCCESS) {
		se->dns = NULL;
		return false;
	}
	ask_file(se, SLOT_AUTOCONFIG,
	    xasprintf("https://autoconfig.%s/mail/config-v1.1.xml", d));
	ask_file(se, SLOT_WELL_KNOWN,
	    xasprintf(
		"https://%s/.well-known/autoconfig/mail/config-v1.1.xml", d));
	ask_file(se, SLOT_MOZILLA, xasprintf(MOZILLA "%s", d));
	ask_name(se, SLOT_SRV_TLS, xasprintf("_submissions._tcp.%s", d),
	    ns_t_srv, on_srv);
	ask_name(se, SLOT_SRV, xasprintf("_submission._tcp.%s", d), ns_t_srv,
	    on_srv);
	ask_name(se, SLOT_MX, xstrdup(d), ns_t_mx, on_mx);
	ask_address(se, SLOT_GUESS_SMTP, xasprintf("smtp.%s", d));
	ask_address(se, SLOT_GUESS_MAIL, xasprintf("mail.%s", d));
	return true;
}

static void
search_clear(struct search *se)
{
	/* Queries that are left call back with ARES_EDESTRUCTION. */
	if (se->dns != NULL)
		ares_destroy(se->dns);
	for (int i = 0; i < SLOTS; i++) {
		struct slot *s = &se->slots[i];

		if (s->curl != NULL) {
			(void)curl_multi_remove_handle(se->multi, s->curl);
			curl_easy_cleanup(s->curl);
		}
		discovery_clear(&s->found);
		buf_clear(&s->body);
		free(s->url);
		free(s->host);
	}
	if (se->multi != NULL)
		(void)curl_multi_cleanup(se->multi);
}

/* SRV records of both kinds for one host are one answer; a server without any
 * word about its ports has the usual ones. */
static void
complete(struct search *se, struct slot *best)
{
	const struct slot *srv = &se->slots[SLOT_SRV];
	struct discovery *d = &best->found;

	if (best == &se->slots[SLOT_SRV_TLS] && srv->state == SLOT_FOUND &&
	    str_eq_nocase(srv->found.host, d->host))
		add_port(d, srv->found.ports[0].port, srv->found.ports[0].tls);
	for (size_t i = 0; d->preset == NULL && d->source == DISCOVER_GUESS &&
			   i < sizeof(guessed_ports) / sizeof(guessed_ports[0]);
	     i++)
		add_port(d, guessed_ports[i].port, guessed_ports[i].tls);
}

/* The domain of a preset that was meant perhaps, or NULL. */
static const char *
nearest_domain(const struct providers *presets, const char *domain)
{
	int limit = strlen(domain) < 8 ? 1 : 2;
	const struct provider *p;
	const char *best = NULL;

	for (size_t i = 0; (p = providers_at(presets, i)) != NULL; i++)
		for (size_t k = 0; k < p->domains.n; k++)
			if (str_is_nearer(domain, p->domains.v[k], &limit))
				best = p->domains.v[k];
	return best;
}

static int
search(const struct discover_opts *opts, struct discovery *ret, struct err *err)
{
	struct search se = { .opts = opts, .domain = domain_of(opts->address) };
	struct slot *best = NULL;
	const char *near;

	for (int i = 0; i < SLOTS; i++) {
		se.slots[i].of = &se;
		buf_init(&se.slots[i].body, AUTOCONFIG_MAX);
	}
	if (ask_all(&se))
		best = wait_for_answers(&se);
	if (best != NULL) {
		complete(&se, best);
		*ret = best->found;
		best->found = (struct discovery) { .nports = 0 };
	}
	search_clear(&se);
	if (best != NULL)
		return 0;
	if (!se.has_dns)
		return err_set(err, ERR_NETWORK,
		    "no name server answers, so nothing can be found out about "
		    "%s: is this machine online?",
		    se.domain);
	near = nearest_domain(opts->presets, se.domain);
	if (near != NULL)
		return err_set(err, ERR_CONFIG,
		    "no submission server was found for %s: did you mean %s? "
		    "If not, name it with --provider KEY (see relais "
		    "providers) or --host NAME",
		    se.domain, near);
	return err_set(err, ERR_CONFIG,
	    "no submission server was found for %s: no preset, autoconfig "
	    "file, SRV record or known MX; name it with --provider KEY (see "
	    "relais providers) or --host NAME",
	    se.domain);
}

int
discover(
    const struct discover_opts *opts, struct discovery *ret, struct err *err)
{
	const char *domain = domain_of(opts->address);
	const struct provider *p = providers_by_domain(opts->presets, domain);
	int rc;

	if (p == NULL && opts->mozilla != NULL &&
	    (p = providers_by_domain(opts->mozilla, domain)) != NULL) {
		*ret = (struct discovery) { .from = xstrdup(
						"Mozilla's database") };
		found_row(ret, p, opts->address);
		return 0;
	}
	if (p != NULL) {
		*ret = (struct discovery) { .source = DISCOVER_PRESET,
			.from = xasprintf("preset %s", p->key),
			.preset = p };
		return 0;
	}
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
	    ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
		return err_set(
		    err, ERR_SYSTEM, "libcurl or c-ares cannot start");
	rc = search(opts, ret, err);
	ares_library_cleanup();
	curl_global_cleanup();
	return rc;
}
