/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relais-cred/oauth_store.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <jansson.h>

#include "base/base64.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "sys/clock_sys.h"
#include "sys/files.h"

enum {
	FILE_MAX = 256 * 1024,
	RESERVE = 128 * 1024,
	KEY_LEN = 32,
	NONCE_LEN = 12,
	TAG_LEN = 16,
	LOCK_STEP_MS = 50
};
static const int64_t COUNT_MAX = 10000000000000;

struct oauth_store {
	int dir, lock, temp; /* temp: the next file, or -1 */
	char *account, *name, *temp_name;
	bool is_sealed;
	unsigned char key[KEY_LEN];
	bool is_reserved;
	sigset_t signals; /* that were blocked before */
};

/* --- the text ------------------------------------------------------------- */

#define TEXT(name)                                                             \
	{                                                                      \
#name, offsetof(struct oauth_token, name), true                \
	}
#define COUNT(name)                                                            \
	{                                                                      \
#name, offsetof(struct oauth_token, name), false               \
	}

static const struct field {
	const char *name;
	size_t at;
	bool is_text;
} fields[] = { COUNT(serial), TEXT(client_id), TEXT(token_url), TEXT(scope),
	TEXT(login), TEXT(user), TEXT(access), TEXT(refresh), TEXT(needs_login),
	TEXT(boot_id), COUNT(signed_in_s), COUNT(refreshed_s),
	COUNT(obtained_s), COUNT(obtained_boot_ms), COUNT(expires_s),
	COUNT(not_before_s) };
enum { NFIELDS = sizeof(fields) / sizeof(fields[0]) };

static char **
text_of(const struct oauth_token *t, const struct field *f)
{
	return (char **)((uintptr_t)t + f->at);
}

static int64_t *
count_of(const struct oauth_token *t, const struct field *f)
{
	return (int64_t *)((uintptr_t)t + f->at);
}

void
oauth_token_clear(struct oauth_token *t)
{
	for (size_t i = 0; i < NFIELDS; i++)
		if (fields[i].is_text)
			str_wipe(*text_of(t, &fields[i]));
	*t = (struct oauth_token) { 0 };
}

static bool
put_json(struct buf *to, json_t *j)
{
	char *text = json_dumps(j, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	bool ok = text != NULL && buf_addf(to, "%s\n", text);

	str_wipe(text);
	json_decref(j);
	return ok;
}

static bool
add_token(struct buf *to, const struct oauth_token *t)
{
	json_t *j = json_object();

	for (size_t i = 0; i < NFIELDS; i++) {
		const struct field *f = &fields[i];

		if (!f->is_text)
			(void)json_object_set_new(
			    j, f->name, json_integer(*count_of(t, f)));
		else if (*text_of(t, f) != NULL)
			(void)json_object_set_new(
			    j, f->name, json_string(*text_of(t, f)));
	}
	return put_json(to, j);
}

/* So that nothing overflows, whatever is in the file. */
static int64_t
count_within(int64_t n)
{
	return n < 0 ? 0 : n > COUNT_MAX ? COUNT_MAX : n;
}

bool
oauth_token_parse(struct bytes text, struct oauth_token *ret)
{
	json_t *j = json_loadb(text.p, text.n, 0, NULL);

	*ret = (struct oauth_token) { 0 };
	if (!json_is_object(j)) {
		json_decref(j);
		return false;
	}
	for (size_t i = 0; i < NFIELDS; i++) {
		const struct field *f = &fields[i];
		const json_t *v = json_object_get(j, f->name);

		if (f->is_text)
			*text_of(ret, f) = xstrdup(json_string_value(v));
		else
			*count_of(ret, f) = count_within(json_integer_value(v));
	}
	json_decref(j);
	return true;
}

/* --- time ----------------------------------------------------------------- */

void
oauth_now(struct oauth_now *ret)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, ret->boot_id, sizeof(ret->boot_id) - 1)
			    : 0;

	if (fd >= 0)
		(void)close(fd); /* only read */
	ret->boot_id[n > 0 ? n : 0] = '\0';
	ret->boot_id[strcspn(ret->boot_id, "\n")] = '\0';
	ret->wall_s = clock_wall_ms(clock_sys()) / 1000;
	ret->boot_ms = clock_boot_ms(clock_sys());
}

