#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""httpsd.py - a small web server for tests.

    httpsd.py ADDRESS PORT DIR [CERT KEY]

Serves DIR/HOST/PATH; a file PATH.redirect holds the address to go to instead.
Without a certificate it speaks plain HTTP.  Each request is a line of output.
"""
import http.server
import os
import ssl
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        host = self.headers.get("Host", "").split(":")[0]
        path = os.path.join(sys.argv[3], host, self.path.lstrip("/"))
        print("GET", host, self.path, flush=True)
        if os.path.isfile(path + ".redirect"):
            self.send_response(302)
            with open(path + ".redirect", encoding="ascii") as file:
                self.send_header("Location", file.read().strip())
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif os.path.isfile(path):
            with open(path, "rb") as file:
                body = file.read()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        else:
            self.send_error(404)

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(
    (sys.argv[1], int(sys.argv[2])), Handler)
if len(sys.argv) > 4:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[4], sys.argv[5])
    server.socket = context.wrap_socket(server.socket, server_side=True)
print("ready", flush=True)
server.serve_forever()
