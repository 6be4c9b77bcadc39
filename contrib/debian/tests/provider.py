# SPDX-License-Identifier: GPL-3.0-or-later
"""A provider on port 10465, which adds each message to the file mail.

provider.py FOLDER: with the files certificate and key.
"""

import ssl
import sys
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

FOLDER = sys.argv[1]


class Store:
    async def handle_DATA(self, server, session, envelope):
        with open(FOLDER + "/mail", "ab") as mail:
            mail.write(envelope.content)
        return "250 2.0.0 taken"


def authenticate(server, session, envelope, mechanism, login):
    good = (login.login, login.password) == (
        b"relay@example.org",
        b"only for this test",
    )
    return AuthResult(success=good, handled=False)


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(FOLDER + "/certificate", FOLDER + "/key")
Controller(
    Store(),
    hostname="127.0.0.1",
    port=10465,
    ssl_context=context,
    authenticator=authenticate,
    auth_required=True,
    # Here TLS comes before SMTP.
    auth_require_tls=False,
).start()
time.sleep(600)