int64_t
oauth_token_left_ms(const struct oauth_token *t, const struct oauth_now *now)
{
	int64_t age_ms;

	if (t->access == NULL || t->expires_s <= 0)
		return 0;
	if (now->boot_id[0] != '\0' && str_eq(t->boot_id, now->boot_id))
		age_ms = now->boot_ms - t->obtained_boot_ms;
	else
		age_ms = (now->wall_s - t->obtained_s) * 1000;
	/* From the future: a clock is wrong. */
	if (age_ms < 0 || age_ms / 1000 >= t->expires_s)
		return 0;
	return t->expires_s * 1000 - age_ms;
}

/* --- sealing -------------------------------------------------------------- */

static int
read_key(struct oauth_store *s, const char *file, struct err *err)
{
	gnutls_datum_t content;

	if (gnutls_load_file(file, &content) != 0)
		return err_set(err, ERR_SECRET,
		    "cannot read %s, the key that seals the tokens", file);
	s->is_sealed = true;
	IGNORE(gnutls_hash_fast(GNUTLS_DIG_SHA256, content.data, content.size,
		   s->key) != 0); /* SHA-256 is always there */
	explicit_bzero(content.data, content.size);
	gnutls_free(content.data);
	return 0;
}

static gnutls_aead_cipher_hd_t
cipher(struct oauth_store *s)
{
	gnutls_datum_t key = { s->key, KEY_LEN };
	gnutls_aead_cipher_hd_t h;

	return gnutls_aead_cipher_init(&h, GNUTLS_CIPHER_AES_256_GCM, &key) == 0
		   ? h
		   : NULL;
}

/* {"sealed": "BASE64 of nonce, text, tag"} */
static bool
seal(struct oauth_store *s, struct bytes text, struct buf *to)
{
	gnutls_aead_cipher_hd_t h = cipher(s);
	size_t n = text.n + TAG_LEN;
	struct buf raw, b64;
	char *at;
	bool ok;

	buf_init(&raw, FILE_MAX);
	buf_init(&b64, FILE_MAX);
	at = buf_space(&raw, NONCE_LEN + n);
	ok = h != NULL && at != NULL &&
	     gnutls_rnd(GNUTLS_RND_NONCE, at, NONCE_LEN) == 0 &&
	     gnutls_aead_cipher_encrypt(h, at, NONCE_LEN, s->account,
		 strlen(s->account), TAG_LEN, text.p, text.n, at + NONCE_LEN,
		 &n) == 0;
	if (ok) {
		buf_added(&raw, NONCE_LEN + n);
		ok = base64_encode(&b64, buf_bytes(&raw)) &&
		     buf_addf(to, "{\"sealed\": \"%s\"}\n", buf_str(&b64));
	}
	if (h != NULL)
		gnutls_aead_cipher_deinit(h);
	buf_clear(&raw);
	buf_clear(&b64);
	return ok;
}

static bool
unseal(struct oauth_store *s, const char *b64, struct buf *to)
{
	gnutls_aead_cipher_hd_t h = cipher(s);
	struct buf raw;
	struct bytes r;
	size_t n;
	char *at;
	bool ok = false;

	buf_init(&raw, FILE_MAX);
	if (h != NULL && base64_decode(&raw, bytes_str(b64)) &&
	    buf_len(&raw) > NONCE_LEN + TAG_LEN) {
		r = buf_bytes(&raw);
		n = r.n - NONCE_LEN - TAG_LEN;
		at = buf_space(to, n);
		ok = at != NULL &&
		     gnutls_aead_cipher_decrypt(h, r.p, NONCE_LEN, s->account,
			 strlen(s->account), TAG_LEN, r.p + NONCE_LEN,
			 r.n - NONCE_LEN, at, &n) == 0;
		if (ok)
			buf_added(to, n);
	}
	if (h != NULL)
		gnutls_aead_cipher_deinit(h);
	buf_clear(&raw);
	return ok;
}

