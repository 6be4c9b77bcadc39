#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A token server that can be as rude as they get.

token_server.py DIR PORT CERT KEY [WRONG_PORT WRONG_CERT WRONG_KEY]

https on 127.0.0.1:PORT, with these endpoints: /device, /authorize, /token and
/introspect, where mail servers ask about a token.  Each request to /token adds
a line to DIR/log: the grant, and what was answered.  DIR/mode says how it answers, read at each request; several
words are used up one by one, the last one stays:

  good       a new token, refresh tokens rotate; a second use of an old one
             kills the family, as strict servers do
  bad        likewise, but the SMTP server will not take the token
  same       no new refresh token, the old one stays valid
  none       no refresh token
  text       expires_in is a string;  short: it is 2 seconds;  long: 6,000 bytes
  wrong      an id_token of somebody else;  scope: the scope is missing
  pending slow denied policy ended     answers to a device code
  revoked    invalid_grant;  client: invalid_client;  server: server_error
  429        with Retry-After: 3;  html  503 with a page
  bom gzip   in front of the JSON, or all of it;  crlf: behind the tokens
  zero minus e30     as expires_in;  spaced: "3600 "
  useless    an access token that cannot be sent
  array deep page utf16 moved308     no answer at all, with 200 or 308
  words      invalid_grant with 60,000 bytes of description
  drip       a byte a second;  huge: 1 MB;  moved: a redirect to /elsewhere

