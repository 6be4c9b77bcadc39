/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "account/login_mark.h"

#include <string.h>

#include "base/base64.h"
#include "base/must.h"
#include "cred/cred.h"

/* Key, both tags, and whether there is a second tag, in base64. */
enum { MARK_BYTES = SIPHASH_KEY_BYTES + 5, TAG_MASK = 0xffff };

static const char word[] = "about ";

/* A tag of the login without its secret. */
static unsigned
login_tag(const unsigned char *key, const struct account_opts *o)
{
	const char *texts[] = { o->host, o->user, o->auth,
		o->is_token ? "token" : NULL,
		o->secret != NULL ? o->secret->value : NULL };
	struct siphash s;

	siphash_init(&s, key);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (texts[i] != NULL)
			siphash_put(&s, texts[i], strlen(texts[i]));
		siphash_put(&s, texts[i] != NULL ? "" : "-", 1);
	}
	return (unsigned)siphash_end(&s) & TAG_MASK;
}

static unsigned
secret_tag(const unsigned char *key, const struct secret *secret)
{
	struct siphash s;

	if (secret == NULL)
		return 0;
	siphash_init(&s, key);
	siphash_put(&s, secret_bytes(secret).p, secret_bytes(secret).n);
	return (unsigned)siphash_end(&s) & TAG_MASK;
}

void
login_mark_set(
    struct login_mark *m, const struct account_opts *o, const struct rng *rng)
{
	if (!m->is_set)
		rng_fill(rng, m->key, sizeof(m->key));
	m->is_set = true;
	m->login = login_tag(m->key, o);
}

void
login_mark_set_secret(struct login_mark *m, const struct secret *secret)
{
	m->has_secret = true;
	m->secret = secret_tag(m->key, secret);
}

bool
login_mark_fits(const struct login_mark *m, const struct account_opts *o)
{
	return m->login == login_tag(m->key, o);
}

bool
login_mark_fits_secret(const struct login_mark *m, const struct secret *secret)
{
	return m->secret == secret_tag(m->key, secret);
}

void
login_mark_save(const struct login_mark *m, struct buf *to)
{
	unsigned char raw[MARK_BYTES];
	unsigned char *tags = raw + sizeof(m->key);

	memcpy(raw, m->key, sizeof(m->key));
	tags[0] = (unsigned char)(m->login >> 8);
	tags[1] = (unsigned char)m->login;
	tags[2] = (unsigned char)(m->secret >> 8);
	tags[3] = (unsigned char)m->secret;
	tags[4] = m->has_secret;
	IGNORE(buf_adds(to, word)); /* all of this fits */
	IGNORE(base64_encode(to, bytes_of(raw, sizeof(raw))));
	IGNORE(buf_addc(to, '\n'));
}

void
login_mark_load(struct login_mark *m, const char *line)
{
	const unsigned char *raw;
	struct buf b;

	if (strncmp(line, word, strlen(word)) != 0)
		return;
	line += strlen(word);
	buf_init(&b, 2 * MARK_BYTES);
	if (base64_decode(&b, bytes_of(line, strcspn(line, "\n"))) &&
	    buf_len(&b) == MARK_BYTES) {
		raw = (const unsigned char *)buf_str(&b);
		memcpy(m->key, raw, sizeof(m->key));
		raw += sizeof(m->key);
		m->login = (unsigned)raw[0] << 8 | raw[1];
		m->secret = (unsigned)raw[2] << 8 | raw[3];
		m->has_secret = raw[4] != 0;
		m->is_set = true;
	}
	buf_clear(&b);
}