/* --- the files ------------------------------------------------------------ */

static int
take_lock(struct oauth_store *s, int64_t timeout_ms, struct err *err)
{
	const struct timespec step = { 0, LOCK_STEP_MS * 1000000L };
	int64_t until = clock_boot_ms(clock_sys()) + timeout_ms;

	while (flock(s->lock, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_sys(err, "cannot lock %s", s->name);
		if (clock_boot_ms(clock_sys()) >= until)
			return err_set(err, ERR_BUSY,
			    "somebody else has been refreshing the token of "
			    "account %s for too long",
			    s->account);
		(void)nanosleep(&step, NULL);
	}
	return 0;
}

static int
open_folder(const char *folder, struct err *err)
{
	struct stat st;
	int fd;

	if (mkdir(folder, 0700) != 0 && errno != EEXIST)
		return err_sys(err, "cannot make the folder %s", folder);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_sys(err, "cannot open the folder %s", folder);
	if (fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
	    (st.st_mode & 077) == 0)
		return fd;
	(void)close(fd);
	return err_set(err, ERR_SECRET,
	    "%s holds tokens: it must belong to the user of relaisd and be "
	    "closed to others; type: chmod 700 %s",
	    folder, folder);
}

int
oauth_store_open(const char *folder, const char *account, const char *key_file,
    int64_t timeout_ms, struct oauth_store **ret, struct err *err)
{
	struct oauth_store *s;
	char *lock;

	if (account[0] == '\0' || account[0] == '.' ||
	    strchr(account, '/') != NULL)
		return err_set(err, ERR_SECRET,
		    "\"%.80s\" cannot be the name of a token file: rename the "
		    "account",
		    account);
	s = xcalloc(1, sizeof(*s));
	s->lock = s->temp = -1;
	s->account = xstrdup(account);
	s->name = xasprintf("%s.json", account);
	s->temp_name = xasprintf(".%s.new", account);
	if ((s->dir = open_folder(folder, err)) < 0 ||
	    (key_file[0] != '\0' && read_key(s, key_file, err) != 0))
		goto fail;
	lock = xasprintf(".%s.lock", account);
	s->lock = openat(
	    s->dir, lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	free(lock);
	if (s->lock < 0) {
		(void)err_sys(err, "cannot write in %s", folder);
		goto fail;
	}
	if (take_lock(s, timeout_ms, err) != 0)
		goto fail;
	*ret = s;
	return 0;
fail:
	oauth_store_close(s);
	return -1;
}

void
oauth_store_close(struct oauth_store *s)
{
	if (s == NULL)
		return;
	if (s->temp >= 0) {
		(void)unlinkat(s->dir, s->temp_name, 0); /* it is a leftover */
		(void)close(s->temp);
	}
	if (s->lock >= 0)
		(void)close(s->lock); /* and with it the lock */
	if (s->dir >= 0)
		(void)close(s->dir);
	if (s->is_reserved)
		(void)sigprocmask(SIG_SETMASK, &s->signals, NULL);
	explicit_bzero(s->key, sizeof(s->key));
	free(s->account);
	free(s->name);
	free(s->temp_name);
	free(s);
}

/* 1: there is none. */
static int
read_file(struct oauth_store *s, struct buf *to, struct err *err)
{
	int fd = openat(s->dir, s->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int rc = 0;

	if (fd < 0)
		return errno == ENOENT
			   ? 1
			   : err_sys(err, "cannot read %s", s->name);
	if (files_read_all(fd, to) != 0)
		rc = err_set(err, ERR_SECRET, "cannot read %s", s->name);
	(void)close(fd); /* only read */
	return rc;
}

/* False: it is sealed and cannot be opened. */
static bool
open_seal(struct oauth_store *s, struct buf *text, struct err *err)
{
	json_t *j = json_loadb(buf_str(text), buf_len(text), 0, NULL);
	const char *sealed = json_string_value(json_object_get(j, "sealed"));
	struct buf plain;
	bool ok = true;

	buf_init(&plain, FILE_MAX);
	if (sealed != NULL && !s->is_sealed) {
		(void)err_set(err, ERR_SECRET,
		    "the token of account %s is sealed, but relaisd was given "
		    "no credential relais-oauth-key",
		    s->account);
		ok = false;
	} else if (sealed != NULL && !unseal(s, sealed, &plain)) {
		(void)err_set(err, ERR_SECRET,
		    "the token of account %s is sealed with another key. Run: "
		    "relais login %s",
		    s->account, s->account);
		ok = false;
	} else if (sealed != NULL) {
		buf_wipe(text);
		ok = buf_add(text, buf_str(&plain), buf_len(&plain));
	}
	json_decref(j);
	buf_wipe(&plain);
	return ok;
}

int
oauth_store_read(
    struct oauth_store *s, struct oauth_token *ret, struct err *err)
{
	struct buf text;
	int rc;

	*ret = (struct oauth_token) { 0 };
	buf_init(&text, FILE_MAX);
	rc = read_file(s, &text, err);
	if (rc == 0 && !open_seal(s, &text, err))
		rc = -1;
	if (rc == 0 && !oauth_token_parse(buf_bytes(&text), ret))
		rc = err_set(err, ERR_SECRET,
		    "the token file of account %s is damaged. Run: relais "
		    "login %s",
		    s->account, s->account);
	buf_wipe(&text);
	return rc < 0 ? -1 : 0;
}

static void
hold_signals(struct oauth_store *s)
{
	sigset_t set;

	(void)sigemptyset(&set); /* none of these can fail */
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, &s->signals);
	s->is_reserved = true;
}

int
oauth_store_reserve(struct oauth_store *s, struct err *err)
{
	int rc;

	if (!s->is_reserved)
		hold_signals(s);
	if (s->temp < 0)
		s->temp = openat(s->dir, s->temp_name,
		    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		    0600);
	if (s->temp < 0)
		return err_sys(err, "cannot write %s", s->name);
	rc = posix_fallocate(s->temp, 0, RESERVE);
	if (rc != 0 && rc != EOPNOTSUPP && rc != EINVAL) {
		errno = rc;
		return err_sys(err, "cannot write %s", s->name);
	}
	return 0;
}

/* In place of the blanks that reserved the room, and durable. */
static bool
fill(int fd, struct bytes b)
{
	return files_write_all(fd, b) == 0 && ftruncate(fd, (off_t)b.n) == 0 &&
	       fsync(fd) == 0;
}

int
oauth_store_write(
    struct oauth_store *s, const struct oauth_token *t, struct err *err)
{
	struct buf text, sealed;
	int rc = -1;

	if (oauth_store_reserve(s, err) != 0)
		return -1;
	buf_init(&text, FILE_MAX);
	buf_init(&sealed, FILE_MAX);
	if (!add_token(&text, t) ||
	    (s->is_sealed && !seal(s, buf_bytes(&text), &sealed)))
		(void)err_set(err, ERR_SECRET, "the tokens are too long");
	else if (!fill(s->temp, buf_bytes(s->is_sealed ? &sealed : &text)) ||
		 renameat(s->dir, s->temp_name, s->dir, s->name) != 0 ||
		 fsync(s->dir) != 0)
		(void)err_sys(err, "cannot write %s", s->name);
	else
		rc = 0;
	if (rc == 0) {
		(void)close(s->temp); /* synced */
		s->temp = -1;
	}
	buf_wipe(&text);
	buf_wipe(&sealed);
	return rc;
}
