/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relais-cred/oauth_http.h"

#include <string.h>
#include <time.h>

#include <curl/curl.h>

#include "base/num.h"
#include "base/str.h"

enum { RETRY_AFTER_MAX_S = 3600 };

struct taking {
	struct buf body;
	struct oauth_reply *reply;
	bool is_too_long;
};

static size_t
on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct taking *t = ctx;

	if (buf_add(&t->body, p, size * n))
		return size * n;
	t->is_too_long = true;
	return 0; /* ends the transfer */
}

/* "Retry-After: 120", or a date; "Date: ...". */
static size_t
on_header(char *p, size_t size, size_t n, void *ctx)
{
	struct taking *t = ctx;
	struct bytes value = bytes_of(p, size * n);
	struct bytes name = bytes_cut(&value, ':');
	char text[100];
	uint64_t s;
	time_t now = time(NULL), at;

	if (!str_copy(text, sizeof(text), bytes_trim(value)))
		return size * n;
	at = curl_getdate(text, NULL);
	if (bytes_eq_nocase(name, "date") && at > 0)
		t->reply->server_ahead_s = at - now;
	if (!bytes_eq_nocase(name, "retry-after"))
		return size * n;
	if (num_u64_max(bytes_str(text), RETRY_AFTER_MAX_S, &s))
		t->reply->retry_after_s = (int64_t)s;
	else if (at > now && at <= now + RETRY_AFTER_MAX_S)
		t->reply->retry_after_s = at - now;
	else if (at > now || text[0] != '\0')
		t->reply->retry_after_s = RETRY_AFTER_MAX_S;
	return size * n;
}

static int
perform(CURL *c, const char *url, const struct buf *form, struct taking *t,
    struct err *err)
{
	struct curl_slist *headers = curl_slist_append(
	    NULL, "Accept: application/json");
	char why[CURL_ERROR_SIZE] = "";
	long status = 0;
	CURLcode rc;

	/* None of these can fail but for memory. */
	(void)curl_easy_setopt(c, CURLOPT_URL, url);
	(void)curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https");
	(void)curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	(void)curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	(void)curl_easy_setopt(c, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)OAUTH_HTTP_MS);
	(void)curl_easy_setopt(
	    c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	(void)curl_easy_setopt(c, CURLOPT_USERAGENT, "relais");
	/* Asked for nothing else, some servers compress all the same. */
	(void)curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, "identity");
	(void)curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	(void)curl_easy_setopt(c, CURLOPT_POSTFIELDS, buf_str(form));
	(void)curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)buf_len(form));
	(void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	(void)curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
	(void)curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	(void)curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
	(void)curl_easy_setopt(c, CURLOPT_ERRORBUFFER, why);
	rc = curl_easy_perform(c);
	curl_slist_free_all(headers);
	if (rc == CURLE_OK) {
		(void)curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
		t->reply->status = (int)status;
		return 0;
	}
	if (t->is_too_long)
		return err_set(err, ERR_NETWORK,
		    "the answer of the token server %.200s is too long", url);
	return err_set(err, ERR_NETWORK,
	    "the token server %.200s cannot be asked: %s", url,
	    why[0] != '\0' ? why : curl_easy_strerror(rc));
}

int
oauth_post(const char *url, const struct buf *form, struct oauth_reply *ret,
    struct err *err)
{
	struct taking t = { .reply = ret };
	CURL *c = curl_easy_init();
	int rc;

	*ret = (struct oauth_reply) { .status = 0 };
	if (c == NULL)
		return err_set(err, ERR_SYSTEM, "libcurl cannot be used");
	buf_init(&t.body, OAUTH_BODY_MAX);
	rc = perform(c, url, form, &t, err);
	if (rc == 0)
		ret->is_answer = oauth_answer_parse(
		    buf_bytes(&t.body), &ret->answer);
	buf_wipe(&t.body);
	curl_easy_cleanup(c);
	return rc;
}

void
oauth_reply_clear(struct oauth_reply *r)
{
	oauth_answer_clear(&r->answer);
}

enum oauth_next
oauth_reply_next(const struct oauth_reply *r)
{
	return oauth_next(r->status, r->is_answer ? &r->answer : NULL);
}

void
oauth_reply_text(const struct oauth_reply *r, struct buf *to)
{
	oauth_answer_text(r->status, r->is_answer ? &r->answer : NULL, to);
}