The token that is good is the first line of DIR/good.  DIR/verdict is what
/introspect says of each token that was given out: active (also if the file is
missing), inactive, stranger (it is somebody else's), scope (it is for other
things), down (503).  DIR/who is the person at the browser, if it is not
relay@example.test.
"""
import base64, gzip, hashlib, json, os, ssl, sys, threading, time, urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

d, port = sys.argv[1], int(sys.argv[2])
lock = threading.Lock()
count = 0
live, used, given = set(), set(), set()
challenges = {}


def read(name):
    try:
        with open(os.path.join(d, name)) as f:
            return f.read()
    except FileNotFoundError:
        return ""


def mode():
    words = read("mode").split() or ["good"]
    if len(words) > 1:
        with open(os.path.join(d, "mode.new"), "w") as f:
            f.write(" ".join(words[1:]))
        os.rename(os.path.join(d, "mode.new"), os.path.join(d, "mode"))
    return words[0]


def person():
    return read("who").strip() or "relay@example.test"


def log(text):
    with open(os.path.join(d, "log"), "a") as f:
        f.write(text + "\n")


def b64(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def log_message(self, *args):
        pass

    def answer(self, status, value, headers=()):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, text in headers:
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)

    def error(self, name, status=400, text=""):
        self.answer(status, {"error": name, "error_description": text})

    # The page where a person signs in: the browser is sent on at once.
    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        q = dict(urllib.parse.parse_qsl(url.query))
        if url.path != "/authorize":
            return self.answer(404, {})
        code = "code/%d+x" % time.time_ns()
        challenges[code] = q["code_challenge"]
        assert q["code_challenge_method"] == "S256"
        how = mode()
        back = {"state": q["state"], "iss": "https://mail.example.test:%d" % port}
        if how == "denied":
            back["error"] = "access_denied"
        else:
            back["code"] = code
            # Microsoft's are this long and longer.
            back["session_state"] = "s" * 6000
        self.send_response(302)
        self.send_header(
            "Location", q["redirect_uri"] + "/?" + urllib.parse.urlencode(back))
        self.end_headers()

    def do_POST(self):
        n = int(self.headers.get("Content-Length", 0))
        form = dict(urllib.parse.parse_qsl(self.rfile.read(n).decode()))
        with lock:
            if self.path == "/device":
                self.device(form)
            elif self.path == "/token":
                self.token(form)
            elif self.path == "/introspect":
                self.introspect(form.get("token"))
            else:
                log("ELSEWHERE " + self.path)
                self.answer(404, {})

    def device(self, form):
        if form.get("client_id") != "relais-test":
            return self.error("invalid_client", 401)
        self.answer(200, {
            "device_code": "dc", "user_code": "KXR4-TP7N", "expires_in": 60,
            "interval": 1,
            "verification_uri": "https://mail.example.test:%d/enter" % port})

    def introspect(self, token):
        how = read("verdict").strip() or "active"
        if how == "down":
            return self.answer(503, b"<html>busy</html>")
        if token not in given or how == "inactive":
            return self.answer(200, {"active": False})
        who = "mallory@example.test" if how == "stranger" else person()
        self.answer(200, {
            "active": True, "email": who,
            "scope": "openid" if how == "scope" else "openid smtp.send"})

    def token(self, form):
        grant, how = form.get("grant_type", "").rsplit(":", 1)[-1], mode()
        log(grant + " " + how)
        rude = {
            "pending": lambda: self.error("authorization_pending"),
            "slow": lambda: self.error("slow_down"),
            "denied": lambda: self.error("access_denied"),
            "policy": lambda: self.error(
                "invalid_grant", 400, "AADSTS53003: Access has been blocked by "
                "Conditional Access policies.\r\nTrace ID: 0-1"),
            "ended": lambda: self.error("expired_token"),
            "revoked": lambda: self.error(
                "invalid_grant", 400, "AADSTS50173: The grant has expired due "
                "to it being revoked. Trace ID: 0-1 Correlation ID: 2"),
            "client": lambda: self.error(
                "invalid_client", 401, "AADSTS7000222: secret keys expired"),
            "server": lambda: self.error("server_error", 500),
            "429": lambda: self.answer(429, {}, [("Retry-After", "3")]),
            "html": lambda: self.answer(503, b"<html>busy</html>"),
            "huge": lambda: self.answer(200, b"{" + b" " * 1000000),
            "moved": lambda: self.answer(
                307, {}, [("Location", "/elsewhere")]),
            "moved308": lambda: self.answer(
                308, {}, [("Location", "/elsewhere")]),
            "page": lambda: self.answer(200, b"<html>sign in</html>"),
            "array": lambda: self.answer(200, [{"access_token": "x"}]),
            "deep": lambda: self.answer(200, b'{"a":' * 30000 + b"1"),
            "utf16": lambda: self.answer(
                200, '{"access_token": "x"}'.encode("utf-16")),
            "words": lambda: self.error("invalid_grant", 400, "w" * 60000),
            "drip": self.drip,
        }.get(how)
        if rude:
            return rude()
        if grant == "authorization_code":
            want = challenges.pop(form["code"], None)
            made = b64(hashlib.sha256(form["code_verifier"].encode()).digest())
            if want != made:
                return self.error("invalid_grant", 400, "PKCE")
        elif grant == "refresh_token":
            old = form["refresh_token"]
            if old in used:
                live.clear()  # reuse: the whole family is dead
                log("REUSE")
            if old not in live:
                return self.error("invalid_grant", 400, "unknown or used")
            if "scope" not in form:
                return self.error("invalid_request", 400, "AADSTS900144")
            if how != "same":
                live.discard(old)
                used.add(old)
        elif grant not in ("device_code", "client_credentials", "jwt-bearer"):
            return self.error("unsupported_grant_type")
        if grant == "client_credentials" and form.get("client_secret") != "cs":
            return self.error("invalid_client", 401, "AADSTS7000215: Invalid "
                              "client secret provided.")
        if grant == "jwt-bearer":
            with open(os.path.join(d, "assertion"), "w") as f:
                f.write(form["assertion"])
        self.grant(grant, how, form)

    def grant(self, grant, how, form):
        global count
        count += 1
        good = read("good").split("\n")[0]
        a = {"access_token": "bad-%d" % count if how == "bad" else good,
             "token_type": "Bearer", "expires_in": 3600,
             "scope": form.get("scope", "smtp.send offline_access")}
        if grant not in ("client_credentials", "jwt-bearer"):
            a["refresh_token"] = "rt-%d-%s" % (count, "r" * 40)
        if how == "none":
            a.pop("refresh_token", None)
        if how == "same" and grant == "refresh_token":
            del a["refresh_token"]
        if how == "long":
            a["access_token"] += "l" * (6000 - len(good))
        if how == "text":
            a["expires_in"] = "3600"
        if how == "short":
            a["expires_in"] = 2
        if how == "scope":
            a["scope"] = "openid"
        if how in ("zero", "minus", "e30", "spaced"):
            a["expires_in"] = {"zero": 0, "minus": -1, "e30": 1e30,
                               "spaced": "3600 "}[how]
        if how == "useless":
            a["access_token"] = "two words\n and more"
        who = "mallory@example.test" if how == "wrong" else person()
        a["id_token"] = "e30.%s.x" % b64(json.dumps({"email": who}).encode())
        if how != "bad":
            given.add(a["access_token"])
        if "refresh_token" in a:
            live.add(a["refresh_token"])
        if how == "crlf":
            a["access_token"] += "\r\n"
            a["refresh_token"] += "\n"
        if how == "bom":
            return self.answer(200, b"\xef\xbb\xbf" + json.dumps(a).encode())
        if how == "gzip":
            return self.answer(200, gzip.compress(json.dumps(a).encode()),
                               [("Content-Encoding", "gzip")])
        self.answer(200, a)

    def drip(self):
        self.send_response(200)
        self.end_headers()
        for _ in range(100):
            self.wfile.write(b" ")
            self.wfile.flush()
            time.sleep(1)


def serve(at, cert, key):
    s = ThreadingHTTPServer(("127.0.0.1", at), Handler)
    s.daemon_threads = True
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ctx.load_cert_chain(cert, key)
    s.socket = ctx.wrap_socket(s.socket, server_side=True)
    threading.Thread(target=s.serve_forever, daemon=True).start()


serve(port, *sys.argv[3:5])
if len(sys.argv) > 5:
    serve(int(sys.argv[5]), *sys.argv[6:8])
print("ready", flush=True)
threading.Event().wait()
